"""The pairs that ``associate.py`` of the TUM RGB-D benchmark gives, to the last digit.

**Semantics of** :func:`associate`. Stamps are float64 seconds; equal ones of a list count as one sample, the
last. A pair is possible where ``abs(first - (second + offset)) < max_difference``, strictly and in float64.
Possible pairs are gone through by difference, then by first, then by second stamp; each is taken if both its
ends are still free. This is greedy: it can leave a stamp alone that had a partner within reach. Prefer
``nearest`` for new work, and this one to reproduce what others published. ROS's Python
``ApproximateTimeSynchronizer``, with its slop, is close to it, but depends on the order of arrival.

Nanoseconds are turned into the very doubles that Python reads from the decimal text of the stamp. A double of
today's epoch seconds is 0.24 µs coarse: stamps closer than that can fall together here.
"""

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.timing.matches import Indices, Matches, demand_ascending, demand_tolerance, nobody

SECOND_NS = 1_000_000_000
WITHIN_NS = 20_000_000
"""The benchmark's own tolerance."""

Seconds = npt.NDArray[np.float64]


def tum(times: Times, reference: Times, *, within: int = WITHIN_NS) -> Matches:
    """Pair as ``associate.py REFERENCE STREAM`` does.

    Args:
        times: Shape (n,), int64 nanoseconds, ascending.
        reference: Shape (m,), as above: the first file.
        within: Tolerance in nanoseconds; a pair exactly so far apart is refused, as far as doubles can tell.

    Raises:
        TimingError: ``timing.not-ascending`` if either goes back; ``timing.tolerance`` if ``within`` is negative.
    """
    demand_tolerance(within)
    demand_ascending(times, "the stream")
    demand_ascending(reference, "the reference")
    found = nobody(len(reference))
    first, second = associate(
        seconds_of(reference), seconds_of(times), max_difference_s=within / SECOND_NS, offset_s=0.0
    )
    found.index[first] = second
    found.skew_ns[first] = times[second] - reference[first]
    return found


def associate(
    first: Seconds, second: Seconds, *, max_difference_s: float = 0.02, offset_s: float = 0.0
) -> tuple[Indices, Indices]:
    """Pair two lists of stamps; see the head of this module.

    Args:
        first: Shape (n,), seconds, in any order.
        second: Shape (m,), as above.
        max_difference_s: Pairs must be closer than this.
        offset_s: Added to the second stamps.

    Returns:
        Places in ``first`` and in ``second``, each of shape (pairs,), by ascending first stamp. Takes memory for
        every possible pair at once.
    """
    place_first, stamps_first = _distinct(first)
    place_second, stamps_second = _distinct(second)
    moved = stamps_second + offset_s  # ascending still: rounding keeps order
    # One stamp more on either side, in case rounding moved a border; what is too far is sifted out below.
    starts = np.maximum(np.searchsorted(moved, stamps_first - max_difference_s) - 1, 0)
    stops = np.minimum(np.searchsorted(moved, stamps_first + max_difference_s, "right") + 1, len(moved))
    counts = np.maximum(stops - starts, 0)
    one = np.repeat(np.arange(len(stamps_first)), counts)
    other = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(starts, counts)
    differences = np.abs(stamps_first[one] - moved[other])
    possible = differences < max_difference_s
    one, other, differences = one[possible], other[possible], differences[possible]
    ranked = np.lexsort((other, one, differences))
    partner = np.full(len(stamps_first), -1)
    free = [True] * len(stamps_second)
    for a, b in zip(one[ranked].tolist(), other[ranked].tolist(), strict=True):
        if free[b] and partner[a] < 0:
            partner[a], free[b] = b, False
    taken = np.flatnonzero(partner >= 0)
    return place_first[taken], place_second[partner[taken]]


def seconds_of(times: Times) -> Seconds:
    """Give the doubles nearest to nanoseconds as seconds, as ``float("1305031229.528748")`` does.

    The whole seconds and the rest are exact to far below half a step of the sum, so that it is rounded once.
    """
    whole, rest = np.divmod(times, SECOND_NS)
    return whole + rest / SECOND_NS


def _distinct(stamps: Seconds) -> tuple[Indices, Seconds]:
    """Give ascending distinct stamps, and the last place of each."""
    place = np.argsort(stamps, kind="stable")
    ordered = stamps[place]
    last = np.append(ordered[1:] != ordered[:-1], np.ones(min(len(ordered), 1), np.bool_))
    return place[last].astype(np.int64), ordered[last]
