"""Thinned lines: what a plot shows of many samples is what all of them would show."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rushes.workflow._browse.thinning import extremes

VALUES = arrays.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6) | st.just(float("nan")))


@given(values=VALUES, points=st.integers(2, 100), gaps=st.integers(1, 10**9))
def test_extremes_are_kept_few_and_in_order(values, points, gaps):
    times = np.cumsum(np.random.default_rng(gaps).integers(0, gaps, len(values))).astype(np.int64)
    kept = extremes(times, values, points=points)
    assert len(kept) <= max(points, 2)
    assert (np.diff(kept) > 0).all()
    assert kept.min() >= 0
    assert kept.max() < len(values)
    if np.isfinite(values).any():
        assert np.nanmin(values[kept]) == np.nanmin(values)
        assert np.nanmax(values[kept]) == np.nanmax(values)


@given(values=VALUES)
def test_few_samples_are_kept_as_they_are(values):
    times = np.arange(len(values), dtype=np.int64)
    assert extremes(times, values, points=len(values) + 2).tolist() == list(range(len(values)))


def test_every_stretch_of_a_slow_wave_keeps_its_own_extremes():
    times = np.arange(10_000, dtype=np.int64) * 1_000_000
    values = np.sin(times * 2e-9 * np.pi)  # one turn a second
    kept = extremes(times, values, points=100)
    assert 90 <= len(kept) <= 100
    drawn = np.interp(times, times[kept], values[kept])
    assert np.abs(drawn - values).max() < 0.35  # a fifth of a second is two points
