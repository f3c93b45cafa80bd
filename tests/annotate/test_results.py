"""What is drawn in Label Studio and what becomes of it: exact, whatever the picture's shape and turn."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from label_studio_sdk.converter import brush as theirs

from rushes import masks, ontology
from rushes.annotate.label_studio import brush, geometry, results, template, writing
from rushes.annotate.label_studio.orientation import Turn
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.results import Origin
from rushes.labels import Box, Keypoints, Label, Polygon, Relation, RotatedBox

HANDS = ontology.load("hands")
PLAIN = Turn(640, 480)
ORIGIN = Origin(scope="1/7")
sizes = st.integers(1, 4000)
turns = st.builds(Turn, sizes, sizes, st.integers(1, 8))
places = st.floats(-10, 4000, allow_nan=False)
percents = st.floats(0, 100, allow_nan=False)
angles = st.floats(0.01, 359.9)


def passport(turn=PLAIN):
    return Passport(
        recording_id="r1",
        stream="/cam",
        index=3,
        t_ns=123,
        width_px=turn.width_px,
        height_px=turn.height_px,
        orientation=turn.orientation,
    )


def read(entries, name="hands", turn=PLAIN):
    return results.read(entries, template.build(name, HANDS), {"image": passport(turn)}, HANDS, ORIGIN)


def write(labels, name="hands", turn=PLAIN):
    return writing.write(labels, template.build(name, HANDS), {"image": passport(turn)}, HANDS)


def result(name="box", kind="rectanglelabels", label="hand", region="a", turn=PLAIN, **value):
    entry = {"id": region, "from_name": name, "to_name": "image", "type": kind, "image_rotation": 0}
    entry |= {"original_width": turn.shown_width_px, "original_height": turn.shown_height_px, "origin": "manual"}
    return entry | {"value": {**value, kind: [label]}}


def label(geometry, turn=PLAIN):
    kind = {Box: "box", RotatedBox: "rotated_box", Polygon: "polygon", Keypoints: "keypoints"}.get(type(geometry))
    return Label(
        label_id="l1",
        recording_id="r1",
        kind=kind or "mask",
        source="model",
        class_name="hand",
        stream="/cam",
        index=3,
        geometry=geometry,
        image_width_px=turn.width_px,
        image_height_px=turn.height_px,
    )


def corners(box, turn=None):
    """The four corners of a box, turned into the stored picture where a turn is given; in no order."""
    angle = math.radians(getattr(box, "rotation_deg", 0.0))
    across, down = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    found = []
    for a, d in ((0, 0), (1, 0), (1, 1), (0, 1)):
        x = box.x_px + a * box.width_px * across[0] + d * box.height_px * down[0]
        y = box.y_px + a * box.width_px * across[1] + d * box.height_px * down[1]
        found.append(turn.point_stored(x, y) if turn else (x, y))
    return sorted((round(x, 6), round(y, 6)) for x, y in found)


def test_a_box_is_percent_of_the_picture_as_shown() -> None:
    (box,) = read([result(x=50.0, y=20.0, width=20.0, height=20.0, rotation=0)]).labels
    assert box.geometry == Box(x_px=320.0, y_px=96.0, width_px=128.0, height_px=96.0)
    assert (box.stream, box.index, box.t_start_ns, box.class_name, box.origin) == (
        "/cam",
        3,
        123,
        "hand",
        "manual",
    )


def test_a_rotated_box_keeps_its_angle_and_corner_on_a_picture_that_is_not_square() -> None:
    (box,) = read([result(x=50.0, y=20.0, width=20.0, height=20.0, rotation=30)]).labels
    assert box.geometry == RotatedBox(x_px=320.0, y_px=96.0, width_px=128.0, height_px=96.0, rotation_deg=30.0)


def test_exif_6_shows_the_picture_turned_clockwise() -> None:
    turn = Turn(640, 480, 6)
    assert (turn.shown_width_px, turn.shown_height_px) == (480, 640)
    # The top left corner of what is seen is the bottom left corner of what is stored.
    assert turn.point_stored(0, 0) == (0, 480)
    assert turn.point_stored(480, 0) == (0, 0)
    (box,) = read([result(turn=turn, x=0, y=0, width=10, height=5, rotation=0)], turn=turn).labels
    assert box.geometry == Box(x_px=0.0, y_px=432.0, width_px=32.0, height_px=48.0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turn_is_what_pillow_does_with_exif(orientation) -> None:
    from PIL import Image, ImageOps

    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    picture = Image.fromarray(stored)
    picture.getexif()[274] = orientation
    shown = np.asarray(ImageOps.exif_transpose(picture))
    turn = Turn(3, 2, orientation)
    assert shown.shape == (turn.shown_height_px, turn.shown_width_px)
    assert (turn.pixels_stored(shown) == stored).all()
    for y in range(shown.shape[0]):
        for x in range(shown.shape[1]):
            at_x, at_y = turn.point_stored(x + 0.5, y + 0.5)
            assert shown[y, x] == stored[int(at_y), int(at_x)]


@given(turns, places, places)
def test_a_turn_and_its_inverse_undo_each_other(turn, x, y) -> None:
    back = turn.point_shown(*turn.point_stored(x, y))
    assert back == pytest.approx((x, y), abs=1e-9)
    assert turn.inverse().point_stored(x, y) == pytest.approx(turn.point_shown(x, y), abs=1e-9)


@given(turns, places, places, st.floats(0.1, 900), st.floats(0.1, 900), angles)
def test_the_corners_of_a_box_stay_its_corners_however_the_picture_is_turned(turn, x, y, w, h, angle) -> None:
    box = RotatedBox(x_px=x, y_px=y, width_px=w, height_px=h, rotation_deg=angle)
    stored = turn.rotated_box_stored(box)
    assert _close(corners(stored), corners(box, turn))
    upright = Box(x_px=x, y_px=y, width_px=w, height_px=h)
    assert _close(corners(turn.box_stored(upright)), corners(upright, turn))


def _close(some, others):
    """Whether both hold the same points: each has a partner in the other."""
    near = [[math.dist(a, b) < 1e-4 for b in others] for a in some]
    return all(any(row) for row in near) and all(any(column) for column in zip(*near, strict=True))


@given(turns, percents, percents, percents, percents, st.one_of(st.just(0), angles))
def test_what_label_studio_sent_goes_back_to_the_last_bit(turn, x, y, w, h, rotation) -> None:
    entry = result(turn=turn, x=x, y=y, width=w, height=h, rotation=rotation)
    side = {**entry, "from_name": "attribute_side_box", "type": "choices"}
    side["value"] = {"x": x, "y": y, "width": w, "height": h, "rotation": rotation, "choices": ["left"]}
    (box,) = read([entry, side], turn=turn).labels
    assert box.attributes == {"side": "left"}
    written = write([box], turn=turn)
    if not written.refused:  # an empty box, or one outside
        assert written.results == [entry, side]


@given(st.one_of(st.just(0.0), st.floats(1e-300, 4000)), sizes)
@example(1e-300, 4000)
def test_percent_reads_back_as_the_same_pixel_but_for_the_last_digit(pixels, size) -> None:
    back = geometry.to_pixels(geometry.to_percent(pixels, size), size)
    assert abs(back - pixels) <= math.ulp(pixels)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 8))
def test_a_brush_mask_comes_back_pixel_for_pixel(width, height, seed, share, orientation) -> None:
    shown = np.random.default_rng(seed).random((height, width)) < share
    rle = brush.encode(shown)
    assert (brush.decode(rle, width_px=width, height_px=height) == shown).all()
    assert (theirs.decode_rle(rle).reshape(height, width, 4)[:, :, 3].astype(bool) == shown).all()
    other = theirs.encode_rle(np.repeat(shown.ravel().astype(np.uint8) * 255, 4))
    assert (brush.decode(other, width_px=width, height_px=height) == shown).all()


def test_a_mask_of_a_turned_picture_lies_on_the_stored_one() -> None:
    turn = Turn(30, 20, 6)
    shown = np.zeros((30, 20), bool)
    shown[0, 19] = True  # top right of what is seen: top left of what is stored
    entry = result("mask", "brushlabels", turn=turn, format="rle", rle=brush.encode(shown))
    (mask,) = read([entry], "masks", turn).labels
    stored = masks.decode(mask.geometry)
    assert stored.shape == (20, 30)
    assert np.argwhere(stored).tolist() == [[0, 0]]
    fresh = replace(mask, received=None, tool="other")
    assert write([fresh], "masks", turn).results[0]["value"]["rle"] == brush.encode(shown)


def hand_points(parent, missing=(), hidden=()):
    entries = []
    for at, point in enumerate(HANDS.skeletons[0].points):
        if point in missing:
            continue
        entry = result("points_hand21", "keypointlabels", point, f"{parent}{at}", x=20 + at, y=10 + at, width=0.5)
        entries.append(entry | {"parentID": parent})
        if point in hidden:
            chosen = {**entries[-1], "from_name": "hidden_hand21", "type": "choices"}
            entries.append(chosen | {"value": {"x": 20 + at, "y": 10 + at, "width": 0.5, "choices": ["hidden"]}})
    return entries


def test_keypoints_belong_to_their_box_with_visibility_in_skeleton_order() -> None:
    box = result(region="h", x=10, y=10, width=50, height=50, rotation=0)
    found = read([*hand_points("h", missing=("pinky_tip",), hidden=("wrist",)), box])
    hand, points = found.labels
    assert found.problems == []
    assert points.parent_id == hand.label_id
    assert points.geometry.triples[:6] == (20 * 6.4, 10 * 4.8, 1.0, 21 * 640 / 100, 11 * 480 / 100, 2.0)
    assert points.geometry.triples[-3:] == (0.0, 0.0, 0.0)
    again = read(write([hand, points]).results)
    assert again.problems == []
    assert [one.geometry for one in again.labels] == [hand.geometry, points.geometry]


def test_loose_points_join_the_box_around_them_and_a_second_hand_is_told_apart() -> None:
    boxes = [
        result(region="h", x=10, y=5, width=40, height=40, rotation=0),
        result(region="i", x=60, y=60, width=30, height=30, rotation=0),
    ]
    loose = [{**entry, "parentID": None} for entry in hand_points("h")]
    twice = [{**entry, "id": f"again {entry['id']}"} for entry in loose[:2]]
    found = read([*boxes, *loose, *twice])
    hands = [one for one in found.labels if one.kind == "keypoints"]
    assert [one.parent_id for one in hands] == [found.labels[0].label_id] * 2
    assert sum(one.geometry.triples[2::3].count(2.0) for one in hands) == 23


def test_relations_join_labels_and_a_left_arrow_turns_them_round() -> None:
    entries = [
        result(region="h", x=10, y=10, width=5, height=5, rotation=0),
        result(region="c", label="cup", x=30, y=10, width=5, height=5, rotation=0),
        {"type": "relation", "from_id": "c", "to_id": "h", "direction": "left", "labels": ["holds"]},
        {"type": "relation", "from_id": "c", "to_id": "gone", "direction": "right", "labels": ["holds"]},
    ]
    found = read(entries)
    hand, cup, holds = found.labels
    assert holds.geometry == Relation(subject_id=hand.label_id, object_id=cup.label_id)
    assert holds.class_name == "holds"
    assert [problem.kind for problem in found.problems] == ["dangling-relation"]


def test_an_unknown_label_is_kept_as_drawn_and_told() -> None:
    found = read([result(label="NOT_A_LABEL", x=1, y=1, width=1, height=1, rotation=0)])
    assert [one.class_name for one in found.labels] == ["NOT_A_LABEL"]
    assert [problem.kind for problem in found.problems] == ["unknown-label"]


def test_a_size_that_differs_is_told() -> None:
    entry = result(x=1, y=1, width=1, height=1, rotation=0) | {"original_width": 1280}
    found = read([entry])
    assert len(found.labels) == 1
    assert [problem.kind for problem in found.problems] == ["size-differs"]


def test_a_name_that_a_class_had_before_is_read_as_the_class() -> None:
    renamed = replace(HANDS, classes=(replace(HANDS.classes[0], formerly=("paw",)), *HANDS.classes[1:]))
    made = template.build("hands", renamed)
    entry = result(label="paw", x=1, y=1, width=1, height=1, rotation=0)
    found = results.read([entry], made, {"image": passport()}, renamed, ORIGIN)
    assert ([one.class_name for one in found.labels], found.problems) == (["hand"], [])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"class_name": "NOT_A_LABEL"}, "no class"),
        ({"image_width_px": 1280}, "picture of 1280x480"),
        ({"index": 4}, "not part of the task"),
        ({"geometry": Box(x_px=700.0, y_px=0.0, width_px=5.0, height_px=5.0)}, "outside"),
        ({"geometry": Box(x_px=math.nan, y_px=0.0, width_px=5.0, height_px=5.0)}, "finite"),
        ({"geometry": Box(x_px=1.0, y_px=0.0, width_px=0.0, height_px=5.0)}, "empty"),
    ],
)
def test_a_prediction_that_does_not_fit_is_refused_with_its_reason(changed, why) -> None:
    box = replace(label(Box(x_px=10.0, y_px=10.0, width_px=5.0, height_px=5.0)), **changed)
    written = write([box])
    assert written.results == []
    assert [why in refused.why for refused in written.refused] == [True]
