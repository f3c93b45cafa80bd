"""Clock estimation: readings of two clocks in, a clock map out, with how well it is known.

One-way pairs (a stamp and its arrival) are fitted along their lower edge, so that latency does not bias the map: a
mapped time is the true time plus the smallest latency, which no one-way pair can show. Two-way pairs and shared
instants are fitted through their middle. What the evidence cannot carry is ``unproven``, with the reason; never an
error, and never a certificate.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rushes.model import ClockPairs, Times
from rushes.quantities import say_ns
from rushes.timing import _evidence
from rushes.timing._curve import Floats, fit, slopes
from rushes.timing._envelope import DRAWS, Fitted, lower_envelope
from rushes.timing.clockmap import ClockMap, ClockSegment
from rushes.timing.hygiene import present, resets

MOST_RESETS = 20
"""No device restarts more often within a recording; beyond it the order of the pairs is chance."""
LATENCY_UNSEEN = "the smallest latency cannot be observed, mapped times are late by it"
Mask = npt.NDArray[np.bool_]


def estimate(pairs: ClockPairs, *, seed: int = 0) -> ClockMap:
    """Estimate how one clock runs against another.

    The order of the pairs tells resets; within a stretch without one it does not matter.

    Args:
        pairs: The evidence. Readings that are masked or NaN are left out.
        seed: Of the random draws; the same pairs and seed give the same map.

    Returns:
        A map with a segment for each stretch between resets. Segments that the evidence does not carry have the
        verdict ``unproven`` and a best guess, or none (``used`` 0).
    """
    good, lacking = present(pairs.from_ns, pairs.to_ns)
    from_ns = np.asarray(np.asarray(pairs.from_ns)[good], np.int64)
    to_ns = np.asarray(np.asarray(pairs.to_ns)[good], np.int64)
    trips = None if pairs.round_trip_ns is None else np.asarray(pairs.round_trip_ns, np.float64)[good]
    wild = _evidence.far_apart(from_ns, to_ns) if len(from_ns) else ""
    starts = resets(from_ns, to_ns) if not wild else np.empty(0, np.int64)
    if len(starts) > min(MOST_RESETS, max(3, len(from_ns) // 20)):
        wild = f"it would have been set {len(starts)} times in {len(from_ns)} pairs: these are no times of a clock"
        starts = starts[:0]
    stops = np.append(starts, len(from_ns))
    segments = []
    for start, stop in zip(np.insert(starts, 0, 0).tolist(), stops.tolist(), strict=True):
        of = slice(start, stop)
        piece = _Piece(from_ns=from_ns[of], to_ns=to_ns[of], round_trip_ns=None if trips is None else trips[of])
        segments.append(_segment(piece, pairs, fault=wild, lacking=lacking, seed=seed))
    return ClockMap(
        from_clock=pairs.from_clock,
        to_clock=pairs.to_clock,
        segments=tuple(segments),
        source=pairs.source,
        latency_known=pairs.relation != "one-way",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """The pairs of one stretch without a reset."""

    from_ns: Times
    to_ns: Times
    round_trip_ns: Floats | None


def _segment(piece: _Piece, pairs: ClockPairs, *, fault: str, lacking: int, seed: int) -> ClockSegment:
    if not len(piece.from_ns):
        fault = f"all {lacking} pairs lack a reading" if lacking else "there are no pairs"
    if fault:
        return ClockSegment(
            start_ns=int(piece.from_ns.min(initial=0)),
            end_ns=int(piece.from_ns.max(initial=0)),
            origin_ns=0,
            offset_ns=0,
            method="declared",
            pairs=len(piece.from_ns),
            verdict="unproven",
            reason=fault,
        )
    if pairs.relation == "one-way":
        return _one_way(piece, seed=seed)
    return _both_ways(piece, pairs.relation, seed=seed)


def _one_way(piece: _Piece, *, seed: int) -> ClockSegment:
    """Fit stamps and their arrivals along the lower edge."""
    if fault := _evidence.one_way_fault(piece.from_ns, piece.to_ns):
        return _guess(piece, fault)
    from_ns, to_ns = _evidence.one_a_batch(piece.from_ns, piece.to_ns)
    order = np.argsort(from_ns, kind="stable")
    from_ns, to_ns = from_ns[order], to_ns[order]
    x = (from_ns - from_ns[0]) * 1e-9
    base = int(to_ns[0] - from_ns[0])
    y = (to_ns - from_ns - base).astype(np.float64)
    fitted = lower_envelope(x, y, seed=seed)
    if fitted is None:
        return _guess(piece, f"the {len(x)} readings lie in a few bunches, too few to tell a line")
    segment = _described(fitted, from_ns[0], base, piece, method="min-delay")
    if fault := _evidence.misfit(segment, fitted):
        return replace(segment, verdict="unproven", reason=fault)
    return replace(segment, verdict="estimated", reason=_said(segment, LATENCY_UNSEEN))


def _both_ways(piece: _Piece, relation: str, *, seed: int) -> ClockSegment:
    """Fit two-way pairs or shared instants through their middle, alike for either clock."""
    method = "two-way" if relation == "two-way" else "same"
    if fault := _evidence.both_ways_fault(piece.from_ns, piece.to_ns, relation):
        return _guess(piece, fault)
    order = np.argsort(piece.from_ns + piece.to_ns, kind="stable")
    from_ns, to_ns = piece.from_ns[order], piece.to_ns[order]
    trips = None if piece.round_trip_ns is None else piece.round_trip_ns[order]
    first, base = int(from_ns[0]), int(to_ns[0] - from_ns[0])
    y = (to_ns - from_ns - base).astype(np.float64)
    x = (from_ns - first) * 1e-9 + y * 0.5e-9  # the middle of both clocks: swapping them changes only signs
    few = len(from_ns) < _evidence.LEAST_SHARED
    if few and relation == "same":
        return _declared(piece, method=method)
    weights = None
    if trips is not None:
        quick = _evidence.quickest(x, trips)
        x, y, trips = x[quick], y[quick], trips[quick]
        weights = 1.0 / np.maximum(trips, 1.0) ** 2
    curve = fit(x, y, weights)
    moved = curve.draws(DRAWS, np.random.default_rng(seed))
    fitted = Fitted(
        curve=curve,
        residuals=curve.residuals,
        drawn=moved,
        used=len(x),
        excess=curve.residuals,
        glitches=np.zeros(len(x), np.bool_),
    )
    segment = _described(_from_the_middle(fitted), first, base, piece, method=method)
    if fault := _evidence.misfit(segment, fitted):
        return replace(segment, verdict="unproven", reason=fault)
    unseen = "" if trips is None else f"paths that differ both ways may hide up to {say_ns(trips.min() / 2)}"
    if relation == "two-way" and trips is None:
        unseen = "round trips are not recorded, so that unlike paths both ways would not show"
    return replace(segment, verdict="estimated", reason=_said(segment, unseen))


def _from_the_middle(fitted: Fitted) -> Fitted:
    """Turn a curve over the middle of both clocks into one over the first clock: its knots move by half of it."""
    curve = fitted.curve
    knots = curve.knots - curve.values * 0.5e-9
    return replace(fitted, curve=replace(curve, knots=knots))


def _described(fitted: Fitted, first_ns: int, base_ns: int, piece: _Piece, *, method: str) -> ClockSegment:
    """Put a fitted curve into the fields of a segment; the verdict is still open."""
    curve, bent = fitted.curve, len(fitted.curve.knots) > 2
    slope = curve.slope
    middle = float(curve.knots.mean())
    origin = round(middle * 1e9)
    line = float(curve.values.mean())
    bends = curve.values - line - slope * (curve.knots - middle)
    drifts = slopes(curve.knots, fitted.drawn)
    widest = np.abs(fitted.drawn).max(axis=0)
    ci = float(np.quantile(widest, 0.95)) + 1.0  # 1 ns of rounding
    ci = float(np.hypot(ci, _evidence.stray_together(fitted.residuals)))
    drift_ci = float(np.quantile(np.abs(drifts), 0.95)) * 1e-3
    if bent:  # what the rate did before is what it may do beyond
        rates = np.diff(curve.values) / np.diff(curve.knots) - slope
        drift_ci = float(np.hypot(drift_ci, 1.96e-3 * np.sqrt((rates**2).mean())))
    distance = np.abs(fitted.residuals)
    return ClockSegment(
        start_ns=int(piece.from_ns.min()),
        end_ns=int(piece.from_ns.max()),
        origin_ns=int(first_ns) + origin,
        offset_ns=base_ns + round(line + slope * (origin * 1e-9 - middle)),
        drift_ppm=slope * 1e-3,
        knots_s=tuple((curve.knots - origin * 1e-9).tolist()) if bent else None,
        knots_offset_ns=tuple(bends.tolist()) if bent else None,
        method=f"{method}-piecewise" if bent else method,
        pairs=len(piece.from_ns),
        used=fitted.used,
        residual_p50_ns=round(float(np.quantile(distance, 0.5))),
        residual_p95_ns=round(float(np.quantile(distance, 0.95))),
        residual_max_ns=round(float(distance.max())),
        offset_ci95_ns=int(np.ceil(ci)),
        drift_ci95_ppm=drift_ci,
        verdict="unproven",
    )


def _guess(piece: _Piece, fault: str) -> ClockSegment:
    """Give the best guess where the evidence carries no estimate: the least offset, no drift."""
    offset = piece.to_ns - piece.from_ns
    least = int(np.argmin(offset))
    return ClockSegment(
        start_ns=int(piece.from_ns.min()),
        end_ns=int(piece.from_ns.max()),
        origin_ns=int(piece.from_ns[least]),
        offset_ns=int(offset[least]),
        method="min-delay",
        pairs=len(offset),
        used=1,
        verdict="unproven",
        reason=fault,
    )


def _declared(piece: _Piece, *, method: str) -> ClockSegment:
    """Take a few shared instants at their word: the offset, and the drift where two lie far enough apart."""
    offset = piece.to_ns - piece.from_ns
    first = int(piece.from_ns[0])
    since = (piece.from_ns - first).astype(np.float64)
    several = len(offset) > 1 and float(np.ptp(since)) > 0
    drift, origin, at = 0.0, first, int(np.median(offset))
    if several:
        centre = since - since.mean()
        gained = (offset - offset[0]).astype(np.float64)
        drift = float(centre @ gained / (centre @ centre))
        origin = first + round(float(since.mean()))
        at = int(offset[0]) + round(float(gained.mean()))
        said = f"{len(offset)} shared instants give offset and drift, and none is left to test them"
    else:
        said = "one shared instant gives the offset; the drift is not known"
    return ClockSegment(
        start_ns=int(piece.from_ns.min()),
        end_ns=int(piece.from_ns.max()),
        origin_ns=origin,
        offset_ns=at,
        drift_ppm=drift * 1e6,
        method=method if several else "declared",
        pairs=len(offset),
        used=len(offset),
        verdict="declared",
        reason=said,
    )


def _said(segment: ClockSegment, unseen: str) -> str:
    known = f"{segment.used} of {segment.pairs} pairs hold it to ±{say_ns(segment.offset_ci95_ns or 0)}"
    return f"{known}; {unseen}" if unseen else known
