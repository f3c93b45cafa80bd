"""Whatever two people do and whenever is pulled: nothing is lost, nothing invented, nothing stored twice."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from rushes.annotate.label_studio import changes
from rushes.annotate.label_studio.changes import Source
from rushes.annotate.label_studio.client import TaskRow
from rushes.workflow._annotate import deriving

START = datetime(2026, 1, 1, tzinfo=UTC)
USERS = {1: "ann@example.org", 2: "ben@example.org"}
INTERLEAVINGS = 10_000


class Server:
    """A server as the dataset sees it: stamps, whole tasks, no trace of what was deleted."""

    def __init__(self):
        self.tasks = {}
        self.clock = 0
        self.numbers = 0

    def now(self):
        self.clock += 1
        return (START + timedelta(microseconds=self.clock)).isoformat().replace("+00:00", "Z")

    def add_task(self):
        self.numbers += 1
        data = {"key": f"r1//cam/{self.numbers}", "rev": "r", "template": "boxes", "shown": {}}
        self.tasks[self.numbers] = {"id": self.numbers, "data": data, "annotations": [], "updated_at": self.now()}

    def annotate(self, task, user, content):
        self.numbers += 1
        stamp = self.now()
        annotation = {"id": self.numbers, "result": content, "created_at": stamp, "updated_at": stamp}
        task["annotations"].append(annotation | {"completed_by": user, "updated_by": user, "was_cancelled": False})
        task["updated_at"] = self.now()

    def change(self, task, annotation, user, content):
        annotation |= {"result": content, "updated_at": self.now(), "updated_by": user}
        task["updated_at"] = self.now()

    def forget(self, task, annotation):
        task["annotations"].remove(annotation)
        task["updated_at"] = self.now()

    def index(self):
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


class Dataset:
    """What was pulled."""

    def __init__(self):
        self.events = []
        self.seen = {}

    def pull(self, server, between=lambda: None):
        """Pull once; ``between`` happens after the index was read and before the tasks are."""
        known = changes.known_of(self.events)
        source = Source(server="local", project="1", users=USERS, received_ns=len(self.events))
        index = server.index()
        chosen = changes.to_read(index, known, self.seen)
        between()
        whole = [server.tasks[number] for number in chosen if number in server.tasks]
        found = [*changes.versions(whole, known, source), *changes.gone(index, known, source)]
        self.events += found
        self.seen = {row.id: row.updated_at for row in index if row.answers}
        return found

    def living(self):
        return {
            (event.task, event.annotation, str(changes.results_of(event)))
            for event in deriving.newest(self.events)
        }


def happen(server, luck):
    """One of two people does something, or a task comes or goes."""
    what = luck.random()
    tasks = list(server.tasks.values())
    if not tasks or what < 0.1:
        return server.add_task()
    task, user, content = luck.choice(tasks), luck.choice((1, 2)), [{"id": "a", "value": {"x": luck.random()}}]
    if what < 0.2:
        del server.tasks[task["id"]]
    elif what < 0.5 or not task["annotations"]:
        server.annotate(task, user, content)
    elif what < 0.8:
        server.change(task, luck.choice(task["annotations"]), user, content)
    else:
        server.forget(task, luck.choice(task["annotations"]))
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
        for _ in range(luck.randint(1, 14)):
            if luck.random() < 0.3:
                meanwhile = partial(happen, server, luck) if luck.random() < 0.5 else nothing
                dataset.pull(server, between=meanwhile)
            else:
                happen(server, luck)
        dataset.pull(server)
        assert dataset.living() == held(server), seed
        assert dataset.pull(server) == [], seed
        names = [event.event_id for event in dataset.events]
        assert len(names) == len(set(names)), seed
        dataset.seen = {}  # the cache was cleared
        assert dataset.pull(server) == [], seed


def test_who_made_and_who_changed_a_version_is_kept() -> None:
    server, dataset = Server(), Dataset()
    server.add_task()
    (task,) = server.tasks.values()
    server.annotate(task, 1, [])
    dataset.pull(server)
    server.change(task, task["annotations"][0], 2, [{"id": "b"}])
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
    server.annotate(task, 1, [])
    assert dataset.pull(server) == []


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("1970-01-01T00:00:00Z", 0), ("2026-11-22T06:10:46.514086Z", 1_795_327_846_514_086_000)],
)
def test_times_of_the_server_are_read_exactly(text, nanoseconds) -> None:
    assert changes.nanoseconds(text) == nanoseconds
