"""Fast streams join as the samples from one moment to the next."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.errors import TimingError
from rushes.timing import matches
from rushes.timing.spans import is_fast, spans

COLUMN = hnp.arrays(np.int64, st.integers(0, 60), elements=st.integers(-50, 50)).map(np.sort)


def by_hand(times, moments):
    """Give (first, count, longest gap) of each moment, in the slowest way."""
    rows = []
    for k, start in enumerate(moments):
        first = next((i for i, t in enumerate(times) if t >= start), len(times))
        if k == len(moments) - 1:
            rows.append((first, 0, 0))
            continue
        inside = [t for t in times if start <= t < moments[k + 1]]
        edges = [start, *inside, moments[k + 1]]
        rows.append((first, len(inside), max(b - a for a, b in pairwise(edges))))
    return rows


@given(COLUMN, COLUMN, st.sampled_from([1, 2, 7, 8192]))
def test_spans_are_what_one_counts_by_hand_whatever_the_blocks(times, moments, block):
    usual, matches.BLOCK = matches.BLOCK, block
    try:
        found = spans(times, moments)
    finally:
        matches.BLOCK = usual
    rows = list(zip(found.first.tolist(), found.count.tolist(), found.longest_gap_ns.tolist(), strict=True))
    assert rows == by_hand(times.tolist(), moments.tolist())


@given(COLUMN, COLUMN)
def test_every_sample_from_the_first_moment_to_before_the_last_is_in_exactly_one_span(times, moments):
    if len(moments) == 0:
        return
    found = spans(times, moments)
    held = np.concatenate([np.arange(f, f + c) for f, c in zip(found.first, found.count, strict=True)])
    assert held.tolist() == np.flatnonzero((times >= moments[0]) & (times < moments[-1])).tolist()


@given(COLUMN, COLUMN, st.integers(-(2**60), 2**60))
def test_shifting_all_times_changes_nothing(times, moments, shift):
    here, there = spans(times, moments), spans(times + shift, moments + shift)
    assert (here.first == there.first).all()
    assert (here.longest_gap_ns == there.longest_gap_ns).all()


def test_columns_name_recorded_samples_and_are_null_where_there_is_none():
    recorded = np.array([0, 20, 10, 30, 70])  # the second and third were swapped on the way
    columns = spans(recorded, np.array([5, 25, 40, 60])).columns
    assert columns["first_rank"].tolist() == [1, 3, 4, 4]
    assert columns["count"].tolist() == [2, 1, 0, 0]
    assert columns["first_index"].tolist() == [2, 3, None, None]
    assert columns["last_index"].tolist() == [1, 3, None, None]
    assert columns["longest_gap_ns"].tolist() == [10, 10, 20, None]


def test_a_stream_is_fast_from_four_times_the_rate_on():
    moments = np.arange(10) * 40
    assert is_fast(np.arange(100) * 10, moments)
    assert not is_fast(np.arange(100) * 11, moments)
    assert not is_fast(np.array([3]), moments)


def test_moments_that_go_back_are_refused():
    with pytest.raises(TimingError, match="the moments"):
        spans(np.array([0]), np.array([10, 0]))
