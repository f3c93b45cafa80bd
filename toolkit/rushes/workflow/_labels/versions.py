"""People's versions of what was labelled: the newest of every annotation, and what each of them was about."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rushes.annotate import edits
from rushes.annotate.agreement.pairs import Unit
from rushes.labels import Label, LabelEvent
from rushes.workflow._labels.choosing import frame_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What one person says of an item: the newest version of their annotation, and its labels."""

    author: str
    event: LabelEvent
    labels: Sequence[Label]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What was labelled with one template, and every person's version of it.

    Args:
        key: Of its task.
        data: Of its task, as the newest version saw it.
        versions: In the order of the authors' names.
        settled: Whether an adjudicator has spoken.
    """

    template: str
    key: str
    data: Mapping[str, Any]
    versions: Sequence[Version]
    settled: bool

    @property
    def units(self) -> frozenset[Unit]:
        """What it is about."""
        return frozenset().union(*(units_of(version.event) for version in self.versions))


def items_of(events: Sequence[LabelEvent], labels: Iterable[Label]) -> list[Item]:
    """Gather what people labelled, item by item, in the order of templates and keys.

    Of several annotations of one author the newest counts. Tasks of others, without a key, are left out.

    Args:
        events: All, in the order in which they were stored.
        labels: All of people.
    """
    annotation_of = {event.event_id: _annotation(event) for event in events}
    held: dict[tuple[str | None, ...], list[Label]] = {}
    for label in labels:
        if label.event_id in annotation_of:
            held.setdefault(annotation_of[label.event_id], []).append(label)
    newest: dict[tuple[str, str], dict[str, LabelEvent]] = {}
    settled: set[tuple[str, str]] = set()
    for event in sorted(living(events), key=lambda event: event.updated_ns or 0):
        author = author_of(event)
        if event.task_key is None or author is None:
            continue
        place = (str(_data(event).get("template", "")), event.task_key)
        if event.role == "adjudicate":
            settled.add(place)
        else:
            newest.setdefault(place, {})[author] = event
    return [
        Item(
            template=place[0],
            key=place[1],
            data=_data(max(mine.values(), key=lambda event: event.updated_ns or 0)),
            versions=[
                Version(author=author, event=event, labels=held.get(_annotation(event), []))
                for author, event in sorted(mine.items())
            ],
            settled=place in settled,
        )
        for place, mine in sorted(newest.items())
    ]


def living(events: Iterable[LabelEvent]) -> list[LabelEvent]:
    """Keep the newest version of every annotation of people, but for what was deleted or skipped.

    Args:
        events: In the order in which they were stored.
    """
    last: dict[tuple[str | None, ...], LabelEvent] = {}
    for event in events:
        if event.action in ("created", "updated", "deleted") and event.tool != edits.TOOL:
            last[_annotation(event)] = event
    return [event for event in last.values() if event.action != "deleted" and not event.cancelled]


def units_of(event: LabelEvent) -> frozenset[Unit]:
    """Say what a version is about: a picture, those of a moment, or the stream of a clip."""
    shown = _data(event).get("shown")
    if shown:
        return frozenset(
            (each["recording_id"], each["stream"], None if each.get("index_end") else each["index"])
            for each in shown.values()
        )
    frame = frame_of(event.task_key)
    return frozenset([frame]) if frame else frozenset()


def author_of(thing: Label | LabelEvent) -> str | None:
    """Name who made it: whom the plan gave it to, else the account."""
    return thing.annotator or thing.author


def by_annotator(labels: Iterable[Label]) -> list[Label]:
    """Give the labels that annotators drew, each under the name of :func:`author_of`; no adjudicator's."""
    return [
        replace(label, author=author_of(label))
        for label in labels
        if label.source == "human" and label.role is None and author_of(label) is not None
    ]


def _annotation(event: LabelEvent) -> tuple[str | None, ...]:
    return event.server, event.project, event.task, event.annotation


def _data(event: LabelEvent) -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(event.task_data) if event.task_data else {}
    return data
