"""Evaluate: COCO's metrics of one source of labels against another, on the frames that both have looked at."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes import ontology as ontologies
from rushes.annotate import rows
from rushes.annotate.evaluation import Metrics, Pair, What, evaluate
from rushes.errors import UsageError
from rushes.labels import Label
from rushes.store import Store
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.choosing import Chosen, Frame, frames_of, looked_at
from rushes.workflow._labels.truth import truth_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The outcome.

    Args:
        frames: That both sources have looked at.
        only_truth, only_predicted: Frames that one source alone has looked at; they do not count.
    """

    mean: Metrics
    classes: Sequence[Metrics]
    frames: int
    only_truth: int
    only_predicted: int
    revision: int


def evaluate_sources(
    dataset: Path,
    *,
    truth: Chosen,
    predicted: Chosen,
    what: What = "box",
    at_score: float = 0.0,
    at: int | str | None = None,
) -> Evaluated:
    """Hold predictions against the truth.

    Raises:
        UsageError: ``labels.none`` if a source has no labels of that kind, or no frame was looked at by both.
        StoreError: If the dataset cannot be opened.
    """
    store = Store.open(dataset, at=at)
    labels = rows.labels_of(store.table("labels").to_pylist())
    stands = truth_of(store).stands
    sides = [[label for label in labels if side.takes(label, stands)] for side in (truth, predicted)]
    seen = looked_at(store)
    looked = [_frames(side, mine, seen) for side, mine in zip((truth, predicted), sides, strict=True)]
    both = sorted(looked[0] & looked[1])
    if not both:
        raise UsageError(
            f"{dataset}: no frame is in both: {len(looked[0])} are in the truth, {len(looked[1])} are predicted",
            code="labels.none",
            hint=f"rushes query {dataset} 'select source, tool, author, count(*) from labels group by all'",
        )
    by_frame = [_by_frame(mine) for mine in sides]
    pairs = [Pair(truth=by_frame[0][frame], predicted=by_frame[1][frame]) for frame in both]
    names = sorted({label.class_name for label in labels if label.class_name})
    ontology = vocabulary.of_dataset(store) or ontologies.from_classes("labels", names)
    mean, classes = evaluate(pairs, what, ontology, at_score=at_score)
    if not mean.truths:
        raise UsageError(
            f"{dataset}: the truth has no labels of kind '{what}' there",
            code="labels.none",
            hint=f"rushes query {dataset} 'select source, tool, kind, count(*) from labels group by all'",
        )
    return Evaluated(
        mean=mean,
        classes=classes,
        frames=len(both),
        only_truth=len(looked[0] - looked[1]),
        only_predicted=len(looked[1] - looked[0]),
        revision=store.revision,
    )


def _frames(
    side: Chosen, labels: Sequence[Label], seen: Mapping[str, Mapping[str | None, frozenset[Frame]]]
) -> frozenset[Frame]:
    """Give what a source has looked at: where its labels lie, and where its tools said that there is nothing."""
    found = set(frames_of(labels))
    tools = {label.tool for label in labels} | {side.tool}
    for tool in tools:
        for author, frames in seen.get(tool or "", {}).items():
            if side.author in (None, author):
                found |= frames
    return frozenset(found)


def _by_frame(labels: Sequence[Label]) -> defaultdict[Frame, list[Label]]:
    found: defaultdict[Frame, list[Label]] = defaultdict(list)
    for label in labels:
        if label.stream is not None and label.index is not None:
            found[label.recording_id, label.stream, label.index].append(label)
    return found
