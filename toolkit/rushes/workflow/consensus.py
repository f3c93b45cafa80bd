"""Consensus: what several people say of the same frames together, as labels of their own that stand for theirs."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rushes.annotate import rows
from rushes.annotate.agreement import consensus as merging
from rushes.errors import UsageError
from rushes.labels import Label, LabelEvent
from rushes.store import Store
from rushes.texts import as_json
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.versions import Item, items_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How versions are merged.

    Args:
        iou: Least likeness of two labels that mean the same.
        quorum: How many must have drawn it; more than half of those who looked when None.
    """

    iou: float = 0.5
    quorum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The outcome.

    Args:
        items: That several people have labelled.
        new, changed, same, gone: Consensus of items: made, made anew, as it was, and taken back as only one
            version is left.
        labels: Merged ones, of all items.
        dropped: People's labels that too few others share.
        settled: Of the items, those that an adjudicator has settled: what was adjudicated stands there.
    """

    items: int
    new: int
    changed: int
    same: int
    gone: int
    labels: int
    dropped: int
    settled: int
    revision: int


def consensus(dataset: Path, settings: Settings, *, argv: Sequence[str] = (), dry_run: bool = False) -> Merged:
    """Merge people's versions, item by item; again without a change writes nothing.

    Each consensus is a row of ``label_events`` that names the versions and the labels it was made of.

    Raises:
        UsageError: ``labels.no-overlap`` if no two people labelled the same.
        RecipeError: ``ontology.absent``.
        StoreError: If the dataset cannot be opened.
    """
    store = Store.open(dataset)
    ontology = vocabulary.needed(store)
    events = rows.events_of(store.table("label_events").to_pylist())
    labels = rows.labels_of(store.table("labels", where={"source": "human"}).to_pylist())
    items = [item for item in items_of(events, labels) if len(item.versions) > 1]
    before = _before(events)
    if not items and not any(event.tool == merging.TOOL for event in events):
        raise UsageError(
            f"{dataset}: nobody has labelled what another has",
            code="labels.no-overlap",
            hint="rushes annotate push --annotators A,B --overlap 0.2 gives some frames to two people",
        )
    now = time.time_ns()
    new: list[LabelEvent] = []
    made: list[Label] = []
    count = dropped = 0
    for item in items:
        merged = merging.merge(
            [version.labels for version in item.versions],
            ontology,
            scope=f"{item.template}/{item.key}",
            at_least=settings.iou,
            quorum=settings.quorum,
        )
        event = _event(item, merged, settings, before.get((item.template, item.key)), now)
        count += len(merged.labels)
        dropped += len(merged.dropped)
        if event is not None:
            new.append(event)
            made += [replace(label, event_id=event.event_id) for label in merged.labels]
    there = {(item.template, item.key) for item in items}
    over = [event for place, event in before.items() if place not in there]
    gone = [_deleted(event, now) for event in over]
    changed = sum((event.project or "", event.task_key or "") in before for event in new)
    revision = store.revision
    if (new or gone) and not dry_run:
        outdated = [before[place].event_id for place in before if place not in there]
        outdated += [before[place].event_id for place in _places(new) if place in before]
        revision = _commit(store, [*new, *gone], made, outdated, argv)
    return Merged(
        items=len(items),
        new=len(new) - changed,
        changed=changed,
        same=len(items) - len(new),
        gone=len(gone),
        labels=count,
        dropped=dropped,
        settled=sum(item.settled for item in items),
        revision=revision,
    )


def _before(events: Sequence[LabelEvent]) -> dict[tuple[str, str], LabelEvent]:
    """Give the consensus that each item has, by template and key."""
    last: dict[tuple[str, str], LabelEvent] = {}
    for event in events:
        if event.tool == merging.TOOL:
            last[event.project or "", event.task_key or ""] = event
    return {place: event for place, event in last.items() if event.action != "deleted"}


def _places(events: Sequence[LabelEvent]) -> list[tuple[str, str]]:
    return [(event.project or "", event.task_key or "") for event in events]


def _event(
    item: Item, merged: merging.Merged, settings: Settings, before: LabelEvent | None, now: int
) -> LabelEvent | None:
    """Give the version of the consensus; None where it is the one that is there."""
    said = {
        "of": {version.author: version.event.event_id for version in item.versions},
        "labels": {name: list(members) for name, members in sorted(merged.members.items())},
        "dropped": sorted(merged.dropped),
        "iou": settings.iou,
        "quorum": settings.quorum,
    }
    if before is not None and _same(json.loads(before.payload), said):
        return None
    # What was there before is named too, so that a consensus that comes again is another version.
    payload = as_json(said | {"after": before.event_id if before else None})
    newest = max((version.event for version in item.versions), key=lambda event: event.updated_ns or 0)
    return LabelEvent(
        event_id=rows.event_id(
            tool=merging.TOOL,
            project=item.template,
            task=item.key,
            annotation=merging.TOOL,
            action="merged",
            updated_ns=None,
            payload=payload,
        ),
        action="merged",
        tool=merging.TOOL,
        payload=payload,
        received_ns=now,
        project=item.template,
        task=item.key,
        annotation=merging.TOOL,
        task_key=item.key,
        task_data=newest.task_data,
        recording_id=newest.recording_id,
        created_ns=before.created_ns if before else now,
        updated_ns=now,
    )


def _same(before: Mapping[str, object], now: Mapping[str, object]) -> bool:
    return all(before.get(name) == value for name, value in now.items())


def _deleted(event: LabelEvent, now: int) -> LabelEvent:
    name = rows.event_id(
        tool=merging.TOOL,
        project=event.project,
        task=event.task,
        annotation=event.annotation,
        action="deleted",
        updated_ns=None,
        payload=event.event_id,
    )
    return replace(event, event_id=name, action="deleted", received_ns=now, updated_ns=now)


def _commit(
    store: Store,
    events: Sequence[LabelEvent],
    labels: Sequence[Label],
    outdated: Sequence[str],
    argv: Sequence[str],
) -> int:
    with store.begin("annotate consensus", argv=argv) as transaction:
        transaction.append("label_events", len(events), rows.event_columns(events))
        columns = rows.label_columns(labels)
        if outdated:
            transaction.replace("labels", {"event_id": list(outdated)}, len(labels), columns)
        else:
            transaction.append("labels", len(labels), columns)
        return transaction.commit({"items": len(events), "labels": len(labels)}).revision
