"""What pairs of readings must show before a clock map is certified.

Each test answers with the fault in words, with its values, or with nothing. The limits are what separates clocks
from coincidence: any crystal keeps 1,000 ppm, and any useful pairing tells the time to 10 ms.
"""

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.quantities import say_count, say_ns
from rushes.timing._curve import Floats
from rushes.timing._envelope import Fitted
from rushes.timing.clockmap import ClockSegment

LEAST_PAIRS = 20
LEAST_SPAN_NS = 1_000_000_000
LEAST_SHARED = 4
FLOAT_NS = 1_000
"""Seconds since 1970 in a float are good to a quarter of this; no arrival keeps its latency so closely."""
ROUNDED_NS = (1_000, 1_000_000, 1_000_000_000)
YEAR_NS, MOST_YEARS = 365.25 * 86_400e9, 70.0
"""A clock that is set from 1970 to the present moves by less."""
LEAST_TWO_WAY = 3
MOST_DRIFT_PPM = 1_000.0
MOST_CI_NS = 10_000_000
"""A third of a frame at 30 Hz: a time known worse puts samples into the wrong frame."""
MOST_LATENCY_NS = 200_000_000
"""Where half of the readings came later than this, arrival says nothing of when they were taken."""
BUFFERED_NS = 250_000_000
"""Readings that were held back for longer came when a buffer was emptied, not when they were taken."""


def far_apart(from_ns: Times, to_ns: Times) -> str:
    """Say if readings of one clock lie further apart than any recording, so that they cannot be times."""
    for name, column in (("first", from_ns), ("second", to_ns)):
        years = (float(column.max()) - float(column.min())) / YEAR_NS
        if years > MOST_YEARS:
            return f"readings of the {name} clock lie {years:.4g} years apart (limit {MOST_YEARS:g}): no times"
    return ""


def one_way_fault(from_ns: Times, to_ns: Times) -> str:
    """Say why stamps and arrivals cannot tell one clock against the other; empty where they may."""
    count, offset = len(from_ns), to_ns - from_ns
    ran, logged = int(np.ptp(from_ns)), int(np.ptp(to_ns))
    if count < LEAST_PAIRS:
        return f"{say_count(count, 'pair')}: too few to tell latency from clock (at least {LEAST_PAIRS})"
    for name, span in (("stamps", ran), ("arrivals", logged)):
        if span == 0:
            return f"all {count} {name} are the same"
    wrong_way = np.mean(np.sign(np.diff(from_ns)) * np.sign(np.diff(to_ns)) < 0)
    if wrong_way > 0.6:
        return f"one clock goes back where the other goes on, in {wrong_way:.0%} of the steps: no clock runs so"
    if not 0.5 <= ran / logged <= 2.0:
        return f"the stamps run {say_ns(ran)} while the arrivals run {say_ns(logged)}"
    if min(ran, logged) < LEAST_SPAN_NS:
        return f"the pairs span {say_ns(min(ran, logged))}, too short to tell the drift (at least 1 s)"
    if _copied(from_ns, to_ns):
        apart = say_ns(int(np.median(offset)))
        return f"all {count} arrivals are their stamps plus {apart}: a copy, no second clock"
    batches = _batches(from_ns, to_ns)
    if len(batches) < count and ran / max(1, len(batches)) > BUFFERED_NS:
        return (
            f"{count} readings arrived in {len(batches)} batches, held back for {say_ns(ran / len(batches))}: "
            "arrivals say when a buffer was emptied"
        )
    if len(batches) < LEAST_PAIRS:
        return f"{count} readings arrived in {len(batches)} batches, too few (at least {LEAST_PAIRS})"
    return ""


def both_ways_fault(from_ns: Times, to_ns: Times, relation: str) -> str:
    """Say why two-way pairs or shared instants cannot tell one clock against the other; empty where they may."""
    count = len(from_ns)
    if count == 1:
        return "" if relation == "same" else "one two-way pair tells an offset, and nothing of how well"
    for name, column in (("first", from_ns), ("second", to_ns)):
        if (column == column[0]).all():
            return f"all {count} readings of the {name} clock are the same"
    if relation == "two-way" and count < LEAST_TWO_WAY:
        return f"{say_count(count, 'two-way pair')}: too few to tell the drift (at least {LEAST_TWO_WAY})"
    ran, other = int(np.ptp(from_ns)), int(np.ptp(to_ns))
    if not 0.5 <= ran / other <= 2.0:
        return f"one clock runs {say_ns(ran)} while the other runs {say_ns(other)}"
    order = np.argsort(from_ns, kind="stable")
    if (np.diff(to_ns[order]) < 0).mean() > 0.25:
        return "one clock goes back where the other goes on"
    return ""


def misfit(segment: ClockSegment, fitted: Fitted) -> str:
    """Say why a fit cannot be certified; empty where it can."""
    drift, wide = segment.drift_ppm, segment.offset_ci95_ns or 0
    if not np.isfinite(drift) or abs(drift) > MOST_DRIFT_PPM:
        return f"it would drift by {drift:.6g} ppm; no clock is off by more than {MOST_DRIFT_PPM:g} ppm"
    if (segment.drift_ci95_ppm or 0.0) > MOST_DRIFT_PPM:
        return f"its drift is known to ±{segment.drift_ci95_ppm:.4g} ppm only (limit {MOST_DRIFT_PPM:g} ppm)"
    if wide > MOST_CI_NS:
        return f"the pairs hold it to ±{say_ns(wide)} only (limit {say_ns(MOST_CI_NS)}): no steady relation shows"
    late = float(np.median(fitted.excess))
    if late > MOST_LATENCY_NS:
        limit = say_ns(MOST_LATENCY_NS)
        return f"half of the readings lie more than {say_ns(late)} above the earliest (limit {limit})"
    return ""


def stray_together(residuals: Floats) -> float:
    """Give how far neighbouring points stray together beyond what chance allows, ns; 0 where they do not."""
    count = len(residuals)
    if count < 12:
        return 0.0
    scale = 1.4826 * float(np.median(np.abs(residuals))) + 1e-9
    held = np.clip(residuals, -4.0 * scale, 4.0 * scale)
    held = held - held.mean()
    power = float(held @ held)
    if power == 0 or float(held[1:] @ held[:-1]) / power < 3.0 / np.sqrt(count):
        return 0.0
    wide = max(3, min(9, count // 6))
    return float(np.abs(np.convolve(held, np.full(wide, 1.0 / wide), mode="valid")).max())


def one_a_batch(from_ns: Times, to_ns: Times) -> tuple[Times, Times]:
    """Keep of readings that arrived together the freshest alone; where most arrived singly, all stay."""
    starts = _batches(from_ns, to_ns)
    if len(starts) == len(from_ns):
        return from_ns, to_ns
    order = np.argsort(to_ns, kind="stable")
    offset = (to_ns - from_ns)[order]
    batch = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(from_ns))))
    best = order[np.lexsort((offset, batch))[starts]]
    return from_ns[best], to_ns[best]


def quickest(x: Floats, round_trip: Floats) -> npt.NDArray[np.int64]:
    """Give the pair with the shortest round trip of each 5 s window; all pairs where windows hold one each."""
    window = (x - x[0]) // 5.0
    order = np.lexsort((round_trip, window))
    chosen = np.sort(order[np.flatnonzero(np.diff(window[order], prepend=-1.0))])
    return chosen if len(chosen) >= LEAST_PAIRS else np.arange(len(x))


def _batches(from_ns: Times, to_ns: Times) -> npt.NDArray[np.int64]:
    """Give where batches start, in order of arrival; every reading where most arrived singly."""
    steps = np.diff(np.sort(to_ns))
    usual = int(np.median(np.abs(np.diff(from_ns))))
    near = steps < 0.1 * usual
    if near.mean() <= 0.5:
        return np.arange(len(to_ns))
    return np.concatenate([[0], np.flatnonzero(~near) + 1])


def _copied(from_ns: Times, to_ns: Times) -> bool:
    """Tell whether one column is the other moved by a constant, rounded to a unit, or written as float seconds."""
    if int(np.ptp(to_ns - from_ns)) <= FLOAT_NS:
        return True
    for unit in ROUNDED_NS:
        for exact, coarse in ((to_ns, from_ns), (from_ns, to_ns)):
            if (coarse % unit == 0).all() and (np.abs(exact - coarse) < unit).all() and (exact % unit != 0).any():
                return True
    return False
