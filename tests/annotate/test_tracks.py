"""A track between the boxes that were drawn."""

from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate.tracks import box_at, boxes_of
from rushes.labels import Box, RotatedBox, Track, TrackKey


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
