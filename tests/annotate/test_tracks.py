"""A track between the boxes that were drawn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate.tracks import box_at, boxes_of, course_of
from rushes.labels import Box, Label, RotatedBox, Track, TrackKey
from rushes.workflow.track_boxes import table_of


def key(index: int, x: float, *, turn: float = 0.0, shown: bool = True) -> TrackKey:
    return TrackKey(index=index, x_px=x, y_px=2 * x, width_px=10, height_px=20 + x, rotation_deg=turn, shown=shown)


def test_the_box_moves_in_a_straight_line_and_ends_with_its_last_key():
    track = Track(keys=(key(10, 0), key(20, 5)))
    assert box_at(track, 14) == Box(x_px=2.0, y_px=4.0, width_px=10, height_px=22.0)
    assert box_at(track, 20) == Box(x_px=5, y_px=10, width_px=10, height_px=25)
    assert box_at(track, 9) is None
    assert box_at(track, 21) is None
    assert box_at(track, 24, end=25) == box_at(track, 20)


def test_what_is_not_shown_has_no_box_until_the_next_key():
    track = Track(keys=(key(0, 0), key(4, 4, shown=False), key(8, 8), key(9, 9)))
    assert [index for index, _ in boxes_of(track)] == [0, 1, 2, 3, 8, 9]


def test_a_turn_goes_the_shorter_way_round():
    track = Track(keys=(key(0, 0, turn=350), key(2, 0, turn=10)))
    middle = box_at(track, 1)
    assert isinstance(middle, RotatedBox)
    assert middle.rotation_deg == 360


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1e4)), min_size=1, max_size=6))
def test_on_every_key_it_is_what_was_drawn(steps):
    index, keys = 0, []
    for step, x in steps:
        index += step
        keys.append(key(index, x))
    track = Track(keys=tuple(keys))
    for each in keys:
        drawn = Box(x_px=each.x_px, y_px=each.y_px, width_px=each.width_px, height_px=each.height_px)
        assert box_at(track, each.index) == drawn
    between = dict(boxes_of(track))
    assert list(between) == list(range(keys[0].index, keys[-1].index + 1))


def test_half_a_turn_goes_clockwise_as_in_label_studio():
    for first, last in ((0, 180), (180, 0), (90, -90)):
        middle = box_at(Track(keys=(key(0, 0, turn=first), key(2, 0, turn=last))), 1)
        assert getattr(middle, "rotation_deg", 0.0) == first + 90


STEPS = st.lists(
    st.tuples(st.integers(1, 9), st.floats(0, 1e4), st.booleans(), st.floats(-400, 400)), min_size=1, max_size=7
)


def track_of(steps):
    index, keys = 0, []
    for step, x, shown, turn in steps:
        index += step
        keys.append(key(index, x, turn=turn, shown=shown))
    return Track(keys=tuple(keys))


@given(STEPS, st.none() | st.integers(0, 70))
def test_a_course_says_of_all_samples_what_is_said_of_each(steps, end):
    track = track_of(steps)
    course = course_of(track, end=end)
    each = {index: box_at(track, index, end=end) for index in range(75)}
    seen = {index: box for index, box in each.items() if box is not None}
    assert course.index.tolist() == list(seen)
    assert dict(boxes_of(track, end=end)) == seen
    for name in ("x_px", "y_px", "width_px", "height_px"):
        assert getattr(course, name).tolist() == [getattr(box, name) for box in seen.values()]
    assert course.rotation_deg.tolist() == [getattr(box, "rotation_deg", 0.0) for box in seen.values()]


def test_boxes_of_several_tracks_are_a_table_in_the_order_of_samples():
    common = {"recording_id": "r", "kind": "track", "source": "human", "stream": "/c"}
    one = Label(
        label_id="a", class_name="hand", geometry=Track(keys=(key(2, 0), key(4, 4))), index_end=5, **common
    )
    two = Label(label_id="b", class_name="cup", geometry=Track(keys=(key(0, 1),)), index_end=3, **common)
    table = table_of([one, two], np.arange(10, dtype=np.int64) * 7)
    assert table["index"].to_pylist() == [0, 1, 2, 2, 3, 4]
    assert table["t_ns"].to_pylist() == [0, 7, 14, 14, 21, 28]
    assert table["label_id"].to_pylist() == ["b", "b", "a", "b", "a", "a"]
    assert table["x_px"].to_pylist() == [1, 1, 0, 1, 2, 4]
    assert table["drawn"].to_pylist() == [True, False, True, False, False, True]
    assert table_of([], np.zeros(0, np.int64)).num_rows == 0
