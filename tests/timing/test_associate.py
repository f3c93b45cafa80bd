"""Pairing by nearest time is one to one, exact and deterministic."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.errors import TimingError
from rushes.timing.associate import closest, nearest
from rushes.timing.matches import order

FEW = hnp.arrays(np.int64, st.integers(0, 8), elements=st.integers(-30, 30)).map(np.sort)
MANY = hnp.arrays(np.int64, st.integers(0, 120), elements=st.integers(-400, 400)).map(np.sort)
WITHIN = st.integers(0, 25)


def price(index, times, reference, within):
    alone = int((index < 0).sum())
    skews = np.abs(times[index[index >= 0]] - reference[index >= 0])
    return int(skews.sum()) + alone * (2 * within + 1)


def best_price(times, reference, within):
    """Try every way to pair, order kept or not."""

    @cache
    def rest(place, taken):
        if place == len(reference):
            return 0
        costs = [2 * within + 1 + rest(place + 1, taken)]
        for sample, time in enumerate(times.tolist()):
            skew = abs(time - int(reference[place]))
            if skew <= within and not taken >> sample & 1:
                costs.append(skew + rest(place + 1, taken | 1 << sample))
        return min(costs)

    return rest(0, 0)


@given(FEW, FEW, WITHIN)
def test_no_other_pairing_is_better(times, reference, within):
    index = nearest(times, reference, within=within).index
    assert price(index, times, reference, within) == best_price(times, reference, within)


@given(MANY, MANY, WITHIN)
def test_each_sample_is_used_once_in_order_and_within_the_tolerance(times, reference, within):
    matches = nearest(times, reference, within=within)
    used = matches.index[matches.matched]
    assert all(a < b for a, b in pairwise(used.tolist()))
    assert (np.abs(matches.skew_ns) <= within).all()
    assert (matches.skew_ns[matches.matched] == times[used] - reference[matches.matched]).all()
    assert (matches.skew_ns[~matches.matched] == 0).all()


@given(MANY, MANY, WITHIN)
def test_no_free_sample_within_reach_of_a_lonely_time_is_left(times, reference, within):
    matches = nearest(times, reference, within=within)
    free = np.setdiff1d(np.arange(len(times)), matches.index)
    for alone in reference[~matches.matched]:
        assert not (np.abs(times[free] - alone) <= within).any()


@given(MANY, MANY, WITHIN, st.integers(-(2**60), 2**60))
def test_shifting_all_times_changes_nothing(times, reference, within, shift):
    here, there = (
        nearest(times, reference, within=within),
        nearest(times + shift, reference + shift, within=within),
    )
    assert (here.index == there.index).all()
    assert (here.skew_ns == there.skew_ns).all()


@given(MANY, WITHIN)
def test_a_stream_maps_to_itself(times, within):
    matches = nearest(times, times, within=within)
    assert (matches.index == np.arange(len(times))).all()
    assert not matches.skew_ns.any()


@given(MANY, MANY, WITHIN)
def test_a_far_sample_makes_the_pairing_neither_better_nor_worse(times, reference, within):
    before = nearest(times, reference, within=within).index
    more = np.append(times, 10**6)
    after = nearest(more, reference, within=within).index
    assert len(times) not in after
    assert price(before, times, reference, within) == price(after, more, reference, within)


def test_of_pairings_that_are_equally_good_either_may_be_taken():
    times, reference = np.array([260, 260]), np.array([250, 250, 250, 266])
    few, many = nearest(times, reference, within=10), nearest(np.append(times, [10**6] * 3), reference, within=10)
    for found in (few, many):
        assert sorted(found.index[:3].tolist()) == [-1, -1, 0]
        assert found.index[3] == 1


@given(MANY, MANY)
def test_the_closest_is_the_first_of_the_closest(times, reference):
    if len(times) == 0:
        return
    matches = closest(times, reference)
    distance = np.abs(times[None, :] - reference[:, None])
    assert (matches.index == distance.argmin(axis=1)).all()
    assert (matches.skew_ns == times[matches.index] - reference).all()


def test_a_tie_goes_to_the_earlier_sample():
    matches = nearest(np.array([0, 20]), np.array([10]), within=10)
    assert matches.index.tolist() == [0]
    assert matches.skew_ns.tolist() == [-10]


def test_equal_stamps_are_kept_apart():
    matches = nearest(np.array([5, 5, 5]), np.array([5, 5]), within=0)
    assert matches.index.tolist() == [0, 1]


def test_a_surplus_sample_does_not_shift_a_row_of_good_pairs():
    reference = np.arange(10) * 33
    times = np.concatenate(([-30], np.arange(9) * 33))  # one too early, the last one dropped
    assert nearest(times, reference, within=50).index.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, -1]


def test_jitter_around_half_an_interval_loses_no_sample():
    reference = np.array([0, 330, 660])
    times = np.array([166, 495, 826])  # the first sample is nearest to both of the first two times
    assert nearest(times, reference, within=170).index.tolist() == [0, 1, 2]


def test_a_faster_reference_gets_each_sample_once():
    matches = nearest(np.array([0, 100]), np.arange(0, 101, 10), within=50)
    assert matches.index.tolist() == [0, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1]


def test_blocks_meet_without_a_seam():
    generator = np.random.default_rng(3)
    times = np.sort(generator.integers(0, 10**7, 60_000))
    reference = np.sort(generator.integers(0, 10**7, 20_000))
    matches = closest(times, reference)
    after = np.minimum(np.searchsorted(times, reference), len(times) - 1)
    before = np.maximum(after - 1, 0)
    wanted = np.minimum(np.abs(times[before] - reference), np.abs(times[after] - reference))
    assert (np.abs(matches.skew_ns) == wanted).all()
    assert (matches.index == np.searchsorted(times, times[matches.index])).all()


def test_nothing_to_pair_is_no_error_here():
    empty = np.array([], np.int64)
    assert nearest(empty, np.array([1, 2]), within=5).index.tolist() == [-1, -1]
    assert len(nearest(np.array([1]), empty, within=5).index) == 0


def test_times_that_go_back_are_refused_and_can_be_put_in_order():
    times = np.array([0, 30, 20, 40])
    with pytest.raises(TimingError, match="sample 2") as caught:
        nearest(times, np.array([0]), within=5)
    assert caught.value.code == "timing.not-ascending"
    assert order(times).tolist() == [0, 2, 1, 3]
    assert nearest(times[order(times)], np.array([21]), within=5).index.tolist() == [1]


def test_a_negative_tolerance_is_refused():
    with pytest.raises(TimingError, match="negative"):
        nearest(np.array([0]), np.array([0]), within=-1)


def test_tum_pairs_differ_only_where_two_partners_are_about_as_near(shared_data):
    folder = shared_data / "rgbd" / "tum_fr1_rpy"

    def stamp(cell):
        return round(float(cell) * 1e6) * 1000

    def stamps(name):
        rows = (folder / f"{name}.txt").read_text().splitlines()
        return np.array([stamp(row.split()[0]) for row in rows if row and row[0] != "#"], np.int64)

    color, depth = stamps("rgb"), stamps("depth")
    matches = nearest(depth, color, within=20_000_000)
    ours = {(int(color[at]), int(depth[matches.index[at]])) for at in np.flatnonzero(matches.matched)}
    rows = [row.split() for row in (folder / "rgbd_assoc.txt").read_text().splitlines() if row]
    truth = {(stamp(row[0]), stamp(row[2])) for row in rows}
    assert len(truth) == 694
    # associate.py pairs greedily and leaves 26 times alone that had a free partner within reach of a small shift.
    assert len(ours) >= len(truth)
    assert all(abs(b - a) > 10_000_000 for a, b in ours ^ truth)
    assert len(ours & truth) == 639
