"""Which sample was the latest at each reference time: what a program that ran then would have had in hand.

**Semantics of** :func:`latest`. A reference time t gets the last sample whose time is at or before t, of equal
times the one recorded last. It never looks ahead, so its skew is never above zero. A sample serves every
reference time until the next one comes; ``Matches.is_repeat`` marks all but its first use. With ``max_age`` a
sample serves only while it is at most so old, that age included. Times before the first sample stay alone.
"""

import numpy as np

from rushes.model import Times
from rushes.timing.matches import Matches, demand_ascending, demand_tolerance, nobody, windows


def latest(times: Times, reference: Times, *, max_age: int | None = None) -> Matches:
    """Give each reference time the latest sample at or before it; see the head of this module.

    Args:
        times: Shape (n,), int64 nanoseconds, ascending (equal times allowed), in the clock of the reference.
        reference: Shape (m,), as above.
        max_age: Greatest age that still counts in nanoseconds, itself included; None for any.

    Raises:
        TimingError: ``timing.not-ascending`` if either goes back; ``timing.tolerance`` if ``max_age`` is negative.
    """
    if max_age is not None:
        demand_tolerance(max_age)
    demand_ascending(reference, "the reference")
    if len(times) == 0 or len(reference) == 0:
        demand_ascending(times, "the stream")
        return nobody(len(reference))
    index = np.empty(len(reference), np.int64)
    skew = np.empty(len(reference), np.int64)
    for window in windows(times, reference):
        place = index[window.block]
        np.subtract(window.part.searchsorted(window.sought, "right"), 1, out=place)
        np.subtract(window.part.take(place, mode="clip"), window.sought, out=skew[window.block])
        place += window.first
    alone = index < 0
    if max_age is not None:
        alone |= skew < -max_age
    index[alone] = -1
    skew[alone] = 0
    return Matches(index=index, skew_ns=skew)
