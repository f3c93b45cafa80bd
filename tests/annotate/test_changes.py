"""Whatever two people do and whenever is pulled: nothing is lost, nothing invented, nothing stored twice."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from rushes.annotate.label_studio import changes, regions
from rushes.annotate.label_studio.changes import Source
from rushes.annotate.label_studio.client import Newest, TaskRow
from rushes.workflow._annotate import deriving
from rushes.workflow._annotate.memory import Memory

START = datetime(2026, 1, 1, tzinfo=UTC)
USERS = {1: "ann@example.org", 2: "ben@example.org"}
INTERLEAVINGS = 10_000
STEP_S = 1.2
LINGER = 3
TOP = 6
"""A change may be committed late, after so many others; so many newest tasks a pull looks at, few enough that now
they reach back by the overlap and now they do not."""


class Server:
    """A server as the dataset sees it: stamps, whole tasks, no trace of what was deleted."""

    def __init__(self):
        self.tasks = {}
        self.clock = 0
        self.numbers = 0
        self.lingering = None

    def now(self):
        self.clock += 1
        return (START + timedelta(seconds=self.clock * STEP_S)).isoformat().replace("+00:00", "Z")

    def number(self):
        self.numbers += 1
        return self.numbers

    def add_task(self):
        number = self.number()
        data = {"key": f"r1//cam/{number}", "rev": "r", "template": "boxes", "shown": {}}
        self.tasks[number] = {"id": number, "data": data, "annotations": [], "updated_at": self.now()}

    def annotate(self, task, user, content, stamp):
        made = {"id": self.number(), "result": content, "created_at": stamp, "updated_at": stamp}
        task["annotations"].append(made | {"completed_by": user, "updated_by": user, "was_cancelled": False})
        task["updated_at"] = stamp

    def change(self, task, annotation, user, content, stamp):
        annotation |= {"result": content, "updated_at": stamp, "updated_by": user}
        task["updated_at"] = stamp

    def forget(self, task, annotation):
        task["annotations"].remove(annotation)
        task["updated_at"] = self.now()

    def commit(self):
        """Carry out what was stamped before and is committed only now."""
        work, self.lingering = self.lingering, None
        if work is not None:
            work[1]()

    def late(self, work, *arguments):
        """Stamp something now and commit it later, after some changes of others."""
        self.commit()
        stamp = self.now()
        self.lingering = (self.clock, partial(work, *arguments, stamp))

    def stamps(self, project):
        del project
        return [
            TaskRow(
                id=t["id"],
                key=None,
                revision=None,
                data={},
                updated_at=t["updated_at"],
                answers=len(t["annotations"]),
            )
            for t in self.tasks.values()
        ]

    def newest(self, project, count):
        rows = sorted(self.stamps(project), key=lambda row: row.updated_at, reverse=True)
        return Newest(rows=rows[:count], tasks=len(rows), annotations=sum(row.answers for row in rows))


class Dataset:
    """What was pulled."""

    def __init__(self):
        self.events = []
        self.forget()

    def forget(self):
        """Clear the cache."""
        self.memory = Memory(path=Path("nowhere"), stamps={})

    def pull(self, server, between=lambda: None):
        """Pull once; ``between`` happens after the index was read and before the tasks are."""
        known = changes.known_of(self.events)
        source = Source(server="local", project="1", users=USERS, received_ns=len(self.events))
        look = self.memory.look(server, 1, top=TOP)
        chosen = changes.to_read(look.rows, known, self.memory.stamps)
        between()
        whole = [server.tasks[number] for number in chosen if number in server.tasks]
        found = [*changes.versions(whole, known, source), *changes.gone(look.there, known, source)]
        self.events += found
        self.memory = look.memory
        return found

    def living(self):
        return {
            (event.task, event.annotation, str(regions.results_of(event)))
            for event in deriving.newest(self.events)
        }


def happen(server, luck):
    """One of two people does something, or a task comes or goes; some of it is committed late."""
    if server.lingering and (server.clock >= server.lingering[0] + LINGER or luck.random() < 0.3):
        server.commit()
    what = luck.random()
    tasks = list(server.tasks.values())
    if not tasks or what < 0.2:
        return server.add_task()
    task, user, content = luck.choice(tasks), luck.choice((1, 2)), [{"id": "a", "value": {"x": luck.random()}}]
    if what < 0.25:
        del server.tasks[task["id"]]
    elif what < 0.5 or not task["annotations"]:
        server.late(server.annotate, task, user, content)
    elif what < 0.85:
        chosen = luck.choice(task["annotations"])
        server.late(server.change, task, chosen, user, content)
    else:
        server.forget(task, luck.choice(task["annotations"]))
    if luck.random() < 0.4:
        server.commit()
    return None


def nothing():
    """Nobody does anything."""


def held(server):
    return {
        (str(task["id"]), str(annotation["id"]), str(annotation["result"]))
        for task in server.tasks.values()
        for annotation in task["annotations"]
    }


def test_ten_thousand_interleavings_lose_nothing_and_invent_nothing() -> None:
    for seed in range(INTERLEAVINGS):
        luck = random.Random(seed)
        server, dataset = Server(), Dataset()
        for _ in range(luck.randint(1, 20)):
            if luck.random() < 0.3:
                meanwhile = partial(happen, server, luck) if luck.random() < 0.5 else nothing
                dataset.pull(server, between=meanwhile)
            else:
                happen(server, luck)
        server.commit()
        dataset.pull(server)
        assert dataset.living() == held(server), seed
        assert dataset.pull(server) == [], seed
        names = [event.event_id for event in dataset.events]
        assert len(names) == len(set(names)), seed
        dataset.forget()
        assert dataset.pull(server) == [], seed


def test_who_made_and_who_changed_a_version_is_kept() -> None:
    server, dataset = Server(), Dataset()
    server.add_task()
    (task,) = server.tasks.values()
    server.annotate(task, 1, [], server.now())
    dataset.pull(server)
    server.change(task, task["annotations"][0], 2, [{"id": "b"}], server.now())
    dataset.pull(server)
    assert [(event.action, event.author) for event in dataset.events] == [
        ("created", "ann@example.org"),
        ("updated", "ben@example.org"),
    ]


def test_a_task_of_somebody_else_is_left_alone() -> None:
    server, dataset = Server(), Dataset()
    server.add_task()
    (task,) = server.tasks.values()
    task["data"] = {"image": "theirs.jpg"}
    server.annotate(task, 1, [], server.now())
    assert dataset.pull(server) == []


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("1970-01-01T00:00:00Z", 0), ("2026-11-22T06:10:46.514086Z", 1_795_327_846_514_086_000)],
)
def test_times_of_the_server_are_read_exactly(text, nanoseconds) -> None:
    assert changes.nanoseconds(text) == nanoseconds
