"""What is suspicious about a clock: plain values that a check can turn into findings."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rushes.intervals import UNITS, YEAR_2000_NS, suspected_unit
from rushes.model import ClockPairs, Severity, Times
from rushes.quantities import say_count, say_ns
from rushes.timing.clockmap import ClockMap
from rushes.timing.hygiene import present

FaultKind = Literal["drift", "reset", "unit", "mixed", "backward", "constant"]
DRIFT_PPM: tuple[tuple[float, Severity], ...] = ((1_000.0, "error"), (200.0, "warning"), (50.0, "info"))
"""Crystals keep 20 to 50 ppm; 200 is a bad one; beyond 1,000 it is no clock of this kind."""
SIMULATED_NS = 86_400_000_000_000 * 365
"""A clock of a simulation starts at zero and runs for less than a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFault:
    """One suspicion about a clock.

    Args:
        kind: drift, reset, unit (not nanoseconds), mixed (wall time among simulated time), backward, constant.
        severity: As of a finding.
        message: A clause with the facts, to follow the stream's name.
        value, limit, unit: What was measured and what it was held against; None where there is no limit.
        index: Position of the first pair concerned; None where it concerns all.
        count: How many pairs.
    """

    kind: FaultKind
    severity: Severity
    message: str
    value: float
    limit: float | None
    unit: str
    index: int | None = None
    count: int = 1


def clock_faults(clock_map: ClockMap, pairs: ClockPairs) -> tuple[ClockFault, ...]:
    """Tell what is suspicious about ``from_clock``, by its pairs and by the map that was estimated from them."""
    good, _ = present(pairs.from_ns, pairs.to_ns)
    from_ns = np.asarray(np.asarray(pairs.from_ns)[good], np.int64)
    to_ns = np.asarray(np.asarray(pairs.to_ns)[good], np.int64)
    if len(from_ns) < 2:
        return ()
    return (*_stamps(from_ns, to_ns), *_backward(from_ns), *_drift(clock_map), *_resets(clock_map))


def _stamps(from_ns: Times, to_ns: Times) -> Iterator[ClockFault]:
    """Judge the values themselves."""
    count = len(from_ns)
    if (from_ns == from_ns[0]).all():
        yield ClockFault(
            kind="constant",
            severity="error",
            message=f"all {count} readings of the clock are the same, {int(from_ns[0])} ns",
            value=float(from_ns[0]),
            limit=None,
            unit="ns",
            count=count,
        )
        return
    wall, simulated = from_ns >= YEAR_2000_NS, (from_ns >= 0) & (from_ns < SIMULATED_NS)
    if wall.any() and simulated.any():
        fewer = wall if wall.sum() < simulated.sum() else simulated
        named = "wall time" if fewer is wall else "time from zero"
        yield ClockFault(
            kind="mixed",
            severity="error",
            message=f"{int(wall.sum())} readings are wall time and {int(simulated.sum())} count from zero; "
            f"the first {named} is {int(from_ns[fewer][0])} ns",
            value=float(fewer.sum()),
            limit=0.0,
            unit="1",
            index=int(np.flatnonzero(fewer)[0]),
            count=int(fewer.sum()),
        )
    unit = suspected_unit(from_ns, to_ns) or _unit_by_rate(from_ns, to_ns)
    if unit is not None:
        ran, other = int(np.ptp(from_ns)), int(np.ptp(to_ns))
        yield ClockFault(
            kind="unit",
            severity="error",
            message=f"the clock runs {say_ns(ran)} while the other runs {say_ns(other)}: "
            f"{unit} in a nanosecond field",
            value=float(ran),
            limit=None,
            unit="ns",
            count=count,
        )


def _unit_by_rate(from_ns: Times, to_ns: Times) -> str | None:
    """Tell the unit by how much slower the clock runs than the other; None where it is no unit's factor."""
    ran, other = int(np.ptp(from_ns)), int(np.ptp(to_ns))
    return next((unit for unit, scale in UNITS.items() if 0.8 < ran * scale / max(other, 1) < 1.25), None)


def _backward(from_ns: Times) -> Iterator[ClockFault]:
    steps = np.diff(from_ns)
    back = np.flatnonzero(steps < 0)
    if len(back):
        worst = float(-steps[back].min())
        yield ClockFault(
            kind="backward",
            severity="warning",
            message=f"the clock goes back {say_count(len(back), 'time')}, by up to {say_ns(worst)}",
            value=worst,
            limit=0.0,
            unit="ns",
            index=int(back[0]) + 1,
            count=len(back),
        )


def _drift(clock_map: ClockMap) -> Iterator[ClockFault]:
    """Judge the worst drift of what was estimated, if it is beyond what its interval leaves open."""
    known = [s for s in clock_map.segments if s.drift_ci95_ppm is not None]
    if not known:
        return
    worst = max(known, key=lambda s: abs(s.drift_ppm))
    sure = abs(worst.drift_ppm) - (worst.drift_ci95_ppm or 0.0)
    passed = next(((limit, severity) for limit, severity in DRIFT_PPM if sure > limit), None)
    if passed is None:
        return
    limit, severity = passed
    yield ClockFault(
        kind="drift",
        severity=severity,
        message=f"the clock drifts by {worst.drift_ppm:+.4g} ± {worst.drift_ci95_ppm or 0.0:.2g} ppm against "
        f"'{clock_map.to_clock}' (limit {limit:g} ppm)",
        value=worst.drift_ppm,
        limit=limit,
        unit="ppm",
    )


def _resets(clock_map: ClockMap) -> Iterator[ClockFault]:
    segments = clock_map.segments
    if len(segments) < 2:
        return
    jumps = [b.offset_ns - a.offset_ns for a, b in itertools.pairwise(segments)]
    largest = max(jumps, key=abs)
    yield ClockFault(
        kind="reset",
        severity="warning",
        message=f"the clock was set anew {say_count(len(jumps), 'time')}, by up to {say_ns(abs(largest))}",
        value=float(largest),
        limit=0.0,
        unit="ns",
        count=len(jumps),
    )
