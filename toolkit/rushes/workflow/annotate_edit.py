"""Edit: a label is changed, added or deleted in the dataset itself, as a version beside those of the tools."""

import getpass
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rushes import registry
from rushes.annotate import edits, rows
from rushes.annotate.edits import Edit, Home
from rushes.annotate.label_studio.results import TOOL
from rushes.annotate.merging import merge, same_label
from rushes.errors import UsageError
from rushes.labels import Label, LabelEvent, Relation, digest_of
from rushes.store import Store
from rushes.store.transaction import Transaction
from rushes.workflow._annotate import deriving, standing
from rushes.workflow._annotate.standing import Standing
from rushes.workflow._annotate.turns import turn
from rushes.workflow._labels import fitting, vocabulary
from rushes.workflow._labels.choosing import frame_of

AUTHOR_VARIABLE = "RUSHES_AUTHOR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The outcome.

    Args:
        created, changed, deleted: Ids of labels.
        same: How many of those that were asked for are as wished already.
        conflicts: Open ones of these labels, after the edit.
        author: Who is noted as the one who did it.
        revision: Of the dataset; the one before where nothing was to do.
    """

    created: Sequence[str]
    changed: Sequence[str]
    deleted: Sequence[str]
    same: int
    conflicts: int
    author: str
    revision: int


def edit(
    path: Path,
    wanted: Mapping[str, Label | None],
    *,
    seen: Mapping[str, Label] | None = None,
    author: str | None = None,
    with_parts: bool = False,
    argv: Sequence[str] = (),
    dry_run: bool = False,
) -> Edited:
    """Change or delete labels.

    Every edit is a row of ``label_events``; ``labels`` are made of these. Where a label is another than the editor
    has seen, what the editor changed of it is changed, and nothing else.

    Args:
        path: The dataset.
        wanted: Labels by their ids: as they shall be; None deletes.
        seen: Labels as the editor saw them; as they are when None.
        author: Who edits; the variable ``RUSHES_AUTHOR``, else the user of this machine, when None.
        with_parts: Delete what depends on a deleted label too: keypoints, masks, relations.
        argv: The command line, for the log.
        dry_run: Only say what would be done.

    Raises:
        UsageError: ``labels.absent``, ``labels.of-model``, ``labels.has-parts``, or ``labels.misfit`` where class,
            attributes, geometry or ends cannot be.
        RecipeError: ``ontology.absent``.
        ToolError: ``annotate.busy``.
        StoreError: If the dataset cannot be opened or written.
    """
    with turn(path):
        store = Store.open(path)
        now = {label.label_id: label for label in rows.labels_of(store.table("labels").to_pylist())}
        _refuse_strange(path, wanted, now)
        spoken = vocabulary.needed(store)
        for name, label in wanted.items():
            if label is not None and not same_label(label, now[name]):
                fitting.check(label, now[name], now, spoken)
        whole = _with_parts(wanted, now) if with_parts else dict(wanted)
        whole |= following(whole, now)
        _refuse_orphans(whole, now)
        made = []
        for name, label in whole.items():
            before = (seen or {}).get(name, now[name])
            if not same_label(merge(before, label, now[name]).ours, now[name]):
                made.append(Edit(label_id=name, before=before, after=label))
        who = author_of(author)
        revision, after = store.revision, Standing()
        if made and not dry_run:
            held = [now[one.label_id] for one in made]
            based_on = {label.label_id: label.event_id for label in held}
            homes = homes_of(store, held)
            revision, after = keep(store, made, homes, based_on, author=who, command="annotate edit", argv=argv)
    return Edited(
        created=(),
        changed=[one.label_id for one in made if one.after is not None],
        deleted=[one.label_id for one in made if one.after is None],
        same=len(whole) - len(made),
        conflicts=sum(c.state == "open" and c.label.label_id in whole for c in after.conflicts),
        author=who,
        revision=revision,
    )


def keep(
    store: Store,
    made: Sequence[Edit],
    homes: Mapping[str, Home],
    based_on: Mapping[str, str | None],
    *,
    author: str,
    command: str,
    argv: Sequence[str] = (),
) -> tuple[int, Standing]:
    """Store edits, and make the labels that they are about anew; gives the revision, and how the labels stand.

    Args:
        store: The dataset, at its newest revision; who calls holds its turn.
        made: What is edited.
        homes: Annotation of each label, by its id.
        based_on: Version that each was read from before; nothing for a new one.
        author: Who edits.
        command: Its name in the log.
        argv: The command line.
    """
    work = worked_out(store, made, homes, based_on, author=author)
    with store.begin(command, argv=argv) as transaction:
        work.put(transaction)
        revision = transaction.commit(work.figures).revision
    return revision, work.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Edits that are ready to be stored, each with its label's id, and how the labels stand with them."""

    names: frozenset[str] = frozenset()
    edited: Sequence[tuple[LabelEvent, str]] = ()
    after: Standing = field(default_factory=Standing)

    @property
    def figures(self) -> dict[str, int]:
        """What the log says of it."""
        actions = [event.action for event, _ in self.edited]
        return {action: actions.count(action) for action in sorted(set(actions))}

    def put(self, transaction: Transaction) -> None:
        """Add the edits to a transaction, and put the labels that they are about in their place."""
        names = sorted(self.names)
        labels = [label for label in self.after.labels if label.label_id in self.names]
        told = [conflict for conflict in self.after.conflicts if conflict.label.label_id in self.names]
        events = [event for event, _ in self.edited]
        transaction.append("label_events", len(events), rows.event_columns(events))
        transaction.replace("labels", {"label_id": names}, len(labels), rows.label_columns(labels))
        columns = standing.conflict_columns(told)
        transaction.replace("label_conflicts", {"label_id": names}, len(told), columns)


def worked_out(
    store: Store,
    made: Sequence[Edit],
    homes: Mapping[str, Home],
    based_on: Mapping[str, str | None],
    *,
    author: str | Mapping[str, str],
    made_ns: Mapping[str, int] | None = None,
) -> Work:
    """Work out how labels stand with edits; nothing is written.

    Args:
        store: The dataset, at its newest revision; who calls holds its turn.
        made: What is edited.
        homes: Annotation of each label, by its id.
        based_on: Version that each was read from before; nothing for a new one.
        author: Who edits; or who edited which, by the label's id.
        made_ns: When each was edited, by the label's id; now, where nothing is said.
    """
    events = [
        edits.event_of(
            one,
            author=author if isinstance(author, str) else author[one.label_id],
            home=homes.get(one.label_id, Home()),
            based_on=based_on.get(one.label_id),
            made_ns=(made_ns or {}).get(one.label_id),
        )
        for one in made
    ]
    after = standing.around(store, map(edits.home_of, events), vocabulary.needed(store), more=events)
    names = [one.label_id for one in made]
    return Work(names=frozenset(names), edited=list(zip(events, names, strict=True)), after=after)


def add(
    path: Path,
    key: str,
    label: Label,
    *,
    author: str | None = None,
    argv: Sequence[str] = (),
    dry_run: bool = False,
) -> Edited:
    """Add a label to a frame.

    It belongs to the newest annotation of the frame, where there is one, and can so be sent to the server.

    Args:
        path: The dataset.
        key: Frame: recording/stream/index; the recording by its id, or by its name where only one bears it.
        label: Its place and its name are put in.
        author: As :func:`edit`.
        argv: The command line, for the log.
        dry_run: Only say what would be done.

    Raises:
        UsageError: ``labels.no-such-frame``, ``labels.misfit``.
        RecipeError, ToolError, StoreError: As :func:`edit`.
    """
    with turn(path):
        store = Store.open(path)
        recording_id, stream, index = _frame_called(store, key)
        called, key = key, f"{recording_id}/{stream}/{index}"
        where = {"recording_id": recording_id, "stream": stream, "index": index}
        found = store.table("frames", where=where).to_pylist()  # type: ignore[arg-type]  # each of its own kind
        if not found:
            raise UsageError(
                f"{path} has no frame '{called}'",
                code="labels.no-such-frame",
                hint="write RECORDING/STREAM/INDEX, with the id or the name of the recording",
            )
        story = [event for event in standing.stored(store, task_key=key) if event.tool == TOOL]
        home = next((event for event in reversed(deriving.newest(story)) if not event.cancelled), None)
        who = author_of(author)
        region = f"r{digest_of(key, os.urandom(8).hex())}"
        placed = replace(
            label,
            recording_id=recording_id,
            stream=stream,
            index=index,
            t_start_ns=found[0]["t_ns"],
            image_width_px=label.image_width_px or found[0]["width"],
            image_height_px=label.image_height_px or found[0]["height"],
            source="human",
            tool=edits.TOOL,
            author=who,
            created_ns=time.time_ns(),
        )
        placed = replace(placed, label_id=deriving.name_of(placed, home, region))
        now = {one.label_id: one for one in rows.labels_of(store.table("labels").to_pylist())}
        fitting.check(placed, None, now, vocabulary.needed(store))
        made = Edit(label_id=placed.label_id, before=None, after=placed, region=region)
        revision = store.revision
        if not dry_run:
            homes = {} if home is None else {made.label_id: edits.home_of(home)}
            revision, _ = keep(store, [made], homes, {}, author=who, command="annotate edit", argv=argv)
    return Edited(
        created=[made.label_id], changed=(), deleted=(), same=0, conflicts=0, author=who, revision=revision
    )


def _frame_called(store: Store, key: str) -> tuple[str, str, int]:
    """Read recording/stream/index, where the recording is called by its id or by a name that it alone bears."""
    recording, stream, index = frame_of(key) or ("", "", -1)
    named = store.table("recordings", columns=["recording_id"], where={"name": recording})
    ids = named["recording_id"].to_pylist()
    return (ids[0] if len(ids) == 1 else recording), stream, index


def labels_named(path: Path, names: Sequence[str]) -> dict[str, Label]:
    """Give the labels of these names that there are.

    Raises:
        StoreError: If the dataset cannot be opened.
    """
    found = rows.labels_of(Store.open(path).table("labels", where={"label_id": list(names)}).to_pylist())
    return {label.label_id: label for label in found}


def author_of(given: str | None) -> str:
    """Say who edits: who was named, else the variable ``RUSHES_AUTHOR``, else the user of this machine."""
    return given or os.environ.get(AUTHOR_VARIABLE) or getpass.getuser()


def homes_of(store: Store, labels: Iterable[Label]) -> dict[str, Home]:
    """Find the annotation that each label belongs to; an empty one for labels that no tool holds."""
    resting = {label.label_id: label.event_id for label in labels if label.event_id is not None}
    where = {"event_id": sorted(set(resting.values()))}
    known = {event.event_id: event for event in standing.stored(store, **where)} if resting else {}
    return {
        name: edits.home_of(known[event]) if event in known else Home(annotation=name)
        for name, event in resting.items()
    }


def following(wanted: Mapping[str, Label | None], now: Mapping[str, Label]) -> dict[str, Label | None]:
    """Give the keypoints that follow their box: they get its class and attributes, where they have had them."""
    found: dict[str, Label | None] = {}
    for name, label in now.items():
        box, was = wanted.get(label.parent_id or ""), now.get(label.parent_id or "")
        if label.kind == "keypoints" and name not in wanted and box is not None and was is not None:
            follows = (label.class_name, label.attributes) == (was.class_name, was.attributes)
            if follows and (box.class_name, box.attributes) != (was.class_name, was.attributes):
                found[name] = replace(label, class_name=box.class_name, attributes=box.attributes)
    return found


def _with_parts(wanted: Mapping[str, Label | None], now: Mapping[str, Label]) -> dict[str, Label | None]:
    """Take along what depends on deleted labels, to any depth."""
    whole = dict(wanted)
    gone = {name for name, label in wanted.items() if label is None}
    while more := {name for name, label in now.items() if name not in whole and gone & ends_of(label)}:
        gone |= more
        whole |= dict.fromkeys(sorted(more))
    return whole


def _refuse_strange(path: Path, wanted: Iterable[str], now: Mapping[str, Label]) -> None:
    for name in wanted:
        if name not in now:
            near = registry.close_to(name, now)
            raise UsageError(
                f"{path} has no label '{name}'",
                code="labels.absent",
                hint=f"did you mean '{near}'?" if near else f"rushes query {path} 'from labels' lists them",
            )
        if now[name].source not in ("human", "import"):
            raise UsageError(
                f"label '{name}' is what the {now[name].source} {now[name].tool or ''} said, and stays so",
                code="labels.of-model",
                hint="rushes annotate push shows it to people, who correct it; edit --add adds one of yours",
            )


def _refuse_orphans(wanted: Mapping[str, Label | None], now: Mapping[str, Label]) -> None:
    there = {name for name in {**now, **wanted} if wanted.get(name, now.get(name)) is not None}
    gone = {name for name, label in wanted.items() if label is None}
    for name in sorted(there):
        label = wanted.get(name) or now[name]
        if lost := gone & ends_of(label):
            raise UsageError(
                f"label {min(lost)} cannot be deleted alone: the {label.kind} {name} is a part of it",
                code="labels.has-parts",
                hint="--with-parts deletes what depends on it too",
                facts={"label_id": min(lost), "part": name},
            )


def ends_of(label: Label) -> set[str]:
    """Name the labels that a label depends on: its parent, and the ends of a relation."""
    ends = {label.parent_id} if label.parent_id else set()
    if isinstance(label.geometry, Relation):
        ends |= {label.geometry.subject_id, label.geometry.object_id}
    return ends
