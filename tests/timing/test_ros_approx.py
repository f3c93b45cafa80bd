"""Sets are those of ROS's ApproximateTime policy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import TimingError
from rushes.timing.ros_approx import approximate_time
from timing.approximate_time import Online

COLUMN = st.lists(st.integers(0, 60), min_size=1, max_size=14).map(sorted)
STREAMS = st.lists(COLUMN, min_size=2, max_size=4)
PENALTY = st.sampled_from([0.0, 0.1, 0.5, 2.0, 1 / 3])


def named(streams):
    return {f"s{i}": np.array(column, np.int64) for i, column in enumerate(streams)}


def sets(streams, **settings):
    """Give the times of every set."""
    found = approximate_time(named(streams), **settings)
    return [tuple(int(column[place]) for column, place in zip(streams, row, strict=True)) for row in found]


def in_time_order(streams):
    return [i for _, i in sorted((time, i) for i, column in enumerate(streams) for time in column)]


def online(streams, arrivals, **settings):
    """Let the model have the messages, the next of whichever stream is named; what is left over comes last."""
    model = Online(len(streams), **settings)
    waiting = [list(column) for column in streams]
    for stream in [*arrivals, *(i for i, column in enumerate(streams) for _ in column)]:
        if waiting[stream % len(streams)]:
            model.add(stream % len(streams), waiting[stream % len(streams)].pop(0))
    return model.sets


# The pictures and sets that ROS's own tests show: (stream, time) in order of arrival, queue size, the sets.
A, B, C, D = range(4)
SHOWN = {
    "exact": ([(A, 0), (B, 0), (A, 3), (B, 3), (A, 6), (B, 6)], 10, [(0, 0), (3, 3), (6, 6)]),
    "perfect": ([(A, 0), (B, 1), (A, 3), (B, 4), (A, 6), (B, 7)], 10, [(0, 1), (3, 4)]),
    "imperfect": ([(A, 0), (B, 1), (A, 2), (A, 3), (B, 5), (A, 6), (B, 7)], 10, [(0, 1), (6, 5)]),
    "acceleration": ([(A, 0), (B, 7), (A, 12), (B, 15), (A, 17), (B, 18)], 10, [(12, 7), (17, 18)]),
    "double": ([(A, 0), (B, 1), (B, 3), (A, 3)], 10, [(0, 1), (3, 3)]),
    "four": (
        [
            (A, 0),
            (B, 1),
            (C, 2),
            (D, 3),
            (A, 5),
            (D, 5),
            (B, 6),
            (C, 6),
            (A, 8),
            (B, 9),
            (C, 10),
            (D, 11),
            (A, 10),
            (A, 13),
            (B, 14),
        ],
        10,
        [(0, 1, 2, 3), (5, 6, 6, 5), (10, 9, 10, 11)],
    ),
    "early": ([(A, 0), (B, 1), (C, 2), (D, 3), (A, 7)], 10, [(0, 1, 2, 3)]),
}
DROPPED = [(A, 0), (B, 1), (B, 3), (A, 4), (B, 7), (A, 8), (A, 10), (B, 11), (A, 13), (B, 14)]
QUEUED = {
    "queue of one": (DROPPED, 1, [(4, 3), (10, 11)]),
    "queue of two": (DROPPED, 2, [(0, 1), (4, 3), (8, 7), (10, 11)]),
    "long queue": (
        [*((A, t) for t in range(9)), (B, 3), *((A, t) for t in range(9, 13)), (B, 10), (A, 13)],
        5,
        [(10, 10)],
    ),
}


@pytest.mark.parametrize("name", [*SHOWN, *QUEUED])
def test_the_model_gives_the_sets_that_ros_shows(name):
    arrivals, queue_size, truth = {**SHOWN, **QUEUED}[name]
    model = Online(max(stream for stream, _ in arrivals) + 1, queue_size=queue_size)
    for stream, time in arrivals:
        model.add(stream, time)
    assert model.sets == truth


@pytest.mark.parametrize("name", SHOWN)
def test_the_sets_are_those_that_ros_shows(name):
    arrivals, _, truth = SHOWN[name]
    streams = [[t for s, t in arrivals if s == i] for i in range(max(s for s, _ in arrivals) + 1)]
    assert sets(streams) == truth


def test_a_lower_bound_proves_the_last_set_as_ros_shows():
    streams = [[0, 30, 60], [10, 40, 70]]
    assert sets(streams, lower_bounds={"s0": 15}) == [(0, 10), (30, 40)]
    assert sets(streams, lower_bounds={"s0": 20}) == [(0, 10), (30, 40), (60, 70)]


@given(STREAMS, PENALTY, st.sampled_from([10**30, 0, 3, 12]))
def test_the_sets_are_those_of_the_model(streams, penalty, widest):
    expected = online(streams, in_time_order(streams), age_penalty=penalty, max_interval=widest)
    assert sets(streams, age_penalty=penalty, max_interval=widest if widest < 10**30 else None) == expected


@given(STREAMS, st.lists(st.integers(0, 3), max_size=40), PENALTY)
def test_another_order_of_arrival_changes_at_most_how_many_of_the_sets_are_given_out(streams, arrivals, penalty):
    ours, other = sets(streams, age_penalty=penalty), online(streams, arrivals, age_penalty=penalty)
    shorter = min(len(ours), len(other))
    assert ours[:shorter] == other[:shorter]


@given(st.lists(st.lists(st.integers(2, 20), min_size=1, max_size=12), min_size=2, max_size=4), PENALTY)
def test_lower_bounds_work_as_in_the_model(steps, penalty):
    streams = [np.cumsum(column).tolist() for column in steps]
    bounds = [2 + i % 2 if min(column[1:], default=9) >= 3 else 2 for i, column in enumerate(steps)]
    expected = online(streams, in_time_order(streams), age_penalty=penalty, bounds=bounds)
    named_bounds = {f"s{i}": bound for i, bound in enumerate(bounds)}
    assert sets(streams, age_penalty=penalty, lower_bounds=named_bounds) == expected


@given(st.integers(0, 2**32), st.integers(2, 4), st.sampled_from([0, 1_000, 8_000]), st.sampled_from([0, 0.02]))
def test_long_streams_that_tick_together_are_walked_in_runs_with_the_same_result(seed, count, jitter, drops):
    generator = np.random.default_rng(seed)
    ticks = np.arange(700) * 33_333
    columns = [np.sort(ticks + generator.integers(0, jitter + 1, 700) + 2_000 * i) for i in range(count)]
    streams = [column[generator.random(700) >= drops].tolist() for column in columns]
    assert sets(streams) == online(streams, in_time_order(streams))


@given(STREAMS, PENALTY, st.integers(-(2**60), 2**60))
def test_no_sample_is_used_twice_sets_do_not_cross_and_a_shift_changes_nothing(streams, penalty, shift):
    found = approximate_time(named(streams), age_penalty=penalty)
    assert (np.diff(found, axis=0) > 0).all()
    moved = {name: column + shift for name, column in named(streams).items()}
    assert (approximate_time(moved, age_penalty=penalty) == found).all()


def test_a_stream_without_samples_makes_no_set():
    assert approximate_time({"a": np.array([1]), "b": np.array([], np.int64)}).shape == (0, 2)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(TimingError, match="age penalty is -1"):
        approximate_time(named([[1], [2]]), age_penalty=-1)
    with pytest.raises(TimingError, match="the times of s1 go back"):
        approximate_time(named([[1], [2, 1]]))
    with pytest.raises(TimingError, match="s0: samples are 2 ns apart, closer than the lower bound of 3 ns"):
        approximate_time(named([[1, 3], [2]]), lower_bounds={"s0": 3})
