"""Pull: what people drew, changed and deleted comes back, every version once; labels are made of the newest."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from rushes.annotate.label_studio import changes
from rushes.annotate.label_studio.changes import Source
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.results import TOOL, Problem
from rushes.annotate.rows import event_columns, events_of, label_columns
from rushes.errors import ToolError
from rushes.labels import Label, LabelEvent
from rushes.model import Times
from rushes.store import Store
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import deriving
from rushes.workflow._annotate import project as projects
from rushes.workflow._annotate.memory import Memory
from rushes.workflow._annotate.project import Line
from rushes.workflow._annotate.proving import Prover

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What came back.

    Args:
        projects: How many were asked.
        gone: Projects that are not there any more, each as a sentence.
        tasks: How many they hold.
        read: Tasks that were read whole, because they may have changed.
        events: New versions by action: created, updated, deleted.
        labels: Current labels of all annotations that these touch.
        problems: What a person should look at, each with the key of its task.
        revision: Of the dataset; the one before where nothing was new.
    """

    projects: int
    gone: Sequence[str]
    tasks: int
    read: int
    events: Mapping[str, int]
    labels: int
    problems: Sequence[tuple[str, Problem]]
    revision: int


def pull(path: Path, line: Line, *, argv: Sequence[str] = (), progress: Progress | None = None) -> Pulled:
    """Bring back what changed on a server since the last pull.

    Every version of an annotation becomes a row of ``label_events`` once; ``labels`` of the annotations that
    changed are made anew. Pulling again without a change writes nothing.

    Raises:
        ToolError: ``labelstudio.project-gone`` if no project is there any more, and as the client; what was
            pulled before stays.
        UsageError: ``annotate.no-ontology``.
    """
    store = Store.open(path)
    with projects.turn(path), Client(line.access) as client:
        ours = store.table("annotation_projects", where={"server": line.name}).to_pylist()
        spoken = projects.ontology_of(store, None)
        found: list[LabelEvent] = []
        before: dict[str, LabelEvent] = {}
        tasks = read = 0
        seen_now: list[Memory] = []
        gone: list[ToolError] = []
        seen = {project.id: project for project in client.projects()}
        users = client.users() if ours else {}
        for row in ours:
            number = int(row["project"])
            if number not in seen or projects.mark(store, row["template"]) not in seen[number].description.split():
                gone.append(_gone(line, row))
                continue
            memory = Memory.of(store, line, row["project"])
            if memory.still_holds(client, number):
                tasks += len(memory.stamps)
                continue
            known = changes.known_of(_stored(store, line, row["project"]))
            source = Source(server=line.name, project=row["project"], users=users, received_ns=time.time_ns())
            index = list(client.stamps(number))
            chosen = changes.to_read(index, known, memory.stamps)
            found += changes.versions(_told(client.tasks(number, chosen), len(chosen), progress), known, source)
            found += changes.gone(index, known, source)
            before |= {event.event_id: event for event in known.living.values()}
            seen_now.append(replace(memory, stamps={task.id: task.updated_at for task in index}))
            tasks, read = tasks + len(index), read + len(chosen)
        if gone and len(gone) == len(ours):
            raise gone[0]
        problems: Sequence[tuple[str, Problem]] = ()
        labels: Sequence[Label] = ()
        revision = store.revision
        if found:
            with Prover(store) as prover:
                derived = deriving.derive(deriving.newest(found), spoken, _times(store), prover.difference)
            labels, problems = derived.labels, derived.problems
            revision = _commit(store, found, before, labels, argv)
        for memory in seen_now:  # last: a pull that breaks off reads the same again
            memory.keep(revision)
    actions = [event.action for event in found]
    return Pulled(
        projects=len(ours) - len(gone),
        gone=[error.message for error in gone],
        tasks=tasks,
        read=read,
        events={action: actions.count(action) for action in ("created", "updated", "deleted")},
        labels=len(labels),
        problems=problems,
        revision=revision,
    )


def rebuild(path: Path, *, argv: Sequence[str] = ()) -> Pulled:
    """Make the labels of Label Studio anew out of the raw versions, as after a change of the ontology.

    Raises:
        UsageError: ``annotate.no-ontology``.
    """
    store = Store.open(path)
    spoken: Ontology = projects.ontology_of(store, None)
    events = events_of(store.table("label_events", where={"tool": TOOL}).to_pylist())
    with Prover(store) as prover:
        derived = deriving.derive(deriving.newest(events), spoken, _times(store), prover.difference)
    with store.begin("annotate rebuild", argv=argv) as transaction:
        columns = label_columns(derived.labels)
        transaction.replace("labels", {"tool": TOOL, "source": "human"}, len(derived.labels), columns)
        revision = transaction.commit({"labels": len(derived.labels)}).revision
    return Pulled(
        projects=0,
        gone=(),
        tasks=0,
        read=0,
        events={"created": 0, "updated": 0, "deleted": 0},
        labels=len(derived.labels),
        problems=derived.problems,
        revision=revision,
    )


def _times(store: Store) -> Callable[[str, str], Times]:
    @cache
    def times_of(recording_id: str, stream: str) -> Times:
        where = {"recording_id": recording_id, "stream": stream}
        times: Times = store.table("frames", columns=["t_ns"], where=where)["t_ns"].to_numpy()
        return times

    return times_of


def _stored(store: Store, line: Line, project: str) -> list[LabelEvent]:
    where = {"tool": TOOL, "server": line.name, "project": project}
    return events_of(store.table("label_events", where=where).to_pylist())


def _commit(
    store: Store,
    events: Sequence[LabelEvent],
    before: Mapping[str, LabelEvent],
    labels: Sequence[Label],
    argv: Sequence[str],
) -> int:
    """Add the versions, and put the labels of the annotations that changed in place of those they had."""
    changed = {(event.project, event.task, event.annotation) for event in events}
    over = [name for name, old in before.items() if (old.project, old.task, old.annotation) in changed]
    actions = [event.action for event in events]
    with store.begin("annotate pull", argv=argv) as transaction:
        transaction.append("label_events", len(events), event_columns(events))
        columns: dict[str, Any] = label_columns(labels)
        if over:
            transaction.replace("labels", {"event_id": over}, len(labels), columns)
        else:
            transaction.append("labels", len(labels), columns)
        figures: dict[str, int] = {action: actions.count(action) for action in sorted(set(actions))}
        return transaction.commit(figures | {"labels": len(labels)}).revision


def _told(tasks: Any, total: int, progress: Progress | None) -> Any:
    for done, task in enumerate(tasks, 1):
        yield task
        if progress:
            progress("tasks", done, total)


def _gone(line: Line, row: Mapping[str, Any]) -> ToolError:
    return ToolError(
        f"project {row['project']} ('{row['title']}') of {line.access.url} is gone, or is another dataset's",
        code="labelstudio.project-gone",
        hint="labels that were pulled stay; rushes annotate push makes the project anew",
        facts={"project": row["project"], "url": line.access.url},
    )
