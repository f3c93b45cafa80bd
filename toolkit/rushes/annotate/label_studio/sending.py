"""Sends tasks to a project so that each is there once, whatever happens to a request or its reply.

One batch at a time: SQLite knows one writer. A batch whose reply was lost is looked for by its keys before it is
sent again; should the server carry it out later still, the last look takes the spare copies away.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rushes.annotate.label_studio.client import Client, ReplyLostError
from rushes.annotate.label_studio.plan import Task, plan, settle
from rushes.errors import ToolError

log = logging.getLogger(__name__)

BATCH = 300
TRIES = 3
PATIENCE_S = 20.0
"""How long to look for a batch whose reply was lost before it is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of the tasks.

    Args:
        created, updated, same: How many.
        spare: Copies that were taken away again.
        doubled: Keys that several tasks with answers share.
        others: Tasks of ours in the project that were not asked for.
        resent: Batches that had to be sent again.
    """

    created: int
    updated: int
    same: int
    spare: int
    doubled: Sequence[str]
    others: int
    resent: int


def send(
    client: Client,
    project: int,
    wanted: Sequence[Task],
    *,
    batch: int = BATCH,
    patience_s: float = PATIENCE_S,
    progress: Callable[[int, int], None] | None = None,
) -> Sent:
    """Make a project hold the wanted tasks, with this content, each once.

    Tasks that are not wanted stay. Nothing that has answers is ever deleted.

    Args:
        client: Of the server.
        project: Its id.
        wanted: Keys differ.
        batch: Tasks in one request.
        patience_s: See ``PATIENCE_S``.
        progress: Told after each batch: done, and all.

    Raises:
        ReplyLostError: If a batch could not be settled after ``TRIES``; sending again later goes on.
        ToolError: As the client.
    """
    there = list(client.index(project))
    todo = plan(wanted, there)
    total, done, resent = len(todo.create) + len(todo.update), 0, 0
    for start in range(0, len(todo.create), batch):
        some = todo.create[start : start + batch]
        resent += _create(client, project, some, patience_s)
        done += len(some)
        if progress:
            progress(done, total)
    ids = list(todo.update)
    gone: list[Task] = []
    for start in range(0, len(ids), batch):
        some_ids = ids[start : start + batch]
        gone += _update(client, project, {task: todo.update[task] for task in some_ids})
        done += len(some_ids)
        if progress:
            progress(done, total)
    if gone:
        resent += _create(client, project, gone, patience_s)
    spare = list(todo.spare)
    # A count is cheap; more tasks than we have made means that another push ran at the same time.
    if resent or gone or (todo.create and client.count(project) != len(there) + len(todo.create)):
        spare = settle(client.index(project))[1]
    for start in range(0, len(spare), batch):
        client.delete_tasks(project, spare[start : start + batch])
    return Sent(
        created=len(todo.create) + len(gone),
        updated=len(todo.update) - len(gone),
        same=todo.same,
        spare=len(spare),
        doubled=todo.doubled,
        others=todo.others,
        resent=resent,
    )


def _create(client: Client, project: int, tasks: Sequence[Task], patience_s: float) -> int:
    """Make the tasks; gives how often a part of them was sent again."""
    left = list(tasks)
    for attempt in range(TRIES):
        try:
            client.import_tasks(project, [task.as_json() for task in left])
        except ReplyLostError:
            left = _missing(client, project, left, patience_s)
            if left and attempt == TRIES - 1:
                raise
            log.warning("a reply of the server was lost; %d of %d tasks are sent again", len(left), len(tasks))
        else:
            return attempt
        if not left:
            return attempt
    raise AssertionError("the last attempt returns or raises")


def _missing(client: Client, project: int, tasks: Sequence[Task], patience_s: float) -> list[Task]:
    """Wait for the tasks to appear: a batch is there whole or not at all; gives those that are not."""
    deadline = time.monotonic() + patience_s
    while True:
        there = {row.key for row in client.index(project)}
        missing = [task for task in tasks if task.key not in there]
        if not missing or time.monotonic() >= deadline:
            return missing
        time.sleep(min(1.0, patience_s / 4))


def _update(client: Client, project: int, tasks: dict[int, Task]) -> list[Task]:
    """Replace predictions first, the data with its revision last: a run that breaks off is done again.

    Returns:
        The tasks that a person has deleted meanwhile; they were not updated.
    """
    try:
        client.replace_predictions(project, {number: task.predictions for number, task in tasks.items()})
        for number, task in tasks.items():
            client.update_task(number, task.sent_data)
    except ToolError as error:
        there = {row.id for row in client.stamps(project)} if error.code == "labelstudio.refused" else tasks.keys()
        gone = [task for number, task in tasks.items() if number not in there]
        if not gone:
            raise
        left = {number: task for number, task in tasks.items() if number in there}
        return gone + (_update(client, project, left) if left else [])
    return []
