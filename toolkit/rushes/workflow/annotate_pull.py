"""Pull: what people drew, changed and deleted comes back, every version once; labels are made of the newest."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.annotate import edits
from rushes.annotate.label_studio import changes
from rushes.annotate.label_studio.changes import Source
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.results import TOOL, Problem
from rushes.annotate.rows import event_columns, label_columns, labels_of
from rushes.errors import ToolError
from rushes.labels import Label, LabelEvent
from rushes.store import Store
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import project as projects
from rushes.workflow._annotate import standing
from rushes.workflow._annotate.memory import Memory
from rushes.workflow._annotate.project import Line
from rushes.workflow._annotate.standing import Standing
from rushes.workflow._annotate.turns import turn
from rushes.workflow._labels import vocabulary

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
        conflicts: How many of what is contested there, open ones.
        problems: What a person should look at, each with the key of its task.
        revision: Of the dataset; the one before where nothing was new.
        notes: What a user should know of the server, each a sentence.
    """

    projects: int
    gone: Sequence[str]
    tasks: int
    read: int
    events: Mapping[str, int]
    labels: int
    conflicts: int
    problems: Sequence[tuple[str, Problem]]
    revision: int
    notes: Sequence[str] = ()


def pull(path: Path, line: Line, *, argv: Sequence[str] = (), progress: Progress | None = None) -> Pulled:
    """Bring back what changed on a server since the last pull.

    Every version of an annotation becomes a row of ``label_events`` once; ``labels`` of the annotations that
    changed are made anew: edits that were made in the dataset are merged with what people changed, and what
    contradicts goes to ``label_conflicts``. Pulling again without a change writes nothing.

    Raises:
        ToolError: ``labelstudio.project-gone`` if no project is there any more, and as the client; what was
            pulled before stays.
        RecipeError: ``ontology.absent``.
    """
    with turn(path), Client(line.access) as client:
        store = Store.open(path)  # now that nobody else edits
        ours = store.table("annotation_projects", where={"server": line.name}).to_pylist()
        spoken = vocabulary.needed(store)
        found: list[LabelEvent] = []
        before: list[LabelEvent] = []
        tasks = read = 0
        seen_now: list[Memory] = []
        gone: list[ToolError] = []
        seen = {project.id: project for project in client.projects()}
        users = client.users() if ours else {}
        notes = projects.notes(client)
        for row in ours:
            number = int(row["project"])
            desk = projects.Desk.of(row)
            words = projects.mark(store, row["template"], desk)
            if number not in seen or words not in seen[number].description.split():
                gone.append(_gone(line, row))
                continue
            memory = Memory.of(store, line, row["project"])
            look = memory.look(client, number)
            tasks += len(look.there)
            if look.memory == memory:
                continue
            stored = standing.stored(store, server=line.name, project=row["project"])
            known = changes.known_of(event for event in stored if event.tool == TOOL)
            source = Source(
                server=line.name,
                project=row["project"],
                users=users,
                received_ns=time.time_ns(),
                annotator=desk.annotator,
                role=desk.role,
            )
            chosen = changes.to_read(look.rows, known, memory.stamps)
            found += changes.versions(_told(client.tasks(number, chosen), len(chosen), progress), known, source)
            found += changes.gone(look.there, known, source)
            before += stored
            seen_now.append(look.memory)
            read += len(chosen)
        if gone and len(gone) == len(ours):
            raise gone[0]
        now = Standing()
        revision = store.revision
        if found:
            touched = {standing.place_of(event) for event in found}
            before = [event for event in before if standing.place_of(event) in touched]
            with standing.facts_in(store) as facts:
                now = standing.stand([*before, *found], spoken, facts)
            revision = _commit(store, found, before, now, argv)
        for memory in seen_now:  # last: a pull that breaks off reads the same again
            memory.keep(revision)
    actions = [event.action for event in found]
    return Pulled(
        projects=len(ours) - len(gone),
        gone=[error.message for error in gone],
        tasks=tasks,
        read=read,
        events={action: actions.count(action) for action in ("created", "updated", "deleted")},
        labels=len(now.labels),
        conflicts=_open(now),
        problems=now.problems,
        revision=revision,
        notes=notes,
    )


def rebuild(path: Path, *, argv: Sequence[str] = ()) -> Pulled:
    """Make the labels of Label Studio, and those with edits, anew out of all versions, as after a new ontology.

    Labels of files and models stay, but that classes and attributes that have another name now get it.

    Raises:
        ToolError: ``annotate.busy``.
        RecipeError: ``ontology.absent``.
    """
    with turn(path):
        store = Store.open(path)  # now that nobody else pulls or edits
        spoken = vocabulary.needed(store)
        with standing.facts_in(store) as facts:
            now = standing.stand(standing.stored(store), spoken, facts)
        others = _under_old_names(store, now.merged, spoken)
        names, merged = [label.label_id for label in others], sorted(now.merged)
        with store.begin("annotate rebuild", argv=argv) as transaction:
            transaction.replace("labels", {"tool": TOOL, "source": "human"}, 0, label_columns(()))
            if others:
                transaction.replace("labels", {"label_id": names}, len(others), label_columns(others))
            transaction.replace("labels", {"label_id": merged}, len(now.labels), label_columns(now.labels))
            conflicts = standing.conflict_columns(now.conflicts)
            transaction.replace("label_conflicts", {}, len(now.conflicts), conflicts)
            revision = transaction.commit({"labels": len(now.labels)}).revision
    return Pulled(
        projects=0,
        gone=(),
        tasks=0,
        read=0,
        events={"created": 0, "updated": 0, "deleted": 0},
        labels=len(now.labels),
        conflicts=_open(now),
        problems=now.problems,
        revision=revision,
    )


def _under_old_names(store: Store, merged: Collection[str], spoken: Ontology) -> list[Label]:
    """Give what files and models said under names that have changed since, with the names of now."""
    rows = store.table("labels").to_pylist()
    said = labels_of(row for row in rows if (row["tool"], row["source"]) != (TOOL, "human"))
    pairs = ((label, edits.renamed(label, spoken)) for label in said if label.label_id not in merged)
    return [new for old, new in pairs if new is not old]


def _open(now: Standing) -> int:
    return sum(conflict.state == "open" for conflict in now.conflicts)


def _commit(
    store: Store, events: Sequence[LabelEvent], before: Sequence[LabelEvent], now: Standing, argv: Sequence[str]
) -> int:
    """Add the versions, and put the labels of the annotations that changed in place of those they had."""
    actions = [event.action for event in events]
    with store.begin("annotate pull", argv=argv) as transaction:
        transaction.append("label_events", len(events), event_columns(events))
        columns: dict[str, Any] = label_columns(now.labels)
        if before:
            over = [event.event_id for event in before]
            transaction.replace("labels", {"event_id": over}, len(now.labels), columns)
        else:
            transaction.append("labels", len(now.labels), columns)
        if now.merged:
            names = sorted(now.merged)
            transaction.replace("labels", {"label_id": names}, 0, label_columns(()))
            rows = standing.conflict_columns(now.conflicts)
            transaction.replace("label_conflicts", {"label_id": names}, len(now.conflicts), rows)
        figures: dict[str, int] = {action: actions.count(action) for action in sorted(set(actions))}
        return transaction.commit(figures | {"labels": len(now.labels), "conflicts": _open(now)}).revision


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
