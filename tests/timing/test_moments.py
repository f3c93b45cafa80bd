"""Moments stand for reference samples and say how well the others fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.errors import TimingError
from rushes.timing.metrics import overlap, pairing_metrics, stream_metrics
from rushes.timing.moments import align, choose_reference

SECOND = 1_000_000_000
TIMES = hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 10**9))


def ticks(rate_hz, seconds, start_ns=0):
    return start_ns + np.round(np.arange(int(rate_hz * seconds)) * SECOND / rate_hz).astype(np.int64)


def pairing(alignment, stream):
    return next(one for one in alignment.pairings if one.stream == stream)


def test_two_cameras_and_an_imu_give_a_moment_per_frame_of_the_slowest():
    times = {"cam30": ticks(30, 10), "cam20": ticks(20, 10, 1_000_000), "imu": ticks(1000, 10)}
    made = align(times, pictures=["cam30", "cam20"])
    assert made.reference == "cam20"
    assert made.reason == "it is the slowest picture stream (20 Hz)"
    assert len(made.moments["t_ns"]) == 200
    assert made.moments["complete"].all()
    assert (made.moments["members"] == 3).all()
    assert pairing(made, "imu").within_ns == 25_000_000
    assert pairing(made, "imu").skew_max_ns == 0
    assert pairing(made, "imu").phase_margin is None  # forty times as fast
    assert pairing(made, "cam30").unmatched_samples == 100


def test_the_reference_maps_to_itself():
    made = align({"cam": ticks(30, 2)}, pictures=["cam"])
    assert made.members["cam"]["index"].tolist() == list(range(60))
    assert not made.members["cam"]["skew_ns"].any()
    assert made.members["cam"]["method"] == "reference"


def test_skew_is_sample_time_minus_moment_time():
    made = align({"a": ticks(10, 1), "b": ticks(10, 1, 3_000_000)}, reference="a")
    assert (made.members["b"]["skew_ns"] == 3_000_000).all()
    assert (made.moments["max_skew_ns"] == 3_000_000).all()
    assert pairing(made, "b").skew_median_ns == 3_000_000


def test_a_dropped_frame_leaves_its_moment_incomplete():
    times = ticks(30, 1)
    made = align({"a": times, "b": np.delete(times, 7)}, reference="a")
    assert np.flatnonzero(~made.moments["complete"]).tolist() == [7]
    assert made.members["b"]["index"].tolist() == list(range(29))
    assert 7 not in made.members["b"]["moment"]


def test_half_an_interval_apart_has_no_phase_margin():
    generator = np.random.default_rng(0)
    near = align({"a": ticks(30, 10), "b": ticks(30, 10, 1_000_000)}, reference="a")
    jitter = generator.integers(-(10**6), 10**6, 300)
    half = align({"a": ticks(30, 10), "b": np.sort(ticks(30, 10, 16_600_000) + jitter)}, reference="a")
    assert pairing(near, "b").phase_margin > 0.9
    assert pairing(half, "b").phase_margin < 0.1


@given(TIMES, TIMES, st.integers(-(2**60), 2**60))
def test_shifting_all_times_changes_only_the_times(first, second, shift):
    here = align({"a": first, "b": second}, reference="a")
    there = align({"a": first + shift, "b": second + shift}, reference="a")
    assert (here.moments["t_ns"] + shift == there.moments["t_ns"]).all()
    assert here.pairings == there.pairings or here.pairings[0].reason
    for column in ("moment", "index", "skew_ns"):
        assert (here.members["b"][column] == there.members["b"][column]).all()


@given(TIMES, TIMES)
def test_samples_out_of_order_are_found_again_by_their_index(first, second):
    made = align({"a": first, "b": second}, reference="a")
    members = made.members["b"]
    assert (second[members["index"]] == members["t_ns"]).all()
    assert (made.moments["t_ns"][members["moment"]] + members["skew_ns"] == members["t_ns"]).all()
    assert len(set(members["index"].tolist())) == len(members["index"])
    assert (np.diff(made.moments["t_ns"]) >= 0).all()
    assert (first[made.members["a"]["index"]] == made.moments["t_ns"]).all()


def test_a_stream_that_does_not_overlap_says_so():
    made = align({"a": ticks(10, 1), "b": ticks(10, 1, 5 * SECOND), "c": np.array([], np.int64)}, reference="a")
    assert pairing(made, "b").reason == "b does not overlap the reference: it is 4.1 s after the reference ends"
    assert pairing(made, "c").reason == "c has no samples"
    assert not made.moments["complete"].any()
    assert (made.moments["members"] == 1).all()


def test_nothing_within_the_tolerance_names_the_nearest():
    made = align({"a": ticks(10, 1), "b": ticks(10, 1, 20_000_000)}, reference="a", within=10_000_000)
    assert pairing(made, "b").reason == "no sample of b is within 10 ms of a reference sample; nearest 20 ms"


def test_the_slowest_picture_stream_is_the_reference_unless_it_is_short():
    streams = {"slow": ticks(5, 1), "cam": ticks(30, 10), "fast": ticks(60, 10)}
    assert choose_reference(streams, ["slow", "cam", "fast"])[0] == "cam"
    streams["slow"] = ticks(5, 9)
    assert choose_reference(streams, ["slow", "cam", "fast"])[0] == "slow"


def test_an_absent_reference_is_an_error_with_a_close_match():
    with pytest.raises(TimingError, match="'cam_lft'") as caught:
        align({"cam_left": ticks(10, 1)}, reference="cam_lft")
    assert caught.value.code == "timing.no-reference"
    assert "cam_left" in caught.value.hint
    with pytest.raises(TimingError, match="has no samples"):
        align({"cam": np.array([], np.int64)}, reference="cam")
    with pytest.raises(TimingError, match="no picture stream"):
        align({"imu": ticks(10, 1)}, pictures=[])


def test_measures_name_their_units():
    made = {m.metric: (m.value, m.unit) for m in stream_metrics("cam", np.delete(ticks(25, 2), [10, 11]))}
    assert made["rate"] == (25.0, "Hz")
    assert made["missing"] == (2.0, "1")
    assert made["longest_gap"] == (120_000_000.0, "ns")
    fit = align({"a": ticks(10, 1), "b": ticks(10, 1, 10**6)}, reference="a").pairings[0]
    assert {m.metric: m.value for m in pairing_metrics(fit)}["moment_coverage"] == 1.0


def test_the_overlap_is_what_all_cover():
    assert overlap({"a": ticks(10, 1), "b": ticks(10, 1, SECOND // 2)}) == (SECOND // 2, 900_000_000)
    assert overlap({"a": ticks(10, 1), "b": ticks(10, 1, 9 * SECOND)}) is None
    assert overlap({"a": np.array([], np.int64)}) is None
