"""What has to be sent: the tasks that should be there, held against those that are.

A task is told by its key, and its revision says what of it was sent last, so that sending again changes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushes.annotate.label_studio.client import TaskRow
from rushes.labels import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as it should be.

    Args:
        key: Names what it shows among all that its project shows.
        data: Without ``key`` and ``rev``, which are added.
        predictions: Pre-annotations, each with ``model_version`` and ``result``.
    """

    key: str
    data: Mapping[str, Any]
    predictions: Sequence[Mapping[str, Any]] = ()
    revision: str = field(init=False)

    def __post_init__(self) -> None:
        said = json.dumps([self.data, self.predictions], sort_keys=True)
        object.__setattr__(self, "revision", digest_of(said))

    @property
    def sent_data(self) -> dict[str, Any]:
        """What the server holds as its data."""
        return {**self.data, "key": self.key, "rev": self.revision}

    def as_json(self) -> dict[str, Any]:
        """Give the task as it is imported."""
        return {"data": self.sent_data, "predictions": [dict(prediction) for prediction in self.predictions]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be done.

    Args:
        create: Tasks that are not there.
        update: Tasks that are there with other content, by the id that they have.
        same: How many are there as they should be.
        spare: Ids of further tasks of a key that is there already, without any answer: they came twice.
        doubled: Keys that several tasks with answers share; a person has to choose.
        others: How many further tasks of ours the project holds, which are not asked for now.
    """

    create: Sequence[Task]
    update: Mapping[int, Task]
    same: int
    spare: Sequence[int]
    doubled: Sequence[str]
    others: int


def plan(wanted: Iterable[Task], there: Iterable[TaskRow]) -> Plan:
    """Hold the tasks that should be there against the index of a project."""
    kept, spare, doubled = settle(there)
    create: list[Task] = []
    update: dict[int, Task] = {}
    same = 0
    keys = set()
    for task in wanted:
        assert task.key not in keys, f"two tasks of the key {task.key}"
        keys.add(task.key)
        row = kept.get(task.key)
        if row is None:
            create.append(task)
        elif row.revision == task.revision:
            same += 1
        else:
            update[row.id] = task
    others = sum(1 for key in kept if key not in keys)
    return Plan(create=create, update=update, same=same, spare=spare, doubled=doubled, others=others)


def settle(there: Iterable[TaskRow]) -> tuple[dict[str, TaskRow], list[int], list[str]]:
    """Choose one task of each key: one with answers, else the oldest; everybody who looks chooses the same.

    Returns:
        The chosen by key; ids of the others that have no answer; keys of which several have answers.
    """
    by_key: dict[str, list[TaskRow]] = {}
    for row in there:
        if row.key is not None:
            by_key.setdefault(row.key, []).append(row)
    kept: dict[str, TaskRow] = {}
    spare: list[int] = []
    doubled: list[str] = []
    for key, rows in by_key.items():
        rows.sort(key=lambda row: (row.answers == 0, row.id))
        kept[key] = rows[0]
        spare += [row.id for row in rows[1:] if not row.answers]
        if sum(1 for row in rows if row.answers) > 1:
            doubled.append(key)
    return kept, spare, doubled
