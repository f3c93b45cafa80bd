"""Clock maps: exact on large times, invertible, chained, and told apart at resets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import TimingError
from rushes.timing.clockfit import estimate
from rushes.timing.clockmap import ClockMap, ClockSegment, compose, identity, residuals
from timing.clock_models import START, pairs

SECOND = 1_000_000_000


def segment(**changes) -> ClockSegment:
    values = {
        "start_ns": START,
        "end_ns": START + 600 * SECOND,
        "origin_ns": START,
        "offset_ns": 5,
        "method": "min-delay",
        "used": 9,
        "verdict": "estimated",
    }
    return ClockSegment(**(values | changes))


def mapped(*segments: ClockSegment, from_clock: str = "cam", to_clock: str = "log") -> ClockMap:
    return ClockMap(
        from_clock=from_clock, to_clock=to_clock, segments=segments, source="log-header", latency_known=False
    )


segments = st.builds(
    segment,
    origin_ns=st.integers(START - 10**12, START + 10**12),
    offset_ns=st.integers(-(10**18), 10**18),
    drift_ppm=st.floats(-1000, 1000),
    knots_s=st.sampled_from([None, (-300.0, 0.0, 120.5, 700.0)]),
    knots_offset_ns=st.tuples(*[st.floats(-5e6, 5e6)] * 4),
)
instants = st.lists(st.integers(START - 2 * 10**12, START + 2 * 10**12), min_size=1, max_size=20)


@given(segments, instants)
def test_there_and_back_differs_by_rounding_alone(part: ClockSegment, times: list[int]) -> None:
    clock_map, column = mapped(part), np.array(times)
    back = clock_map.inverse().apply(clock_map.apply(column))
    assert np.abs(back - column).max() <= 2


@given(segments, segments, instants)
def test_a_chain_of_maps_is_one_map_after_the_other(
    one: ClockSegment, two: ClockSegment, times: list[int]
) -> None:
    first = mapped(one, to_clock="host")
    middle = int(first.apply(np.array([START]))[0])
    second = mapped(
        segment(
            start_ns=middle,
            end_ns=middle + 600 * SECOND,
            origin_ns=middle + 7,
            offset_ns=two.offset_ns // 10**6,
            drift_ppm=two.drift_ppm,
            knots_s=two.knots_s,
            knots_offset_ns=two.knots_offset_ns,
        ),
        from_clock="host",
        to_clock="utc",
    )
    column = np.array(times)
    chained = compose(first, second)
    assert (chained.from_clock, chained.to_clock) == ("cam", "utc")
    assert np.abs(chained.apply(column) - second.apply(first.apply(column))).max() <= 3


def test_a_nanosecond_of_wall_time_is_not_lost_to_floats() -> None:
    column = np.array([START, START + 1, START + 2])
    assert mapped(segment(offset_ns=10**15 + 1)).apply(column).tolist() == [
        t + 10**15 + 1 for t in column.tolist()
    ]


def test_the_identity_changes_nothing_and_is_sure() -> None:
    column = np.array([5, START, -3])
    assert identity("log").apply(column).tolist() == column.tolist()
    assert identity("log").uncertainty_ns(column).tolist() == [0, 0, 0]


def test_another_name_for_a_clock_makes_a_chain_no_weaker() -> None:
    known = mapped(segment(offset_ci95_ns=1000, drift_ci95_ppm=2.0))
    renamed = compose(identity("header", to_clock="cam"), known)
    assert (renamed.from_clock, renamed.verdict, renamed.segments) == ("header", "estimated", known.segments)
    assert compose(known, identity("log", to_clock="host")).to_clock == "host"


def test_uncertainty_widens_by_the_drift_beyond_the_evidence() -> None:
    clock_map = mapped(segment(offset_ci95_ns=1000, drift_ci95_ppm=2.0))
    times = np.array([START, START + 600 * SECOND, START + 700 * SECOND, START - 50 * SECOND])
    assert clock_map.uncertainty_ns(times).tolist() == [1000, 1000, 201_000, 101_000]
    unknown = mapped(segment(offset_ci95_ns=1000)).uncertainty_ns(times)
    assert unknown.mask.tolist() == [False, False, True, True]


def test_a_column_that_starts_anew_goes_through_the_segments_in_order() -> None:
    first = segment(start_ns=0, end_ns=100 * SECOND, origin_ns=0, offset_ns=1000)
    second = segment(start_ns=0, end_ns=50 * SECOND, origin_ns=0, offset_ns=2000)
    tick = np.arange(0, 50 * SECOND, SECOND)
    both = mapped(first, second)
    assert (both.apply(np.concatenate([tick, tick])) - np.concatenate([tick, tick])).tolist() == [1000] * 50 + [
        2000
    ] * 50
    swapped = np.array([0, 2, 1, 3]) * SECOND // 4  # out of order is no reset
    assert both.segment_of(swapped).tolist() == [0, 0, 0, 0]


def test_the_other_clock_tells_segments_apart_where_readings_come_twice() -> None:
    first = segment(start_ns=0, end_ns=100 * SECOND, origin_ns=0, offset_ns=0)
    second = segment(start_ns=0, end_ns=50 * SECOND, origin_ns=0, offset_ns=200 * SECOND)
    times = np.array([10, 20]) * SECOND
    assert mapped(first, second).segment_of(times, about=np.array([210, 220]) * SECOND).tolist() == [1, 1]


def test_a_map_without_any_evidence_refuses_to_map() -> None:
    with pytest.raises(TimingError, match="there are no pairs") as caught:
        estimate(pairs([], [])).apply(np.array([1]))
    assert caught.value.code == "timing.no-evidence"


def test_residuals_are_what_lies_above_the_map() -> None:
    clock_map = mapped(segment(offset_ns=100))
    assert residuals(clock_map, pairs([START, START + 1], [START + 100, START + 150])).tolist() == [0, 49]


def test_a_map_is_as_good_as_its_weakest_segment() -> None:
    both = mapped(segment(reason="fine"), segment(verdict="unproven", reason="one pair"))
    assert (both.verdict, both.reason) == ("unproven", "segment 1: one pair")
