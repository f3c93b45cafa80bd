"""COCO out and in, held against pycocotools and the sets of others."""

import contextlib
import io
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pycocotools import mask as judge
from pycocotools.coco import COCO

from contracts.label_formats import (
    BOXES,
    HAND,
    HANDS,
    MASKS,
    POLYGONS,
    ROTATED,
    LabelFormatContract,
    label,
    picture,
)
from rushes import masks, registry
from rushes.errors import ReadError
from rushes.export.coco import PLUGIN
from rushes.labels import Box, Keypoints, Label, Mask, Polygon


class TestCoco(LabelFormatContract):
    name = "coco"
    carried: ClassVar = {"boxes": {}, "rotated": {}, "polygons": {}, "hand": {}, "masks": {}}
    exact = True

    @pytest.mark.parametrize("pictures", [BOXES, ROTATED, POLYGONS, HAND, MASKS])
    def test_names_scores_and_attributes_come_back(self, pictures, tmp_path):
        self.write(tmp_path, pictures, "boxes")
        before = [one for each in pictures for one in each.labels]
        after = [one for each in self.read(tmp_path).pictures for one in each.labels]
        facts = ("label_id", "parent_id", "instance", "attributes", "score")
        assert [[getattr(x, f) for f in facts] for x in after] == [[getattr(x, f) for f in facts] for x in before]


def written(tmp_path: Path, *pictures) -> Path:
    done = PLUGIN.write(tmp_path, pictures, HANDS, {})
    assert done.balanced
    return done.files[0]


def opened(file: Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(file))


def test_pycocotools_reads_boxes_polygons_masks_and_keypoints(tmp_path):
    pictures = (BOXES[0], POLYGONS[0], MASKS[0], HAND[0])
    coco = opened(written(tmp_path, *pictures))
    annotations = coco.loadAnns(coco.getAnnIds())
    assert [a["bbox"] for a in annotations[:1]] == [[10.25, 20.5, 100.125, 50.0]]
    assert [len(coco.getAnnIds(imgIds=[number])) for number in (1, 2, 3, 4)] == [2, 2, 1, 1]
    mask = MASKS[0].labels[0].geometry
    found = next(a for a in annotations if isinstance(a["segmentation"], dict))
    assert isinstance(mask, Mask)
    assert judge.area(coco.annToRLE(found)) == masks.area_px(mask) == found["area"]
    hand = annotations[-1]
    assert hand["num_keypoints"] == 16
    category = coco.loadCats([hand["category_id"]])[0]
    assert category["keypoints"] == list(HANDS.skeletons[0].points)
    assert category["skeleton"][0] == [1, 2]


def test_a_turned_box_gets_the_true_box_around_it(tmp_path):
    body = json.loads(written(tmp_path, ROTATED[0]).read_text())
    (annotation,) = body["annotations"]
    assert [round(x, 1) for x in annotation["bbox"]] == [272.0, 96.0, 158.9, 147.1]
    assert annotation["attributes"] == {"rotation": 30}
    assert len(annotation["segmentation"][0]) == 8
    assert annotation["area"] == 128 * 96


def test_keypoints_keep_their_decimals_and_all_three_states(tmp_path):
    body = json.loads(written(tmp_path, HAND[0]).read_text())
    points = HAND[0].labels[1].geometry
    assert isinstance(points, Keypoints)
    assert body["annotations"][0]["keypoints"] == list(points.triples)
    assert set(points.triples[2::3]) == {0.0, 1.0, 2.0}


def test_keypoints_that_do_not_fit_the_skeleton_are_reported(tmp_path):
    short = label("k", Keypoints(triples=(1.0, 2.0, 2.0)))
    done = PLUGIN.write(tmp_path, [picture("a.jpg", (64, 48), short)], HANDS, {})
    assert (done.labels_out, [x.what for x in done.left_out]) == (0, ["keypoints"])
    assert "21" in done.left_out[0].reason


def datumaro(shared_data: Path, name: str) -> Path:
    return shared_data / "labels" / "datumaro_formats" / "coco_dataset" / "coco" / "annotations" / name


@pytest.mark.parametrize(
    ("name", "pictures", "items", "kinds"),
    [
        ("instances_train.json", 1, 1, ["box"]),
        ("instances_val.json", 1, 2, ["box", "polygon", "box", "mask"]),
        ("person_keypoints_val.json", 1, 2, ["box", "polygon", "keypoints", "box", "mask", "keypoints"]),
        ("captions_val.json", 1, 2, ["text", "text"]),
        ("labels_val.json", 1, 2, ["class", "class"]),
        ("stuff_val.json", 1, 1, ["box", "mask"]),
        ("image_info_val.json", 1, 0, []),
    ],
)
def test_the_sets_of_datumaro_are_read_item_for_item(shared_data, name, pictures, items, kinds):
    read = PLUGIN.read(datumaro(shared_data, name), {})
    labels = [one for each in read.pictures for one in each.labels]
    assert (len(read.pictures), read.items, [one.kind for one in labels]) == (pictures, items, kinds)
    assert read.left_out == ()


def test_runs_of_datumaro_are_the_pixels_that_pycocotools_sees(shared_data):
    read = PLUGIN.read(datumaro(shared_data, "instances_val.json"), {})
    (mask,) = [one.geometry for each in read.pictures for one in each.labels if isinstance(one.geometry, Mask)]
    (crowd,) = [
        one for each in read.pictures for one in each.labels if one.attributes.get("iscrowd") and one.kind == "box"
    ]
    truth = judge.frPyObjects({"counts": [0, 20, 30], "size": [10, 5]}, 10, 5)
    assert mask.counts == truth["counts"].decode()
    assert masks.area_px(mask) == 20
    assert crowd.class_name == read.ontology.class_names[1]


def test_panoptic_segments_are_reported(shared_data):
    read = PLUGIN.read(datumaro(shared_data, "panoptic_val.json"), {})
    assert [(x.effect, x.what) for x in read.left_out] == [("lost", "panoptic segments")]


def test_a_folder_that_holds_a_picture_twice_is_refused(shared_data):
    with pytest.raises(ReadError, match="in several files"):
        PLUGIN.read(datumaro(shared_data, "").parent, {})


def test_left_and_right_hands_of_wholebody_are_labelled_people(shared_data):
    read = PLUGIN.read(shared_data / "labels" / "coco_wholebody_mmpose" / "test_coco.json", {})
    people = [one for each in read.pictures for one in each.labels if one.kind == "keypoints"]
    assert (len(read.pictures), len(people)) == (4, 14)
    assert all(isinstance(one.geometry, Keypoints) and len(one.geometry.triples) == 51 for one in people)
    assert read.ontology.skeleton_of("person") is not None


def test_the_input_of_label_studio_is_read(shared_data):
    file = shared_data / "labels" / "labelstudio" / "test_import_coco" / "coco_import_input.json"
    body = json.loads(file.read_text())
    read = PLUGIN.read(file, {})
    assert read.items == len(body["annotations"])
    assert read.ontology.class_names == tuple(c["name"] for c in body["categories"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"annotations": []}',
        '{"images": [{"id": 1}], "annotations": []}',
        '{"images": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
    ],
)
def test_what_is_no_coco_file_is_refused_in_words(text, tmp_path):
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(ReadError) as caught:
        PLUGIN.read(file, {})
    assert caught.value.code == "labels.file"


def test_annotations_without_picture_or_class_are_counted(tmp_path):
    file = tmp_path / "x.json"
    body = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}],
        "categories": [{"id": 1, "name": "hand"}],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1]},
            {"id": 2, "image_id": 1, "category_id": 9, "bbox": [0, 0, 1, 1]},
            {
                "id": 3,
                "image_id": 1,
                "category_id": 1,
                "bbox": [0, 0, 1, 1],
                "segmentation": {"size": [10, 10], "counts": [3]},
            },
        ],
    }
    file.write_text(json.dumps(body))
    read = PLUGIN.read(file, {})
    assert [(x.what, x.count) for x in read.left_out] == [("annotations", 1), ("annotations", 1), ("masks", 1)]
    assert [one.kind for one in read.pictures[0].labels] == ["box"]


def test_yolo_coco_polygons_and_masks_of_people_agree(shared_data, tmp_path):
    """The same 30 pictures as boxes, polygons and a semantic mask: counts known beforehand, pixels compared."""
    place = shared_data / "labels" / "coco128_people"
    yolo = registry.load("export", "yolo")
    options = {"images": str(place / "images")}
    boxes = yolo.read(place / "object_detection", options)
    outlines = yolo.read(place / "instance_segmentation", options)
    labels = [one for each in boxes.pictures for one in each.labels]
    assert (len(boxes.pictures), len(labels), boxes.left_out) == (30, 329, ())
    assert sum(one.class_name == "person" for one in labels) == 140
    assert len({one.class_name for one in labels}) == 47
    for read in (boxes, outlines):
        (tmp_path / str(read.items)).mkdir()
        done = PLUGIN.write(tmp_path / str(read.items), read.pictures, read.ontology, {})
        assert (done.labels_in, done.labels_out, done.left_out) == (read.items, read.items, ())
        coco = opened(done.files[0])
        again = PLUGIN.read(done.files[0], {})
        assert [[_plain(one) for one in each.labels] for each in again.pictures] == [
            [_plain(one) for one in each.labels] for each in read.pictures
        ]
        for number, each in enumerate(read.pictures, start=1):
            for one, found in zip(each.labels, coco.loadAnns(coco.getAnnIds(imgIds=[number])), strict=True):
                _agrees(one, found, coco, each.picture)


def _plain(one: Label):
    return one.class_name, one.geometry, one.image_width_px, one.image_height_px


def _agrees(one: Label, found, coco: COCO, pictured) -> None:
    if isinstance(one.geometry, Box):
        b = one.geometry
        assert found["bbox"] == [b.x_px, b.y_px, b.width_px, b.height_px]
    else:
        assert isinstance(one.geometry, Polygon)
        ours = masks.filled(one.geometry, width_px=pictured.width_px, height_px=pictured.height_px)
        assert coco.annToRLE(found)["counts"].decode() == ours.counts


def test_polygons_of_people_cover_the_semantic_mask(shared_data):
    from PIL import Image

    place = shared_data / "labels" / "coco128_people"
    read = registry.load("export", "yolo").read(place / "instance_segmentation", {"images": str(place / "images")})
    shared = either = 0
    for each in read.pictures:
        file = place / "semantic_segmentation" / "masks" / "train2017" / f"{Path(each.picture.name).stem}.png"
        truth = np.asarray(Image.open(file)) == 1  # person
        ours = np.zeros_like(truth)
        for one in each.labels:
            if one.class_name == "person" and isinstance(one.geometry, Polygon):
                height, width = truth.shape
                ours |= masks.decode(masks.filled(one.geometry, width_px=width, height_px=height))
        shared += int((truth & ours).sum())
        either += int((truth | ours).sum())
    assert shared / either > 0.9
