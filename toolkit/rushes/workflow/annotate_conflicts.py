"""Conflicts: what the dataset and a tool say differently of a label, and how somebody settles it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes import registry
from rushes.annotate import folding, rows
from rushes.annotate.edits import Edit, Take
from rushes.errors import UsageError
from rushes.labels import Label
from rushes.store import Store
from rushes.workflow import annotate_edit
from rushes.workflow._annotate import standing
from rushes.workflow._annotate.standing import Standing
from rushes.workflow._annotate.turns import turn
from rushes.workflow._labels import vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A conflict; the fields are columns of ``label_conflicts``, JSON read.

    Args:
        label: As it stands; None where it is gone since.
    """

    conflict_id: str
    label_id: str
    recording_id: str
    stream: str | None
    index: int | None
    group: str
    base: Any
    ours: Any
    theirs: Any
    since_ns: int
    since_event: str
    state: str
    take: str | None
    until_ns: int | None
    until_event: str | None
    label: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The outcome: ids of the conflicts that are settled, and how many are open still."""

    settled: Sequence[str]
    left: int
    revision: int


def conflicts(path: Path, *, closed: bool = False, at: int | str | None = None) -> list[Row]:
    """List what is contested, oldest first.

    Args:
        path: The dataset.
        closed: Give those that are closed too.
        at: Revision or tag; the newest when None.

    Raises:
        StoreError: If the dataset cannot be opened.
    """
    store = Store.open(path, at=at)
    where = None if closed else {"state": "open"}
    found = store.table("label_conflicts", where=where).to_pylist()
    names = sorted({row["label_id"] for row in found})
    labels = rows.labels_of(store.table("labels", where={"label_id": names}).to_pylist()) if names else []
    now = {label.label_id: label for label in labels}
    for row in found:
        for side in ("base", "ours", "theirs"):
            row[side] = None if row[side] is None else json.loads(row[side])
    listed = [Row(**row, label=now.get(row["label_id"])) for row in found]
    return sorted(listed, key=lambda row: (row.since_ns, row.conflict_id))


def resolve(
    path: Path,
    wanted: Sequence[str] | None,
    take: Take,
    *,
    author: str | None = None,
    argv: Sequence[str] = (),
    dry_run: bool = False,
) -> Resolved:
    """Settle conflicts by taking one side; what was taken is a version of the label like any other edit.

    Args:
        path: The dataset.
        wanted: Ids of conflicts, or of labels with all that is contested of them; every open one when None.
        take: ours: what the dataset says; theirs: what the tool says; base: what both had started from.
        author: As for an edit.
        argv: The command line, for the log.
        dry_run: Only say what would be done.

    Raises:
        UsageError: ``labels.no-conflict``.
        RecipeError: ``ontology.absent``.
        ToolError: ``annotate.busy``.
        StoreError: If the dataset cannot be opened or written.
    """
    with turn(path):
        store = Store.open(path)
        there = conflicts(path)
        chosen = _chosen(path, there, wanted)
        revision = store.revision
        if chosen and not dry_run:
            held = {row.label_id: row.label for row in chosen if row.label is not None}
            homes = annotate_edit.homes_of(store, held.values())
            now = standing.around(store, homes.values(), vocabulary.needed(store))
            revision, _ = annotate_edit.keep(
                store,
                [_edit(now, name, [row.group for row in chosen if row.label_id == name], take) for name in held],
                homes,
                {name: label.event_id for name, label in held.items()},
                author=annotate_edit.author_of(author),
                command="annotate resolve",
                argv=argv,
            )
    return Resolved(settled=[row.conflict_id for row in chosen], left=len(there) - len(chosen), revision=revision)


def _chosen(path: Path, there: Sequence[Row], wanted: Sequence[str] | None) -> list[Row]:
    if wanted is None:
        return list(there)
    for name in wanted:
        if all(name not in (row.conflict_id, row.label_id) for row in there):
            near = registry.close_to(name, [row.conflict_id for row in there])
            raise UsageError(
                f"{path} has no open conflict '{name}'",
                code="labels.no-conflict",
                hint=f"did you mean '{near}'?" if near else f"rushes annotate conflicts {path} lists them",
            )
    return [row for row in there if row.conflict_id in wanted or row.label_id in wanted]


def _edit(now: Standing, label_id: str, groups: Sequence[str], take: Take) -> Edit:
    line = now.line_of(label_id)
    assert line is not None, "a conflict is about a label with edits"
    after = folding.settled(line, groups, take)
    return Edit(label_id=label_id, before=line.now, after=after, settles=tuple(groups), take=take)
