"""What changed on a server since it was looked at last: annotations as raw versions, each once.

A version is told by its content, so that reading more than is new adds nothing. What was there and is not any more
becomes a version too, ``deleted``. Nothing here is typed: the payload is the annotation as received.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rushes.annotate.label_studio import passport
from rushes.annotate.label_studio.client import TaskRow
from rushes.annotate.label_studio.results import TOOL
from rushes.annotate.rows import event_id
from rushes.labels import LabelEvent, LabelRole
from rushes.texts import as_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the dataset has of a project.

    Args:
        events: Ids of all versions.
        living: Newest version of every annotation that is not deleted, by task and annotation.
    """

    events: frozenset[str]
    living: Mapping[tuple[str, str], LabelEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Which project of which server versions come from, and the names of its users by id.

    Args:
        annotator: Whom the plan gave the project to.
        role: ``adjudicate`` where what others labelled is settled there.
    """

    server: str
    project: str
    users: Mapping[int, str]
    received_ns: int
    annotator: str | None = None
    role: LabelRole | None = None


def known_of(events: Iterable[LabelEvent]) -> Known:
    """Sum up the versions of one project, in the order in which they were stored."""
    ids = set()
    living: dict[tuple[str, str], LabelEvent] = {}
    for event in events:
        ids.add(event.event_id)
        key = (event.task or "", event.annotation or "")
        if event.action == "deleted":
            living.pop(key, None)
        else:
            living[key] = event
    return Known(events=frozenset(ids), living=living)


def to_read(index: Sequence[TaskRow], known: Known, seen: Mapping[int, str]) -> list[int]:
    """Choose the tasks that must be read whole: those with answers now or before whose stamp is not the one seen.

    Every stamp is compared, so nothing depends on clocks: a change that is committed late is met all the same.

    Args:
        index: All tasks of the project, or those that may have another stamp.
        known: What the dataset has of it.
        seen: Stamp of each task when it was read last.
    """
    answered = {task for task, _ in known.living}
    return [
        row.id for row in index if (row.answers or str(row.id) in answered) and seen.get(row.id) != row.updated_at
    ]


def versions(tasks: Iterable[Mapping[str, Any]], known: Known, source: Source) -> Iterator[LabelEvent]:
    """Give the versions that are new among whole tasks, deletions of single annotations included."""
    of_task: dict[str, dict[str, LabelEvent]] = {}
    for (number, name), event in known.living.items():
        of_task.setdefault(number, {})[name] = event
    for task in tasks:
        if not isinstance(task["data"].get("key"), str):
            continue  # a task that somebody else put into the project
        before = of_task.get(str(task["id"]), {})
        there = set()
        for annotation in task["annotations"]:
            name = str(annotation["id"])
            there.add(name)
            found = _version(task, annotation, source, known, before.get(name))
            if found is not None:
                yield found
        for name, last in before.items():
            if name not in there:
                yield _deleted(last, source)


def gone(there: Collection[int], known: Known, source: Source) -> Iterator[LabelEvent]:
    """Give the deletions that come with tasks that are not there any more, of the ids that are."""
    for (task, _), last in known.living.items():
        if int(task) not in there:
            yield _deleted(last, source)


def nanoseconds(text: str) -> int:
    """Read a time as the server writes it; UTC nanoseconds since 1970, exact."""
    moment = datetime.fromisoformat(text)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _version(
    task: Mapping[str, Any], annotation: Mapping[str, Any], source: Source, known: Known, last: LabelEvent | None
) -> LabelEvent | None:
    payload = as_json(annotation)
    updated_ns = nanoseconds(annotation["updated_at"])
    number, name = str(task["id"]), str(annotation["id"])
    ids = {
        action: event_id(
            tool=TOOL,
            project=source.project,
            task=number,
            annotation=name,
            action=action,
            updated_ns=updated_ns,
            payload=payload,
        )
        for action in ("created", "updated")
    }
    if known.events.intersection(ids.values()) and last is not None:
        return None
    action = "updated" if last is not None else "created"
    data = task["data"]
    author = annotation.get("updated_by") or annotation.get("completed_by")
    return LabelEvent(
        event_id=ids[action],
        action="updated" if last is not None else "created",
        tool=TOOL,
        payload=payload,
        received_ns=source.received_ns,
        server=source.server,
        project=source.project,
        task=number,
        annotation=name,
        task_key=data.get("key"),
        task_revision=data.get("rev"),
        task_data=as_json(data),
        recording_id=next((shown.recording_id for shown in passport.of_task(data).values()), None),
        author=_author(author, source.users),
        annotator=source.annotator,
        role=source.role,
        created_ns=nanoseconds(annotation["created_at"]),
        updated_ns=updated_ns,
        lead_time_s=annotation.get("lead_time"),
        cancelled=bool(annotation.get("was_cancelled")),
    )


def _deleted(last: LabelEvent, source: Source) -> LabelEvent:
    payload = last.payload
    return LabelEvent(
        event_id=event_id(
            tool=TOOL,
            project=last.project,
            task=last.task,
            annotation=last.annotation,
            action="deleted",
            updated_ns=last.updated_ns,
            payload=payload,
        ),
        action="deleted",
        tool=TOOL,
        payload=payload,
        received_ns=source.received_ns,
        server=last.server,
        project=last.project,
        task=last.task,
        annotation=last.annotation,
        task_key=last.task_key,
        task_revision=last.task_revision,
        task_data=last.task_data,
        recording_id=last.recording_id,
        author=None,  # the server does not say who deleted it
        annotator=last.annotator,
        role=last.role,
        created_ns=last.created_ns,
        updated_ns=last.updated_ns,
        cancelled=last.cancelled,
    )


def _author(user: Any, users: Mapping[int, str]) -> str | None:
    if isinstance(user, Mapping):
        return str(user.get("email") or user.get("id"))
    return users.get(user, str(user)) if user is not None else None
