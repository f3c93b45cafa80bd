"""How an offset changes over a recording: window by window, as a drift, or with a jump at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rushes.timing.crosscheck.correlate import DEFAULTS, Lag, Limits, correlate
from rushes.timing.crosscheck.signals import Signal, averaged
from rushes.timing.crosscheck.verdict import Window

WINDOW_NS = 8_000_000_000
LEAST_JUMP_NS = 10_000_000
STRADDLING = 2
STEP_RATHER_THAN_LINE = 0.4
SURE_PPM = 100.0
"""Half width of the 95 % interval above which a drift is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The course of an offset.

    Args:
        windows: In time order; windows that could not be told are left out.
        drift_ppm: Change of the offset over the second's time; None where it cannot be told, or where it jumps.
        drift_ci95_ppm: Half width of its 95 % interval.
        jump_ns: Offset after the jump less the one before; None where there is none.
        jump_at_ns: When, in the second's times.
    """

    windows: tuple[Window, ...]
    drift_ppm: float | None = None
    drift_ci95_ppm: float | None = None
    jump_ns: int | None = None
    jump_at_ns: int | None = None


def course_of(first: Signal, second: Signal, *, window_ns: int = WINDOW_NS, limits: Limits = DEFAULTS) -> Course:
    """Follow the offset of the second signal against the first through the time that the second covers.

    Args:
        first: Held to be right.
        second: Held against it.
        window_ns: Length of a window; they overlap by half.
        limits: Of each window.
    """
    if not len(second):
        return Course(windows=())
    begin, end = int(second.start_ns[0]), int(second.end_ns[-1])
    hop = window_ns // 2
    found: list[Window] = []
    for start in range(begin, max(begin + 1, end - window_ns + 1), hop):
        part = second.within(start, start + window_ns)
        lag: Lag = correlate(first, part, limits=limits)
        if lag.offset_ns is not None and lag.ci95_ns is not None and lag.score is not None:
            found.append(
                Window(t_ns=start + window_ns // 2, offset_ns=lag.offset_ns, ci95_ns=lag.ci95_ns, score=lag.score)
            )
    jump = _jump(found)
    if jump is not None:
        size, before, after = jump
        return Course(windows=tuple(found), jump_ns=size, jump_at_ns=_instant(first, second, before, after))
    drift, half = _drift(found)
    sure = drift is not None and half is not None and half <= max(SURE_PPM, abs(drift) / 2)
    return Course(windows=tuple(found), drift_ppm=drift if sure else None, drift_ci95_ppm=half if sure else None)


def _drift(windows: Sequence[Window]) -> tuple[float | None, float | None]:
    """Fit a line by weighted least squares; the scatter about it makes the interval."""
    if len(windows) < 4:
        return None, None
    t = np.array([w.t_ns - windows[0].t_ns for w in windows], np.float64)
    y = np.array([w.offset_ns for w in windows], np.float64)
    weight = 1.0 / np.array([w.ci95_ns for w in windows], np.float64) ** 2
    mean = (weight * t).sum() / weight.sum()
    power = (weight * (t - mean) ** 2).sum()
    slope = (weight * (t - mean) * y).sum() / power
    level = (weight * y).sum() / weight.sum()
    left = y - level - slope * (t - mean)
    variance = (weight * left**2).sum() / (len(windows) - 2) / power
    # Windows overlap by half: of n, about n / 2 are independent.
    return float(slope * 1e6), float(2 * 1.96 * np.sqrt(variance) * 1e6)


def _jump(windows: Sequence[Window]) -> tuple[int, Window, Window] | None:
    """Find the one step that explains the offsets far better than a line; its size and the windows beside it.

    Windows in which the step lies say something in between: up to ``STRADDLING`` of them are left out.
    """
    splits = [
        (windows[:at], windows[at + out :])
        for out in range(STRADDLING + 1)
        for at in range(2, len(windows) - out - 1)
    ]
    found = [(_unlike_step(*sides), number) for number, sides in enumerate(splits)]
    if not found:
        return None
    unlike, number = min(found)
    before, after = splits[number]
    size = _level(after) - _level(before)
    ci = float(np.median([w.ci95_ns for w in windows]))
    if unlike > STEP_RATHER_THAN_LINE or abs(size) < max(LEAST_JUMP_NS, 3 * ci):
        return None
    return round(size), before[-1], after[0]


def _unlike_step(before: Sequence[Window], after: Sequence[Window]) -> float:
    """Give what a step leaves over, as a share of what a line does."""
    both = [*before, *after]
    y = np.array([w.offset_ns for w in both], np.float64)
    t = np.array([w.t_ns - both[0].t_ns for w in both], np.float64) / 1e9
    step = np.where(np.arange(len(y)) < len(before), _level(before), _level(after))
    line = np.polyval(np.polyfit(t, y, 1), t)
    return float(np.abs(y - step).sum() / max(float(np.abs(y - line).sum()), 1.0))


def _level(windows: Sequence[Window]) -> float:
    return float(np.median([w.offset_ns for w in windows]))


def _instant(first: Signal, second: Signal, before: Window, after: Window) -> int:
    """Find when the offset changes: where what fits before stops fitting, and what fits after starts."""
    a, b = first.magnitude(), second.magnitude()
    origin = int(b.start_ns[0])
    start, end = (b.start_ns - origin).astype(np.float64), (b.end_ns - origin).astype(np.float64)
    misfit = []
    for offset in (before.offset_ns, after.offset_ns):
        means = averaged(a, start + offset, end + offset, origin_ns=origin)[:, 0]
        both = np.isfinite(means) & b.known
        if not both.any():
            return (before.t_ns + after.t_ns) // 2
        scale = float(np.std(b.values[both, 0]) / max(float(np.std(means[both])), 1e-12))
        left = (means - np.nanmean(means)) * scale - (b.values[:, 0] - np.nanmean(b.values[:, 0]))
        misfit.append(np.where(both, left**2, 0.0))
    gain = np.cumsum(misfit[0] - misfit[1])  # falls while the offset before fits better, then rises
    return int(b.end_ns[int(np.argmin(gain))])
