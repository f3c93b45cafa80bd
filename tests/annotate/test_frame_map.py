"""A clip of constant rate and the samples that it shows: every sample, in order, when it happened."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate.frame_map import FrameMap, lay, played_at, rate_of

SECOND = 10**9


def at_rate(rate: Fraction, count: int, unit_ns: int = 1) -> np.ndarray:
    """Times of a constant rate in a container's unit, as whole nanoseconds."""
    return np.array([round(at / rate * SECOND / unit_ns) * unit_ns for at in range(count)], np.int64)


@st.composite
def maps(draw: st.DrawFn) -> FrameMap:
    index, count = draw(st.integers(0, 1000)), draw(st.integers(1, 60))
    held = draw(st.dictionaries(st.integers(index, index + count - 1), st.integers(1, 9), max_size=8))
    return FrameMap(index=index, index_end=index + count, holds=tuple(sorted(held.items())))


@given(maps())
def test_every_sample_is_shown_once_in_order_and_the_map_goes_both_ways(shown: FrameMap) -> None:
    samples = shown.samples
    assert len(samples) == shown.frames
    assert list(dict.fromkeys(samples.tolist())) == list(range(shown.index, shown.index_end))
    assert (np.diff(samples) >= 0).all()
    for frame, sample in enumerate(samples.tolist()):
        assert shown.sample_at(frame) == sample
        assert shown.first_frame(sample) <= frame <= shown.last_frame(sample)
    for sample in range(shown.index, shown.index_end):
        assert samples[shown.first_frame(sample)] == samples[shown.last_frame(sample)] == sample
    assert shown.first_frame(shown.index_end) == shown.frames


def test_a_frame_that_there_is_not_and_a_hold_elsewhere_are_errors() -> None:
    shown = FrameMap(index=5, index_end=8, holds=((6, 2),))
    assert (shown.frames, shown.samples.tolist()) == (5, [5, 6, 6, 6, 7])
    for frame in (-1, 5):
        with pytest.raises(ValueError, match="none of the 5"):
            shown.sample_at(frame)
    for holds in (((8, 1),), ((6, 0),)):
        with pytest.raises(ValueError, match="not held"):
            FrameMap(index=5, index_end=8, holds=holds)


@pytest.mark.parametrize("unit_ns", [1, 1000, 1_000_000])
@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "30", "60000/1001", "15", "7.3", "200"])
def test_a_constant_rate_is_a_frame_a_sample_whatever_the_unit_of_its_times(rate: str, unit_ns: int) -> None:
    times = at_rate(Fraction(rate), 5000, unit_ns)
    assert rate_of(times) == Fraction(rate)
    assert lay(times, index=0, rate_hz=rate_of(times)).holds == ()


@given(st.sets(st.integers(1, 498), max_size=200), st.sampled_from(["25", "30000/1001", "30"]))
def test_a_frame_that_was_dropped_is_time_in_which_the_picture_before_is_held(
    dropped: set[int], rate: str
) -> None:
    whole = at_rate(Fraction(rate), 500, 1000)
    kept = [at for at in range(500) if at not in dropped]
    longest = np.diff(kept).max()
    shown = lay(whole[kept], index=0, rate_hz=Fraction(rate))
    if (
        longest <= 50
    ):  # no gap is cut short: every frame of the clip is the one of the whole video, or the last kept
        assert shown.frames == 500
        assert [kept[sample] for sample in shown.samples] == [max(k for k in kept if k <= at) for at in range(500)]


@given(st.integers(0, 10_000))
def test_jitter_of_a_clock_makes_no_frame(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 2_000_000, 600).clip(-6_000_000, 6_000_000)
    times = at_rate(Fraction(30), 600) + noise.astype(np.int64)
    assert len(lay(times, index=0, rate_hz=rate_of(times)).holds) == 0


@given(st.lists(st.integers(1_000_000, 400_000_000), min_size=2, max_size=300))
def test_a_sample_is_shown_when_it_happened_to_a_frame_where_none_comes_too_fast(steps: list[int]) -> None:
    times = np.cumsum(steps)
    shown = lay(times, index=0, rate_hz=Fraction(1000))
    starts_s = np.array([shown.first_frame(sample) for sample in range(len(times))]) / 1000
    assert np.abs(starts_s - (times - times[0]) / SECOND).max() <= 0.001


def test_a_camera_that_halves_its_rate_is_shown_at_the_faster_and_bursts_do_not_count() -> None:
    quick, slow = at_rate(Fraction(60), 300), at_rate(Fraction(30), 300)
    assert rate_of(np.concatenate([quick, quick[-1] + SECOND // 60 + slow])) == 60
    bursts = np.sort(np.concatenate([slow[::2], slow[::2] + 1_000_000]))  # two at a time, as over a busy network
    assert 15 <= rate_of(bursts) <= 61


def test_a_long_gap_is_held_for_two_seconds_and_time_that_goes_back_for_none() -> None:
    times = np.array([0, 1, 2, 3000, 3001, 3002, 10, 11, 12], np.int64) * SECOND // 25
    shown = lay(times, index=100, rate_hz=Fraction(25))
    assert shown.holds == ((102, 49),)


def test_no_times_are_twenty_five_a_second_and_players_get_what_they_do() -> None:
    assert rate_of(np.array([5])) == rate_of(np.array([5, 5])) == 25
    assert (played_at(Fraction(1, 5)), played_at(Fraction(240)), played_at(Fraction(30))) == (1, 120, 30)
