"""A clock map: from the readings of one clock to those of another, and how well that is known.

A map has a segment for every stretch without a reset. Within a segment
``to = from + offset_ns + drift_ppm * 1e-6 * (from - origin_ns) + bend``: the whole reading stays int64, only the
small rest goes through float. The fields are those of the table ``clock_maps``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rushes.errors import TimingError
from rushes.model import ClockPairs, Times
from rushes.quantities import say_ns

MapVerdict = Literal["estimated", "declared", "unproven"]
IDENTITY = "identity"
"""Source of a map that only gives a clock another name."""
CALIBRATION = "calibration"
"""Source of a latency that was measured before the recording."""
WEAKEST: tuple[MapVerdict, ...] = ("unproven", "declared", "estimated")

PIECE_NS, PIECE_INTERVALS = 1_000_000_000, 20
"""A step of a column longer than both, or any step back of more than the first, may be a reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSegment:
    """One stretch of a map without a reset.

    Args:
        start_ns, end_ns: First and last reading of ``from_clock`` that the evidence covers, both included.
        origin_ns: Reading of ``from_clock`` at which the offset holds.
        offset_ns: ``to`` minus ``from`` at the origin.
        drift_ppm: What ``to`` gains on ``from``, in millionths of ``from``.
        knots_s: Where the bend is known, ascending seconds of ``from`` after the origin; None for a straight line.
        knots_offset_ns: The bend at each knot, linear between, constant beyond.
        method: min-delay, min-delay-piecewise, two-way, two-way-piecewise, same, declared, crosscheck.
        pairs: Readings of two clocks that there were.
        used: Those that the estimate rests on.
        residual_p50_ns, residual_p95_ns, residual_max_ns: Distance of those used from the map, absolute.
        offset_ci95_ns: Half width of the 95 % interval of the mapped time, anywhere from start to end.
        drift_ci95_ppm: Half width of the drift's 95 % interval.
        verdict: What the segment is worth.
        reason: Why.
    """

    start_ns: int
    end_ns: int
    origin_ns: int
    offset_ns: int
    drift_ppm: float = 0.0
    knots_s: tuple[float, ...] | None = None
    knots_offset_ns: tuple[float, ...] | None = None
    method: str
    pairs: int = 0
    used: int = 0
    residual_p50_ns: int | None = None
    residual_p95_ns: int | None = None
    residual_max_ns: int | None = None
    offset_ci95_ns: int | None = None
    drift_ci95_ppm: float | None = None
    verdict: MapVerdict
    reason: str = ""

    def apply(self, times: Times) -> Times:
        """Map readings of this segment, also beyond its evidence. Shape (n,), any order."""
        since = np.asarray(times, np.int64) - self.origin_ns
        rest = since * (self.drift_ppm * 1e-6)
        if self.knots_s is not None:
            rest = rest + np.interp(since * 1e-9, self.knots_s, self.knots_offset_ns or ())
        return np.asarray(times + self.offset_ns + np.rint(rest).astype(np.int64), np.int64)

    def inverse(self) -> "ClockSegment":
        """Give the segment the other way round; there and back differs by rounding alone."""
        rate = 1.0 + self.drift_ppm * 1e-6
        start, end = self.apply(np.array([self.start_ns, self.end_ns])).tolist()
        knots = bends = None
        if self.knots_s is not None and self.knots_offset_ns is not None:
            knots = tuple(s * rate + b * 1e-9 for s, b in zip(self.knots_s, self.knots_offset_ns, strict=True))
            bends = tuple(-b / rate for b in self.knots_offset_ns)
        return ClockSegment(
            start_ns=start,
            end_ns=end,
            origin_ns=self.origin_ns + self.offset_ns,
            offset_ns=-self.offset_ns,
            drift_ppm=-self.drift_ppm / rate,
            knots_s=knots,
            knots_offset_ns=bends,
            method=self.method,
            pairs=self.pairs,
            used=self.used,
            residual_p50_ns=self.residual_p50_ns,
            residual_p95_ns=self.residual_p95_ns,
            residual_max_ns=self.residual_max_ns,
            offset_ci95_ns=self.offset_ci95_ns,
            drift_ci95_ppm=self.drift_ci95_ppm,
            verdict=self.verdict,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMap:
    """A map from one clock to another.

    Args:
        segments: In the order in which the clock ran through them; at least one.
        source: What it rests on, as in ``clock_pairs``.
        latency_known: Whether the smallest latency is known or absent; if not, mapped times are late by it.
    """

    from_clock: str
    to_clock: str
    segments: tuple[ClockSegment, ...]
    source: str
    latency_known: bool

    @property
    def verdict(self) -> MapVerdict:
        """The weakest verdict of its segments."""
        return min((segment.verdict for segment in self.segments), key=WEAKEST.index)

    @property
    def reason(self) -> str:
        """Why, in the words of the first segment that has the weakest verdict."""
        weak = self.verdict
        number, segment = next((i, s) for i, s in enumerate(self.segments) if s.verdict == weak)
        return f"segment {number}: {segment.reason}" if len(self.segments) > 1 else segment.reason

    @property
    def method(self) -> str:
        """How its segments were estimated, the longest first, joined by commas where they differ."""
        by_length = sorted(self.segments, key=lambda s: s.start_ns - s.end_ns)
        return ", ".join(dict.fromkeys(segment.method for segment in by_length))

    def apply(self, times: Times, *, about: Times | None = None) -> Times:
        """Map readings of ``from_clock`` to ``to_clock``.

        Args:
            times: Shape (n,), int64 nanoseconds, in recorded order: a reset is told by it.
            about: Shape (n,), when each was roughly read in ``to_clock``, such as its log time. It settles which
                segment a reading belongs to where a clock ran through the same readings twice.

        Returns:
            Shape (n,), exact to half a nanosecond beyond the map itself.

        Raises:
            TimingError: ``timing.no-evidence``, if the map has no segment with evidence.
        """
        times = np.asarray(times, np.int64)
        place = self.segment_of(times, about=about)
        mapped = times.copy()
        for number in np.unique(place):
            mapped[place == number] = self.segments[number].apply(times[place == number])
        return mapped

    def segment_of(self, times: Times, *, about: Times | None = None) -> npt.NDArray[np.int64]:
        """Tell the segment of each reading; arguments and errors as :meth:`apply`.

        Without ``about`` the column is cut where it steps back or far ahead, and the pieces are given to segments
        in order, so that they lie in them as well as can be.
        """
        if not any(segment.used or segment.verdict == "declared" for segment in self.segments):
            raise TimingError(
                f"there is no evidence how '{self.from_clock}' runs against '{self.to_clock}': {self.reason}",
                code="timing.no-evidence",
                hint="align by log times: rushes sync DATASET --time log",
            )
        times = np.asarray(times, np.int64)
        if len(self.segments) == 1 or not len(times):
            return np.zeros(len(times), np.int64)
        if about is not None:
            misses = [np.abs(segment.apply(times) - about) for segment in self.segments]
            return np.asarray(np.argmin(np.stack(misses), axis=0), np.int64)
        return np.asarray(_in_order(times, self.segments), np.int64)

    def inverse(self) -> "ClockMap":
        """Give the map from ``to_clock`` to ``from_clock``."""
        return ClockMap(
            from_clock=self.to_clock,
            to_clock=self.from_clock,
            segments=tuple(segment.inverse() for segment in self.segments),
            source=self.source,
            latency_known=self.latency_known,
        )

    def uncertainty_ns(self, times: Times, *, about: Times | None = None) -> np.ma.MaskedArray[Any, Any]:
        """Give the half width of the 95 % interval of each mapped time, apart from the smallest latency.

        It widens by the drift's interval beyond the evidence. Arguments as :meth:`apply`.

        Returns:
            Shape (n,), int64, masked where nothing is known.
        """
        times = np.asarray(times, np.int64)
        place = self.segment_of(times, about=about)
        wide, known = np.zeros(len(times), np.int64), np.zeros(len(times), np.bool_)
        for number in np.unique(place):
            segment, here = self.segments[number], place == number
            if segment.offset_ci95_ns is None:
                continue
            beyond = np.maximum(segment.start_ns - times[here], times[here] - segment.end_ns).clip(0)
            drift = segment.drift_ci95_ppm
            wide[here] = segment.offset_ci95_ns + np.rint(beyond * ((drift or 0.0) * 1e-6)).astype(np.int64)
            known[here] = (beyond == 0) | (drift is not None)
        return np.ma.masked_array(wide, mask=~known)


def identity(clock: str, *, to_clock: str | None = None) -> ClockMap:
    """Give the map of a clock to itself, or to another name of it."""
    segment = ClockSegment(
        start_ns=0,
        end_ns=0,
        origin_ns=0,
        offset_ns=0,
        method="declared",
        offset_ci95_ns=0,
        drift_ci95_ppm=0.0,
        verdict="declared",
        reason="it is the same clock",
    )
    return ClockMap(
        from_clock=clock,
        to_clock=to_clock or clock,
        segments=(segment,),
        source=IDENTITY,
        latency_known=True,
    )


def earlier(clock_map: ClockMap, latency_ns: int) -> ClockMap:
    """Take a calibrated latency off a map of one-way readings, whose times are late by it."""
    why = f"{say_ns(latency_ns)} of calibrated latency taken off"
    return replace(
        clock_map,
        segments=tuple(
            replace(
                each, offset_ns=each.offset_ns - latency_ns, reason=f"{each.reason}; {why}" if each.reason else why
            )
            for each in clock_map.segments
        ),
        source=f"{clock_map.source}, {CALIBRATION}",
        latency_known=True,
    )


def arrivals(clock: str, latency_ns: int, *, to_clock: str) -> ClockMap:
    """Give the map of arrival times to the instants themselves, by a calibrated latency."""
    (segment,) = identity(clock).segments
    why = f"{say_ns(latency_ns)} of calibrated latency taken off"
    segment = replace(segment, offset_ns=-latency_ns, offset_ci95_ns=None, drift_ci95_ppm=None, reason=why)
    return ClockMap(
        from_clock=clock, to_clock=to_clock, segments=(segment,), source=CALIBRATION, latency_known=True
    )


def compose(first: ClockMap, second: ClockMap) -> ClockMap:
    """Chain two maps: header → log, then log → utc, gives header → utc.

    Intervals of independent evidence add as squares; the verdict is the weaker one.

    Raises:
        ValueError: If the second does not start at the clock where the first ends.
    """
    if first.to_clock != second.from_clock:
        raise ValueError(f"{first.to_clock} is not {second.from_clock}")
    if first.source == IDENTITY:
        return replace(second, from_clock=first.from_clock)
    if second.source == IDENTITY:
        return replace(first, to_clock=second.to_clock)
    parts = [part for segment in first.segments for part in _chained(segment, second)]
    return ClockMap(
        from_clock=first.from_clock,
        to_clock=second.to_clock,
        segments=tuple(parts),
        source=", ".join(dict.fromkeys((first.source, second.source))),
        latency_known=first.latency_known and second.latency_known,
    )


def residuals(clock_map: ClockMap, pairs: ClockPairs) -> npt.NDArray[np.int64]:
    """Give what each pair's ``to_ns`` lies above the map, for plots. Shape (n,), ns; latency for one-way pairs."""
    mapped = clock_map.apply(pairs.from_ns, about=np.asarray(pairs.to_ns, np.int64))
    return np.asarray(pairs.to_ns, np.int64) - mapped


def _chained(segment: ClockSegment, second: ClockMap) -> list[ClockSegment]:
    """Give the parts of one segment that fall into each segment of the second map, in order."""
    start, end = segment.apply(np.array([segment.start_ns, segment.end_ns])).tolist()
    back = segment.inverse()
    reached = [s for s in second.segments if s.start_ns <= end and s.end_ns >= start]
    if not reached:  # beyond all evidence: the nearest
        reached = [min(second.segments, key=lambda s: max(s.start_ns - end, start - s.end_ns))]
    parts = []
    for number, other in enumerate(reached):
        bounds = [start if number == 0 else other.start_ns, end if number == len(reached) - 1 else other.end_ns]
        begins, ends = back.apply(np.array(bounds)).tolist()
        parts.append(_join(segment, other, begins, ends))
    return parts


def _join(one: ClockSegment, two: ClockSegment, start_ns: int, end_ns: int) -> ClockSegment:
    """Chain two segments into one that covers the given readings."""
    there = one.origin_ns + one.offset_ns  # the first map at its origin, but for its bend
    rate, rate_two = 1.0 + one.drift_ppm * 1e-6, 1.0 + two.drift_ppm * 1e-6
    offset = one.offset_ns + two.offset_ns + round((there - two.origin_ns) * (two.drift_ppm * 1e-6))
    knots = bends = None
    if one.knots_s is not None or two.knots_s is not None:
        at = {float(s) for s in one.knots_s or ()}
        if two.knots_s is not None:
            pulled = one.inverse().apply(two.origin_ns + np.rint(np.array(two.knots_s) * 1e9).astype(np.int64))
            at |= set(((pulled - one.origin_ns) * 1e-9).tolist())
        since = np.array(sorted(at))
        bend_one = (
            np.interp(since, one.knots_s, one.knots_offset_ns or ()) if one.knots_s else np.zeros(len(since))
        )
        reached = (there - two.origin_ns) * 1e-9 + since * rate + bend_one * 1e-9
        bend_two = np.interp(reached, two.knots_s, two.knots_offset_ns or ()) if two.knots_s else 0.0
        knots, bends = tuple(since.tolist()), tuple((bend_one * rate_two + bend_two).tolist())
    known = (one.offset_ci95_ns, two.offset_ci95_ns)
    drifts = (one.drift_ci95_ppm, two.drift_ci95_ppm)
    weaker = min((one, two), key=lambda s: WEAKEST.index(s.verdict))
    return ClockSegment(
        start_ns=start_ns,
        end_ns=end_ns,
        origin_ns=one.origin_ns,
        offset_ns=offset,
        drift_ppm=(rate * rate_two - 1.0) * 1e6,
        knots_s=knots,
        knots_offset_ns=bends,
        method=", ".join(dict.fromkeys(m for m in (one.method, two.method))),
        pairs=one.pairs + two.pairs,
        used=one.used + two.used,
        offset_ci95_ns=None if None in known else round(math.hypot(*(k or 0 for k in known))),
        drift_ci95_ppm=None if None in drifts else math.hypot(*(d or 0.0 for d in drifts)),
        verdict=weaker.verdict,
        reason="; then ".join(dict.fromkeys(s.reason for s in (one, two) if s.reason)),
    )


def pieces(times: Times) -> npt.NDArray[np.int64]:
    """Give where the pieces of a column start that may lie in different segments; the first is 0."""
    steps = np.diff(times)
    ahead = max(PIECE_NS, PIECE_INTERVALS * int(np.median(np.abs(steps)))) if len(steps) else PIECE_NS
    cuts = np.flatnonzero((steps < 0) | (steps > ahead)) + 1
    return np.concatenate([np.zeros(1, np.int64), cuts.astype(np.int64)])


def _in_order(times: Times, segments: Sequence[ClockSegment]) -> npt.NDArray[np.int64]:
    """Give every piece of a column to a segment at least misfit, never to an earlier one than the piece before."""
    starts = pieces(times)
    stops = np.append(starts[1:], len(times))
    low = np.minimum.reduceat(times, starts)[:, None]
    high = np.maximum.reduceat(times, starts)[:, None]
    begins = np.array([s.start_ns for s in segments])
    ends = np.array([s.end_ns for s in segments])
    misfit = (np.maximum(begins - low, 0) + np.maximum(high - ends, 0)).astype(np.float64) * 1e-9  # seconds
    # A long step back belongs to a reset, any other step does not: so much tips the scales and no more.
    back = np.concatenate([[0], times[starts[1:]] - times[starts[1:] - 1]]) < -PIECE_NS
    count = len(segments)
    move = np.abs(np.arange(count)[:, None] - np.arange(count)[None, :])  # from row to column
    earlier = np.arange(count)[:, None] > np.arange(count)[None, :]
    cost, came = misfit[0] + 1e-6 * np.arange(count), np.zeros((len(starts), count), np.int64)
    for piece in range(1, len(starts)):
        step = np.where(earlier, np.inf, 1e-3 * np.abs(move - int(back[piece])))
        total = cost[:, None] + step
        came[piece] = np.argmin(total, axis=0)
        cost = total[came[piece], np.arange(count)] + misfit[piece]
    chosen = np.zeros(len(starts), np.int64)
    chosen[-1] = int(np.argmin(cost))
    for piece in range(len(starts) - 1, 0, -1):
        chosen[piece - 1] = came[piece, chosen[piece]]
    return np.asarray(np.repeat(chosen, stops - starts), np.int64)
