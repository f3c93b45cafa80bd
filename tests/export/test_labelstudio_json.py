"""Label Studio's JSON out and in: what its own exporters lose stays, and real exports of others are read."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

import pytest
from label_studio_sdk.converter import brush as judge

from contracts.label_formats import BOXES, HAND, HANDS, ROTATED, LabelFormatContract, box, label, picture
from rushes import masks, ontology, registry
from rushes.errors import ReadError
from rushes.export.labelstudio_json import PLUGIN
from rushes.labels import Box, Keypoints, Mask, Relation, RotatedBox


class TestLabelStudioJson(LabelFormatContract):
    name = "labelstudio_json"
    carried: ClassVar = {"boxes": {}, "rotated": {}, "polygons": {}, "hand": {}, "masks": {}}


def written(place: Path, *pictures, vocabulary=HANDS):
    done = PLUGIN.write(place, pictures, vocabulary, PLUGIN.defaults)
    assert done.balanced
    return done, json.loads((place / "tasks.json").read_text())


def test_links_between_labels_and_attributes_come_back(tmp_path):
    hand = label("h", box(10, 10, 50, 50), attributes={"side": "left"})
    cup = label("c", box(80, 10, 20, 20), "cup")
    holds = label("r", Relation(subject_id="h", object_id="c"), "holds")
    done, _ = written(tmp_path, picture("a.jpg", (640, 480), hand, cup, holds))
    assert (done.labels_out, done.left_out) == (3, ())
    (read,) = PLUGIN.read(tmp_path, {}).pictures
    one, two, relation = read.labels
    assert (one.attributes, relation.class_name) == ({"side": "left"}, "holds")
    assert relation.geometry == Relation(subject_id=one.label_id, object_id=two.label_id)


def test_a_label_of_label_studio_goes_back_with_the_numbers_it_came_with(tmp_path):
    """Thirds and sevenths of a percent have no pixel that reads back the same; what was received does."""
    value = {
        "x": 100 / 3,
        "y": 100 / 7,
        "width": 33.3,
        "height": 12.345678901234567,
        "rotation": 33.3,
        "rectanglelabels": ["hand"],
    }
    entry = {
        "id": "abc",
        "type": "rectanglelabels",
        "from_name": "box",
        "to_name": "image",
        "value": value,
        "original_width": 641,
        "original_height": 479,
        "image_rotation": 0,
        "origin": "manual",
    }
    task = {"id": 7, "data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": [entry]}]}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "tasks.json").write_text(json.dumps([task]))
    read = PLUGIN.read(tmp_path / "in", {})
    assert isinstance(read.pictures[0].labels[0].geometry, RotatedBox)
    _, (again,) = written(tmp_path, *read.pictures, vocabulary=HANDS)
    assert again["annotations"][0]["result"] == [entry]


def test_predictions_of_models_are_predictions(tmp_path):
    labels = [label("a", box(1, 1, 5, 5)), replace(label("b", box(9, 9, 5, 5)), source="model", score=0.5)]
    _, (task,) = written(tmp_path, picture("a.jpg", (64, 48), *labels))
    assert [len(task[key][0]["result"]) for key in ("annotations", "predictions")] == [1, 1]
    assert task["predictions"][0]["result"][0]["score"] == 0.5


def test_the_config_has_every_control_of_the_results_and_the_order_of_the_ontology(tmp_path):
    vocabulary = ontology.parse(ontology.as_yaml(HANDS), where="h")
    _, tasks = written(tmp_path, *BOXES, *ROTATED, *HAND, vocabulary=vocabulary)
    root = ElementTree.fromstring((tmp_path / "config.xml").read_text())
    names = {tag.get("name") for tag in root.iter() if tag.get("toName")}
    used = {
        r["from_name"]
        for task in tasks
        for a in task.get("annotations", ())
        for r in a["result"]
        if "from_name" in r
    }
    assert used <= names
    assert len(list(root.iter("Image"))) == 1
    (boxes,) = root.iter("RectangleLabels")
    assert [each.get("value") for each in boxes] == list(HANDS.class_names)


def exports(shared_data: Path) -> Path:
    return shared_data / "labels" / "labelstudio"


@pytest.mark.parametrize(
    ("name", "kinds", "lost"),
    [
        ("test_export_coco/data.json", {"box": 1, "polygon": 1, "keypoints": 1}, 0),
        ("test_export_csv/csv_test.json", {"box": 3}, 0),
        ("test_export_csv/csv_test2.json", {"class": 1}, 0),
        ("test_export_csv/csv_test_colliding_keys.json", {"class": 1}, 0),
        ("test_export_csv/csv_test_colliding_keys_mixed.json", {"class": 1}, 0),
        ("test_export_csv/csv_test_history.json", {"class": 1}, 0),
        ("test_export_doclang/data.json", {"box": 2}, 1),
        ("test_export_json_min/chat_data.json", {}, 4),
        ("test_export_json_min/data.json", {"polygon": 1}, 0),
        ("test_export_json_min/data_repeater.json", {"box": 1}, 0),
        ("test_export_yolo/data.json", {"box": 6}, 0),
        ("test_export_yolo/data_keypoints.json", {"box": 1, "keypoints": 1}, 5),
        ("test_export_yolo/data_obb.json", {"rotated_box": 25}, 0),
        ("test_export_yolo/data_polygons.json", {"polygon": 1}, 0),
    ],
)
def test_real_exports_are_read_result_for_result(shared_data, name, kinds, lost):
    read = PLUGIN.read(exports(shared_data) / name, {})
    labels = [one for each in read.pictures for one in each.labels]
    found = Counter(one.kind for one in labels)
    found["relation"] = 0
    assert {kind: count for kind, count in found.items() if count} == kinds
    assert (
        sum(x.count for x in read.left_out if x.effect == "lost") + sum(one.kind == "relation" for one in labels)
        == lost
    )


def test_a_path_that_was_chosen_for_a_region_is_its_attribute(shared_data):
    read = PLUGIN.read(exports(shared_data) / "test_export_json_min" / "data_repeater.json", {})
    (one,) = [x for each in read.pictures for x in each.labels]
    (path,) = one.attributes.values()
    assert path


def test_predictions_are_read_only_when_asked_for(shared_data):
    file = exports(shared_data) / "test_export_csv" / "csv_test.json"
    noted = [x for x in PLUGIN.read(file, {}).left_out if x.what == "predictions"]
    assert [(x.effect, x.count) for x in noted] == [("noted", 2)]
    read = PLUGIN.read(file, {"predictions": "yes"})
    assert sum(len(each.labels) for each in read.pictures) == 5


def test_three_points_are_one_skeleton_tied_to_their_box(shared_data):
    folder = exports(shared_data) / "test_export_yolo"
    read = PLUGIN.read(folder / "data_keypoints.json", {"config": str(folder / "label_config_keypoints.xml")})
    (person, points) = [x for x in read.pictures[0].labels if x.kind != "relation"]
    assert isinstance(person.geometry, Box)
    assert isinstance(points.geometry, Keypoints)
    assert points.parent_id == person.label_id
    skeleton = read.ontology.skeleton_of("person")
    assert skeleton is not None
    assert skeleton.points[:3] == ("nose", "left_eye", "right_eye")
    assert points.geometry.triples[2::3] == (2.0, 2.0, 2.0, *[0.0] * 14)
    nose = (64.44444444444444 * 216 / 100, 39.290780141843975 * 174 / 100)
    assert points.geometry.triples[:2] == pytest.approx(nose)


def test_a_real_export_becomes_coco_with_true_boxes(shared_data, tmp_path):
    read = PLUGIN.read(exports(shared_data) / "test_export_yolo" / "data_obb.json", {})
    coco = registry.load("export", "coco")
    done = coco.write(tmp_path, read.pictures, read.ontology, {})
    assert (done.labels_in, done.labels_out) == (25, 25)
    body = json.loads(done.files[0].read_text())
    assert all("rotation" in annotation["attributes"] for annotation in body["annotations"])


def test_masks_are_those_that_label_studios_own_tools_write(tmp_path):
    import numpy as np

    bits = np.zeros((30, 50), np.bool_)
    bits[5:20, 10:33] = True
    bits[8:9, 12:20] = False
    entry = {
        "id": "m",
        "type": "brushlabels",
        "from_name": "brush",
        "to_name": "image",
        "original_width": 50,
        "original_height": 30,
        "value": {"format": "rle", "rle": judge.mask2rle(bits.astype(np.uint8) * 255), "brushlabels": ["cup"]},
    }
    (tmp_path / "tasks.json").write_text(
        json.dumps([{"data": {"image": "a.png"}, "annotations": [{"result": [entry]}]}])
    )
    (one,) = PLUGIN.read(tmp_path, {}).pictures[0].labels
    assert isinstance(one.geometry, Mask)
    assert np.array_equal(masks.decode(one.geometry), bits)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[{]"])
def test_what_is_no_export_is_refused_in_words(text, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ReadError) as caught:
        PLUGIN.read(tmp_path / "x.json", {})
    assert caught.value.code == "labels.file"
