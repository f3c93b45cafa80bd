"""Shapes of labels: truths by hand, and properties that hold for any shape."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes import masks, shapes
from rushes.labels import Box, Keypoints, Polygon, RotatedBox, Track, TrackKey

NUMBER = st.floats(0, 400, allow_nan=False)
SIZE = st.floats(0.5, 300, allow_nan=False)
ROTATED = st.builds(
    RotatedBox, x_px=NUMBER, y_px=NUMBER, width_px=SIZE, height_px=SIZE, rotation_deg=st.floats(-180, 180)
)
TURNS = st.sampled_from([0, 90, 180, 270])


def test_a_turned_box_on_a_picture_that_is_not_square_has_the_bounds_of_its_corners():
    # 640×480, x 50 %, y 20 %, width 20 %, height 20 %, 30 degrees: true [272, 96, 158.9, 147.1].
    box = shapes.bounds(RotatedBox(x_px=320, y_px=96, width_px=128, height_px=96, rotation_deg=30))
    assert box is not None
    found = [round(x, 1) for x in (box.x_px, box.y_px, box.width_px, box.height_px)]
    assert found == [272.0, 96.0, 158.9, 147.1]


@given(ROTATED)
def test_corners_make_the_same_box_again(box):
    again = shapes.from_corners(shapes.corners(box))
    assert np.allclose(shapes.corners(again), shapes.corners(box), atol=1e-6)
    assert math.isclose(again.width_px, box.width_px, rel_tol=1e-6)


def test_four_corners_of_no_rectangle_are_refused():
    with pytest.raises(ValueError, match="rectangle"):
        shapes.from_corners([(0, 0), (4, 0), (6, 3), (0, 3)])


def test_overlap_by_hand():
    one, two = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 1, 2, 2], [0, 0, 2, 2], [5, 5, 1, 1]])
    assert shapes.box_overlaps(one, two).tolist() == [[1 / 7, 1.0, 0.0]]
    assert shapes.box_overlaps(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0.0]]


@given(ROTATED, TURNS)
def test_turning_there_and_back_gives_the_shape_again(box, turn):
    polygon = Polygon(rings=(tuple(x for point in shapes.corners(box) for x in point),))
    points = Keypoints(triples=(1.0, 2.0, 2.0, 0.0, 0.0, 0.0, 7.0, 9.0, 1.0))
    upright = Box(x_px=box.x_px, y_px=box.y_px, width_px=box.width_px, height_px=box.height_px)
    size = shapes.turned_size(640, 480, turn)
    for shape in (box, polygon, points, upright):
        there = shapes.turned(shape, 640, 480, turn)
        back = shapes.turned(there, *size, (360 - turn) % 360)
        for now, before in ((shapes.bounds(back), shapes.bounds(shape)), (back, shape)):
            if isinstance(now, Box) and isinstance(before, Box):
                assert np.allclose(shapes.boxes_of([now]), shapes.boxes_of([before]), atol=1e-6)


@given(ROTATED, TURNS)
def test_a_turned_box_covers_the_same_pixels_as_its_turned_corners(box, turn):
    there = shapes.turned(box, 640, 480, turn)
    ring = Polygon(rings=(tuple(x for point in shapes.corners(box) for x in point),))
    turned_ring = shapes.turned(ring, 640, 480, turn)
    assert isinstance(there, RotatedBox)
    assert isinstance(turned_ring, Polygon)
    assert np.allclose([x for p in shapes.corners(there) for x in p], turned_ring.rings[0], atol=1e-6)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_mask_and_its_box_turn_together(turn):
    bits = np.zeros((48, 64), np.bool_)
    bits[3:9, 10:30] = True
    mask = shapes.turned(masks.encode(bits), 64, 48, turn)
    box = shapes.turned(Box(x_px=10, y_px=3, width_px=20, height_px=6), 64, 48, turn)
    track = shapes.turned(
        Track(keys=(TrackKey(index=5, x_px=10, y_px=3, width_px=20, height_px=6),)), 64, 48, turn
    )
    assert shapes.bounds(mask) == box
    assert isinstance(track, Track)
    assert (track.keys[0].x_px, track.keys[0].width_px) == (box.x_px, box.width_px)  # type: ignore[union-attr]


def test_areas_by_hand():
    assert shapes.area_px(Polygon(rings=((0, 0, 4, 0, 4, 3), (10, 10, 12, 10, 12, 12, 10, 12)))) == 10.0
    assert shapes.area_px(RotatedBox(x_px=0, y_px=0, width_px=3, height_px=4, rotation_deg=77)) == 12.0
