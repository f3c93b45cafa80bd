"""History of labels: what differs between two revisions, and who made every label what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from rushes.annotate.rows import events_of, labels_of
from rushes.labels import Label, LabelEvent
from rushes.store import Store

_UNIMPORTANT = frozenset({"label_id", "event_id", "updated_ns", "created_ns", "received", "author", "score"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A label that differs between two revisions.

    Args:
        what: added, removed or changed.
        label: As it is, or as it was where it is removed.
        fields: Names of what differs, where it is changed.
        author: Who made the present version; who made the last one where it is removed.
    """

    what: Literal["added", "removed", "changed"]
    label: Label
    fields: Sequence[str]
    author: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A version of an annotation: who did what, when.

    Args:
        labels: How many of today's labels were read from it; 0 for one that is over.
    """

    event: LabelEvent
    labels: int


def diff(path: Path, *, since: int | str, until: int | str | None = None) -> list[Change]:
    """Say which labels were added, removed or changed between two revisions.

    A label is told by its id, which stays with it when it is drawn anew. When it was made, read or scored is no
    difference.

    Args:
        path: The dataset.
        since: Revision or tag to start from.
        until: Revision or tag to end at; the newest when None.

    Raises:
        StoreError: ``store.no-revision``, ``store.vacuumed``.
    """
    newest = Store.open(path, at=until)
    before = {label.label_id: label for label in _labels(Store.open(path, at=since))}
    after = {label.label_id: label for label in _labels(newest)}
    rows = newest.table("label_events", columns=["event_id", "author"]).to_pylist()
    authors = {row["event_id"]: row["author"] for row in rows}
    found: list[Change] = []
    for name, label in after.items():
        if name not in before:
            found.append(Change(what="added", label=label, fields=(), author=_author(label, authors)))
        elif differing := _differing(before[name], label):
            found.append(Change(what="changed", label=label, fields=differing, author=_author(label, authors)))
    found += [
        Change(what="removed", label=label, fields=(), author=label.author)
        for name, label in before.items()
        if name not in after
    ]
    return sorted(found, key=_place)


def blame(path: Path, *, where: dict[str, Any] | None = None, at: int | str | None = None) -> list[Line]:
    """Give every version of every annotation in the order of its making, with the labels that rest on it today.

    Args:
        path: The dataset.
        where: Columns of ``label_events`` and the values that they may have.
        at: Revision or tag; the newest when None.
    """
    store = Store.open(path, at=at)
    resting: dict[str, int] = {}
    for name in store.table("labels", columns=["event_id"])["event_id"].to_pylist():
        resting[name] = resting.get(name, 0) + 1
    events = events_of(store.table("label_events", where=where).to_pylist())
    # Of one annotation the order of arrival holds: a deletion bears the time of the version that it ends.
    return [Line(event=event, labels=resting.get(event.event_id, 0)) for event in sorted(events, key=_received)]


def _labels(store: Store) -> list[Label]:
    return labels_of(store.table("labels").to_pylist())


def _differing(before: Label, after: Label) -> list[str]:
    names = (field.name for field in fields(Label) if field.name not in _UNIMPORTANT)
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _author(label: Label, authors: Mapping[str, str | None]) -> str | None:
    """Give who made a version: of an edited label not who drew it, but who edited it."""
    return authors.get(label.event_id or "") or label.author


def _place(change: Change) -> tuple[str, str, int, str]:
    label = change.label
    return (label.recording_id, label.stream or "", label.index or 0, label.label_id)


def _received(event: LabelEvent) -> tuple[int, int]:
    return event.received_ns, event.updated_ns or 0
