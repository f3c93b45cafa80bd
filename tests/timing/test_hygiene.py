"""Wraps are undone, resets are found, gaps and late arrivals are neither, losses are counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.timing.hygiene import COUNTERS, dropped, present, resets, unwrap
from timing.clock_models import START

SECOND = 1_000_000_000
TICKS = np.arange(600) * 33_333_333


@given(
    st.sampled_from(
        [(65_536_000_000, "16 bits of ms"), (2**32 * 1000, "32 bits of us"), (2**32, "32 bits of ns")]
    ),
    st.integers(0, 10**12),
)
def test_a_wrapped_counter_goes_on_where_it_wrapped(counter: tuple[int, str], start: int) -> None:
    length, name = counter
    true = start % length + np.arange(0, 3 * length, length // 500)
    found = unwrap(true % length)
    assert (found.times == true).all()
    assert (found.wraps, found.counter) == ((int(true[-1]) // length), name)


def test_any_length_is_found_from_two_wraps_and_not_from_one() -> None:
    true = np.arange(0, 25 * SECOND, SECOND // 100)
    assert (unwrap(true % (10 * SECOND)).times == true).all()
    once = true[: len(true) // 2] % (10 * SECOND)
    assert unwrap(once).wraps == 0
    assert (unwrap(once, period_ns=10 * SECOND).times == true[: len(true) // 2]).all()


def test_late_samples_around_a_wrap_stay_late() -> None:
    true = np.array([9, 10, 8, 11, 12]) * SECOND
    assert unwrap(true % (10 * SECOND), period_ns=10 * SECOND).times.tolist() == true.tolist()


def test_times_that_ascend_are_left_alone() -> None:
    assert unwrap(TICKS).times.tolist() == TICKS.tolist()
    assert unwrap(np.array([5])).wraps == 0
    assert all(length >= SECOND for length in COUNTERS.values())


@pytest.mark.parametrize("epoch", [0, START - 5 * SECOND, START + 10**15])
def test_a_clock_that_is_set_anew_is_found_where_it_was(epoch: int) -> None:
    latency = np.random.default_rng(1).integers(0, 5_000_000, 600)
    stamps = np.where(np.arange(600) < 250, START + TICKS, epoch + TICKS)
    assert resets(stamps, START + TICKS + latency).tolist() == [250]


def test_a_gap_a_stall_and_late_arrivals_are_no_reset() -> None:
    draw = np.random.default_rng(2)
    gap = np.where(np.arange(600) < 300, 0, 60 * SECOND) + TICKS
    assert resets(gap, START + gap + draw.integers(0, 5_000_000, 600)).tolist() == []
    arrival = START + TICKS.copy()
    arrival[200:280] = arrival[280]  # a stalled line that is flushed
    assert resets(TICKS, arrival).tolist() == []
    order = np.argsort(TICKS + draw.exponential(50e6, 600), kind="stable")
    assert resets(TICKS[order], START + TICKS).tolist() == []


def test_the_other_clock_may_be_set_too() -> None:
    long = np.arange(1800) * 33_333_333
    stepped = START + long + np.where(np.arange(1800) < 900, 0, 7 * SECOND)
    assert resets(long, stepped).tolist() == [900]


def test_losses_are_counted_by_sequence_numbers_else_by_times() -> None:
    keep = np.delete(np.arange(600), [50, 51, 200])
    assert (dropped(TICKS[keep], keep).count, dropped(TICKS[keep], keep).witness) == (3, "sequence numbers")
    assert (dropped(TICKS[keep]).count, dropped(TICKS[keep]).witness) == (3, "times")
    assert dropped(np.array([5])).witness == ""


def test_absent_readings_are_counted() -> None:
    masked = np.ma.masked_array(np.array([1, 2, 3]), mask=[False, True, False])
    good, lacking = present(masked, np.array([1.0, 2.0, np.nan]))
    assert (good.tolist(), lacking) == ([True, False, False], 2)
    assert present(np.array([np.iinfo(np.int64).min]), np.array([1]))[1] == 1


def test_several_senders_in_one_stream_are_no_resets() -> None:
    draw = np.random.default_rng(3)
    stamps = np.repeat(TICKS, 2) - draw.integers(0, 80_000, 1200)
    assert resets(stamps, START + np.repeat(TICKS, 2) + draw.integers(0, 200_000, 1200)).tolist() == []
