"""A trace shows the least and the most of what came, wherever the batches are cut."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from made_up_sensors import samples_of
from rushes.capturing import Numbers, Samples
from rushes.loopback.traces import MOST_CHANNELS, STRETCH_NS, STRETCHES, WINDOW_NS, Trace

START = 1_700_000_000 * 10**9 // STRETCH_NS * STRETCH_NS


def batch(times, values) -> Samples:
    content = Numbers(values=np.asarray(values, float).reshape(len(times), -1))
    return Samples(
        stream="/s",
        arrival_ns=np.asarray(times, np.int64),
        device_ns=None,
        seq=np.arange(len(times)),
        content=content,
    )


@given(
    steps=st.lists(st.integers(1, 2 * STRETCH_NS), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=5),
    seed=st.integers(0, 99),
)
def test_least_and_most_of_each_stretch_are_drawn_however_samples_are_cut_and_repeated(steps, cuts, seed) -> None:
    times = START + np.cumsum(steps)
    values = np.random.default_rng(seed).integers(-900, 900, len(times)).astype(float)
    trace, all_of_them = Trace(), []
    edges = sorted({0, len(times), *(cut for cut in cuts if cut < len(times))})
    for begin, end in pairwise(edges):
        all_of_them.append(batch(times[begin:end], values[begin:end]))
        trace.take(all_of_them)  # the older ones again, as a recording gives them
    now = int(times[-1])
    (group,) = trace.drawn(now)
    last = now // STRETCH_NS
    for place, (low, high) in enumerate(zip(group["low"][0], group["high"][0], strict=True)):
        mine = values[times // STRETCH_NS == last - STRETCHES + 1 + place]
        assert (low, high) == ((mine.min(), mine.max()) if len(mine) else (None, None))


def test_a_trace_keeps_ten_seconds_however_long_it_runs() -> None:
    trace = Trace()
    for second in range(120):
        times = START + second * 10**9 + np.arange(100) * 10**7
        trace.take([batch(times, np.arange(100))])
    assert len(trace._low) <= STRETCHES + 1
    (group,) = trace.drawn(START + 120 * 10**9)
    assert sum(low is not None for low in group["low"][0]) >= STRETCHES - 2
    assert trace.drawn(START + 120 * 10**9 + 2 * WINDOW_NS)[0]["low"][0] == [None] * STRETCHES


def test_what_is_not_a_number_is_a_hole_and_many_channels_are_counted() -> None:
    trace = Trace()
    values = np.tile(np.arange(64.0), (3, 1))
    values[:, 2] = np.nan
    trace.take([batch(START + np.arange(3), values)], names=tuple(f"c{i}" for i in range(64)))
    (group,) = trace.drawn(START + 3)
    assert group["lines"] == [f"c{i}" for i in range(MOST_CHANNELS)]
    assert group["hidden"] == 64 - MOST_CHANNELS
    assert [low[-1] for low in group["low"]] == [0.0, 1.0, None, *map(float, range(3, MOST_CHANNELS))]


def test_every_form_that_has_numbers_is_drawn_with_its_unit() -> None:
    titles = {}
    for form in ("inertial", "sound", "numbers", "places", "texts", "messages"):
        trace = Trace()
        trace.take([samples_of(form, 0, 480, START)])
        titles[form] = [group["title"] for group in trace.drawn(START + 10**9)]
    assert titles == {
        "inertial": ["turning, rad/s", "acceleration, m/s²"],
        "sound": ["sound, of full scale"],
        "numbers": [""],
        "places": ["hand in world, m"],
        "texts": [],
        "messages": [],
    }
