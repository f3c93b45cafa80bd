"""The latest sample is the one that a program would have had in hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.errors import TimingError
from rushes.timing.latest import latest

COLUMN = hnp.arrays(np.int64, st.integers(0, 60), elements=st.integers(-100, 100)).map(np.sort)
AGE = st.one_of(st.none(), st.integers(0, 30))


@given(COLUMN, COLUMN, AGE)
def test_it_is_the_last_of_those_that_had_come_and_not_too_old(times, reference, max_age):
    found = latest(times, reference, max_age=max_age)
    for place, moment in enumerate(reference):
        come = np.flatnonzero(times <= moment)
        if len(come) and (max_age is None or moment - times[come[-1]] <= max_age):
            assert found.index[place] == come[-1]
            assert found.skew_ns[place] == times[come[-1]] - moment
        else:
            assert found.index[place] == -1
            assert found.skew_ns[place] == 0


@given(COLUMN, COLUMN, st.integers(-100, 100))
def test_it_never_looks_ahead(times, reference, now):
    """What comes later changes nothing that was chosen before."""
    known, asked = times[times <= now], reference[reference <= now]
    assert (latest(times, reference).index[: len(asked)] == latest(known, asked).index).all()


@given(COLUMN, COLUMN, AGE, st.integers(-(2**60), 2**60))
def test_shifting_all_times_changes_nothing(times, reference, max_age, shift):
    here = latest(times, reference, max_age=max_age)
    there = latest(times + shift, reference + shift, max_age=max_age)
    assert (here.index == there.index).all()
    assert (here.skew_ns == there.skew_ns).all()


def test_a_sample_that_serves_again_is_a_repeat():
    found = latest(np.array([0, 100]), np.array([-5, 0, 40, 80, 100, 170]), max_age=60)
    assert found.index.tolist() == [-1, 0, 0, -1, 1, -1]
    assert found.is_repeat.tolist() == [False, False, True, False, False, False]


def test_times_that_go_back_and_a_negative_age_are_refused():
    with pytest.raises(TimingError, match="sample 1"):
        latest(np.array([5, 3]), np.array([4]))
    with pytest.raises(TimingError, match="negative"):
        latest(np.array([5]), np.array([4]), max_age=-1)
