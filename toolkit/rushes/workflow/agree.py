"""Agree: how far the people who labelled a dataset agree, and who worked in haste."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.annotate import rows
from rushes.annotate.agreement.agree import Agreement, Unit, agree
from rushes.annotate.agreement.consensus import Haste, haste
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.choosing import looked_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The outcome; figures by pair of authors, kind and class."""

    figures: Sequence[Agreement]
    haste: Sequence[Haste]
    authors: Sequence[str]
    revision: int


def agree_on(dataset: Path, *, iou: float = 0.5, at: int | str | None = None) -> Agreed:
    """Compare what people labelled, two by two, where both have looked.

    Raises:
        UsageError: ``labels.authors`` if fewer than two people labelled anything.
        RecipeError: ``ontology.absent`` if the dataset has no ontology.
        StoreError: If the dataset cannot be opened.
    """
    store = Store.open(dataset, at=at)
    ontology = vocabulary.needed(store)
    labels = rows.labels_of(store.table("labels", where={"source": "human"}).to_pylist())
    authors = sorted({label.author for label in labels if label.author is not None})
    if len(authors) < 2:
        raise UsageError(
            f"{dataset}: {len(authors)} of its authors labelled anything, and one cannot disagree",
            code="labels.authors",
            hint="have a second person label some of the same frames, then rushes annotate pull",
        )
    seen: dict[str, set[Unit]] = defaultdict(set)
    for by_author in looked_at(store).values():
        for author, frames in by_author.items():
            if author is not None:
                seen[author] |= frames
                seen[author] |= {(recording, stream, None) for recording, stream, _ in frames}
    looked = {author: frozenset(units) for author, units in seen.items()}
    events = rows.events_of(store.table("label_events").to_pylist())
    return Agreed(
        figures=agree(labels, ontology, seen=looked, iou=iou),
        haste=haste(labels, events),
        authors=authors,
        revision=store.revision,
    )
