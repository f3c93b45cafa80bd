"""Labels that were hardly looked at: taken over as a model drew them, or given in next to no time."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from rushes.labels import Label, LabelEvent

HASTY_S = 1.0
"""Nobody reads a picture and decides in less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Haste:
    """How an author worked.

    Args:
        labels: That the author gave.
        unchanged: Of these, predictions that were taken over as they were.
        annotations: Versions whose time is known.
        hasty: Of these, done in less than ``HASTY_S`` altogether.
        hasty_each: Of these, done in less than ``HASTY_S`` for each label that they hold.
    """

    author: str
    labels: int
    unchanged: int
    annotations: int
    hasty: int
    hasty_each: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One annotation that a person should look at.

    Args:
        item: Key of its task.
        labels: That it holds; ``unchanged`` of these are predictions that were taken over as they were.
        lead_time_s: How long the author worked on it; None where that is not known.
        why: ``unchanged``, where all of it was taken over; ``hasty``, where it took less than ``HASTY_S``, or less
            than that for each label.
    """

    author: str
    item: str
    labels: int
    unchanged: int
    lead_time_s: float | None
    why: tuple[str, ...]


def haste(labels: Iterable[Label], events: Iterable[LabelEvent]) -> list[Haste]:
    """Count, author by author, what was taken over unchanged or done in no time; in alphabetical order.

    Args:
        labels: Current ones; those of people count.
        events: All versions of people's annotations.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    resting: Counter[str | None] = Counter()
    for label in labels:
        if label.source == "human":
            counts[_who(label)].update(labels=1, unchanged=label.origin == "prediction")
            resting[label.event_id] += 1
    for event in events:
        if event.action in ("created", "updated") and event.lead_time_s is not None:
            each = event.lead_time_s / max(1, resting[event.event_id])
            counts[_who(event)].update(annotations=1, hasty=event.lead_time_s < HASTY_S, hasty_each=each < HASTY_S)
    names = ("labels", "unchanged", "annotations", "hasty", "hasty_each")
    return [Haste(author=author, **{name: counts[author][name] for name in names}) for author in sorted(counts)]


def flags(labels: Iterable[Label], events: Iterable[LabelEvent]) -> list[Flag]:
    """Name the annotations that were hardly looked at, by author and item.

    Args:
        labels: Current ones.
        events: The newest version of every annotation.
    """
    mine: dict[str | None, list[Label]] = defaultdict(list)
    for label in labels:
        if label.source == "human":
            mine[label.event_id].append(label)
    found = []
    for event in events:
        held = mine.get(event.event_id, [])
        unchanged = sum(label.origin == "prediction" for label in held)
        why = ("unchanged",) if held and unchanged == len(held) else ()
        if event.lead_time_s is not None and event.lead_time_s < HASTY_S * max(1, len(held)):
            why = (*why, "hasty")
        if why:
            found.append(
                Flag(
                    author=_who(event),
                    item=event.task_key or f"task {event.task}",
                    labels=len(held),
                    unchanged=unchanged,
                    lead_time_s=event.lead_time_s,
                    why=why,
                )
            )
    return sorted(found, key=lambda flag: (flag.author, flag.item))


def _who(thing: Label | LabelEvent) -> str:
    return thing.annotator or thing.author or ""
