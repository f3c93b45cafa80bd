"""A grid keeps its rate exactly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import TimingError
from rushes.timing.grid import exact_rate, grid, overlap_of

SECOND = 1_000_000_000
RATES = st.one_of(
    st.integers(1, 1000), st.fractions(Fraction(1, 100), 1000, max_denominator=1001), st.just("30000/1001")
)


@given(st.integers(-(2**61), 2**61), st.integers(0, 3 * SECOND), RATES)
def test_every_instant_is_the_nearest_nanosecond_and_none_is_left_out(start, length, rate):
    found = grid(start, start + length, rate_hz=rate)
    period = SECOND / Fraction(rate)
    truth = [start + (2 * (k * period) + 1) // 2 for k in range(len(found) + 1)]
    assert found.tolist() == truth[:-1]
    assert truth[-1] > start + length


def test_television_does_not_drift_in_a_year():
    year = 365 * 24 * 3600 * SECOND
    rate = Fraction(30000, 1001) / 10_000  # one in ten thousand, so that it stays small
    found = grid(0, year, rate_hz=rate)
    assert int(found[-1]) == round((len(found) - 1) * SECOND / rate)
    assert (np.abs(np.diff(found) - 10_010_000_000_000 / 30) <= 1).all()


def test_rates_are_read_as_they_are_written():
    assert exact_rate(29.97) == Fraction(2997, 100)
    assert exact_rate("30000/1001") == Fraction(30000, 1001)
    for wrong in (0, -1, float("nan"), float("inf"), "fast", "1/0", 1 / 3):
        with pytest.raises(TimingError, match="cannot set the moments"):
            exact_rate(wrong)


def test_a_grid_that_no_memory_would_hold_is_refused():
    with pytest.raises(TimingError, match="more than 100,000,000 moments"):
        grid(0, 10**18, rate_hz=30)


def test_streams_that_do_not_overlap_are_named_with_their_times():
    streams = {
        "a": np.array([0, 10]),
        "b": np.array([5, 90]),
        "c": np.array([60, 80]),
        "d": np.array([], np.int64),
    }
    with pytest.raises(TimingError, match=r"a ends at 10 ns, 5e-08 s before c starts at 60 ns"):
        overlap_of(streams)
    assert overlap_of({**streams, "c": np.array([7])}) == (7, 7)
    with pytest.raises(TimingError, match="none of 1 streams has samples"):
        overlap_of({"d": np.array([], np.int64)})
