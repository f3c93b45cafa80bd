"""YOLO out and in: four tasks, foreign folders, and what a text file cannot say."""

from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from contracts.label_formats import BOXES, HAND, HANDS, MASKS, ROTATED, LabelFormatContract, box, label, picture
from rushes import masks, shapes
from rushes.errors import ReadError, UsageError
from rushes.export.yolo import PLUGIN
from rushes.labels import Box, Polygon, RotatedBox


class TestYolo(LabelFormatContract):
    name = "yolo"
    carried: ClassVar = {
        "boxes": {"task": "detect"},
        "rotated": {"task": "obb"},
        "polygons": {"task": "segment"},
        "hand": {"task": "pose"},
    }


def written(place: Path, task: str, *pictures):
    place.mkdir(exist_ok=True)
    done = PLUGIN.write(place, pictures, HANDS, {"task": task})
    assert done.balanced
    return done, [line.split() for line in done.files[0].read_text().splitlines()]


def test_a_turned_box_keeps_its_corners_also_where_classes_have_keypoints(tmp_path):
    _, (line,) = written(tmp_path, "obb", ROTATED[0])
    turned = ROTATED[0].labels[0].geometry
    assert isinstance(turned, RotatedBox)
    wanted = [x for point in shapes.corners(turned) for x in (point[0] / 640, point[1] / 480)]
    assert [float(x) for x in line[1:]] == wanted


def test_detection_says_that_it_cannot_carry_a_turn(tmp_path):
    done, (line,) = written(tmp_path, "detect", ROTATED[0])
    assert [(x.effect, x.what) for x in done.left_out] == [("changed", "rotation")]
    assert [round(float(x), 3) for x in line] == [0, 0.549, 0.353, 0.248, 0.307]


def test_a_pose_file_says_shape_and_flips_and_all_three_states(tmp_path):
    done, (line,) = written(tmp_path, "pose", HAND[0])
    body = yaml.safe_load(done.files[-1].read_text())
    assert (body["kpt_shape"], body["flip_idx"]) == ([21, 3], list(range(21)))
    assert len(line) == 1 + 4 + 63
    assert set(line[7::3]) == {"0", "1", "2"}


def test_a_mask_becomes_its_outline_pixel_for_pixel(tmp_path):
    _, (line,) = written(tmp_path, "segment", MASKS[0])
    mask = MASKS[0].labels[0].geometry
    numbers = [float(x) * size for x, size in zip(line[1:], (640, 480) * (len(line) // 2), strict=True)]
    assert masks.filled(Polygon(rings=(tuple(numbers),)), width_px=640, height_px=480) == mask


def test_several_rings_become_one_line_of_the_same_area(tmp_path):
    rings = (
        (10.0, 10, 50, 10, 50, 40, 10, 40),
        (100.0, 100, 140, 100, 140, 160, 100, 160),
        (300.0, 5, 310, 5, 310, 9),
    )
    shape = Polygon(rings=rings)
    done, (line,) = written(tmp_path, "segment", picture("a.jpg", (640, 480), label("p", shape)))
    ring = tuple(float(x) * size for x, size in zip(line[1:], (640, 480) * (len(line) // 2), strict=True))
    assert shapes.ring_area_px(ring) == pytest.approx(shapes.area_px(shape))
    assert [x.what for x in done.left_out] == ["outlines of several parts"]


def test_a_box_over_the_edge_is_cut_and_that_is_said(tmp_path):
    done, (line,) = written(tmp_path, "detect", picture("a.jpg", (100, 50), label("b", box(-10, 40, 20, 20))))
    assert [float(x) for x in line] == [0, 0.05, 0.9, 0.1, 0.2]
    assert [(x.effect, x.what) for x in done.left_out] == [("changed", "over the edge")]


def test_a_box_on_the_edge_is_not_over_it(tmp_path):
    """0.1 + 0.2 of a side is more than 0.3 of it by one bit, which no trainer should trip over."""
    edge = Box(
        x_px=640 * (1 - 0.3), y_px=480 * 0.7, width_px=640 * 0.1 + 640 * 0.2, height_px=480 * 0.1 + 480 * 0.2
    )
    for task in ("detect", "obb"):
        done, (line,) = written(tmp_path / task, task, picture("a.jpg", (640, 480), label("b", edge)))
        assert done.left_out == ()
        assert all(0 <= float(x) <= 1 for x in line)


def test_attributes_are_reported(tmp_path):
    labelled = picture("a.jpg", (100, 50), label("b", box(1, 4, 20, 20), attributes={"side": "left"}, score=0.5))
    done, _ = written(tmp_path, "detect", labelled)
    assert {(x.effect, x.what) for x in done.left_out} == {("changed", "attributes"), ("changed", "scores")}


def test_labels_of_a_picture_of_unknown_size_are_reported(tmp_path):
    done, _ = written(tmp_path, "detect", picture("a.jpg", (0, 0), label("b", box(1, 4, 20, 20))))
    assert (done.labels_out, [x.effect for x in done.left_out]) == (0, ["lost"])


def test_an_unknown_task_gets_the_one_that_was_meant(tmp_path):
    with pytest.raises(UsageError) as caught:
        PLUGIN.write(tmp_path, BOXES, HANDS, {"task": "segments"})
    assert caught.value.hint == "did you mean 'segment'?"


@pytest.mark.parametrize("layout", ["labels", "annotations", "strict"])
def test_the_sets_of_datumaro_are_read(shared_data, layout):
    read = PLUGIN.read(shared_data / "labels" / "datumaro_formats" / "yolo_dataset" / layout, {})
    assert read.ontology.class_names == tuple(f"label_{at}" for at in range(10))
    assert read.left_out == ()
    assert len(read.pictures) == (2 if layout == "labels" else 1)
    for each in read.pictures:
        assert [one.class_name for one in each.labels] == ["label_2", "label_4"]
        assert (each.picture.width_px, each.picture.height_px) == (15, 10)
        first = each.labels[0].geometry
        assert shapes.boxes_of([first]).round(2).tolist() == [[0.0, 2.0, 4.0, 2.0]]


def test_the_input_of_label_studio_is_read(shared_data):
    place = shared_data / "labels" / "labelstudio" / "test_import_yolo_data_unif_dims"
    read = PLUGIN.read(place, {})
    lines = sum(len(file.read_text().split("\n")) for file in place.glob("labels/*.txt"))
    assert read.items <= lines
    assert (len(read.pictures), read.left_out) == (5, ())


def foreign(tmp_path: Path, text: str) -> Path:
    from PIL import Image

    for folder in ("labels", "images"):
        (tmp_path / folder).mkdir()
    (tmp_path / "classes.txt").write_text("hand\ncup\n")
    (tmp_path / "labels" / "a.txt").write_text(text)
    Image.new("L", (100, 50)).save(tmp_path / "images" / "a.png")
    return tmp_path


def test_four_corners_may_be_two_things_and_so_it_asks(tmp_path):
    place = foreign(tmp_path, "0 0.1 0.1 0.2 0.1 0.2 0.3 0.1 0.3\n")
    with pytest.raises(ReadError, match="four corners") as caught:
        PLUGIN.read(place, {})
    assert "task=obb" in caught.value.hint
    assert PLUGIN.read(place, {"task": "obb"}).pictures[0].labels[0].kind == "rotated_box"
    assert PLUGIN.read(place, {"task": "segment"}).pictures[0].labels[0].kind == "polygon"


def test_lines_that_cannot_be_meant_are_counted_or_refused(tmp_path):
    place = foreign(tmp_path, "0 0.5 0.5 0.1 0.1\n7 0.5 0.5 0.1 0.1\n\n1 0.5 0.5 0.1 0.1 0.75\n")
    read = PLUGIN.read(place, {})
    assert [(one.class_name, one.score) for one in read.pictures[0].labels] == [("hand", None), ("cup", 0.75)]
    assert [(x.effect, x.count) for x in read.left_out] == [("lost", 1)]
    (place / "labels" / "a.txt").write_text("hand 0.5\n")
    with pytest.raises(ReadError, match="line 1"):
        PLUGIN.read(place, {})


def test_an_absent_picture_costs_its_lines_and_that_is_said(tmp_path):
    place = foreign(tmp_path, "0 0.5 0.5 0.1 0.1\n")
    (place / "images" / "a.png").unlink()
    read = PLUGIN.read(place, {})
    assert (read.pictures, [(x.effect, x.count) for x in read.left_out]) == ((), [("lost", 1)])
