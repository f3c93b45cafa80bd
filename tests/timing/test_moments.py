"""Moments stand for reference samples and say how well the others fit."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.errors import TimingError
from rushes.timing.metrics import overlap, pairing_metrics, stream_metrics
from rushes.timing.moments import align, choose_reference
from rushes.timing.pairing import doubt

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


METHODS = st.sampled_from(["nearest", "interpolate", "latest", "tum", "ros-approx"])
STREAMS = st.lists(TIMES, min_size=2, max_size=4).map(lambda columns: dict(zip("abcd", columns, strict=False)))


@given(STREAMS, METHODS, METHODS, st.one_of(st.none(), st.integers(0, 10**8)))
def test_whatever_the_method_every_moment_and_sample_is_accounted_for(streams, method, other, within):
    assume("ros-approx" not in (method, other) or method == other)
    made = align(streams, reference="a", method=method, methods={"b": other}, within=within, max_age=within)
    size = len(made.moments["t_ns"])
    assert size + made.unused == len(streams["a"])
    taking = np.zeros(size, int)
    for name, columns in made.members.items():
        taking[columns["moment"]] += 1
        assert (np.diff(columns["moment"]) > 0).all()
        assert (streams[name][columns["index"]] == columns["t_ns"]).all()
    assert (taking == made.moments["members"]).all()
    assert ((taking == len(streams)) == made.moments["complete"]).all()
    for pair in made.pairings:
        columns = made.members[pair.stream]
        used = set(columns["index"].tolist())
        if columns["index_after"] is not None:
            used |= set(columns["index_after"].compressed().tolist())
        assert pair.matched == len(columns["moment"])
        assert pair.samples - pair.unmatched_samples == len(used)
        assert sum(pair.lacking.values()) == pair.unmatched_moments == size - pair.matched
        assert bool(pair.reason) == (pair.matched == 0)


@given(STREAMS, METHODS, st.integers(0, 10**8))
def test_the_limit_of_a_method_holds(streams, method, within):
    made = align(streams, reference="a", method=method, within=within, max_age=within)
    moments = made.moments["t_ns"]
    for name in set(streams) - {"a"}:
        columns = made.members[name]
        skew, index = columns["skew_ns"], columns["index"]
        if method != "latest" and method != "interpolate":
            assert len(set(index.tolist())) == len(index)
            assert columns["is_repeat"] is False
            assert (np.abs(skew) <= within).all()
        if method == "latest":
            assert ((-within <= skew) & (skew <= 0)).all()
        if method == "interpolate":
            alone = columns["index_after"].mask
            after = streams[name][columns["index_after"].filled(0)]
            at = moments[columns["moment"]]
            assert (columns["t_ns"][alone] == at[alone]).all()
            assert ((columns["t_ns"] < at) & (at < after))[~alone].all()
        else:
            assert (columns["t_ns"] - moments[columns["moment"]] == skew).all()
        order = np.argsort(columns["t_ns"], kind="stable")
        assert method == "tum" or (columns["t_ns"][order] == columns["t_ns"]).all()


@given(STREAMS, METHODS, st.integers(-(2**60), 2**60))
def test_shifting_all_times_shifts_the_moments_alone_whatever_the_method(streams, method, shift):
    assume(method != "tum")  # its doubles are the coarser, the further from zero
    here = align(streams, reference="a", method=method)
    there = align({name: column + shift for name, column in streams.items()}, reference="a", method=method)
    assert (here.moments["t_ns"] + shift == there.moments["t_ns"]).all()
    for name in streams:
        for column in ("moment", "index", "skew_ns", "is_repeat"):
            assert np.array_equal(here.members[name][column], there.members[name][column])


def test_pictures_by_nearness_and_poses_between_their_samples():
    times = {"cam": ticks(10, 1), "eye": ticks(10, 1, 4_000_000), "pose": ticks(100, 1, -3_000_000)}
    made = align(times, reference="cam", methods={"pose": "interpolate"})
    assert made.members["eye"]["method"] == "nearest"
    assert made.members["eye"]["index_after"] is None
    pose = made.members["pose"]
    assert pose["method"] == "interpolate"
    assert pose["index"].tolist() == list(range(0, 100, 10))
    assert (pose["index_after"] == pose["index"] + 1).all()
    assert np.allclose(pose["weight_after"], 0.3, rtol=1e-12)
    assert (pose["skew_ns"] == -3_000_000).all()
    assert pairing(made, "pose").within_ns == 30_000_000
    assert pairing(made, "pose").phase_margin is None


def test_a_gap_is_not_bridged_and_is_counted():
    times = {"cam": ticks(10, 1), "pose": np.delete(ticks(100, 0.9, 1), range(40, 60))}
    made = align(times, reference="cam", method="interpolate")
    assert pairing(made, "pose").lacking == {
        "before its first sample": 1,
        "after its last sample": 1,
        "within a gap": 3,
    }


def test_the_latest_sample_is_used_again_and_says_so():
    made = align({"cam": ticks(10, 1), "temperature": ticks(2, 1)}, reference="cam", method="latest")
    assert made.members["temperature"]["index"].tolist() == [0] * 5 + [1] * 5
    assert made.members["temperature"]["is_repeat"].tolist() == [False, *[True] * 4] * 2
    assert pairing(made, "temperature").repeats == 8
    young = align(
        {"cam": ticks(10, 1), "temperature": ticks(2, 1)}, reference="cam", method="latest", max_age=200_000_000
    )
    assert pairing(young, "temperature").lacking == {"its latest sample is too old": 4}


def test_a_grid_needs_no_reference_and_lies_where_all_streams_are():
    times = {"a": ticks(30, 10), "imu": ticks(400, 10, SECOND), "empty": np.array([], np.int64)}
    made = align(times, rate_hz="30000/1001", methods={"imu": "interpolate"})
    assert made.reference == ""
    assert (made.moments["method"], made.moments["reference"]) == ("grid", "")
    assert made.moments["t_ns"][0] == SECOND
    assert made.moments["t_ns"][1] == SECOND + 33_366_667
    assert made.moments["t_ns"][-1] <= times["a"][-1] < made.moments["t_ns"][-1] + 33_366_667
    assert set(made.members) == {"a", "imu", "empty"}
    assert made.members["a"]["method"] == "nearest"
    assert pairing(made, "empty").reason == "empty has no samples"
    assert pairing(made, "imu").matched == len(made.moments["t_ns"])
    assert made.reason == "a grid of 30000/1001 Hz over 8.96667 s that all streams cover"


def test_sets_of_ros_are_moments_and_other_streams_join_them():
    times = {"a": ticks(10, 1), "b": np.delete(ticks(10, 1, 3_000_000), 4), "imu": ticks(100, 1)}
    made = align(times, reference="a", method="ros-approx", methods={"imu": "nearest"})
    # Frame 4 has no partner, and nothing after the last set proves that it is the best.
    assert made.members["a"]["index"].tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert made.unused == 2
    assert (made.moments["method"], made.members["b"]["method"]) == ("ros-approx", "ros-approx")
    assert (made.members["b"]["skew_ns"] == 3_000_000).all()
    assert made.moments["complete"].all()
    assert (made.members["imu"]["t_ns"] == made.moments["t_ns"]).all()


def test_uncertainties_add_up_as_squares_and_stay_unknown_where_one_is():
    times = {"a": ticks(10, 0.3), "b": ticks(10, 0.3), "c": ticks(10, 0.3), "d": ticks(10, 0.3, 50_000_000)}
    known = {"a": np.ma.masked_array([3.0, 3.0, 9.0], [False, False, True]), "b": 4, "d": np.array([0.5, 4, 7])}
    made = align(times, reference="a", uncertainty_ns=known, methods={"d": "interpolate"})
    assert made.members["a"]["uncertainty_ns"].tolist() == [3, 3, None]
    assert made.members["b"]["uncertainty_ns"].tolist() == [5, 5, None]
    assert made.members["c"]["uncertainty_ns"] is None
    assert made.members["d"]["moment"].tolist() == [1, 2]
    assert made.members["d"]["uncertainty_ns"].tolist() == [5, None]  # the wider of 0.5 and 4
    on_grid = align({"b": times["b"]}, rate_hz=10, uncertainty_ns={"b": 4})
    assert on_grid.members["b"]["uncertainty_ns"].tolist() == [4, 4, 4]


def test_doubt_is_said_in_words():
    generator = np.random.default_rng(0)
    half = np.sort(ticks(30, 10, 16_600_000) + generator.integers(-(10**6), 10**6, 300))
    made = align({"a": ticks(30, 10), "b": half, "c": ticks(30, 10, 10**6)}, reference="a")
    assert doubt(pairing(made, "b")).startswith("b: pairing is ambiguous: for half of the moments another sample")
    assert "limit 0.2" in doubt(pairing(made, "b"))
    assert doubt(pairing(made, "c")) == ""
    assert doubt(pairing(made, "c"), limit=0.99)


@pytest.mark.parametrize("method", ["nearest", "interpolate", "latest", "tum", "ros-approx"])
def test_one_sample_no_overlap_and_a_tolerance_of_zero_never_give_nothing_without_a_word(method):
    cam = ticks(10, 1)
    odd = {"late": cam + 5 * SECOND, "one": np.array([50_000_001]), "none": np.array([], np.int64)}
    for name, column in odd.items():
        made = align({"cam": cam, name: column}, reference="cam", method=method, within=0, max_age=0)
        assert pairing(made, name).matched == 0
        assert pairing(made, name).reason.startswith((name, f"no sample of {name}"))
    equal = align({"cam": cam, "b": cam[3:4]}, reference="cam", method=method, within=0, max_age=0)
    assert pairing(equal, "b").matched == (method != "tum")


def test_equal_and_descending_times_are_put_in_order():
    made = align({"a": np.array([30, 20, 10]), "b": np.array([20, 20, 20])}, reference="a", within=0)
    assert made.moments["t_ns"].tolist() == [10, 20, 30]
    assert made.members["a"]["index"].tolist() == [2, 1, 0]
    assert made.members["b"]["index"].tolist() == [0]
    assert pairing(made, "b").lacking == {"no sample within the tolerance": 2}


def test_what_is_no_time_is_refused_by_name_and_number():
    good = np.arange(4)
    with pytest.raises(TimingError, match="b: times are float64, not int64 nanoseconds; 2 of 4 are not"):
        align({"a": good, "b": np.array([1, np.nan, 3, np.inf])}, reference="a")
    with pytest.raises(TimingError, match="b: 1 of 4 samples have no time"):
        align({"a": good, "b": np.ma.masked_array(good, [0, 1, 0, 0])}, reference="a")
    with pytest.raises(TimingError, match=r"b: times are int64 of shape \(2, 2\)"):
        align({"a": good, "b": good.reshape(2, 2)}, reference="a")


def test_what_cannot_be_joined_is_refused():
    times = {"a": ticks(10, 1), "b": ticks(10, 1)}
    with pytest.raises(TimingError, match="there is no method 'interpolat' for b") as caught:
        align(times, reference="a", methods={"b": "interpolat"})
    assert caught.value.hint == "did you mean 'interpolate'?"
    with pytest.raises(TimingError, match="set by 'a' and by a rate"):
        align(times, reference="a", rate_hz=10)
    with pytest.raises(TimingError, match="makes its own moments"):
        align(times, rate_hz=10, method="ros-approx")
    for methods in ({"b": "nearest"}, {"a": "nearest"}):
        with pytest.raises(TimingError, match="ros-approx needs the reference a and at least one more stream"):
            align(times, reference="a", method="ros-approx", methods=methods)
    with pytest.raises(TimingError, match="b ends at"):
        align({"a": times["a"] + 5 * SECOND, "b": times["b"]}, rate_hz=10)
    with pytest.raises(TimingError, match="the tolerance is -1 ns"):
        align(times, reference="a", within=-1)
