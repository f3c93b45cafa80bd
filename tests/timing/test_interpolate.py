"""Interpolation takes the two samples around a moment, and makes nothing up beyond ends or across gaps."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.errors import TimingError
from rushes.timing.interpolate import interpolate
from rushes.timing.values import interpolate_values, slerp, without_sign_jumps

COLUMN = hnp.arrays(np.int64, st.integers(0, 60), elements=st.integers(-100, 100)).map(np.sort)
ANGLE = st.floats(-3, 3)
TURN = hnp.arrays(np.float64, 4, elements=st.floats(-1, 1)).filter(lambda q: np.linalg.norm(q) > 1e-3)


def about(axis, angle):
    """Give the rotation about an axis, w first."""
    axis = np.asarray(axis) / np.linalg.norm(axis)
    return np.stack([np.cos(angle / 2), *(axis[:, None] * np.sin(angle / 2))], axis=-1)


@given(COLUMN, COLUMN, st.integers(0, 60))
def test_each_moment_lies_between_its_two_samples_or_on_one(times, reference, gap):
    found = interpolate(times, reference, gap_ns=gap)
    for place, moment in enumerate(reference):
        index, after, weight = found.index[place], found.index_after[place], found.weight_after[place]
        hits = np.flatnonzero(times == moment)
        before, later = np.flatnonzero(times < moment), np.flatnonzero(times > moment)
        if len(hits):
            assert (index, after, weight) == (hits[0], -1, 0)
            assert found.skew_ns[place] == 0
        elif len(before) and len(later) and times[later[0]] - times[before[-1]] <= gap:
            assert (index, after) == (before[-1], later[0])
            assert weight == (moment - times[index]) / (times[after] - times[index])
            nearer = min((times[index] - moment, times[after] - moment), key=abs)
            assert found.skew_ns[place] == nearer
        else:
            assert (index, after, weight) == (-1, -1, 0)
            assert found.skew_ns[place] == 0


@given(COLUMN, COLUMN, st.integers(-(2**60), 2**60))
def test_shifting_all_times_changes_nothing(times, reference, shift):
    here, there = interpolate(times, reference), interpolate(times + shift, reference + shift)
    for column in ("index", "skew_ns", "index_after", "weight_after"):
        assert (getattr(here, column) == getattr(there, column)).all()


@given(
    hnp.arrays(np.int64, st.integers(2, 40), elements=st.integers(0, 2**40), unique=True).map(np.sort),
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.integers(-1000, 1000),
)
def test_a_linear_function_comes_back_to_the_last_digit(times, shares, slope):
    span = int(times[-1] - times[0])
    reference = np.sort([int(times[0]) + round(share * span) for share in shares])
    found = interpolate(times, reference, gap_ns=span)
    values = times * slope  # exact in float64: below 2**53
    given_back = interpolate_values(values, found.index, found.index_after, found.weight_after)
    truth = (reference * slope).astype(np.float64)
    largest = np.maximum(np.abs(values[found.index]), np.abs(values[np.maximum(found.index, found.index_after)]))
    assert (np.abs(given_back - truth) <= np.spacing(np.maximum(largest, 1).astype(np.float64))).all()


def test_three_intervals_are_bridged_and_a_nanosecond_more_is_not():
    times = np.array([0, 100, 200, 300, 400, 700, 1001])
    found = interpolate(times, np.array([-1, 650, 701, 1001, 1002]))
    assert found.index.tolist() == [-1, 4, -1, 6, -1]
    assert found.index_after.tolist() == [-1, 5, -1, -1, -1]


def test_one_sample_serves_its_own_time_alone():
    assert interpolate(np.array([5]), np.array([4, 5, 6])).index.tolist() == [-1, 0, -1]


def test_a_value_without_a_sample_is_not_a_number_and_a_sample_alone_is_itself():
    values = np.array([[1.0, np.inf], [3.0, 5.0]])
    columns = np.array([0, 0, -1]), np.ma.masked_array([0, 1, 0], [True, False, True]), np.array([0, 0.5, 0])
    mixed = interpolate_values(values, *columns)
    assert mixed[0].tolist() == [1.0, np.inf]
    assert mixed[1, 0] == 2.0
    assert np.isnan(mixed[2]).all()
    assert np.isnan(interpolate_values(values[:0], np.array([-1]), np.array([-1]), np.zeros(1))).all()


@given(hnp.arrays(np.float64, 3, elements=st.floats(-1, 1)), ANGLE, st.floats(-3.1, 3.1), st.booleans())
def test_slerp_turns_at_a_constant_rate_the_short_way_round(axis, start, step, flipped):
    assume(np.linalg.norm(axis) > 1e-3)
    weight = np.linspace(0, 1, 11)[:-1]
    ends = about(axis, np.array([start, start + step])) * 3  # length does not matter
    ends[1] *= -1 if flipped else 1
    turned = slerp(ends, np.zeros(10, np.int64), np.ones(10, np.int64), weight)
    truth = about(axis, start + weight * step)
    assert np.abs(np.linalg.norm(turned, axis=1) - 1).max() < 1e-12
    assert np.abs(np.abs((turned * truth).sum(axis=1)) - 1).max() < 1e-12  # the same rotation, whatever the sign
    rates = np.linalg.norm(np.diff(turned, axis=0), axis=1)
    assert np.ptp(rates) < 1e-9


@given(st.lists(TURN, min_size=2, max_size=20), st.lists(st.booleans(), min_size=20, max_size=20))
def test_signs_never_jump_however_they_were_recorded(turns, flips):
    recorded = np.array(turns) * np.where(flips[: len(turns)], -1, 1)[:, None]
    smooth = without_sign_jumps(recorded)
    assert ((smooth[1:] * smooth[:-1]).sum(axis=1) >= 0).all()
    index = np.repeat(np.arange(len(turns) - 1), 8)
    turned = slerp(recorded, index, index + 1, np.tile(np.arange(8) / 8, len(turns) - 1))
    assert (np.linalg.norm(np.diff(turned, axis=0), axis=1) < 0.25).all()  # a half turn in 8 steps is 0.2 each
    assert np.abs(np.linalg.norm(turned, axis=1) - 1).max() < 1e-12


def test_a_lost_rotation_spoils_its_neighbourhood_only():
    rotations = about([0, 0, 1], np.linspace(0, 1, 5))
    rotations[2] = np.nan
    rotations[4] = 0
    turned = slerp(
        rotations, np.array([0, 1, 2, 3, 3]), np.array([1, 2, 3, 4, -1]), np.array([0.5, 0.5, 0.5, 0.5, 0])
    )
    assert np.isnan(turned[:, 0]).tolist() == [False, True, True, True, False]


def test_times_that_go_back_and_a_negative_gap_are_refused():
    with pytest.raises(TimingError, match="sample 1"):
        interpolate(np.array([5, 3]), np.array([4]))
    with pytest.raises(TimingError, match="negative"):
        interpolate(np.array([5]), np.array([4]), gap_ns=-1)
