"""The steps of a look: what is kept, which pictures are chosen, which streams share an axis."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.model import Batch, FrameFlag, Stream
from rushes.workflow._look.axes import axes
from rushes.workflow._look.gather import Gathered
from rushes.workflow._look.thumbnails import MOST, choose, upright
from rushes.workflow.look import look

FRAMES = Stream(name="cam", modality="color", table="frames")


def gather(*batches: dict, stream: Stream = FRAMES) -> Gathered:
    kept = Gathered(stream)
    for columns in batches:
        rows = next(len(value) for value in columns.values() if isinstance(value, np.ndarray | list))
        kept.add(Batch(stream=stream.name, table=stream.table, rows=rows, columns=columns))
    return kept


KINDS = st.sampled_from(["array", "masked", "scalar", "none"])


@given(st.lists(st.tuples(KINDS, st.integers(min_value=1, max_value=5)), min_size=1, max_size=6))
def test_a_column_is_put_together_from_whatever_its_batches_bring(parts: list[tuple[str, int]]) -> None:
    batches, truth, at = [], [], 0
    for kind, rows in parts:
        values = list(range(at, at + rows))
        absent = [kind == "none" or (kind == "masked" and i % 2 == 0) for i in range(rows)]
        column = {
            "array": np.array(values),
            "masked": np.ma.MaskedArray(values, mask=absent),
            "scalar": at,
            "none": None,
        }[kind]
        truth += [None if a else at if kind == "scalar" else v for v, a in zip(values, absent, strict=True)]
        batches.append({"t_ns": np.array(values), "seq": column})
        at += rows
    kept = gather(*batches)
    assert [kept.row(i)["seq"] for i in range(at)] == truth
    assert kept.present("seq").tolist() == [value for value in truth if value is not None]
    assert kept.filled("seq", -1).tolist() == [-1 if value is None else value for value in truth]


@given(
    missing=st.lists(st.booleans(), min_size=1, max_size=60),
)
def test_the_chosen_pictures_are_there_spread_and_hold_both_ends(missing: list[bool]) -> None:
    flags = np.where(missing, FrameFlag.MISSING.value, 0)
    chosen = choose(gather({"t_ns": np.arange(len(missing)), "flags": flags}))
    there = np.flatnonzero(flags == 0).tolist()
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(there)
    assert len(chosen) == min(MOST, len(there))
    if there:
        assert chosen[0] == there[0]
        assert chosen[-1] == there[-1]


@given(count=st.integers(min_value=1, max_value=2000), every=st.integers(min_value=1, max_value=300))
def test_of_a_video_keyframes_are_taken_where_they_are_near(count: int, every: int) -> None:
    keyframe = np.arange(count) % every == 0
    chosen = choose(gather({"t_ns": np.arange(count), "flags": 0, "keyframe": keyframe}))
    assert chosen[0] == 0
    assert 1 <= len(chosen) <= MOST
    assert chosen[-1] == count - 1, "no keyframe is farther than can be decoded"
    if every * (MOST - 1) * 2 <= count:
        assert all(index % every == 0 for index in chosen[:-1]), "where keyframes are dense they are taken"


def test_a_video_without_keyframes_on_the_way_is_not_decoded_from_end_to_end() -> None:
    keyframe = np.arange(20_000) == 0
    assert choose(gather({"t_ns": np.arange(20_000), "flags": 0, "keyframe": keyframe})) == [0]


def test_clocks_that_disagree_are_drawn_by_the_recorders(shared_data: Path) -> None:
    (bag,) = look([shared_data / "rosbag" / "realsense_bag"]).recordings
    held = [s for s in bag.streams if len(s.drawn) or s.count > 1]
    drawn = axes(held)
    assert sum(len(axis.lanes) for axis in drawn) == len(held)
    spans = [axis.end_ns - axis.start_ns for axis in drawn if axis.lanes[0][1] is not None]
    assert max(spans) < 1_000_000_000


def test_streams_of_one_clock_share_one_axis(shared_data: Path) -> None:
    (folder,) = look([shared_data / "rgbd" / "tum_fr1_rpy"]).recordings
    (axis,) = axes(folder.streams)
    assert len(axis.lanes) == 4
    assert axis.end_ns - axis.start_ns == pytest.approx(27.889e9, rel=1e-3)


def test_images_without_times_are_drawn_in_their_order(shared_data: Path) -> None:
    (folder,) = look([shared_data / "labels" / "gestures_hagrid" / "call"]).recordings
    (axis,) = axes(folder.streams)
    assert axis.title == "Order"
    assert axis.lanes[0][1] is None


@pytest.mark.parametrize(
    ("rotation_deg", "corner"), [(None, (0, 0)), (0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))]
)
def test_a_turn_is_clockwise(rotation_deg: int | None, corner: tuple[int, int]) -> None:
    picture = np.zeros((3, 5, 3), np.uint8)
    picture[0, 0] = 255
    assert upright(picture, rotation_deg)[corner].tolist() == [255, 255, 255]
