"""A place on a time axis is the sample that was drawn there, whatever the stamps do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate.label_studio.axes import SeriesAxis, SoundAxis, gaps_of
from rushes.annotate.label_studio.envelope import chosen

STEPS = st.lists(
    st.one_of(st.integers(1, 30_000_000), st.integers(-20_000_000, 0), st.just(10_000_000_000)), max_size=60
)


def series(steps, start=0, index=0, index_end=None):
    times = start + np.concatenate(([0], np.cumsum(np.array(steps, np.int64))))
    return SeriesAxis(t_ns=times, index=index, index_end=index_end or len(times))


@given(STEPS, st.integers(-(2**60), 2**60), st.data())
def test_the_places_of_samples_give_the_samples_back_whatever_the_stamps_do(steps, start, data) -> None:
    axis = series(steps, start)
    count = len(axis.t_ns)
    first = data.draw(st.integers(0, count - 1))
    end = data.draw(st.integers(first + 1, count))
    assert (np.diff(axis.place_ns) > 0).all()
    span = axis.span_of(*axis.places_of(first, end))
    assert (span.index, span.index_end) == (first, end)
    assert span.t_start_ns == axis.t_ns[first:end].min()
    assert span.t_end_ns > axis.t_ns[first:end].max()


@given(st.lists(st.integers(1, 10**10), max_size=60), st.integers(-(2**60), 2**60))
def test_ascending_stamps_keep_their_distances(steps, start) -> None:
    axis = series(steps, start)
    assert (axis.place_ns == axis.t_ns - start).all()


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=60), st.data())
def test_a_range_covers_exactly_the_samples_that_lie_in_it(steps, data) -> None:
    axis = series(steps)
    last = int(axis.place_ns[-1])
    low, high = sorted(data.draw(st.tuples(st.integers(0, last), st.integers(0, last))))
    inside = [i for i, place in enumerate(axis.place_ns) if low <= place <= high]
    if not inside:
        with pytest.raises(ValueError, match="no sample"):
            axis.span_of(low / 1e9, high / 1e9)
        return
    for start, end in ((low, high), (high, low)):  # people also drag from right to left
        span = axis.span_of(start / 1e9, end / 1e9)
        assert (span.index, span.index_end) == (inside[0], inside[-1] + 1)


def test_a_span_before_a_gap_ends_one_interval_after_its_last_sample() -> None:
    axis = series([10, 10, 10, 500, 10, 10])
    assert axis.span(0, 4).t_end_ns == 40
    assert axis.span(0, 5).t_end_ns == 540
    assert axis.span(4, 7).t_end_ns == 560


def test_a_reset_goes_on_where_the_clock_stopped() -> None:
    ticking = np.arange(40) * 1_000_000
    axis = SeriesAxis(t_ns=np.concatenate((ticking + 10**12, ticking)), index=0, index_end=80)
    assert (np.diff(axis.place_ns) == 1_000_000).all()


def test_a_swapped_sample_does_not_move_those_after_it() -> None:
    axis = series([10, 20, -10, 20, 10, 10])
    assert axis.place_ns.tolist() == [0, 10, 30, 31, 40, 50, 60]


def test_a_part_of_a_stream_covers_nothing_beside_it() -> None:
    axis = series([10] * 20, index=5, index_end=10)
    span = axis.span_of(0.0, 1.0)
    assert (span.index, span.index_end) == (5, 10)
    with pytest.raises(ValueError, match="no sample"):
        axis.span_of(0.0, 40e-9)
    assert axis.digest != series([10] * 20, index=5, index_end=11).digest


BLOCKS = st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 10**9)), min_size=1, max_size=20)


@given(BLOCKS, st.sampled_from([8000.0, 44_100.0, 48_000.0, 16_000.5]), st.data())
def test_the_boundaries_of_samples_give_the_samples_back(blocks, rate_hz, data) -> None:
    counts = np.array([count for count, _ in blocks])
    first = np.concatenate(([0], np.cumsum(counts)))
    late = np.array([wait for _, wait in blocks])
    times = np.rint(first[:-1] * 1e9 / rate_hz).astype(np.int64) + np.cumsum(late)
    index = data.draw(st.integers(0, len(blocks) - 1))
    index_end = data.draw(st.integers(index + 1, len(blocks)))
    axis = SoundAxis(t_ns=times, first=first, rate_hz=rate_hz, index=index, index_end=index_end)
    sample = data.draw(st.integers(int(first[index]), int(first[index_end]) - 1))
    end = data.draw(st.integers(sample + 1, int(first[index_end])))
    span = axis.span_of(*axis.places_of(sample, end))
    assert (span.sample, span.sample_end) == (sample, end)
    assert first[span.index] <= sample < first[span.index + 1]
    assert first[span.index_end - 1] < end <= first[span.index_end]
    # A sample's time is counted from its own block, however late that came.
    in_block = (sample - first[span.index]) * 1e9 / rate_hz
    assert span.t_start_ns == times[span.index] + round(in_block)


def test_gaps_are_told_where_they_are_heard_or_seen() -> None:
    ((place, length),) = gaps_of(series([10**7] * 10 + [5 * 10**8] + [10**7] * 10))
    assert (place, length) == pytest.approx((0.1, 0.5))
    times = np.array([0, 10**7, 2 * 10**7, 10**9, 101 * 10**7])
    sound = SoundAxis(t_ns=times, first=np.arange(6) * 80, rate_hz=8000.0, index=0, index_end=5)
    ((place, length),) = gaps_of(sound)
    assert (place, length) == pytest.approx((0.03, 0.97))


@given(st.integers(1, 3000), st.integers(1, 4), st.integers(10, 400), st.integers(0, 2**32))
def test_the_extremes_of_a_long_series_are_among_the_rows_that_are_drawn(count, channels, most, seed) -> None:
    values = np.random.default_rng(seed).normal(size=(count, channels))
    rows = chosen(values, most, also=[count // 2])
    assert (np.diff(rows) > 0).all()
    assert {0, count - 1, count // 2} <= set(rows.tolist()) or count <= most
    assert len(rows) <= max(most, 2 * channels) + 3
    for channel in values.T:
        assert channel.min() in channel[rows]
        assert channel.max() in channel[rows]


def test_a_channel_without_values_hides_no_peak_of_another() -> None:
    values = np.zeros((1000, 2))
    values[:, 1] = np.nan
    values[700, 0] = 9.0
    assert 700 in chosen(values, 40)
