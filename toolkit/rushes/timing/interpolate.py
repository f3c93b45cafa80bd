"""Which two samples lie around each reference time, and how much of each its value there takes.

**Semantics of** :func:`interpolate`. A reference time t that falls on a sample gets that sample alone, of equal
times the first. Any other t gets the last sample before it and the first one after it, and the share of the one
after: ``(t - before) / (after - before)``, above 0 and below 1. What is made of the two values is up to
:mod:`rushes.timing.values`: linear, or slerp for rotations. Refused, so that nothing is made up, is a t

- before the first sample or after the last one: nothing is extrapolated;
- between two samples further apart than the gap limit; by default three median intervals of the stream. An
  interval of exactly the limit is no gap.

The skew is that of the nearer of the two, on a tie of the earlier one.
"""

import numpy as np

from rushes.intervals import median_interval
from rushes.model import Times
from rushes.timing.matches import Matches, Window, demand_ascending, demand_tolerance, nobody, windows

GAP_LIMIT = 3.0
"""From how many median intervals on nothing is interpolated."""


def interpolate(times: Times, reference: Times, *, gap_ns: int | None = None) -> Matches:
    """Give each reference time the samples around it; see the head of this module.

    Args:
        times: Shape (n,), int64 nanoseconds, ascending (equal times allowed), in the clock of the reference.
        reference: Shape (m,), as above.
        gap_ns: Longest interval that is interpolated across, itself included; None for three median intervals.

    Returns:
        Matches with ``index_after`` and ``weight_after``.

    Raises:
        TimingError: ``timing.not-ascending`` if either goes back; ``timing.tolerance`` if ``gap_ns`` is negative.
    """
    demand_ascending(reference, "the reference")
    if gap_ns is None:
        gap_ns = longest_bridged(median_interval(times))
    demand_tolerance(gap_ns)
    size = len(reference)
    if len(times) == 0 or size == 0:
        demand_ascending(times, "the stream")
        alone = nobody(size)
        return Matches(
            index=alone.index, skew_ns=alone.skew_ns, index_after=alone.index.copy(), weight_after=np.zeros(size)
        )
    found = Matches(
        index=np.empty(size, np.int64),
        skew_ns=np.empty(size, np.int64),
        index_after=np.empty(size, np.int64),
        weight_after=np.empty(size),
    )
    for window in windows(times, reference):
        _fill(found, window, gap_ns)
    return found


def longest_bridged(interval_ns: int | None, limit: float = GAP_LIMIT) -> int:
    """Give the longest interval that is interpolated across: ``limit`` median intervals; 0 without an interval."""
    return int(limit * (interval_ns or 0))


def _fill(found: Matches, window: Window, gap_ns: int) -> None:
    assert found.index_after is not None
    assert found.weight_after is not None
    sought, part, last = window.sought, window.part, len(window.part) - 1
    after = part.searchsorted(sought)  # first at or after
    before = after - 1
    from_before = sought - part.take(before, mode="clip")
    to_after = part.take(after, mode="clip") - sought
    hit = to_after == 0
    width = from_before + to_after
    # Beyond the ends one of the two is below zero or, after the last sample, both name that sample.
    alone = (width > gap_ns) | (before < 0) | (after > last)
    alone &= ~hit
    index, index_after = found.index[window.block], found.index_after[window.block]
    np.add(before, window.first, out=index)
    np.add(after, window.first, out=index_after)
    index += hit
    single = alone | hit
    weight = found.weight_after[window.block]
    np.divide(from_before, np.where(single, 1, width), out=weight)
    skew = found.skew_ns[window.block]
    np.copyto(skew, np.where(to_after < from_before, to_after, -from_before))
    skew[single] = 0
    weight[single] = 0
    index_after[single] = -1
    index[alone] = -1
