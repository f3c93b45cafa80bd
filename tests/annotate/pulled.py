"""A Label Studio that is only remembered: what a pull asks of a server, answered from a few Python objects.

The real one is asked in ``test_merge_live``; this one is for the many small cases around a merge.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rushes import ontology as ontologies
from rushes.annotate.label_studio.access import Access
from rushes.annotate.label_studio.client import Newest, Project, TaskRow
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.program import RELEASE
from rushes.store import Store
from rushes.vocabulary import ClassSpec
from rushes.workflow import annotate_pull
from rushes.workflow._annotate import project as projects
from rushes.workflow._annotate.project import Line
from rushes.workflow._labels import vocabulary

START = datetime(2026, 1, 1, tzinfo=UTC)
LINE = Line(access=Access(url="http://127.0.0.1:1", token="t"), name="local")


class Remembered:
    """One project with a task for each photograph of the dataset ``takes``."""

    def __init__(self, path, template="hands"):
        self.path = path
        store = Store.open(path)
        hands = ontologies.load("hands")
        more = tuple(
            ClassSpec(name=name, id=at) for at, name in enumerate(("bottle", "phone"), len(hands.classes))
        )
        vocabulary.keep(store, replace(hands, classes=(*hands.classes, *more)))
        (rec,) = [r for r in store.table("recordings").to_pylist() if r["reader"] == "image_folder"]
        (stream,) = store.table("streams", where={"recording_id": rec["recording_id"]})["stream"].to_pylist()
        self.place = (rec["recording_id"], stream)
        self.clock = 0
        self.held = {}
        self.project = Project(
            id=7, title="t", config="<View/>", description=f"it is {projects.mark(store, template)}"
        )
        for index in range(3):
            shown = Passport(recording_id=self.place[0], stream=stream, index=index, width_px=640, height_px=400)
            data = {"key": "/".join(map(str, (*self.place, index))), "rev": "r", "template": template}
            data["shown"] = {"image": shown.as_json()}
            self.held[index + 1] = {"id": index + 1, "data": data, "annotations": [], "updated_at": self.now()}
        row = {"server": "local", "project": "7", "title": "t", "template": template, "ontology": "x"}
        with store.begin("test") as transaction:
            columns = {**row, "config": "<View/>", "cameras": [None], "created_ns": 0}
            transaction.append("annotation_projects", 1, columns)
            transaction.commit()

    def now(self):
        self.clock += 1
        return (START + timedelta(seconds=self.clock)).isoformat().replace("+00:00", "Z")

    def annotate(self, index, *entries):
        """Draw on a photograph; the annotation of a photograph is drawn anew the next time."""
        task = self.held[index + 1]
        if task["annotations"]:
            task["annotations"][0] |= {"result": list(entries), "updated_at": self.now()}
        else:
            stamp = self.now()
            said = {"id": 100 + index, "result": list(entries), "created_at": stamp, "updated_at": stamp}
            task["annotations"] = [said | {"completed_by": 1, "was_cancelled": False}]
        task["updated_at"] = self.now()

    def pull(self, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(annotate_pull, "Client", lambda access: self)
            return annotate_pull.pull(self.path, LINE)

    # What a pull asks.

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def projects(self):
        return [self.project]

    def users(self):
        return {1: "ann@example.org"}

    def release(self):
        return RELEASE

    def newest(self, project, count):
        rows = sorted(self.stamps(project), key=lambda row: row.updated_at, reverse=True)
        answers = sum(row.answers for row in rows)
        return Newest(rows=rows[:count], tasks=len(rows), annotations=answers)

    def stamps(self, project):
        return [
            TaskRow(
                id=task["id"],
                key=None,
                revision=None,
                data={},
                updated_at=task["updated_at"],
                answers=len(task["annotations"]),
            )
            for task in self.held.values()
        ]

    def tasks(self, project, ids):
        return [self.held[number] for number in ids]
