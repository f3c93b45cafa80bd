"""Stamps of samples: seconds as float64, deduced where there is none, made int64 nanoseconds.

A float64 of seconds has steps of 15 ps at 1e5 s (a day after power-on) and of 240 ns at 2e9 s (the date since
1970); what is given is the nearest nanosecond of that float.
"""

import numpy as np
import numpy.typing as npt

from rushes.model import Times

LARGEST_S = 9_000_000_000.0
"""Beyond it nanoseconds do not fit 64 bits."""


def nanoseconds(seconds: npt.NDArray[np.float64]) -> Times:
    """Give the nearest nanosecond; the seconds are finite and within ``LARGEST_S``.

    Whole seconds and their fraction are turned apart, as their product with 1e9 has more digits than a float64.
    """
    whole = np.floor(seconds)
    rest: Times = np.rint((seconds - whole) * 1e9).astype(np.int64)
    return whole.astype(np.int64) * 1_000_000_000 + rest


def usable(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which stamps are a time at all: finite, and of a size that fits."""
    with np.errstate(invalid="ignore"):
        return np.abs(seconds) <= LARGEST_S


def deduced(
    stamps: npt.NDArray[np.float64], stamped: npt.NDArray[np.bool_], *, last_s: float, step_s: float
) -> npt.NDArray[np.float64]:
    """Give each sample without a stamp the time of the one before it and one nominal interval more.

    It is added once a sample, as recorders do that leave out a stamp which equals that sum bit for bit.

    Args:
        stamps: Shape (n,), seconds; anything where ``stamped`` is False.
        stamped: Shape (n,).
        last_s: Time of the sample before the first.
        step_s: The nominal interval; 0 for irregular streams.
    """
    if stamped.all():
        return stamps
    chain = np.concatenate([[last_s], stamps])
    own = np.concatenate([[True], stamped])
    place = np.arange(len(chain))
    since = place - np.maximum.accumulate(np.where(own, place, 0))
    starts = np.flatnonzero(own[:-1] & ~own[1:])
    ends = np.flatnonzero(~own & np.append(own[1:], True))
    if len(starts) <= since.max():
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            sums = np.full(end - start + 1, step_s)
            sums[0] = chain[start]
            chain[start : end + 1] = np.add.accumulate(sums)
        return chain[1:]
    order = np.argsort(since, kind="stable")
    bounds = np.searchsorted(since[order], np.arange(1, since.max() + 2))
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        at = order[low:high]
        chain[at] = chain[at - 1] + step_s
    return chain[1:]
