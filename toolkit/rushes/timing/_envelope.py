"""The lower edge of one-way pairs: where they would lie, had every reading arrived by the smallest latency.

Windows give their earliest readings (the clock filter of NTP), a robust line or curve goes through these, and the
floor under all readings is told from how they crowd above it. Glitches below the edge are left out first.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rushes.timing import _curve, _floor
from rushes.timing._curve import Curve, Floats

WINDOW_S = 5.0
WINDOWS_FILLED, WINDOWS_SPARSE, WINDOWS_LEAST, WINDOWS_MOST = 5, 8, 20, 720
READINGS_A_WINDOW = 15
MANY = 60_000
"""More readings than this are thinned out to the earliest of each handful: their floor is the same."""
GLITCH = 4.0
"""A reading this many spreads of the windows' earliest below the curve cannot be one of them."""
DRAWS = 200
FEW_WINDOWS, BENT = 5.0, 1.1
"""Redrawing few windows shows too little of what chance can do, by one part in a fifth of their number; so does
drawing a bend, by a tenth, since its smoothness was chosen from the same data. Measured on simulated takes."""
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A curve and how well it is known. Seconds and nanoseconds, from the zero of what was fitted.

    Args:
        curve: Its values are the estimate.
        residuals: Of the points that it rests on, ns.
        drawn: Shape (K, B), by how much the values of redrawn data differ.
        used: Points that it rests on.
        excess: Shape (n,), all readings above the curve, ns, in the order given.
        glitches: Shape (n,), which were left out.
    """

    curve: Curve
    residuals: Floats
    drawn: Floats
    used: int
    excess: Floats
    glitches: Mask


def theil_sen(x: Floats, y: Floats, *, seed: int) -> float:
    """Give the median slope of random pairs of points at least a fifth of the span apart; 0 without such."""
    draw = np.random.default_rng(seed)
    one, two = draw.integers(0, len(x), (2, 4000))
    far = np.abs(x[one] - x[two]) > 0.2 * (x.max() - x.min())
    if not far.any():
        return 0.0
    return float(np.median((y[one] - y[two])[far] / (x[one] - x[two])[far]))


def lower_envelope(x: Floats, y: Floats, *, seed: int) -> Fitted | None:
    """Fit the lower edge of the points; None where they lie in fewer than 5 of the windows.

    Args:
        x: Shape (n,), seconds, ascending, not all equal.
        y: Shape (n,), ns.
        seed: Of what is drawn.
    """
    slope = theil_sen(x, y, seed=seed)
    flat = y - slope * x
    kept: npt.NDArray[np.int64] = np.arange(len(x))
    if len(x) > MANY:
        kept = _earliest(flat, np.arange(len(x)) // -(-len(x) // MANY))
    at, low = x[kept], flat[kept]
    window = _windows(at)
    glitch = _far_below(low, window)
    if len(np.unique(window[~glitch])) < WINDOWS_FILLED:
        return None
    curve, owner = _through_earliest(at, low, low, window, glitch)
    above = low - curve.at(at)
    spread = 1.4826 * float(np.median(np.abs(curve.residuals))) + 1.0
    stray = (above < -GLITCH * spread) & ~glitch
    if stray.any() or curve.bent:  # where the curve is steep, the lowest of a window is not the earliest
        glitch |= stray
        curve, owner = _through_earliest(at, low, above, window, glitch)
    excess = (low - curve.at(at))[~glitch]
    draw = np.random.default_rng(seed + 1)
    windows = int(owner.max()) + 1
    shares = draw.multinomial(windows, np.full(windows, 1.0 / windows), DRAWS).astype(np.float64)
    floors = _floor.floor(excess, owner, np.vstack([np.ones(windows), shares]))
    moved = curve.draws(DRAWS, draw)
    # Where the whole curve moves up, readings lie the less above it: the floor takes that back.
    moved -= moved.mean(axis=0)
    values = curve.values + floors[0] + slope * curve.knots
    moved = (moved + (floors[1:] - floors[0])) * (1.0 + FEW_WINDOWS / windows) * (BENT if curve.bent else 1.0)
    whole = replace(curve, values=values)
    dropped = np.zeros(len(x), np.bool_)
    dropped[kept[glitch]] = True
    return Fitted(
        curve=whole,
        residuals=curve.residuals,
        drawn=moved,
        used=len(curve.residuals),
        excess=y - whole.at(x),
        glitches=dropped,
    )


def _windows(x: Floats) -> npt.NDArray[np.int64]:
    """Number the window of each reading: 5 s; less in a short take, more in a long or sparse one."""
    span = float(x[-1] - x[0])
    length = min(max(WINDOW_S, span / WINDOWS_MOST), span / WINDOWS_LEAST)
    length = max(length, min(READINGS_A_WINDOW / len(x), 1.0 / WINDOWS_SPARSE) * span)
    number = np.minimum((x - x[0]) / length, max(1, round(span / length)) - 1).astype(np.int64)
    return np.asarray(np.unique(number, return_inverse=True)[1], np.int64)


def _earliest(y: Floats, window: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give the position of the least y of each window; windows ascend."""
    order = np.lexsort((y, window))
    return np.asarray(order[np.flatnonzero(np.diff(window[order], prepend=-1))], np.int64)


def _far_below(flat: Floats, window: npt.NDArray[np.int64]) -> Mask:
    """Find readings far below the third earliest of their window and its neighbours: a window may have two."""
    order = np.lexsort((flat, window))
    starts = np.flatnonzero(np.diff(window[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(flat)))
    third = flat[order[starts + np.minimum(2, sizes - 1)]]
    steps = third - flat[order[starts]]
    padded = np.pad(third, 3, mode="edge")
    base = np.median(np.lib.stride_tricks.sliding_window_view(padded, 7), axis=1)
    usual = float(np.median(steps)) + 1.4826 * float(np.median(np.abs(third - base)))
    return np.asarray(flat < base[window] - 6.0 * usual - 1.0)


def _through_earliest(
    x: Floats, flat: Floats, above: Floats, window: npt.NDArray[np.int64], glitch: Mask
) -> tuple[Curve, npt.NDArray[np.int64]]:
    """Fit a curve through what lies least above in each window; number the windows of what is no glitch from 0."""
    good = np.flatnonzero(~glitch)
    owner = np.asarray(np.unique(window[good], return_inverse=True)[1], np.int64)
    at = good[_earliest(above[good], owner)]
    at = at[np.argsort(x[at], kind="stable")]
    return _curve.fit(x[at], flat[at], reach=(float(x[0]), float(x[-1]))), owner
