"""Edits in the dataset and changes in a real Label Studio come together, and both sides end up the same."""

from dataclasses import replace

import pytest

from annotate.test_push_pull import annotate, box, labels, pull, push, tasks_of
from rushes.labels import Box
from rushes.store import Store
from rushes.workflow import annotate_conflicts, annotate_edit, annotate_pull

pytestmark = pytest.mark.live


def human(dataset, class_name):
    (found,) = [
        one for one in labels(dataset, source="human") if (one.kind, one.class_name) == ("box", class_name)
    ]
    return found


def results(client, made):
    return client._get(f"/api/annotations/{made['id']}/")["result"]


@pytest.fixture
def drawn(dataset, line, client):
    """A hand with its side, a point of it and a cup, related, drawn on the first photograph and pulled."""
    pushed = push(dataset, line)
    side = {**box("a"), "from_name": "attribute_side_box", "type": "choices"}
    side["value"] = {"x": 10, "y": 10, "width": 20.5, "height": 20, "rotation": 0, "choices": ["left"]}
    point = {**box("k"), "from_name": "points_hand21", "type": "keypointlabels", "parentID": "a"}
    point["value"] = {"x": 12, "y": 14, "width": 0.5, "keypointlabels": ["wrist"]}
    holds = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["holds"]}
    first = {**box("a", x=59.43667763157895), "origin": "manual", "strange": {"kept": 1}}
    made = annotate(
        client, tasks_of(client, pushed.project)[0].id, [first, side, point, box("b", "cup", x=50), holds]
    )
    assert pull(dataset, line).problems == []
    return made


def test_edits_go_back_and_both_sides_end_up_the_same(dataset, line, client, drawn) -> None:
    before = results(client, drawn)
    hand, cup = human(dataset, "hand"), human(dataset, "cup")
    wanted = {
        hand.label_id: replace(hand, attributes={"side": "right"}),
        cup.label_id: replace(cup, geometry=Box(x_px=333.3, y_px=40.0, width_px=61.7, height_px=80.0)),
    }
    annotate_edit.edit(dataset, wanted, author="eve")
    pushed = push(dataset, line)
    assert (pushed.returned.labels, pushed.returned.annotations, pushed.returned.refused) == (3, 1, [])
    after = results(client, drawn)
    # The hand did not move: its numbers, and what only Label Studio knows, are there to the last digit.
    assert after[0] == before[0]
    assert after[1]["value"] == {**before[1]["value"], "choices": ["right"]}
    assert [entry.get("id") for entry in after] == [entry.get("id") for entry in before]
    assert after[3]["value"]["x"] == pytest.approx(333.3 / 6.4)
    pulled = pull(dataset, line)
    assert (pulled.events["updated"], pulled.conflicts, pulled.problems) == (1, 0, [])
    assert human(dataset, "hand").attributes == {"side": "right"}
    assert human(dataset, "cup").geometry.x_px == pytest.approx(333.3, abs=1e-6)
    assert len(labels(dataset, source="human")) == 4
    quiet = pull(dataset, line)
    assert (quiet.revision, push(dataset, line).returned.labels) == (pulled.revision, 0)
    held = sorted(Store.open(dataset).table("labels").to_pylist(), key=lambda row: row["label_id"])
    annotate_pull.rebuild(dataset)
    assert sorted(Store.open(dataset).table("labels").to_pylist(), key=lambda row: row["label_id"]) == held


def test_a_version_that_was_not_read_is_never_written_over(dataset, line, client, drawn) -> None:
    cup = human(dataset, "cup")
    annotate_edit.edit(dataset, {cup.label_id: replace(cup, class_name="object")}, author="eve")
    theirs = [entry if entry.get("id") != "b" else box("b", "cup", x=70) for entry in results(client, drawn)]
    client._write("PATCH", f"/api/annotations/{drawn['id']}/", {"result": theirs})
    pushed = push(dataset, line)
    assert (pushed.returned.labels, len(pushed.returned.stale)) == (0, 1)
    assert results(client, drawn) == theirs
    assert pull(dataset, line).conflicts == 0
    assert human(dataset, "object").geometry.x_px == 70 * 640 / 100
    assert push(dataset, line).returned.labels == 1
    sent = next(entry for entry in results(client, drawn) if entry.get("id") == "b")
    assert (sent["value"]["rectanglelabels"], sent["value"]["x"]) == (["object"], 70)
    assert pull(dataset, line).conflicts == 0
    assert push(dataset, line).returned.labels == 0


@pytest.mark.parametrize(("take", "class_name"), [("ours", "object"), ("theirs", "hand"), ("base", "cup")])
def test_a_conflict_waits_and_what_was_taken_goes_back(dataset, line, client, drawn, take, class_name) -> None:
    cup = human(dataset, "cup")
    annotate_edit.edit(dataset, {cup.label_id: replace(cup, class_name="object")}, author="eve")
    theirs = [entry if entry.get("id") != "b" else box("b", "hand", x=50) for entry in results(client, drawn)]
    client._write("PATCH", f"/api/annotations/{drawn['id']}/", {"result": theirs})
    assert pull(dataset, line).conflicts == 1
    pushed = push(dataset, line)
    assert (pushed.returned.contested, pushed.returned.labels) == (1, 0)
    assert results(client, drawn) == theirs
    annotate_conflicts.resolve(dataset, None, take)
    assert push(dataset, line).returned.labels == (0 if take == "theirs" else 1)
    sent = next(entry for entry in results(client, drawn) if entry.get("id") == "b")
    assert sent["value"]["rectanglelabels"] == [class_name]
    last = pull(dataset, line)
    (now,) = [one for one in labels(dataset, source="human") if one.label_id == cup.label_id]
    assert (now.class_name, last.conflicts) == (class_name, 0)
    assert annotate_conflicts.conflicts(dataset) == []
    assert (pull(dataset, line).revision, push(dataset, line).returned.labels) == (last.revision, 0)


def test_what_is_added_and_deleted_here_is_so_there(dataset, line, client, drawn) -> None:
    hand = human(dataset, "hand")
    event = Store.open(dataset).table("label_events").to_pylist()[0]
    shape = Box(x_px=10.0, y_px=20.0, width_px=30.0, height_px=40.0)
    fresh = replace(hand, class_name="object", geometry=shape, attributes={}, received=None)
    (name,) = annotate_edit.add(dataset, event["task_key"], fresh, author="eve").created
    annotate_edit.edit(dataset, {hand.label_id: None}, with_parts=True)
    pushed = push(dataset, line)
    assert (pushed.returned.labels, pushed.returned.refused) == (4, [])
    left = [entry["value"]["rectanglelabels"][0] for entry in results(client, drawn)]
    assert left == ["cup", "object"]
    assert pull(dataset, line).conflicts == 0
    assert {one.label_id for one in labels(dataset, source="human")} == {name, human(dataset, "cup").label_id}
    assert human(dataset, "object").geometry.x_px == pytest.approx(10.0)
    assert push(dataset, line).returned.labels == 0
