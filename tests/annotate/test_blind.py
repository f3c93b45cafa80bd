"""Two people label without seeing one another's work; what they differ on is settled; one truth is exported."""

import uuid

import pytest

from annotate.test_push_pull import PHOTOGRAPHS, annotate, box, events, labels, pull, tasks_of
from rushes.annotate.label_studio.client import Client
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow import annotate_push
from rushes.workflow._annotate.desks import Blind

pytestmark = pytest.mark.live


def push(dataset, line, *names, overlap=1.0, **more):
    blind = Blind(annotators=names, overlap=overlap) if names else None
    request = annotate_push.Request(template="boxes", where=PHOTOGRAPHS, ontology="hands", blind=blind, **more)
    return annotate_push.push(dataset, request, line)


@pytest.fixture(scope="session")
def people(served):
    """Two more accounts; gives a client for each by name."""
    connected = {}
    with Client(served.access) as admin:
        for name in ("ada", "ben"):
            email = f"{name}.{uuid.uuid4().hex[:6]}@rushes.localhost"
            user = admin._write("POST", "/api/users/", {"email": email, "username": email, "first_name": name})
            token = admin._write("POST", "/api/current-user/reset-token/") if False else None
            connected[name] = (email, user, token)
    return connected


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
