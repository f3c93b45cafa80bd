"""Device clocks and schedules."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.virtual.clock import device_times, true_times
from rushes.virtual.schedule import BLOCK, schedule, schedule_blocks
from rushes.virtual.spec import (
    NANOSECONDS,
    USB,
    USB_GLITCHES,
    USB_QUIET,
    WIFI,
    ClockSpec,
    FaultSpec,
    LatencySpec,
    RigSpec,
    SensorSpec,
)

START = 1_767_261_600 * NANOSECONDS

clocks = st.builds(
    ClockSpec,
    offset_ns=st.integers(-(10**12), 10**12),
    drift_ppm=st.floats(-500, 500),
    wander_ns=st.integers(0, 10_000_000),
    wander_period_s=st.floats(10, 1000),
    epoch_ns=st.sampled_from([None, 0, 10**15]),
    resolution_ns=st.sampled_from([1, 100, 1000, 1_000_000]),
)
since = st.lists(st.integers(0, 3600 * NANOSECONDS), min_size=1, max_size=20)


def rig(sensor: SensorSpec, *, seconds: float = 20.0, seed: int = 4) -> RigSpec:
    return RigSpec(name="clock", seed=seed, seconds=seconds, sensors=(sensor,))


def camera(**changes: object) -> SensorSpec:
    return replace(SensorSpec(stream="/cam0", kind="color", rate_hz=30.0), **changes)  # type: ignore[arg-type]  # any field


@given(clocks, since)
def test_device_time_maps_back_to_true_time_within_its_resolution(clock: ClockSpec, instants: list[int]) -> None:
    true_ns = START + np.array(instants, np.int64)
    back = true_times(clock, device_times(clock, true_ns, start_ns=START), start_ns=START)
    late = true_ns - back
    assert (late >= -2).all()
    assert (late <= clock.resolution_ns * 1.001 + 2).all()


@given(st.floats(-500, 500), st.integers(1, 3600))
def test_drift_is_parts_per_million_of_the_time_gone_by(ppm: float, seconds: int) -> None:
    clock = ClockSpec(offset_ns=5, drift_ppm=ppm)
    device = device_times(clock, np.array([START, START + seconds * NANOSECONDS]), start_ns=START)
    assert device[0] == START + 5
    assert abs((device[1] - device[0]) - seconds * NANOSECONDS - ppm * 1e3 * seconds) <= 1


def test_a_reset_starts_the_clock_again_from_its_epoch_and_a_wrap_folds_it() -> None:
    true_ns = START + np.array([0, 4, 5, 7], np.int64) * NANOSECONDS
    reset = device_times(ClockSpec(epoch_ns=0, offset_ns=9, resets_s=(5.0,)), true_ns, start_ns=START)
    assert reset.tolist() == [9, 4 * NANOSECONDS + 9, 0, 2 * NANOSECONDS]
    wrapped = device_times(ClockSpec(epoch_ns=0, wrap_ns=3 * NANOSECONDS), true_ns, start_ns=START)
    assert wrapped.tolist() == [0, NANOSECONDS, 2 * NANOSECONDS, NANOSECONDS]
    with pytest.raises(ValueError, match="no inverse"):
        true_times(ClockSpec(wrap_ns=8), wrapped, start_ns=START)


@given(st.sampled_from([USB, USB_QUIET, WIFI, USB_GLITCHES]), st.integers(0, 2**31), st.floats(1, 30))
def test_no_sample_is_logged_before_its_minimum_latency_unless_the_stamp_glitches(
    latency: LatencySpec, seed: int, seconds: float
) -> None:
    plan = schedule(rig(camera(latency=latency), seed=seed, seconds=seconds), camera(latency=latency))
    delay = plan.log_ns - plan.true_ns
    least = round(latency.minimum_ms * 1e6)
    if latency.glitch_probability:
        assert (delay < least).mean() < 0.1
    else:
        assert (delay >= least).all()
    if latency.order == "fifo":
        assert (np.diff(plan.log_ns) >= 0).all()


def test_the_blocks_of_a_schedule_join_without_a_seam() -> None:
    sensor = camera(
        rate_hz=1000.0, faults=FaultSpec(drop_probability=0.1, repeat_probability=0.1), latency=USB_QUIET
    )
    whole = schedule(rig(sensor), sensor)
    assert len(list(schedule_blocks(rig(sensor), sensor))) == -(-20_000 // BLOCK)
    assert (whole.seq == np.arange(20_000)).all()
    assert (np.diff(whole.log_ns[whole.arrived]) >= 0).all()
    assert whole.arrived[whole.source[whole.arrived]].all(), "a repeat carries something that arrived"
    assert (whole.content_ns == whole.true_ns[whole.source]).all()
    again = whole.repeated
    assert (whole.source[again] < whole.seq[again]).all()
    assert (whole.source[~again] == whole.seq[~again]).all()


def test_changing_one_sensor_changes_no_other() -> None:
    one = camera(latency=USB, jitter_ns=1000)
    other = camera(stream="/cam1", latency=WIFI, rate_hz=7.0, faults=FaultSpec(drop_probability=0.5))
    alone = schedule(rig(one), one)
    beside = schedule(replace(rig(one), sensors=(other, one)), one)
    assert (alone.log_ns == beside.log_ns).all()
    assert (alone.true_ns == beside.true_ns).all()


def test_a_gap_loses_just_what_was_taken_in_it() -> None:
    sensor = camera(faults=FaultSpec(gaps_s=((1.0, 2.0),), dropped=(5,)))
    plan = schedule(rig(sensor), sensor)
    seconds = (plan.true_ns - START) / NANOSECONDS
    assert ((~plan.arrived) == (((seconds >= 1) & (seconds < 2)) | (plan.seq == 5))).all()
