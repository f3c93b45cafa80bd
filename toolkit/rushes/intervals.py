"""What one column of times says of itself: interval, rate, jitter, gaps, order. Pure numpy, int64 nanoseconds.

Shared by the rooms that judge times. An *interval* is the time from one sample to the next. All estimates rest on
the median interval, so that gaps and repeats do not move them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Times, absent

YEAR_2000_NS = 946_684_800_000_000_000
YEAR_2100_NS = 4_102_444_800_000_000_000
DAY_NS = 86_400_000_000_000
UNITS = {"microseconds": 1_000, "milliseconds": 1_000_000, "seconds": 1_000_000_000}
TOO_FAST_NS = 10_000
"""No sensor here ticks faster than 100 kHz; a shorter median interval means a wrong unit."""
RESET_NS = 1_000_000_000
RESET_INTERVALS = 1000
"""A clock that goes back by more than both was set anew; samples that only changed places lie closer."""
REGULAR_SPREAD = 0.5
"""A stream is regular where the middle half of its intervals spreads over less than this share of their median."""

MANY = 100_000
"""From how many values on a median is found with the help of a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Stretches without samples, in time order; every array has shape (gaps,).

    Args:
        before: Position, in the column as it was given, of the sample that ends the gap.
        start_ns: Time of the sample before the gap.
        length_ns: From that sample to the next.
        missing: Samples that would have fitted in between, at least 1.
    """

    before: npt.NDArray[np.int64]
    start_ns: Times
    length_ns: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The measures of one stream's times.

    Args:
        count: Samples.
        first_ns: Earliest time; None without samples.
        last_ns: Latest time, itself included.
        interval_ns: Median interval; None with fewer than 2 distinct times.
        rate_hz: Samples per second while the stream ran: what gaps took is not counted as running.
        regular: Whether the stream ticks, so that gaps and jitter mean something.
        jitter_p50, jitter_p95, jitter_p99: Distance of the intervals from their median, in median intervals; gaps
            are left out.
        longest_gap_ns: Longest interval, whether it counts as a gap or not; 0 with fewer than 2 samples.
        gaps: Number of intervals that count as gaps.
        missing: Samples that the gaps would have held.
        backward: How often a sample is earlier than the one before it.
        repeated: How often a sample has the time of the one before it.
    """

    count: int
    first_ns: int | None
    last_ns: int | None
    interval_ns: int | None
    rate_hz: float | None
    regular: bool
    jitter_p50: float
    jitter_p95: float
    jitter_p99: float
    longest_gap_ns: int
    gaps: int
    missing: int
    backward: int
    repeated: int


def median_interval(times: Times) -> int | None:
    """Give the median distance of neighbouring distinct times, at least 1 ns; None with fewer than 2 of them.

    Args:
        times: Shape (n,), in any order.
    """
    steps = _steps(times)
    return max(1, int(_median(steps))) if len(steps) else None


def is_regular(times: Times) -> bool:
    """Say whether a stream ticks: at least 5 samples, and the middle half of the intervals close to the median."""
    steps = _steps(times)
    if len(steps) < 4:
        return False
    low, middle, high = np.percentile(steps, [25, 50, 75])
    return bool(high - low < REGULAR_SPREAD * middle)


def find_gaps(times: Times, interval_ns: float, *, limit: float = 1.5) -> Gaps:
    """Find every interval longer than ``limit`` times ``interval_ns``.

    Samples that were recorded out of order are put in order first: swapped samples are no gap. A clock that was
    set back far (``RESET_NS`` and ``RESET_INTERVALS``) begins anew there: how long the samples before and after
    lie apart is not known, so that is no gap either.

    Args:
        times: Shape (n,), in any order.
        interval_ns: What the interval should be.
        limit: In intervals; an interval of exactly this length is no gap.
    """
    stretch = np.cumsum(np.diff(times, prepend=times[:1]) < -max(RESET_NS, RESET_INTERVALS * interval_ns))
    place = np.lexsort((times, stretch)) if stretch.any() else np.argsort(times, kind="stable")
    ordered = times[place]
    steps = np.diff(ordered)
    at = np.flatnonzero((steps > limit * interval_ns) & (np.diff(stretch[place]) == 0))
    missing = np.maximum(1, np.rint(steps[at] / interval_ns).astype(np.int64) - 1)
    return Gaps(
        before=place[at + 1].astype(np.int64),
        start_ns=ordered[at],
        length_ns=steps[at],
        missing=missing,
    )


def describe(times: Times, *, gap_limit: float = 1.5) -> Timeline:
    """Measure one stream's times.

    Args:
        times: Shape (n,), in recorded order.
        gap_limit: From how many median intervals on an interval is a gap.
    """
    recorded, steps = np.diff(times), _steps(times)
    interval_ns = median_interval(times)
    longest = missing = gaps = 0
    jitter = [0.0, 0.0, 0.0]
    rate_hz = None
    if interval_ns is not None:
        found = find_gaps(times, interval_ns, limit=gap_limit)
        gaps, missing = len(found.before), int(found.missing.sum())
        running = steps[steps <= gap_limit * interval_ns]
        longest = int(found.length_ns.max(initial=running.max(initial=0)))
        jitter = np.percentile(np.abs(running - interval_ns) / interval_ns, [50, 95, 99]).tolist()
        # The mean of what is no gap is exact even where stamps are rounded, which the median is not.
        rate_hz = 1e9 / float(running.mean())
    return Timeline(
        count=len(times),
        first_ns=int(times.min()) if len(times) else None,
        last_ns=int(times.max()) if len(times) else None,
        interval_ns=interval_ns,
        rate_hz=rate_hz,
        regular=is_regular(times),
        jitter_p50=jitter[0],
        jitter_p95=jitter[1],
        jitter_p99=jitter[2],
        longest_gap_ns=longest,
        gaps=gaps,
        missing=missing,
        backward=int((recorded < 0).sum()),
        repeated=int((recorded == 0).sum()),
    )


def missing_by_sequence(sequence: npt.NDArray[np.int64] | None) -> int | None:
    """Count the holes in sequence numbers; None where they do not count samples.

    A stream that was thinned out on purpose counts in even steps: the median step is the step. Steps back are a
    restart or a wrap at 8, 16 or 32 bits, and no loss by themselves.
    """
    if sequence is None or len(sequence) < 3 or absent(sequence).any():
        return None
    steps = np.diff(np.asarray(sequence))
    for bits in (8, 16, 32):
        wrapped = (steps < 0) & (steps + (1 << bits) < 1 << (bits - 1)) & (sequence[:-1] < 1 << bits)
        if (steps < 0).any() and wrapped[steps < 0].all():
            steps = np.where(wrapped, steps + (1 << bits), steps)
            break
    rising = steps[steps > 0]
    if len(rising) < len(steps) / 2:
        return None
    usual = max(1, int(np.median(rising)))
    return int((np.maximum(np.rint(rising / usual), 1) - 1).sum())


def suspected_unit(times: Times, *others: Times) -> str | None:
    """Say in which unit times were probably written, a key of ``UNITS``; None where nanoseconds are believable.

    A clock that counts from power-on has small values too. So a second witness is asked for: another time of the
    same stream that names the same day, or intervals far too short for any sensor. The first time is what counts:
    real files start at milliseconds and go on in nanoseconds.

    Args:
        times: Shape (n,), at least one, in any order.
        others: Other times of the same samples, none of them empty.
    """
    first = int(times.min())
    if first <= 0 or first >= YEAR_2000_NS:
        return None
    interval = median_interval(times)
    for unit, scale in UNITS.items():
        if not YEAR_2000_NS <= first * scale < YEAR_2100_NS:
            continue
        if any(abs(int(other.min()) - first * scale) < DAY_NS for other in others):
            return unit
        if interval is not None and interval < TOO_FAST_NS:
            return unit
    return None


def _steps(times: Times) -> npt.NDArray[np.int64]:
    """Give the distances of neighbouring distinct times."""
    steps = np.diff(times)
    least = steps.min(initial=1)
    if least < 0:  # sorting costs more than all the rest, and most streams are in order
        steps = np.diff(np.sort(times))
        least = steps.min()
    return steps[steps > 0] if least < 1 else steps


def _median(values: npt.NDArray[np.int64]) -> float:
    """Give the exact median; of many values four times as fast as ``np.median``.

    A sample tells between which values it lies; only those are put in order. Where the sample misleads, all are.
    """
    size = len(values)
    if size < MANY:
        return float(np.median(values))
    sample = np.sort(values[:: size // 4096])
    middle, spread = len(sample) // 2, 128  # two standard deviations of the middle's rank
    low, high = sample[middle - spread], sample[middle + spread]
    below = int(np.count_nonzero(values < low))
    inside = low if low == high else values[(values >= low) & (values <= high)]
    count = int(np.count_nonzero(values == low)) if low == high else inside.size
    if not below <= (size - 1) // 2 <= size // 2 < below + count:
        return float(np.median(values))
    if low == high:
        return float(low)
    ranks = [(size - 1) // 2 - below, size // 2 - below]
    first, second = np.partition(inside, ranks)[ranks].tolist()
    return float((first + second) / 2)
