"""Labels are edited in the dataset while people go on in the tool; both are kept, and what contradicts is told."""

import json
import shlex
from dataclasses import replace

import pytest
import yaml

from annotate.pulled import Remembered
from annotate.test_push_pull import box
from cli.conftest import Said, hold_to_schema
from rushes import ontology as ontologies
from rushes.annotate.rows import label_columns, labels_of
from rushes.cli._main import run
from rushes.errors import UsageError
from rushes.labels import Box, Label
from rushes.store import Store
from rushes.workflow import annotate_conflicts, annotate_edit, annotate_history, annotate_pull
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.truth import truth_of


@pytest.fixture
def server(dataset, monkeypatch):
    """A project on whose first photograph two labels were drawn, and pulled."""
    made = Remembered(dataset)
    made.annotate(0, box("a"), box("b", "cup", x=50))
    made.pull(monkeypatch)
    return made


@pytest.fixture
def typed(capsys):
    def type_it(line):
        capsys.readouterr()
        code = run(["annotate", *shlex.split(line)])
        return Said(code, *capsys.readouterr())

    return type_it


def answer(said):
    assert said.code == 0, said.err + said.out
    hold_to_schema("annotate", said.json)
    return said.json["result"]


def human(path):
    found = labels_of(Store.open(path).table("labels", where={"source": "human"}).to_pylist())
    return sorted(found, key=lambda label: (label.created_ns or 0, label.label_id))


def named(path, class_name):
    (found,) = [label for label in human(path) if label.class_name == class_name]
    return found


def rows(path):
    """All that is derived: labels and conflicts, as stored, in an order of their own."""
    store = Store.open(path)
    tables = [store.table(name).to_pylist() for name in ("labels", "label_conflicts")]
    return [sorted(table, key=lambda row: json.dumps(row, sort_keys=True)) for table in tables]


def holds_when_rebuilt(path):
    before = rows(path)
    annotate_pull.rebuild(path)
    assert rows(path) == before


def test_an_edit_is_a_version_with_author_time_and_what_it_was_based_on(server) -> None:
    hand = named(server.path, "hand")
    wanted = replace(
        hand, geometry=Box(x_px=1.0, y_px=2.0, width_px=30.0, height_px=40.0), attributes={"side": "left"}
    )
    done = annotate_edit.edit(server.path, {hand.label_id: wanted}, author="eve")
    assert (done.changed, done.author) == ([hand.label_id], "eve")
    now = named(server.path, "hand")
    assert (now.geometry, now.attributes, now.author) == (wanted.geometry, {"side": "left"}, "ann@example.org")
    (event,) = Store.open(server.path).table("label_events", where={"tool": "rushes"}).to_pylist()
    assert (event["action"], event["author"], event["event_id"]) == ("updated", "eve", now.event_id)
    said = json.loads(event["payload"])
    assert (said["based_on"], said["before"]["x_px"], said["after"]["x_px"]) == (hand.event_id, 64.0, 1.0)
    again = annotate_edit.edit(server.path, {hand.label_id: now}, author="eve")
    assert (again.same, again.revision) == (1, done.revision)
    holds_when_rebuilt(server.path)


def test_a_pull_brings_what_changed_there_and_keeps_what_was_edited_here(server, monkeypatch) -> None:
    hand = named(server.path, "hand")
    annotate_edit.edit(server.path, {hand.label_id: replace(hand, class_name="bottle")}, author="eve")
    server.annotate(0, box("a", x=20), box("b", "cup", x=50), box("c", "hand", x=70))
    pulled = server.pull(monkeypatch)
    assert (pulled.conflicts, pulled.labels) == (0, 3)
    bottle = named(server.path, "bottle")
    assert (bottle.label_id, bottle.geometry.x_px) == (hand.label_id, 128.0)
    before = rows(server.path)
    again = server.pull(monkeypatch)
    assert (again.revision, rows(server.path)) == (pulled.revision, before)
    holds_when_rebuilt(server.path)


def test_a_contradiction_is_a_conflict_until_somebody_takes_a_side(server, monkeypatch, typed) -> None:
    hand = named(server.path, "hand")
    annotate_edit.edit(server.path, {hand.label_id: replace(hand, class_name="bottle")}, author="eve")
    server.annotate(0, box("a", "phone", x=20), box("b", "cup", x=50))
    assert server.pull(monkeypatch).conflicts == 1
    assert named(server.path, "bottle").geometry.x_px == 128.0  # ours stands, the rest is taken
    holds_when_rebuilt(server.path)
    listed = answer(typed(f"conflicts {server.path} --json"))
    (one,) = listed["conflicts"]
    assert [one[name] for name in ("group", "base", "ours", "theirs", "state")] == [
        "class",
        "hand",
        "bottle",
        "phone",
        "open",
    ]
    said = typed(f"conflicts {server.path}").out
    assert "class of box bottle" in said
    assert "phone" in said
    assert answer(typed(f"resolve {server.path} {one['conflict_id']} --take theirs --dry-run --json"))["left"] == 0
    assert answer(typed(f"conflicts {server.path} --json"))["open"] == 1
    done = answer(typed(f"resolve {server.path} {one['conflict_id']} --take theirs --author eve --json"))
    assert done == {"settled": [one["conflict_id"]], "left": 0}
    assert {label.class_name for label in human(server.path)} == {"phone", "cup"}
    (closed,) = annotate_conflicts.conflicts(server.path, closed=True)
    assert (closed.state, closed.take) == ("settled", "theirs")
    lines = annotate_history.blame(server.path)
    assert [(line.event.tool, line.event.author) for line in lines][-1] == ("rushes", "eve")
    holds_when_rebuilt(server.path)
    gone = typed(f"resolve {server.path} {one['conflict_id']} --take ours --json")
    assert (gone.code, gone.json["error"]["code"]) == (2, "labels.no-conflict")


def test_several_groups_of_a_label_are_settled_at_once(server, monkeypatch) -> None:
    hand = named(server.path, "hand")
    moved = replace(hand, class_name="bottle", geometry=Box(x_px=1.0, y_px=2.0, width_px=3.0, height_px=4.0))
    annotate_edit.edit(server.path, {hand.label_id: moved})
    server.annotate(0, box("a", "phone", x=20), box("b", "cup", x=50))
    assert server.pull(monkeypatch).conflicts == 2
    done = annotate_conflicts.resolve(server.path, [hand.label_id], "theirs")
    assert (len(done.settled), done.left) == (2, 0)
    assert named(server.path, "phone").geometry.x_px == 128.0
    assert Store.open(server.path).table("label_events", where={"tool": "rushes"}).num_rows == 2


@pytest.mark.parametrize("take", ["ours", "theirs"])
def test_a_deletion_here_of_what_was_changed_there_waits(server, monkeypatch, take) -> None:
    hand = named(server.path, "hand")
    assert annotate_edit.edit(server.path, {hand.label_id: None}).deleted == [hand.label_id]
    assert [label.class_name for label in human(server.path)] == ["cup"]
    server.annotate(0, box("a", x=20), box("b", "cup", x=50))
    assert server.pull(monkeypatch).conflicts == 1
    assert named(server.path, "hand").geometry.x_px == 128.0
    holds_when_rebuilt(server.path)
    annotate_conflicts.resolve(server.path, None, take)
    assert len(human(server.path)) == (1 if take == "ours" else 2)
    holds_when_rebuilt(server.path)


def test_a_label_that_is_kept_though_the_tool_deleted_it_stands_as_truth(server, monkeypatch) -> None:
    hand = named(server.path, "hand")
    annotate_edit.edit(server.path, {hand.label_id: replace(hand, class_name="bottle")})
    server.held[1]["annotations"] = []
    server.held[1]["updated_at"] = server.now()
    assert server.pull(monkeypatch).conflicts == 1
    annotate_conflicts.resolve(server.path, None, "ours")
    assert [label.class_name for label in human(server.path)] == ["bottle"]
    assert hand.label_id in truth_of(Store.open(server.path)).stands
    holds_when_rebuilt(server.path)


def test_a_label_that_is_added_here_stays_whatever_is_pulled(server, monkeypatch, typed) -> None:
    key = "/".join(map(str, (*server.place, 0)))
    made = answer(typed(f"edit {server.path} --add '{key}' --class bottle --box 10,20,30,40 --author eve --json"))
    (name,) = made["created"]
    server.annotate(0, box("a", x=20))
    server.pull(monkeypatch)
    assert {label.class_name for label in human(server.path)} == {"hand", "bottle"}
    bottle = named(server.path, "bottle")
    assert (bottle.label_id, bottle.author, bottle.index, bottle.image_width_px) == (name, "eve", 0, 640)
    holds_when_rebuilt(server.path)
    assert answer(typed(f"edit {server.path} {name} --delete --json"))["deleted"] == [name]
    assert [label.class_name for label in human(server.path)] == ["hand"]
    holds_when_rebuilt(server.path)


def test_a_label_is_added_to_a_recording_that_is_called_by_its_name(server, typed) -> None:
    rows = Store.open(server.path).table("recordings", where={"recording_id": server.place[0]})
    name = rows["name"][0].as_py()
    key = f"{name}/{server.place[1]}/1"
    answer(typed(f"edit {server.path} --add '{key}' --class bottle --box 10,20,30,40 --author eve --json"))
    bottle = named(server.path, "bottle")
    assert (bottle.recording_id, bottle.index) == (server.place[0], 1)


def test_an_imported_label_can_be_edited_and_a_models_cannot(server) -> None:
    given = Label(
        label_id="i1",
        recording_id=server.place[0],
        stream=server.place[1],
        index=1,
        kind="box",
        source="import",
        tool="coco",
        class_name="hand",
        geometry=Box(x_px=1.0, y_px=1.0, width_px=9.0, height_px=9.0),
    )
    store = Store.open(server.path)
    with store.begin("test") as transaction:
        both = [given, replace(given, label_id="m1", source="model", tool="yolox", model="m")]
        transaction.append("labels", 2, label_columns(both))
        transaction.commit()
    annotate_edit.edit(server.path, {"i1": replace(given, class_name="cup")})
    (now,) = labels_of(Store.open(server.path).table("labels", where={"label_id": "i1"}).to_pylist())
    assert (now.class_name, now.source) == ("cup", "import")
    holds_when_rebuilt(server.path)
    with pytest.raises(UsageError) as told:
        annotate_edit.edit(server.path, {"m1": None})
    assert told.value.code == "labels.of-model"


def test_who_edits_a_version_that_is_old_changes_only_what_he_changed(server) -> None:
    hand = named(server.path, "hand")
    annotate_edit.edit(server.path, {hand.label_id: replace(hand, class_name="bottle")})
    late = replace(hand, attributes={"side": "right"})
    annotate_edit.edit(server.path, {hand.label_id: late}, seen={hand.label_id: hand})
    now = named(server.path, "bottle")
    assert now.attributes == {"side": "right"}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"class_name": "hnad"}, "labels.misfit"),
        ({"attributes": {"side": "up"}}, "labels.misfit"),
        ({"attributes": {"colour": "red"}}, "labels.misfit"),
        ({"geometry": Box(x_px=700.0, y_px=0.0, width_px=5.0, height_px=5.0)}, "labels.misfit"),
        ({"geometry": Box(x_px=float("nan"), y_px=0.0, width_px=5.0, height_px=5.0)}, "labels.misfit"),
        ({"parent_id": "nobody"}, "labels.misfit"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(server, wish, code) -> None:
    hand = named(server.path, "hand")
    revision = Store.open(server.path).revision
    with pytest.raises(UsageError) as told:
        annotate_edit.edit(server.path, {hand.label_id: replace(hand, **wish)})
    assert told.value.code == code
    assert Store.open(server.path).revision == revision


def test_a_box_with_keypoints_is_not_deleted_alone(server, monkeypatch) -> None:
    point = {**box("k"), "from_name": "points_hand21", "type": "keypointlabels", "parentID": "a"}
    point["value"] = {"x": 12, "y": 14, "width": 0.5, "keypointlabels": ["wrist"]}
    holds = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["holds"]}
    server.annotate(0, box("a"), point, box("b", "cup", x=50), holds)
    server.pull(monkeypatch)
    hand = next(label for label in human(server.path) if (label.kind, label.class_name) == ("box", "hand"))
    with pytest.raises(UsageError) as told:
        annotate_edit.edit(server.path, {hand.label_id: None})
    assert told.value.code == "labels.has-parts"
    done = annotate_edit.edit(server.path, {hand.label_id: None}, with_parts=True)
    assert len(done.deleted) == 3
    assert [label.class_name for label in human(server.path)] == ["cup"]
    holds_when_rebuilt(server.path)


def renamed(spoken):
    """The same ontology, in which the hand is a palm now, and its side is called handedness."""
    text = ontologies.as_yaml(spoken)
    body = yaml.safe_load(text)
    hand = next(one for one in body["classes"] if one["name"] == "hand")
    hand |= {"name": "palm", "formerly": ["hand"]}
    hand["attributes"] = ["handedness" if name == "side" else name for name in hand["attributes"]]
    side = next(one for one in body["attributes"] if one["name"] == "side")
    side |= {"name": "handedness", "formerly": ["side"]}
    for relation in body["relations"]:
        for end in ("subjects", "objects"):
            relation[end] = ["palm" if name == "hand" else name for name in relation.get(end, ())]
    return ontologies.parse(yaml.safe_dump(body), where="renamed")


def test_what_is_renamed_in_the_ontology_is_renamed_in_versions_edits_and_files_alike(server, monkeypatch) -> None:
    hand = named(server.path, "hand")
    store = Store.open(server.path)
    given = replace(hand, label_id="i1", source="import", tool="coco", event_id=None, attributes={"side": "right"})
    with store.begin("test") as transaction:
        transaction.append("labels", 1, label_columns([given]))
        transaction.commit()
    annotate_edit.edit(server.path, {hand.label_id: replace(hand, attributes={"side": "left"})})
    vocabulary.keep(store, renamed(vocabulary.needed(store)))
    rebuilt = annotate_pull.rebuild(server.path)
    assert rebuilt.problems == []
    palm = named(server.path, "palm")
    assert (palm.label_id, palm.attributes) == (hand.label_id, {"handedness": "left"})
    (of_file,) = labels_of(Store.open(server.path).table("labels", where={"source": "import"}).to_pylist())
    assert (of_file.class_name, of_file.attributes) == ("palm", {"handedness": "right"})
    # One browser still shows the old names, another the new ones: neither is a change of the label.
    side = {**box("a"), "from_name": "attribute_side_box", "type": "choices"}
    side["value"] = {"x": 20, "y": 10, "width": 20.5, "height": 20, "rotation": 0, "choices": ["left"]}
    server.annotate(0, box("a", "hand", x=20), side, box("b", "cup", x=50))
    pulled = server.pull(monkeypatch)
    assert (pulled.conflicts, pulled.problems) == (0, [])
    now = named(server.path, "palm")
    assert (now.geometry.x_px, now.attributes) == (128.0, {"handedness": "left"})
    server.annotate(
        0, box("a", "palm", x=20), side | {"from_name": "attribute_handedness_box"}, box("b", "cup", x=50)
    )
    assert server.pull(monkeypatch).conflicts == 0
    assert named(server.path, "palm").attributes == {"handedness": "left"}
    holds_when_rebuilt(server.path)


def test_a_name_that_the_ontology_never_had_stays_and_is_told(server, monkeypatch) -> None:
    server.annotate(0, box("a", "glove"), box("b", "cup", x=50))
    pulled = server.pull(monkeypatch)
    assert [problem.kind for _, problem in pulled.problems] == ["unknown-label"]
    glove = named(server.path, "glove")
    annotate_edit.edit(server.path, {glove.label_id: replace(glove, attributes={})})  # nothing is changed
    annotate_edit.edit(server.path, {glove.label_id: replace(glove, class_name="hand")})
    server.annotate(0, box("a", "mitten"), box("b", "cup", x=50))
    assert server.pull(monkeypatch).conflicts == 1
    holds_when_rebuilt(server.path)


def test_edit_says_how_it_is_used(server, typed) -> None:
    hand = named(server.path, "hand")
    assert typed(f"edit {server.path} {hand.label_id}").code == 2
    assert typed(f"edit {server.path} --class cup").code == 2
    assert typed(f"edit {server.path} {hand.label_id} --delete --class cup").code == 2
    said = typed(f"edit {server.path} {hand.label_id[:-1]}0 --class cup --json")
    assert (said.code, said.json["error"]["code"]) == (2, "labels.absent")
    line = f"edit {server.path} {hand.label_id} --box 1,2,3,4 --attribute side=left"
    assert answer(typed(f"{line} --dry-run --json"))["changed"] == [hand.label_id]
    assert named(server.path, "hand") == hand
    assert answer(typed(f"{line} --json"))["changed"] == [hand.label_id]
    assert answer(typed(f"edit {server.path} {hand.label_id} --attribute side= --json"))["changed"]
    assert named(server.path, "hand").attributes == {}
    assert answer(typed(f"rebuild {server.path} --json"))["labels"] == 2
