"""Two people at a real server who draw, change, skip and delete at random, while a dataset pushes and pulls.

Everything that they ever drew is known by a number of its own, so that what comes back can be held against it.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from annotate.proxy import Instead, Proxy
from annotate.test_push_pull import predict
from rushes.annotate.label_studio import changes, regions
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.server import Server
from rushes.annotate.rows import events_of
from rushes.errors import ToolError
from rushes.store import Store
from rushes.workflow import annotate_pull, annotate_push
from rushes.workflow._annotate import deriving
from rushes.workflow._annotate.project import Line

FAULTS = {"pass": 86, "lose-request": 4, "lose-reply": 4, "fail-after": 3, "busy": 3}
GIVES_UP = ("labelstudio.reply-lost", "labelstudio.failing", "labelstudio.unreachable")
BUSY = Instead(429, b"{}", {"Retry-After": "0", "Content-Type": "application/json"})


def second_person(served: Server, email: str) -> str:
    """Have somebody sign up by the invitation of the first account; gives the token."""
    own = {"Authorization": f"Token {served.access.token}"}
    with httpx.Client(base_url=served.url, timeout=60, trust_env=False) as browser:
        invited = browser.get("/api/invite", headers=own).json()["invite_url"]
        browser.get(invited)
        form = {"email": email, "password": "long enough 1", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        answer = browser.post(invited, data=form, headers={"Referer": served.url})
        assert answer.status_code == 302, answer.text
        return str(browser.get("/api/current-user/token").json()["token"])


@dataclass
class World:
    """The dataset, the server, and what has happened.

    Args:
        straight: A line to the server that never fails, for the people and for looking.
        crooked: The line through the proxy, for push and pull.
        people: Clients of the two.
        there: Annotations of every task, as the people know them.
    """

    dataset: Path
    request: annotate_push.Request
    straight: Client
    crooked: Line
    proxy: Proxy
    people: list[Client]
    luck: random.Random
    project: int = 0
    wanted: set[str] = field(default_factory=set)
    there: dict[int, list[int]] = field(default_factory=dict)
    drawn: int = 0
    done: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Push once without faults."""
        pushed = annotate_push.push(self.dataset, self.request, self.crooked)
        assert pushed.project is not None
        self.project = pushed.project
        rows = list(self.straight.index(self.project))
        self.wanted = {row.key for row in rows if row.key}
        self.there = {row.id: [] for row in rows}
        assert len(self.wanted) == pushed.tasks

    def step(self) -> None:
        """Let something happen, chosen at random."""
        weights = {self.act: 80, self.predict: 2, self.push: 5, self.pull: 12, self.forget: 1}
        self.luck.choices(list(weights), list(weights.values()))[0]()

    def act(self) -> None:
        """One of the two does something in the browser."""
        person = self.luck.choice(self.people)
        if not self.there:
            return
        task = self.luck.choice(sorted(self.there))
        annotations = self.there[task]
        what = self.luck.random()
        if what < 0.45 or not annotations:
            skips = self.luck.random() < 0.15
            body = {"result": [] if skips else self._boxes(), "was_cancelled": skips, "lead_time": 1.5}
            self._count("skip" if skips else "draw")
            annotations.append(person._write("POST", f"/api/tasks/{task}/annotations/", body)["id"])
        elif what < 0.8:
            self._count("change")
            chosen = self.luck.choice(annotations)
            person._write("PATCH", f"/api/annotations/{chosen}/", {"result": self._boxes()})
        elif what < 0.92:
            self._count("delete an annotation")
            chosen = annotations.pop(self.luck.randrange(len(annotations)))
            self.straight._write("DELETE", f"/api/annotations/{chosen}/")
        else:
            self._count("delete a task")
            del self.there[task]
            self.straight.delete_tasks(self.project, [task])

    def predict(self) -> None:
        """A model finds other boxes, so that the next push brings tasks up to date."""
        self._count("predict")
        found = [(at, "hand", self.luck.uniform(0, 300), 10.0, 30.0, 40.0) for at in range(3)]
        predict(self.dataset, *self.luck.sample(found, self.luck.randint(1, 3)), model=f"m{self.luck.random()}")

    def push(self) -> None:
        """Push through the faults; should it give up, once more without: then every key is there once."""
        self.proxy.fault = self._fault
        try:
            annotate_push.push(self.dataset, self.request, self.crooked)
            self._count("push")
        except ToolError as error:
            if error.code not in GIVES_UP:
                raise
            self._count("push that gave up")
        self.proxy.fault = lambda method, path: "pass"
        annotate_push.push(self.dataset, self.request, self.crooked)
        rows = list(self.straight.index(self.project))
        assert Counter(row.key for row in rows) == Counter(self.wanted), [(row.id, row.key) for row in rows]
        assert self._projects() == 1
        self.there = {row.id: self.there.get(row.id, []) for row in rows}
        for row in rows:  # replaced, not piled up
            assert len(self.straight._get(f"/api/tasks/{row.id}/")["predictions"]) <= 1

    def pull(self) -> None:
        """Pull through the faults, people working meanwhile; then once more in quiet, and hold all together."""
        before = len(self._events())
        self.proxy.fault = self._fault_while_people_work
        try:
            annotate_pull.pull(self.dataset, self.crooked)
            self._count("pull")
        except ToolError as error:
            if error.code not in GIVES_UP:
                raise
            self._count("pull that gave up")
        self.proxy.fault = lambda method, path: "pass"
        annotate_pull.pull(self.dataset, self.crooked)
        self.hold_together(before)

    def forget(self) -> None:
        """Clear the cache."""
        self._count("clear the cache")
        for file in (self.dataset / "cache" / "annotate").glob("*.json"):
            file.unlink()

    def hold_together(self, before: int = 0) -> None:
        """Hold the dataset against the server: nothing lost, nothing invented, nothing twice."""
        stored = self._events()
        assert len(stored) >= before
        assert len({event.event_id for event in stored}) == len(stored)
        kept = {(e.task, e.annotation, json.dumps(regions.results_of(e))) for e in deriving.newest(stored)}
        held = {
            (str(task["id"]), str(one["id"]), json.dumps([] if one["was_cancelled"] else one["result"]))
            for task in self._whole()
            for one in task["annotations"]
        }
        assert kept == held
        assert {name for _, name, _ in held} == {str(name) for names in self.there.values() for name in names}
        numbers = {entry["meta"]["drawn"] for event in stored for entry in regions.results_of(event)}
        assert numbers <= set(range(1, self.drawn + 1))
        labels = Store.open(self.dataset).table("labels", where={"source": "human"})
        assert len(labels) == sum(len(json.loads(results)) for _, _, results in held)
        authors = {event.author for event in stored if event.action != "deleted"}
        assert authors <= {person.account() for person in self.people}

    def _boxes(self) -> list[dict[str, object]]:
        made = []
        for at in range(self.luck.randint(1, 3)):
            self.drawn += 1
            value = {"x": self.luck.uniform(0, 50), "y": 1 / 3, "width": 20.0, "height": 20.0, "rotation": 0}
            size = {"original_width": 640, "original_height": 400, "image_rotation": 0}
            names = {"id": f"r{at}", "from_name": "box", "to_name": "image", "type": "rectanglelabels"}
            shown = {**value, "rectanglelabels": [self.luck.choice(["hand", "cup"])]}
            made.append({**names, **size, "value": shown, "meta": {"drawn": self.drawn}})
        return made

    def _fault(self, method: str, path: str) -> str | Instead:
        chosen = self.luck.choices(list(FAULTS), list(FAULTS.values()))[0]
        self.done[f"fault: {chosen}"] += 1
        return BUSY if chosen == "busy" else chosen

    def _fault_while_people_work(self, method: str, path: str) -> str | Instead:
        if self.luck.random() < 0.25:
            self.act()
            self._count("while a pull runs")
        return self._fault(method, path)

    def _count(self, what: str) -> None:
        self.done[what] += 1

    def _events(self) -> list[changes.LabelEvent]:
        return events_of(Store.open(self.dataset).table("label_events").to_pylist())

    def _whole(self) -> list[dict[str, object]]:
        return list(self.straight.tasks(self.project, [row.id for row in self.straight.stamps(self.project)]))

    def _projects(self) -> int:
        identity = Store.open(self.dataset).identity
        return sum(1 for project in self.straight.projects() if identity in project.description)
