"""A robust line or smooth curve through points, and how far it would move had chance fallen otherwise.

A curve is linear between knots. Its roughness (squared second differences at the knots) is held down as much as
generalised cross-validation asks for; a straight line is the curve with two knots. Far points are held down by
Huber's weights.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HUBER = 1.345
LEAST_KNOT_S, MOST_KNOTS = 20.0, 181
"""Knots lie no closer than this, and there are no more than so many."""
LEAST_BEND_S = 180.0
"""A shorter stretch is a line: what bends a crystal's rate is warmth, and takes minutes."""
SMOOTHING = np.logspace(-3.0, 7.0, 21)
BETTER = 10.0
"""A bend has to better the Bayesian information criterion of the line by this much: very strong evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A curve through J points with K knots.

    Args:
        knots: Shape (K,), ascending; two for a straight line.
        values: Shape (K,), of the curve at the knots.
        smoother: Shape (K, J): takes the points' y to the values, weights held as they are.
        residuals: Shape (J,), of the points.
        moves: Shape (J,), residuals with the far ones held in and scaled up to what noise the points had, of
            which to draw where the curve could lie.
    """

    knots: Floats
    values: Floats
    smoother: Floats
    residuals: Floats
    moves: Floats

    def at(self, x: Floats) -> Floats:
        """Give the curve at any x; beyond the outer knots it goes on as its own regression line does."""
        return evaluate(self.knots, self.values, x)

    @property
    def slope(self) -> float:
        """Of the line through the values at the knots."""
        return float(slopes(self.knots, self.values[:, None])[0])


def evaluate(knots: Floats, values: Floats, x: Floats) -> Floats:
    """Give a curve with these values at its knots at any x."""
    inside = np.asarray(np.interp(x, knots, values))
    beyond = np.where(x < knots[0], x - knots[0], np.maximum(x - knots[-1], 0.0))
    return np.asarray(inside + slopes(knots, values[:, None])[0] * beyond)


def slopes(knots: Floats, values: Floats) -> Floats:
    """Give the slope of the regression line through each column of values, shape (K, n) → (n,)."""
    centred = knots - knots.mean()
    return np.asarray(centred @ values / (centred @ centred))


def fit(x: Floats, y: Floats, weights: Floats | None = None, *, reach: tuple[float, float] | None = None) -> Curve:
    """Fit a line, or a smooth curve where the points speak very strongly for one.

    Args:
        x: Shape (J,), seconds, ascending, at least two distinct.
        y: Shape (J,).
        reach: Where the outer knots lie; at the outer points if left out.
        weights: Shape (J,), how much each point is trusted; all alike if left out.
    """
    trust = np.ones(len(x)) if weights is None else weights / weights.mean()
    low, high = (float(x[0]), float(x[-1])) if reach is None else reach
    line = _robust(x, y, trust, np.array([low, high]), 0.0)
    span = high - low
    if span <= LEAST_BEND_S or len(x) < 12:
        return line.curve
    count = int(min(MOST_KNOTS, span / LEAST_KNOT_S + 1.5, len(x) / 2))
    knots = np.asarray(np.linspace(low, high, max(4, count)), np.float64)
    smoothed = min((_solve(x, y, trust, knots, s) for s in SMOOTHING), key=lambda f: f.cross_validated)
    bent = _robust(x, y, trust, knots, smoothed.smoothing)
    return bent.curve if bent.information + BETTER < line.information else line.curve


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    curve: Curve
    smoothing: float
    cross_validated: float
    information: float


def _solve(x: Floats, y: Floats, weights: Floats, knots: Floats, smoothing: float) -> _Fit:
    """Solve the penalised least squares for given weights and smoothing."""
    basis = _hats(x, knots)
    normal = basis.T @ (basis * weights[:, None])
    if len(knots) > 2:
        second = np.diff(np.eye(len(knots)), 2, axis=0)
        normal = normal + smoothing * (len(x) / len(knots)) * (second.T @ second)
    smoother = np.asarray(np.linalg.solve(normal, (basis * weights[:, None]).T), np.float64)
    values = smoother @ y
    residuals = y - basis @ values
    leverage = np.einsum("jk,kj->j", basis, smoother).clip(0.0, 0.95)
    freedom, count = float(leverage.sum()), len(x)
    spread = _spread(residuals) + 1e-3
    held = np.clip(residuals / spread, -3.0, 3.0)  # one far point must not choose the curve
    misfit = float((held**2).sum()) * spread**2 / count
    inside = np.abs(residuals) <= HUBER * spread
    moves = np.clip(residuals, -HUBER * spread, HUBER * spread) / max(float(inside.mean()), 0.5)
    return _Fit(
        curve=Curve(
            knots=knots,
            values=values,
            smoother=smoother,
            residuals=residuals,
            moves=(moves - moves.mean()) / np.sqrt(max(1.0 - freedom / count, 0.05)),
        ),
        smoothing=smoothing,
        cross_validated=misfit / max(1.0 - 1.4 * freedom / count, 1e-3) ** 2,
        information=count * np.log(misfit) + freedom * np.log(count),
    )


def _robust(x: Floats, y: Floats, trust: Floats, knots: Floats, smoothing: float) -> _Fit:
    """Iterate Huber's weights to rest."""
    solved = _solve(x, y, trust, knots, smoothing)
    for _ in range(20):
        spread = _spread(solved.curve.residuals) + 1e-3
        weights = trust * np.minimum(1.0, HUBER * spread / np.maximum(np.abs(solved.curve.residuals), 1e-9))
        before, solved = solved, _solve(x, y, weights, knots, smoothing)
        if np.abs(before.curve.values - solved.curve.values).max() < 1e-3 * spread:
            break
    return solved


def _spread(residuals: Floats) -> float:
    """Give the standard deviation by the median distance from zero."""
    return float(1.4826 * np.median(np.abs(residuals)))


def _hats(x: Floats, knots: Floats) -> Floats:
    """Give the weights of each knot in a curve's value at each x, shape (J, K)."""
    place = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    share = (x - knots[place]) / (knots[place + 1] - knots[place])
    basis = np.zeros((len(x), len(knots)))
    rows = np.arange(len(x))
    basis[rows, place] = 1.0 - share
    basis[rows, place + 1] += share
    return basis
