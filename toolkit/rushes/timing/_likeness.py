"""Which clocks are surely two, and which run so alike that nothing tells them from one."""

from collections.abc import Mapping

import numpy as np

from rushes.timing.clockmap import ClockMap

SIMILAR_NS = 200_000_000
"""How far apart the clocks of one cluster may be set. Latencies in one machine stay below it; clocks that nobody
set agree so well by luck only."""

SAME_RATE_PPM = 0.5
"""Difference of rates that is never taken for two clocks, besides three half widths of the intervals."""

RESOLVED_PPM, RESOLVED_ELSEWHERE_PPM = 3.0, 100.0
"""Rates must be known this well before they count as alike: crystals differ by more, as a rule. Clocks set
alike, but far from the recorder's, are hardly two: the second limit is theirs."""

EARLY_NS = 500_000
"""A stamp that lies further after its own arrival is not of the recorder's clock."""


def clusters(known: Mapping[str, ClockMap], similar_ns: int) -> list[list[str]]:
    """Put together the clocks that nothing tells from one another, in the order in which they are set.

    Args:
        known: By clock, its map to the recorder's; each with evidence.
        similar_ns: How far apart the clocks of one cluster may be set.
    """
    found: list[list[str]] = []
    for clock in sorted(known, key=lambda name: distance(known[name])):
        home = next(
            (c for c in found if all(alike(known[clock], known[o], similar_ns=similar_ns) for o in c)), None
        )
        if home is None:
            found.append([clock])
        else:
            home.append(clock)
    return found


def alike(one: ClockMap, other: ClockMap, *, similar_ns: int) -> bool:
    """Say whether two clocks run alike as far as can be told, and that can be told well."""
    wide = _rates_known(one, other)
    elsewhere = min(abs(distance(one)), abs(distance(other))) > similar_ns
    limit = RESOLVED_ELSEWHERE_PPM if elsewhere else RESOLVED_PPM
    return not differ(one, other, similar_ns=similar_ns, early=False) and wide is not None and wide <= limit


def differ(one: ClockMap, other: ClockMap, *, similar_ns: int, early: bool = True) -> bool:
    """Say whether two clocks are surely two; ``early``: also where one alone is ahead of its arrivals."""
    if abs(distance(one) - distance(other)) > similar_ns:
        return True
    if any(len(m.segments) > 1 or m.segments[0].knots_s is not None for m in (one, other)):
        return True
    wide = _rates_known(one, other)
    apart = abs(one.segments[0].drift_ppm - other.segments[0].drift_ppm)
    if wide is not None and apart > wide + SAME_RATE_PPM:
        return True
    resolved = wide is not None and wide <= RESOLVED_PPM
    return early and not resolved and _early(one) != _early(other)


def distance(found: ClockMap) -> int:
    """How far a clock is from the recorder's, in the middle of the first stretch, in nanoseconds."""
    if not found.segments:
        return 0
    first = found.segments[0]
    middle = np.array([(first.start_ns + first.end_ns) // 2])
    return int((found.apply(middle) - middle)[0])


def _rates_known(one: ClockMap, other: ClockMap) -> float | None:
    """Give how well the difference of two rates is known, three half widths in ppm; None where it is not."""
    a, b = one.segments[0].drift_ci95_ppm, other.segments[0].drift_ci95_ppm
    return None if a is None or b is None else 3 * float(np.hypot(a, b))


def _early(found: ClockMap) -> bool:
    """Say whether a clock is ahead of the recorder's, so that stamps lie after their own arrival."""
    return distance(found) < -EARLY_NS - (found.segments[0].offset_ci95_ns or 0)
