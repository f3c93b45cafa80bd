"""How far the annotation of a dataset is: its frames by state, who made what, and how far people agree."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rushes.annotate import rows
from rushes.annotate.agreement.figures import Agreement
from rushes.annotate.agreement.pairs import Unit
from rushes.browse.desk import Annotation, AuthorOf, Figure
from rushes.errors import RushesError
from rushes.labels import LabelEvent
from rushes.workflow._labels.choosing import frame_of
from rushes.workflow._labels.truth import Truth, truth_of
from rushes.workflow._labels.versions import author_of, living, units_of
from rushes.workflow.agree import agree_on
from rushes.workflow.dataset import Dataset

STATES = ("labelled", "in review", "given out", "predicted", "unlabelled")
"""In review: several people's versions that nobody has settled, or an open conflict."""

_PICTURES = "SELECT recording_id, stream, count(*) FROM frames WHERE media_id IS NOT NULL GROUP BY ALL"

MEASURES = {
    "f1": "found by both (F1)",
    "iou": "overlap of what matches (IoU)",
    "oks": "likeness of what matches (OKS)",
    "boundary_s": "ends off by, s",
    "alpha": "beyond chance (Krippendorff's alpha)",
    "kappa": "beyond chance (Cohen's kappa)",
    "fleiss": "beyond chance (Fleiss' kappa)",
}


def annotation_of(dataset: Dataset) -> Annotation:
    """Read labels, their versions, plans and conflicts; compare people where two have looked at the same."""
    truth = truth_of(dataset.store)
    labels = _labels(dataset)
    events = living(rows.events_of(dataset.arrow("label_events").to_pylist()))
    agreement, reason = _agreement(dataset) if events or labels else ([], "")
    return Annotation(
        states=_states(dataset, labels, events, truth),
        authors=_authors(labels, events),
        classes=dict(
            Counter(
                row["class_name"] for row in labels if row["class_name"] and row["label_id"] in truth.stands
            ).most_common()
        ),
        agreement=agreement,
        reason=reason,
    )


def _labels(dataset: Dataset) -> list[dict[str, Any]]:
    columns = [
        "label_id", "recording_id", "stream", "index", "index_end", "class_name", "source", "tool", "author",
        "annotator", "updated_ns", "kind",
    ]  # fmt: skip
    found: list[dict[str, Any]] = dataset.arrow("labels", columns=columns).to_pylist()
    return found


def _states(
    dataset: Dataset, labels: Iterable[Mapping[str, Any]], events: Sequence[LabelEvent], truth: Truth
) -> dict[str, int]:
    _, held = dataset.store.rows(_PICTURES)
    counts = {(recording, stream): count for recording, stream, count in held}
    unsettled = set(truth.unsettled)
    conflicts = dataset.arrow(
        "label_conflicts", columns=["recording_id", "stream", "index"], where={"state": "open"}
    ).to_pylist()
    plans = dataset.arrow("annotation_plans", columns=["task_key"])["task_key"].to_pylist()
    units: dict[str, set[Unit]] = {state: set() for state in STATES}
    for label in labels:
        unit = label["recording_id"], label["stream"], None if label["index_end"] else label["index"]
        if label["label_id"] in truth.stands:
            units["labelled"].add(unit)
        elif label["label_id"] in truth.proposed:
            units["predicted"].add(unit)
    for event in events:
        units["in review" if event.task_key in unsettled else "labelled"] |= units_of(event)
    units["in review"] |= {(row["recording_id"], row["stream"], row["index"]) for row in conflicts}
    units["given out"] = {frame for key in plans if (frame := frame_of(key)) is not None}
    found: Counter[str] = Counter()
    seen: dict[tuple[str, str], set[int]] = {place: set() for place in counts}
    for state in ("in review", "labelled", "given out", "predicted"):
        for recording, stream, index in units[state]:
            place = recording, stream or ""
            if place not in counts:
                continue
            if index is None:  # all that is left of the stream, which is then done with
                found[state] += counts.pop(place) - len(seen[place])
            elif index not in seen[place]:
                seen[place].add(index)
                found[state] += 1
    found["unlabelled"] = sum(count - len(seen[place]) for place, count in counts.items())
    return {state: found[state] for state in STATES}


def _authors(labels: Iterable[Mapping[str, Any]], events: Iterable[LabelEvent]) -> list[AuthorOf]:
    """Give people and models by what they made, the busiest first; imported labels stand under their format."""
    made: Counter[tuple[str, str]] = Counter()
    newest: dict[tuple[str, str], int] = defaultdict(int)
    items: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for label in labels:
        author = label["annotator"] or label["author"] or label["tool"] or "unknown"
        key = author, label["source"]
        made[key] += 1
        newest[key] = max(newest[key], label["updated_ns"] or 0)
        items[key].add((label["recording_id"], label["stream"], label["index"]))
    for event in events:
        key = author_of(event) or event.tool, "consensus" if event.tool == "consensus" else "human"
        items[key] |= units_of(event)
        newest[key] = max(newest[key], event.updated_ns or 0)
    order = sorted(items, key=lambda key: (-made[key], key))
    return [
        AuthorOf(
            author=key[0], source=key[1], items=len(items[key]), labels=made[key], newest_ns=newest[key] or None
        )
        for key in order
    ]


def _agreement(dataset: Dataset) -> tuple[list[Figure], str]:
    try:
        done = agree_on(dataset.path, at=dataset.revision)
    except RushesError as error:
        return [], error.message.removeprefix(f"{dataset.path}: ")
    whole = "all" if any(each.scope == "all" and each.measure == "f1" for each in done.figures) else "pair"
    return [_figure(each) for each in done.figures if each.scope == whole and not each.class_name], ""


def _figure(each: Agreement) -> Figure:
    return Figure(
        what=each.kind,
        between=" · ".join(each.authors),
        measure=MEASURES[each.measure],
        value=None if math.isnan(each.value) else each.value,
        count=each.count,
    )
