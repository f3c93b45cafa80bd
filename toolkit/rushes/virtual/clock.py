"""Device clocks: true time to device time and back, exact to the nanosecond."""

import numpy as np

from rushes.model import Times
from rushes.virtual.spec import NANOSECONDS, ClockSpec


def device_times(clock: ClockSpec, true_ns: Times, *, start_ns: int) -> Times:
    """Read the device's clock at true instants.

    Args:
        clock: The clock.
        true_ns: Shape (n,), any order.
        start_ns: True time at the start of the take.

    Returns:
        Shape (n,) device times.
    """
    since = np.asarray(true_ns, np.int64) - start_ns
    segment = np.searchsorted(_resets(clock), since, side="right")
    running = since + _error(clock, since) + clock.offset_ns
    for number, reset in enumerate(_resets(clock), start=1):
        at = np.array([reset])
        began = at + _error(clock, at)
        running = np.where(segment == number, since + _error(clock, since) - began, running)
    epoch = start_ns if clock.epoch_ns is None else clock.epoch_ns
    device = running + epoch
    if clock.wrap_ns is not None:
        device = device % clock.wrap_ns
    return np.asarray(device // clock.resolution_ns * clock.resolution_ns, np.int64)


def true_times(clock: ClockSpec, device_ns: Times, *, start_ns: int) -> Times:
    """Turn device times into true times: the inverse of :func:`device_times` for a clock without resets or wrap.

    Exact to 2 ns beyond the clock's resolution; a device time stands for the start of its tick.

    Raises:
        ValueError: If the clock resets or wraps, so that a device time can mean several instants.
    """
    if clock.resets_s or clock.wrap_ns is not None:
        raise ValueError("a clock that resets or wraps has no inverse")
    epoch = start_ns if clock.epoch_ns is None else clock.epoch_ns
    running = np.asarray(device_ns, np.int64) - epoch - clock.offset_ns
    since = running.copy()
    for _ in range(4):  # each round divides the error by 1 / drift, more than a thousand
        since = running - _error(clock, since)
    return since + start_ns


def _error(clock: ClockSpec, since: Times) -> Times:
    """Give what the clock has gained since the start, to the nanosecond."""
    seconds = since / NANOSECONDS
    gained = seconds * (clock.drift_ppm * 1e3)
    if clock.wander_ns:
        gained = gained + clock.wander_ns * np.sin(2 * np.pi / clock.wander_period_s * seconds)
    return np.rint(gained).astype(np.int64)


def _resets(clock: ClockSpec) -> Times:
    return np.array([round(reset * NANOSECONDS) for reset in clock.resets_s], np.int64)
