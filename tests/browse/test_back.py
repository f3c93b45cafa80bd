"""What people do in the App comes back into the dataset, once, and overrules nobody."""

from dataclasses import replace

import pytest

from browse.desk_of_edits import Bench, made
from rushes.annotate import rows
from rushes.browse.edits import Edits
from rushes.labels import Box, Label
from rushes.registry import late
from rushes.store import Store
from rushes.workflow import annotate_conflicts, decisions, label_tags
from rushes.workflow.dataset import Dataset
from rushes.workflow.decisions import TagWish, Wish, decide
from rushes.workflow.label_tags import LabelTagWish

pytestmark = pytest.mark.live


@pytest.fixture
def bench(database, tmp_path):
    opened = Bench(made(tmp_path), database)
    opened.box(0)
    opened.reload()
    yield opened
    database.fo.delete_datasets("*")


def emptied(labels):
    while labels:
        labels.pop()  # what goes unseen by FiftyOne's list is not saved


def nothing_is_left(bench):
    """Another write-back does nothing at all."""
    revision = Store.open(bench.path).revision
    again = bench.write_back()
    assert (again.written, again.same, again.refused, again.revision) == (0, 0, [], revision)


def test_our_own_loads_are_no_edits(bench):
    nothing_is_left(bench)
    decide(bench.path, [Wish(item=bench.item(1), what="reject")], author="ben")
    bench.box(1, class_name="hand")
    bench.reload()
    nothing_is_left(bench)


def test_a_tag_becomes_a_row_with_who_and_when(bench):
    sample = bench.sample(1)
    sample.tags.append("look again")
    sample.save()
    done = bench.write_back("ada")
    assert (done.tags, done.authors) == (1, ["ada"])
    (row,) = bench.table("tags")
    assert (row["tag"], row["action"], row["author"], row["source"]) == ("look again", "added", "ada", "app")
    assert (row["recording_id"], row["stream"], row["index"]) == bench.item(1)
    assert row["given_ns"] <= row["stored_ns"]
    nothing_is_left(bench)
    bench.reload()
    assert bench.sample(1).tags == ["look again"]
    sample = bench.sample(1)
    sample.tags = []
    sample.save()
    assert bench.write_back("ben").tags == 1
    assert decisions.tags_of(Store.open(bench.path)) == {}
    assert [row["author"] for row in bench.table("tags")] == ["ada", "ben"]


def test_a_raw_update_that_leaves_no_time_is_found_too(bench):
    collection = bench.dataset._sample_collection
    collection.update_one({"index": 2}, {"$set": {"tags": ["by hand"]}})
    assert bench.write_back().tags == 1


def test_a_deleted_sample_is_a_decision_and_no_loss(bench):
    bench.dataset.delete_samples([bench.sample(2).id])
    done = bench.write_back("ada")
    assert [(one.what, one.item, one.author) for one in done.decided] == [("delete", bench.item(2), "ada")]
    nothing_is_left(bench)
    assert len(Store.open(bench.path).table("frames")) == 3
    bench.reload()
    assert len(bench.dataset) == 2
    decide(bench.path, [Wish(item=bench.item(2), what="withdraw", about="use")])
    bench.reload()
    assert len(bench.dataset) == 3


def test_the_field_of_the_decision_and_of_the_split_are_requests(bench):
    sample = bench.sample(0)
    sample["decision"] = "reject"
    sample.save()
    sample = bench.sample(1)
    sample["split"] = "test"
    sample.save()
    sample = bench.sample(2)
    sample["decision"] = "perhaps"
    sample.save()
    done = bench.write_back("ada")
    assert sorted(one.what for one in done.decided) == ["reject", "request_split"]
    assert [one.what for one in done.refused] == ["decision set to 'perhaps'"]
    store = Store.open(bench.path)
    assert decisions.requested_parts(store)[bench.recording].value == "test"
    bench.reload()
    assert bench.sample(0)["decision"] == "reject"
    assert {bench.sample(at)["asked_split"] for at in range(3)} == {"test"}
    assert bench.sample(1)["split"] is None, "a request is not yet a part"
    assert bench.sample(2)["decision"] == "perhaps", "what was refused stays as they left it"


def test_who_decided_unseen_does_not_overrule(bench):
    sample = bench.sample(0)
    sample["decision"] = "accept"
    sample.save()
    decide(bench.path, [Wish(item=bench.item(0), what="reject")], author="ben")
    done = bench.write_back("ada")
    assert ([one.author for one in done.contested], done.decided) == (["ada"], [])
    assert decisions.standing(Store.open(bench.path))[bench.item(0), "use"].author == "ben"
    nothing_is_left(bench)
    bench.reload()
    assert bench.sample(0)["decision"] == "reject"


def test_a_box_that_was_moved_keeps_its_name_and_everything_else(bench):
    (name,) = bench.labels
    before = bench.labels[name]

    def move(boxes):
        boxes[0].bounding_box = [0.5, 0.25, 0.25, 0.5]

    bench.change(0, "boxes", move)
    done = bench.write_back("ada")
    assert (done.changed, done.conflicts) == ([name], 0)
    after = bench.labels[name]
    assert after.geometry == Box(x_px=32.0, y_px=12.0, width_px=16.0, height_px=24.0)
    assert (after.class_name, after.author) == (before.class_name, before.author)
    event = next(e for e in bench.table("label_events") if e["event_id"] == after.event_id)
    assert (event["author"], event["tool"], event["action"]) == ("ada", "rushes", "updated")
    nothing_is_left(bench)
    bench.reload()
    assert bench.sample(0)["boxes"].detections[0].bounding_box == [0.5, 0.25, 0.25, 0.5]
    nothing_is_left(bench)


def test_a_label_is_drawn_and_deleted_in_the_app(bench):
    fo = bench.fo
    (old,) = bench.labels

    def redraw(boxes):
        boxes[0] = fo.Detection(label="hand", bounding_box=[0.125, 0.25, 0.25, 0.5], side="left")

    bench.change(0, "boxes", redraw)
    done = bench.write_back("ada")
    assert (len(done.created), done.deleted) == (1, [old])
    (new,) = bench.labels.values()
    assert (new.author, new.source, new.attributes) == ("ada", "human", {"side": "left"})
    assert new.geometry == Box(x_px=8.0, y_px=12.0, width_px=16.0, height_px=24.0)
    nothing_is_left(bench)
    bench.reload()
    (shown,) = bench.sample(0)["boxes"].detections
    assert (shown.label_id, shown.side) == (new.label_id, "left")
    nothing_is_left(bench)


def test_what_both_sides_changed_is_a_conflict_and_the_rest_is_taken(bench):
    (name,) = bench.labels
    seen = bench.labels[name]

    def change(boxes):
        boxes[0].bounding_box = [0.5, 0.25, 0.25, 0.5]
        boxes[0]["side"] = "left"

    bench.change(0, "boxes", change)
    bench.edit(name, replace(seen, geometry=Box(x_px=1.0, y_px=1.0, width_px=4.0, height_px=4.0)))
    done = bench.write_back("ada")
    assert done.conflicts == 1
    now = bench.labels[name]
    assert (now.geometry.x_px, now.attributes) == (1.0, {"side": "left"})
    (open_one,) = annotate_conflicts.conflicts(bench.path)
    assert (open_one.group, open_one.ours[1]["x_px"], open_one.theirs[1]["x_px"]) == ("geometry", 1.0, 32.0)
    nothing_is_left(bench)
    annotate_conflicts.resolve(bench.path, [name], "theirs")
    assert bench.labels[name].geometry == Box(x_px=32.0, y_px=12.0, width_px=16.0, height_px=24.0)
    assert annotate_conflicts.conflicts(bench.path) == []


def test_a_label_that_was_deleted_meanwhile_is_not_revived_in_silence(bench):
    (name,) = bench.labels

    def move(boxes):
        boxes[0].bounding_box = [0.5, 0.25, 0.25, 0.5]

    bench.change(0, "boxes", move)
    bench.edit(name, None)
    done = bench.write_back("ada")
    assert done.conflicts == 1
    assert [one.group for one in annotate_conflicts.conflicts(bench.path)] == ["existence"]
    annotate_conflicts.resolve(bench.path, [name], "ours")
    assert bench.labels == {}


def test_a_box_is_not_deleted_without_its_points(bench):
    (box,) = bench.labels
    points = bench.points(0, box)
    bench.reload()
    bench.change(0, "boxes", emptied)
    done = bench.write_back()
    assert [one.why for one in done.refused] == [f"the keypoints {points} is a part of it; delete that too"]
    assert set(bench.labels) == {box, points}
    bench.change(0, "keypoints", emptied)
    assert sorted(bench.write_back().deleted) == sorted([box, points])
    assert bench.labels == {}


def test_points_that_were_moved_come_back_and_the_others_stay_to_the_last_digit(bench):
    (box,) = bench.labels
    name = bench.points(0, box)
    bench.reload()
    before = bench.labels[name].geometry.triples

    def move(keypoints):
        keypoints[0].points = [(0.5, 0.5), *keypoints[0].points[1:]]

    bench.change(0, "keypoints", move)
    assert bench.write_back().changed == [name]
    after = bench.labels[name].geometry.triples
    assert after[:3] == (32.0, 24.0, 2.0)
    assert after[3:] == pytest.approx(before[3:], abs=1e-9)


def test_a_class_that_the_ontology_has_not_is_refused_and_stays_in_the_app(bench):
    (name,) = bench.labels

    def rename(boxes):
        boxes[0].label = "hnad"

    bench.change(0, "boxes", rename)
    done = bench.write_back()
    assert "hnad" in done.refused[0].why
    assert bench.labels[name].class_name == "hand"
    bench.reload()
    assert bench.sample(0)["boxes"].detections[0].label == "hnad"


def test_edits_outlive_reloads_until_they_are_written(bench):
    (name,) = bench.labels

    def move(boxes):
        boxes[0].bounding_box = [0.5, 0.25, 0.25, 0.5]

    bench.change(0, "boxes", move)
    sample = bench.sample(1)
    sample.tags.append("x")
    sample["note"] = "mine"
    sample.save()
    bench.dataset.delete_samples([bench.sample(2).id])
    bench.box(0, x=30.0)
    assert bench.reload().written == 3
    assert sorted(d.bounding_box[0] for d in bench.sample(0)["boxes"].detections) == [30 / 64, 0.5]
    assert len(bench.dataset) == 2
    assert bench.sample(1).tags == ["x"]
    done = bench.write_back("ada")
    assert (done.tags, done.changed, [one.what for one in done.decided]) == (1, [name], ["delete"])
    assert dict(done.elsewhere) == {"note": 1}
    assert bench.table("label_conflicts") == []


def test_an_edit_on_a_recording_that_is_no_more_in_the_view_waits(bench, database):
    sample = bench.sample(1)
    sample.tags.append("x")
    sample.save()
    kept = Edits(database.database(), bench.dataset.name)
    kept.set_aside()
    bench.dataset._sample_collection.delete_many({})
    (edited,) = kept.edited()
    assert (edited.waiting, [piece.name for piece in edited.pieces]) == (True, ["x"])
    assert bench.write_back().tags == 1
    assert list(kept.edited()) == []


def test_who_edited_is_whose_session_it_was(bench, database):
    kept = Edits(database.database(), bench.dataset.name)
    kept.begin("ada")
    sample = bench.sample(1)
    sample.tags.append("of ada")
    sample.save()
    kept.begin("ben")
    sample = bench.sample(1)
    sample.tags.append("of ben")
    sample.save()
    bench.write_back("cleo")
    assert {row["tag"]: row["author"] for row in bench.table("tags")} == {"of ada": "ada", "of ben": "ben"}


def test_who_is_killed_after_the_commit_writes_nothing_twice(bench, monkeypatch):
    (name,) = bench.labels
    fo = bench.fo

    def change(boxes):
        boxes[0].bounding_box = [0.5, 0.25, 0.25, 0.5]
        boxes.append(fo.Detection(label="hand", bounding_box=[0.0, 0.0, 0.25, 0.25]))

    bench.change(0, "boxes", change)
    bench.edit(name, replace(bench.labels[name], geometry=Box(x_px=1.0, y_px=1.0, width_px=4.0, height_px=4.0)))
    sample = bench.sample(1)
    sample.tags.append("x")
    sample["decision"] = "accept"
    sample.save()
    decide(bench.path, [Wish(item=bench.item(1), what="reject")], tags=[], author="ben")
    bench.dataset.delete_samples([bench.sample(2).id])

    def killed(self, done):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Edits, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            bench.write_back()
    counts = {table: len(bench.table(table)) for table in ("tags", "decisions", "label_events", "labels")}
    revision = Store.open(bench.path).revision
    again = bench.write_back()
    assert (again.written, again.revision) == (0, revision)
    assert {table: len(bench.table(table)) for table in counts} == counts
    nothing_is_left(bench)


def test_dropping_the_database_after_write_back_loses_nothing(bench):
    def move(boxes):
        boxes[0].bounding_box = [0.5, 0.25, 0.25, 0.5]

    bench.change(0, "boxes", move)
    sample = bench.sample(1)
    sample.tags.append("x")
    sample["decision"] = "reject"
    sample.save()
    bench.write_back()
    bench.reload()

    def shown():
        return [
            (s.tags, s["decision"], [d.bounding_box for d in (s["boxes"].detections if s["boxes"] else [])])
            for s in (bench.sample(at) for at in range(3))
        ]

    before = shown()
    database = bench.load.database()
    bench.fo.delete_dataset(bench.dataset.name)
    for name in database.list_collection_names():
        if name.startswith("rushes_"):
            database[name].drop()
    assert bench.reload().written == 3
    assert shown() == before
    assert before[1][:2] == (["x"], "reject")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(bench):
    sample = bench.sample(1)
    sample.tags.append("x")
    sample.save()
    revision = Store.open(bench.path).revision
    assert bench.write_back(dry_run=True).tags == 1
    assert Store.open(bench.path).revision == revision
    assert bench.write_back().tags == 1


def test_a_tag_that_the_dataset_gave_itself_cannot_be_taken_away(bench):
    decide(bench.path, [], tags=[TagWish(item=bench.item(1), tag="x", action="added")])
    collection = bench.dataset._sample_collection
    kept = Edits(bench.load.database(), bench.dataset.name)
    for held in (collection, kept._seen):
        held.update_one({"index": 1}, {"$set": {"findings": ["image.dark"], "tags": ["image.dark"]}})
    sample = bench.sample(1)
    sample.tags = []
    sample.save()
    assert [one.why for one in bench.write_back().refused] == ["it says what the dataset found, and comes back"]


def tagged(bench, index, field, tags, at=0):
    """Put exactly these tags on one label in the App."""

    def change(labels):
        labels[at].tags = list(tags)

    bench.change(index, field, change)


def tags_shown(bench, index, field="boxes"):
    return {each.label_id: list(each.tags) for each in bench.sample(index)[field].detections}


def test_a_tag_on_a_label_becomes_a_row_with_who_and_when_and_is_shown_again(bench):
    (name,) = bench.labels
    tagged(bench, 0, "boxes", ["check", "blurred"])
    done = bench.write_back("ada")
    assert (done.label_tags, done.tags, done.authors, done.changed) == (2, 0, ["ada"], [])
    rows = bench.table("label_tags")
    assert [(row["label_id"], row["tag"], row["action"], row["author"], row["source"]) for row in rows] == [
        (name, "blurred", "added", "ada", "app"),
        (name, "check", "added", "ada", "app"),
    ]
    for row in rows:
        assert (row["recording_id"], row["stream"], row["index"]) == bench.item(0)
        assert row["given_ns"] <= row["stored_ns"]
        assert row["event_id"] == bench.labels[name].event_id
    nothing_is_left(bench)
    bench.reload()
    assert tags_shown(bench, 0) == {name: ["blurred", "check"]}
    nothing_is_left(bench)
    tagged(bench, 0, "boxes", ["check"])
    assert bench.write_back("ben").label_tags == 1
    bench.reload()
    assert tags_shown(bench, 0) == {name: ["check"]}
    with Dataset.open(bench.path) as dataset:
        found = dataset.sql("SELECT label_id, tag, author FROM tagged_labels").fetchall()
    assert found == [(name, "check", "ada")]
    assert bench.table("tags") == []


def test_tags_by_the_app_s_own_route_come_back_also_where_they_leave_no_time(bench, database):
    (name,) = bench.labels
    server_utils = late("fiftyone.server.utils")
    view = database.fo.load_dataset(bench.dataset.name).select_fields("boxes")
    server_utils.change_label_tags(view, {"look again": True}, label_fields=["boxes"])
    assert bench.write_back("ada").label_tags == 1
    server_utils.change_label_tags(view, {"look again": False}, label_fields=["boxes"])
    assert bench.write_back("ada").label_tags == 1
    assert [(row["label_id"], row["action"]) for row in bench.table("label_tags")] == [
        (name, "added"),
        (name, "removed"),
    ]


def test_a_label_that_is_moved_and_tagged_is_changed_once_and_tagged_once(bench):
    (name,) = bench.labels

    def change(labels):
        labels[0].bounding_box = [0.5, 0.5, 0.25, 0.25]
        labels[0].tags = ["moved"]

    bench.change(0, "boxes", change)
    done = bench.write_back("ada")
    assert (done.changed, done.label_tags, done.noted, done.conflicts) == ([name], 1, [], 0)
    bench.reload()
    assert tags_shown(bench, 0) == {name: ["moved"]}
    assert bench.labels[name].geometry.x_px == 32.0
    nothing_is_left(bench)


def test_what_is_drawn_brings_its_tags_along(bench):
    def change(labels):
        labels.append(bench.fo.Detection(label="hand", bounding_box=[0.25, 0.25, 0.5, 0.5], tags=["mine"]))

    bench.change(0, "boxes", change)
    done = bench.write_back("ada")
    assert (len(done.created), done.label_tags) == (1, 1)
    bench.reload()
    assert tags_shown(bench, 0)[done.created[0]] == ["mine"]
    nothing_is_left(bench)


def test_tags_of_labels_outlive_reloads_until_they_are_written(bench):
    (name,) = bench.labels
    tagged(bench, 0, "boxes", ["wait"])
    bench.box(0, x=30.0)  # of the same picture, so that it is loaded anew
    bench.reload()
    assert tags_shown(bench, 0)[name] == ["wait"]
    assert bench.write_back("ada").label_tags == 1
    bench.reload()
    assert sorted(tags_shown(bench, 0).values()) == [[], ["wait"]]


def test_a_tag_on_a_label_that_was_changed_meanwhile_is_taken_and_said(bench):
    ((name, label),) = bench.labels.items()
    tagged(bench, 0, "boxes", ["check"])
    bench.edit(name, replace(label, geometry=Box(x_px=1.0, y_px=1.0, width_px=4.0, height_px=4.0)))
    done = bench.write_back("ada")
    assert (done.label_tags, done.changed) == (1, [])
    assert [name in said and "changed since" in said for said in done.noted] == [True]
    assert bench.table("label_tags")[0]["event_id"] == label.event_id
    assert bench.labels[name].geometry.x_px == 1.0


def test_a_tag_on_a_label_that_is_gone_is_refused_and_stays_in_the_app(bench):
    (name,) = bench.labels
    tagged(bench, 0, "boxes", ["check"])
    bench.edit(name, None)
    for _ in range(2):
        done = bench.write_back("ada")
        assert (done.label_tags, done.deleted, done.created) == (0, [], [])
        assert [one.what for one in done.refused] == ["tag 'check' given to a label in boxes"]
        bench.reload()
    assert tags_shown(bench, 0) == {name: ["check"]}


def test_the_tag_that_the_dataset_has_already_is_no_row(bench):
    tagged(bench, 0, "boxes", ["check"])
    item, (name,) = bench.item(0), bench.labels
    wish = LabelTagWish(place=(name, *item), tag="check", action="added", author="ben", given_ns=1)
    store = Store.open(bench.path)
    with store.begin("test") as transaction:
        label_tags.judge(store, [wish]).put(transaction)
        transaction.commit()
    done = bench.write_back("ada")
    assert (done.label_tags, done.same) == (0, 1)
    assert [row["author"] for row in bench.table("label_tags")] == ["ben"]


def test_a_tagged_proposal_stays_a_proposal(bench):
    label = Label(
        label_id="p",
        recording_id=bench.recording,
        stream=bench.stream,
        index=1,
        kind="box",
        source="model",
        tool="seer",
        class_name="hand",
        geometry=Box(x_px=1.0, y_px=1.0, width_px=9.0, height_px=9.0),
    )
    store = Store.open(bench.path)
    with store.begin("test") as transaction:
        transaction.append("labels", 1, rows.label_columns([label]))
        transaction.commit()
    bench.reload()
    tagged(bench, 1, "predicted_boxes", ["false positive"])
    done = bench.write_back("ada")
    assert (done.created, done.label_tags) == ([], 1)
    bench.reload()
    assert tags_shown(bench, 1, "predicted_boxes") == {"p": ["false positive"]}
    nothing_is_left(bench)
