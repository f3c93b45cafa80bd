"""How labels stand: every version and edit of an annotation, merged in the order in which they were stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from rushes.annotate import edits
from rushes.annotate.edits import Home
from rushes.annotate.folding import Conflict, Folded, Line, Step, fold
from rushes.annotate.label_studio.results import TOOL, Problem
from rushes.annotate.rows import events_of
from rushes.labels import Label, LabelEvent
from rushes.model import Times
from rushes.store import Store
from rushes.texts import as_json
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import axes, deriving
from rushes.workflow._annotate.deriving import StreamFacts
from rushes.workflow._annotate.proving import Prover

Place: TypeAlias = tuple[str | None, ...]
"""Server, project, task and annotation; of a label of no tool the last is the label's id."""


@dataclass(slots=True)
class Standing:
    """Labels of some annotations as they stand.

    Args:
        problems: What a person should look at, each with the key of its task.
        lines: What is known of every label of an annotation that has edits, by the place of the annotation.
        conflicts: Of these, closed ones too.
    """

    labels: list[Label] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    lines: dict[Place, Mapping[str, Line]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)

    @property
    def merged(self) -> set[str]:
        """The ids of all labels that have edits, or share an annotation with one that has, deleted ones too."""
        return {name for lines in self.lines.values() for name in lines}

    def line_of(self, label_id: str) -> Line | None:
        """Find what is known of a label of an annotation that has edits."""
        return next((lines[label_id] for lines in self.lines.values() if label_id in lines), None)


def stand(events: Iterable[LabelEvent], ontology: Ontology, facts: StreamFacts) -> Standing:
    """Say how the labels of annotations stand.

    Args:
        events: Everything of these annotations, in the order in which it was stored.
        ontology: The dataset's.
        facts: For the times of spans.
    """
    found = Standing()
    plain: list[LabelEvent] = []
    for place, story in by_place(events).items():
        if all(event.tool != edits.TOOL for event in story):
            plain += deriving.newest(story)
            continue
        folded, problems = _folded(story, ontology, facts)
        found.lines[place] = folded.lines
        found.labels += folded.labels
        found.conflicts += folded.conflicts
        found.problems += problems
    derived = deriving.derive(plain, ontology, facts)
    found.labels += derived.labels
    found.problems += derived.problems
    return found


def around(
    store: Store, homes: Iterable[Home], ontology: Ontology, *, more: Sequence[LabelEvent] = ()
) -> Standing:
    """Say how the labels of some annotations of a dataset stand.

    Args:
        store: The dataset.
        homes: The annotations; of a label of no tool, its id stands for one.
        ontology: The dataset's.
        more: What comes on top of what is stored.
    """
    places = {(home.server, home.project, home.task, home.annotation) for home in homes}
    names = sorted({home[3] for home in places if home[3] is not None})
    story = [event for event in stored(store, annotation=names) if place_of(event) in places] if names else []
    with facts_in(store) as facts:
        return stand([*story, *more], ontology, facts)


def by_place(events: Iterable[LabelEvent]) -> dict[Place, list[LabelEvent]]:
    """Gather versions and edits by the annotation that they are about, in their order."""
    found: dict[Place, list[LabelEvent]] = {}
    for event in events:
        if event.tool in (TOOL, edits.TOOL):
            found.setdefault(place_of(event), []).append(event)
    return found


def place_of(event: LabelEvent) -> Place:
    """Name the annotation that a version is about."""
    return (event.server, event.project, event.task, event.annotation)


def stored(store: Store, **where: Any) -> list[LabelEvent]:
    """Read versions of Label Studio and edits, in the order in which they were stored."""
    return events_of(store.table("label_events", where={"tool": [TOOL, edits.TOOL], **where}).to_pylist())


@contextmanager
def facts_in(store: Store) -> Iterator[StreamFacts]:
    """Give what a dataset says of its streams as it is asked for, each read once."""

    @cache
    def times_of(recording_id: str, stream: str) -> Times:
        where = {"recording_id": recording_id, "stream": stream}
        times: Times = store.table("frames", columns=["t_ns"], where=where)["t_ns"].to_numpy()
        return times

    with Prover(store) as prover:
        yield StreamFacts(times_of=times_of, axis_of=axes.of_dataset(store), difference=prover.difference)


def conflict_columns(conflicts: Sequence[Conflict]) -> dict[str, list[Any]]:
    """Spread conflicts over the columns of ``label_conflicts``."""
    rows = [_row(conflict) for conflict in conflicts]
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _folded(
    story: Sequence[LabelEvent], ontology: Ontology, facts: StreamFacts
) -> tuple[Folded, list[tuple[str, Problem]]]:
    steps: list[Step] = []
    problems: list[tuple[str, Problem]] = []
    for event in story:
        if event.tool == edits.TOOL:
            edit = edits.edit_of(event, ontology)
            steps.append(Step(event_id=event.event_id, t_ns=event.received_ns, edit=edit))
            continue
        derived = deriving.derive([event], ontology, facts)
        problems = derived.problems
        if not derived.unread:  # else the labels stay as the version before says
            theirs = {label.label_id: label for label in derived.labels}
            steps.append(Step(event_id=event.event_id, t_ns=event.received_ns, theirs=theirs))
    return fold(steps), problems


def _row(conflict: Conflict) -> dict[str, Any]:
    label, clash = conflict.label, conflict.clash
    sides = {name: edits.said(clash.group, getattr(clash, name)) for name in ("base", "ours", "theirs")}
    return {
        "conflict_id": conflict.conflict_id,
        "label_id": label.label_id,
        "recording_id": label.recording_id,
        "stream": label.stream,
        "index": label.index,
        "group": clash.group,
        **{name: None if value is None else as_json(value) for name, value in sides.items()},
        "since_ns": conflict.since_ns,
        "since_event": conflict.since_event,
        "state": conflict.state,
        "take": conflict.take,
        "until_ns": conflict.until_ns,
        "until_event": conflict.until_event,
    }
