"""Agree: how far the people who labelled a dataset agree, and who worked in haste."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.annotate import rows
from rushes.annotate.agreement.agree import Overlap, agree, overlapping
from rushes.annotate.agreement.figures import Agreement
from rushes.annotate.agreement.haste import Flag, Haste, flags, haste
from rushes.annotate.agreement.pairs import Unit, unit_of
from rushes.errors import UsageError
from rushes.labels import Label, LabelEvent
from rushes.store import Store
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.versions import author_of, by_annotator, living, units_of

FEW_RECORDINGS = 5
"""A bootstrap over fewer says next to nothing of recordings that were not labelled."""
_COMPARED = frozenset(
    ("box", "rotated_box", "polygon", "mask", "keypoints", "segment", "track", "relation", "class")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The outcome.

    Args:
        figures: All together, by author, by pair; kind by kind and class by class.
        overlaps: What every two authors have both looked at; pairs without are left out.
        recordings: That any two have both looked at.
        not_compared: Labels of kinds that nothing compares yet, by kind.
    """

    figures: Sequence[Agreement]
    overlaps: Sequence[Overlap]
    haste: Sequence[Haste]
    flags: Sequence[Flag]
    authors: Sequence[str]
    recordings: int
    not_compared: Mapping[str, int]
    revision: int


def agree_on(dataset: Path, *, iou: float = 0.5, at: int | str | None = None) -> Agreed:
    """Compare what people labelled, where at least two have looked; adjudicators are not compared.

    Raises:
        UsageError: ``labels.authors`` if fewer than two people labelled anything, ``labels.no-overlap`` if no two
            of them the same.
        RecipeError: ``ontology.absent`` if the dataset has no ontology.
        StoreError: If the dataset cannot be opened.
    """
    store = Store.open(dataset, at=at)
    ontology = vocabulary.needed(store)
    stored = rows.labels_of(store.table("labels", where={"source": "human"}).to_pylist())
    labels = by_annotator(stored)
    events = rows.events_of(store.table("label_events").to_pylist())
    newest = living(events)
    seen = seen_by(newest)
    authors = sorted({*seen, *(label.author for label in labels if label.author)})
    if len(authors) < 2:
        raise UsageError(
            f"{dataset}: {len(authors)} of its authors labelled anything, and one cannot disagree",
            code="labels.authors",
            hint="rushes annotate push --annotators A,B --overlap 0.2 gives some frames to two people",
        )
    overlaps = overlapping(labels, seen=seen)
    if not overlaps:
        raise UsageError(
            f"{dataset}: {', '.join(authors)} have labelled nothing that another has",
            code="labels.no-overlap",
            hint="rushes annotate push --annotators A,B --overlap 0.2 gives some frames to two people",
        )
    shared = _shared(labels, seen)
    return Agreed(
        figures=agree(labels, ontology, seen=seen, iou=iou),
        overlaps=overlaps,
        haste=haste(stored, [event for event in events if event.tool != "consensus"]),
        flags=flags(stored, newest),
        authors=authors,
        recordings=len({unit[0] for unit in shared}),
        not_compared=Counter(label.kind for label in labels if label.kind not in _COMPARED),
        revision=store.revision,
    )


def seen_by(newest: Iterable[LabelEvent]) -> dict[str, frozenset[Unit]]:
    """Give what each annotator has looked at, whether anything was labelled there or not.

    Args:
        newest: The newest version of every annotation.
    """
    seen: dict[str, set[Unit]] = defaultdict(set)
    for event in newest:
        author = author_of(event)
        if event.role is None and author is not None and event.tool != "consensus":
            seen[author] |= units_of(event)
    return {author: frozenset(units) for author, units in seen.items()}


def _shared(labels: Iterable[Label], seen: Mapping[str, frozenset[Unit]]) -> set[Unit]:
    """Give the items that at least two authors have looked at."""
    looked: dict[str, set[Unit]] = defaultdict(set)
    for author, units in seen.items():
        looked[author] |= units
    for label in labels:
        looked[label.author or ""].add(unit_of(label))
    counts = Counter(unit for units in looked.values() for unit in units)
    return {unit for unit, count in counts.items() if count > 1}
