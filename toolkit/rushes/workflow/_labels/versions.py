"""People's versions of what was labelled: the newest of every annotation, and what each of them was about."""

import json
from collections.abc import Iterable
from dataclasses import replace

from rushes.annotate.agreement.pairs import Unit
from rushes.labels import Label, LabelEvent
from rushes.workflow._labels.choosing import frame_of


def living(events: Iterable[LabelEvent]) -> list[LabelEvent]:
    """Keep the newest version of every annotation of people, but for what was deleted or skipped.

    Args:
        events: In the order in which they were stored.
    """
    last: dict[tuple[str | None, ...], LabelEvent] = {}
    for event in events:
        if event.action in ("created", "updated", "deleted"):
            last[event.server, event.project, event.task, event.annotation] = event
    return [event for event in last.values() if event.action != "deleted" and not event.cancelled]


def units_of(event: LabelEvent) -> frozenset[Unit]:
    """Say what a version is about: a picture, those of a moment, or the stream of a clip."""
    shown = json.loads(event.task_data).get("shown") if event.task_data else None
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
