"""Measures of times are robust to gaps, repeats and disorder."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes import intervals
from rushes.intervals import describe, find_gaps, is_regular, median_interval
from rushes.model import absent

TICKS = np.arange(200) * 10_000_000


def test_a_steady_stream_is_measured_exactly():
    timeline = describe(TICKS)
    assert (timeline.count, timeline.interval_ns, timeline.rate_hz) == (200, 10_000_000, 100.0)
    assert (timeline.gaps, timeline.missing, timeline.backward, timeline.repeated) == (0, 0, 0, 0)
    assert timeline.regular
    assert timeline.jitter_p99 == 0


@given(st.sets(st.integers(1, 198), max_size=40))
def test_what_was_taken_out_is_what_is_missing(lost):
    kept = np.delete(TICKS, sorted(lost))
    gaps = find_gaps(kept, 10_000_000)
    assert gaps.missing.sum() == len(lost)
    assert ((kept[gaps.before] - gaps.start_ns) == gaps.length_ns).all()
    timeline = describe(kept)
    assert timeline.rate_hz == pytest.approx(100)
    assert timeline.missing == len(lost)


def test_an_interval_at_the_limit_is_no_gap():
    assert len(find_gaps(np.array([0, 15, 31]), 10, limit=1.5).before) == 1


def test_disorder_is_counted_and_makes_no_gap():
    times = TICKS.copy()
    times[[50, 51]] = times[[51, 50]]
    timeline = describe(times)
    assert (timeline.backward, timeline.gaps) == (1, 0)


@given(st.integers(2, 198), st.integers(200, 10**6), st.sets(st.integers(1, 198), max_size=10))
def test_a_clock_that_was_set_back_far_makes_no_gap_and_hides_none(at, seconds, lost):
    times = TICKS.copy()
    times[at:] -= seconds * 10**9
    kept = np.delete(times, sorted(lost - {at - 1, at}))
    gaps = find_gaps(kept, 10_000_000)
    assert gaps.missing.sum() == len(lost - {at - 1, at})
    assert describe(kept).longest_gap_ns < 10**9


def test_repeats_are_counted_and_leave_the_interval():
    timeline = describe(np.sort(np.concatenate([TICKS, TICKS[:90]])))
    assert (timeline.repeated, timeline.interval_ns, timeline.rate_hz) == (90, 10_000_000, 100.0)


def test_chance_is_not_regular():
    assert not is_regular(np.random.default_rng(0).integers(0, 10**9, 100))
    assert not is_regular(TICKS[:4])


@given(hnp.arrays(np.int64, st.integers(0, 20), elements=st.integers(-(2**61), 2**61)))
def test_any_times_can_be_described(times):
    timeline = describe(times)
    assert timeline.count == len(times)
    assert (timeline.interval_ns is None) == (len(set(times.tolist())) < 2)
    assert median_interval(times) == timeline.interval_ns


def test_absent_is_masked_or_nan():
    assert absent(np.array([1, 2])).tolist() == [False, False]
    assert absent(np.array([1.0, np.nan])).tolist() == [False, True]
    assert absent(np.ma.masked_array([1, 2], [True, False])).tolist() == [True, False]
    assert absent(np.ma.masked_array([np.nan, 2.0], [False, True])).tolist() == [True, True]


@given(st.integers(0, 2**32), st.sampled_from(["even", "jitter", "two rates", "equal", "back", "alike"]))
def test_the_median_of_a_long_stream_is_exact(seed, kind):
    generator = np.random.default_rng(seed)
    size = intervals.MANY + 3 + seed % 2
    steps = {
        "even": np.full(size, 100),
        "jitter": generator.integers(50, 150, size),
        "two rates": np.where(np.arange(size) < size // 2, 10, 1000),
        "equal": generator.integers(0, 3, size),
        "back": np.append(-1, generator.integers(0, 300, size - 1)),
        "alike": np.where(np.arange(size) % (size // 4096) == 0, 1, 7),  # all that a sample sees is odd
    }[kind]
    times = np.cumsum(steps)
    distinct = np.diff(np.unique(times))
    assert median_interval(times) == int(np.median(distinct))
