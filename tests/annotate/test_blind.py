"""Two people label without seeing one another's work; what they differ on is settled; one truth is exported."""

import uuid

import httpx
import pytest

from annotate.test_push_pull import PHOTOGRAPHS, annotate, box, events, labels, pull, tasks_of
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow import agree, annotate_adjudicate, annotate_push, consensus, export
from rushes.workflow._annotate.desks import Blind
from rushes.workflow._labels.truth import standing_labels

pytestmark = pytest.mark.live


def push(dataset, line, *names, overlap=1.0, **more):
    blind = Blind(annotators=names, overlap=overlap) if names else None
    request = annotate_push.Request(template="boxes", where=PHOTOGRAPHS, ontology="hands", blind=blind, **more)
    return annotate_push.push(dataset, request, line)


class Person:
    """Somebody with an account of their own, made by the invitation link as people do."""

    def __init__(self, served, name):
        self.email = f"{name}@{uuid.uuid4().hex[:6]}.localhost"
        self.url = served.url
        admin = {"Authorization": f"Token {served.access.token}"}
        link = httpx.get(f"{served.url}/api/invite", headers=admin, trust_env=False).json()["invite_url"]
        self.http = httpx.Client(trust_env=False, timeout=120, follow_redirects=True)
        page = f"{served.url}{link[link.index('/user/signup') :]}"
        self.http.get(page)
        form = {"email": self.email, "password": "a long password", "how_find_us": "other"}
        form["csrfmiddlewaretoken"] = self.http.cookies["csrftoken"]
        self.http.post(page, data=form, headers={"Referer": page})

    def annotate(self, task, result, lead_time=4.5):
        """Submit an annotation as this person."""
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"], "Referer": self.url}
        body = {"result": result, "lead_time": lead_time}
        reply = self.http.post(f"{self.url}/api/tasks/{task}/annotations/", json=body, headers=headers)
        assert reply.status_code == 201, reply.text
        return reply.json()


def turned(entry):
    """The same, on a picture that is shown upright though stored on its side."""
    return entry | {"original_width": 400, "original_height": 640}


@pytest.fixture
def two(served):
    people = [Person(served, name) for name in ("ada", "ben")]
    yield people
    for person in people:
        person.http.close()


def test_each_annotator_has_a_project_and_sees_nobody_elses(dataset, line, client) -> None:
    pushed = push(dataset, line, "ada", "ben", overlap=0.34)
    assert (pushed.tasks, pushed.shared, len(pushed.desks)) == (3, 1, 2)
    assert pushed.sent.created == 4
    assert {desk.tasks for desk in pushed.desks} == {2}
    assert len({desk.project for desk in pushed.desks}) == 2
    again = push(dataset, line, "ada", "ben", overlap=0.34)
    assert (again.sent.created, again.sent.same, again.revision) == (0, 4, pushed.revision)
    for desk in pushed.desks:
        some = tasks_of(client, desk.project)
        annotate(client, next(iter(some.values())).id, [box()])
    assert pull(dataset, line).events["created"] == 2
    assert {(x.annotator, x.author) for x in labels(dataset, source="human")} == {
        ("ada", "admin@rushes.localhost"),
        ("ben", "admin@rushes.localhost"),
    }
    assert {event["annotator"] for event in events(dataset)} == {"ada", "ben"}
    third = push(dataset, line, "ada", "ben", "cleo", overlap=0.34)
    assert (third.sent.created, third.desks[-1].tasks) == (0, 0)
    with pytest.raises(UsageError) as told:
        push(dataset, line)
    assert told.value.code == "annotate.planned"
    with pytest.raises(UsageError) as told:
        push(dataset, line, "ada", "ben", predictions=["human"])
    assert told.value.code == "annotate.blind"
    assert Store.open(dataset).table("annotation_plans").num_rows == 4


def settle(dataset, line, **more):
    return annotate_adjudicate.adjudicate(dataset, annotate_adjudicate.Settings(**more), line)


def test_from_the_plan_to_one_truth_a_frame(dataset, line, client, two, tmp_path) -> None:
    ada, ben = two
    pushed = push(dataset, line, ada.email, ben.email)
    assert [desk.account for desk in pushed.desks] == [ada.email, ben.email]
    of_ada, of_ben = (tasks_of(client, desk.project) for desk in pushed.desks)
    # On the first they differ, on the turned one they agree, on the third one of them sees nothing.
    ada.annotate(of_ada[0].id, [box("a")], lead_time=0.4)
    ben.annotate(of_ben[0].id, [box("b", x=50)])
    ada.annotate(of_ada[1].id, [turned(box("a")), turned(box("c", "cup", x=60))])
    ben.annotate(of_ben[1].id, [turned(box("b", x=10.5)), turned(box("d", "cup", x=60))])
    ada.annotate(of_ada[2].id, [box("a")])
    ben.annotate(of_ben[2].id, [])
    assert pull(dataset, line).events["created"] == 6
    assert {(x.annotator, x.author) for x in labels(dataset, source="human")} == {
        (ada.email, ada.email),
        (ben.email, ben.email),
    }
    agreed = agree.agree_on(dataset)
    f1 = next(x for x in agreed.figures if x.measure == "f1" and x.kind == "box" and not x.class_name)
    assert (f1.value, f1.count) == (pytest.approx(4 / 7), 7)
    assert [(flag.author, flag.why) for flag in agreed.flags] == [(ada.email, ("hasty",))]
    out = export.export(dataset, export.Settings(format="coco", out=tmp_path / "first", pictures=False))
    assert out.exported.labels_out == 4, "of two versions of a frame one goes out"

    would = annotate_adjudicate.adjudicate(dataset, annotate_adjudicate.Settings(), line, dry_run=True)
    assert [(at.tasks, at.project) for at in would.templates] == [(2, None)]
    (at,) = settle(dataset, line).templates
    assert (at.template, at.several, at.tasks, at.sent.created) == ("boxes", 3, 2, 2)
    (again,) = settle(dataset, line).templates
    assert (again.project, again.sent.created, again.sent.same) == (at.project, 0, 2)
    tasks = tasks_of(client, at.project)
    assert set(tasks) == {0, 2}
    for index in (0, 2):
        shown = client._get(f"/api/tasks/{tasks[index].id}/")["predictions"]
        assert sorted(each["model_version"] for each in shown) == ["version 1", "version 2"]
        assert sorted(len(each["result"]) for each in shown) == ([1, 1] if index == 0 else [0, 1])
    assert ada.email not in str(client._get(f"/api/tasks/{tasks[0].id}/")["predictions"])

    made = annotate(client, tasks[0].id, [box("z", x=30)])
    annotate(client, tasks[2].id, [])
    pulled = pull(dataset, line)
    assert (pulled.events["created"], pulled.problems) == (2, [])
    truth = standing_labels(Store.open(dataset))
    assert sorted((x.index, x.class_name, x.role) for x in truth) == [
        (0, "hand", "adjudicate"),
        (1, "cup", None),
        (1, "hand", None),
    ]
    assert next(x for x in truth if x.index == 0).geometry.x_px == 192.0
    assert [list(agree.agree_on(dataset).authors)] == [sorted([ada.email, ben.email])]
    merged = consensus.consensus(dataset, consensus.Settings())
    assert (merged.items, merged.new, merged.settled) == (3, 3, 2)
    out = export.export(dataset, export.Settings(format="coco", out=tmp_path / "last", pictures=False))
    assert (out.exported.labels_out, out.exported.pictures) == (3, 2)
    assert pull(dataset, line).revision == merged.revision
    assert settle(dataset, line).templates[0].settled == 2
    client._write("DELETE", f"/api/annotations/{made['id']}/")
    pull(dataset, line)
    assert {x.source for x in standing_labels(Store.open(dataset)) if x.index == 0} == set(), "no two agree there"
