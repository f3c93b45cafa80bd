"""An offset found by correlation is right, or is not given."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movement import MS, SECOND, frames_of, movement
from rushes.timing.crosscheck.correlate import Limits, correlate
from rushes.timing.crosscheck.signals import Signal, from_samples


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("offset_ms", [-300, -50, 0, 7, 300])
def test_a_known_offset_is_found_within_a_millisecond_without_noise(k, offset_ms):
    times, values = movement(offset_ms + 1000, k=k)
    found = correlate(from_samples(times, values), frames_of(times, values, offset_ns=offset_ms * MS))
    assert found.why_not == ""
    assert found.offset_ns == pytest.approx(offset_ms * MS, abs=0.2 * MS)
    assert found.score > 0.99


def test_the_stated_interval_covers_the_truth():
    covered = []
    for seed in range(25):
        times, values = movement(seed)
        camera = frames_of(times, values, offset_ns=50 * MS, noise=0.5, seed=seed)
        found = correlate(from_samples(times, values), camera)
        covered.append(abs(found.offset_ns - 50 * MS) <= found.ci95_ns)
    assert sum(covered) >= 22


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), shift_ms=st.integers(-200, 200))
def test_shifting_the_second_shifts_the_offset_alone(seed, shift_ms):
    times, values = movement(seed, seconds=14)
    first = from_samples(times, values)
    plain = correlate(first, frames_of(times, values, noise=0.2))
    moved = correlate(first, frames_of(times, values, offset_ns=shift_ms * MS, noise=0.2))
    assert moved.offset_ns - plain.offset_ns == pytest.approx(shift_ms * MS, abs=0.5 * MS)


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), offset_ms=st.integers(-200, 200))
def test_swapping_the_two_negates_the_offset(seed, offset_ms):
    times, values = movement(seed, seconds=14)
    first, second = from_samples(times, values), frames_of(times, values, offset_ns=offset_ms * MS, noise=0.2)
    one, other = correlate(first, second), correlate(second, first)
    assert one.offset_ns == -other.offset_ns
    assert one.ci95_ns == other.ci95_ns


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 100), origin=st.integers(0, 2 * 10**18))
def test_neither_scale_nor_axes_nor_the_origin_of_time_matter(seed, scale, origin):
    times, values = movement(seed, seconds=14)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    first, second = from_samples(times, values), frames_of(times, values, offset_ns=30 * MS)
    plain = correlate(first, second)
    moved = correlate(
        Signal(start_ns=first.start_ns + origin, end_ns=first.end_ns + origin, values=first.values),
        Signal(
            start_ns=second.start_ns + origin, end_ns=second.end_ns + origin, values=second.values @ turn * scale
        ),
    )
    assert moved.offset_ns == pytest.approx(plain.offset_ns, abs=1000)


def test_motion_that_repeats_itself_is_not_observable():
    times = np.arange(0, 20 * SECOND, 5 * MS)
    values = np.sin(2 * np.pi * 2.0 * times / SECOND)[:, None]
    found = correlate(from_samples(times, values), frames_of(times, values, offset_ns=40 * MS, noise=0.05))
    assert found.offset_ns is None
    assert "repeats itself" in found.why_not


def test_noise_on_both_sides_is_never_taken_for_an_offset():
    for seed in range(16):
        (times, one), (_, other) = movement(seed, seconds=12), movement(seed + 999, seconds=12)
        found = correlate(from_samples(times, one), frames_of(times, other))
        assert found.offset_ns is None, found


def test_an_offset_beyond_the_range_is_not_answered_by_its_border():
    for seed in range(10):
        times, values = movement(seed)
        found = correlate(
            from_samples(times, values),
            frames_of(times, values, offset_ns=420 * MS),
            limits=Limits(max_lag_ns=400 * MS),
        )
        assert found.offset_ns is None, found


def test_too_short_an_overlap_is_said():
    times, values = movement(3)
    part = frames_of(times, values).within(SECOND, 3 * SECOND)
    found = correlate(from_samples(times, values), part)
    assert found.offset_ns is None
    assert "less than the 3 s it takes" in found.why_not


def test_a_signal_that_stands_still_has_no_offset():
    times, values = movement(3)
    still = frames_of(times, values * 0.0)
    assert correlate(from_samples(times, values), still).offset_ns is None
    assert correlate(from_samples(times, values * 0.0), still).offset_ns is None


def test_an_empty_signal_has_no_offset():
    times, values = movement(3)
    empty = from_samples(times[:1], values[:1])
    assert correlate(from_samples(times, values), empty).offset_ns is None


def test_a_gap_is_left_out_and_does_not_bend_the_offset():
    times, values = movement(8)
    hole = (times > 8 * SECOND) & (times < 11 * SECOND)
    gyro = from_samples(times[~hole], values[~hole])
    found = correlate(gyro, frames_of(times, values, offset_ns=20 * MS))
    assert found.offset_ns == pytest.approx(20 * MS, abs=0.2 * MS)
    assert found.score > 0.99


def test_equal_and_descending_times_do_not_break_a_signal():
    times = np.array([5, 5, 3, 9, 7], np.int64) * MS
    signal = from_samples(times, np.arange(5.0))
    assert signal.start_ns.tolist() == [3 * MS, 5 * MS, 7 * MS]
    assert signal.end_ns.tolist() == [5 * MS, 7 * MS, 9 * MS]
