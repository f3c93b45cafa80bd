"""A robust line or smooth curve through points, and how far it would move had chance fallen otherwise.

A curve is linear between knots. Its roughness (squared third differences at the knots) is held down as much as
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
ROUGHNESS = 3
"""Third differences: a curve may go on bending at its ends, where second differences would straighten it."""
SMOOTHING = np.logspace(-2.0, 7.0, 19)
UNDERSMOOTH = 0.1
"""Cross-validation flattens as much as it spares noise; less, and what is flattened is small beside the noise."""
BETTER = 6.0
"""A bend has to better the Bayesian information criterion of the line by this much: strong evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A curve through J points with K knots.

    Args:
        knots: Shape (K,), ascending; two for a straight line.
        values: Shape (K,), of the curve at the knots.
        residuals: Shape (J,), of the points.
        sway: Shape (K, K): takes independent normal numbers to where the values could lie as well.
        freedom: Points beyond those that the curve uses up.
    """

    knots: Floats
    values: Floats
    residuals: Floats
    sway: Floats
    freedom: float

    def at(self, x: Floats) -> Floats:
        """Give the curve at any x; beyond the outer knots it goes on as its own regression line does."""
        return evaluate(self.knots, self.values, x)

    def draws(self, count: int, draw: np.random.Generator) -> Floats:
        """Draw by how much the values could be off, shape (K, count).

        For a line these are the errors of robust regression; for a bend those of the smoother seen as a Bayesian
        sees it (Wahba, Nychka), which hold what smoothing has flattened. Few points make tails of Student's t.
        """
        scale = np.sqrt(self.freedom / draw.chisquare(self.freedom, count))
        return np.asarray(self.sway @ draw.standard_normal((len(self.knots), count)) * scale)

    @property
    def bent(self) -> bool:
        """Whether it is more than a straight line."""
        return len(self.knots) > 2

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
    line = _robust(_problem(x, y, trust, np.array([low, high])), 0.0)
    if high - low <= LEAST_BEND_S or len(x) < 12:
        return _curve(line)
    count = int(min(MOST_KNOTS, (high - low) / LEAST_KNOT_S + 1.5, len(x) / 2))
    problem = _problem(x, y, trust, np.asarray(np.linspace(low, high, max(5, count)), np.float64))
    best = min(SMOOTHING, key=lambda smoothing: _solve(problem, problem.trust, smoothing).cross_validated)
    bent = _robust(problem, UNDERSMOOTH * float(best))
    return _curve(bent if bent.information + BETTER < line.information else line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    """Points and knots: ``basis`` (J, K) takes values at knots to points, ``stiff`` (K, K) weighs roughness."""

    y: Floats
    trust: Floats
    knots: Floats
    basis: Floats
    stiff: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    problem: _Problem
    smoothing: float
    values: Floats
    residuals: Floats
    freedom: float
    cross_validated: float
    information: float


def _problem(x: Floats, y: Floats, trust: Floats, knots: Floats) -> _Problem:
    stiff = np.zeros((len(knots), len(knots)))
    if len(knots) > ROUGHNESS:
        differences = np.diff(np.eye(len(knots)), ROUGHNESS, axis=0)
        stiff = len(x) / len(knots) * (differences.T @ differences)
    return _Problem(y=y, trust=trust, knots=knots, basis=_hats(x, knots), stiff=stiff)


def _solve(problem: _Problem, weights: Floats, smoothing: float) -> _Fit:
    """Solve the penalised least squares for given weights and smoothing."""
    weighted = (problem.basis * weights[:, None]).T
    smoother = np.linalg.solve(_normal(problem, weights, smoothing), weighted)
    values = smoother @ problem.y
    residuals = problem.y - problem.basis @ values
    freedom, count = float(np.einsum("jk,kj->", problem.basis, smoother)), len(problem.y)
    spread = _wide_spread(residuals) + 1e-3
    held = np.clip(residuals / spread, -3.0, 3.0)  # one far point must not choose the curve
    misfit = float((held**2).sum()) * spread**2 / count
    return _Fit(
        problem=problem,
        smoothing=smoothing,
        values=np.asarray(values, np.float64),
        residuals=np.asarray(residuals, np.float64),
        freedom=freedom,
        cross_validated=misfit / max(1.0 - 1.4 * freedom / count, 1e-3) ** 2,
        information=count * np.log(max(misfit, 1e-12)) + freedom * np.log(count),
    )


def _normal(problem: _Problem, weights: Floats, smoothing: float) -> Floats:
    """Give the normal matrix, kept from being singular by a trillionth of its data's part."""
    data = (problem.basis * weights[:, None]).T @ problem.basis
    least = 1e-12 * float(np.trace(data)) / len(data) + 1e-300
    return np.asarray(data + smoothing * problem.stiff + least * np.eye(len(data)), np.float64)


def _robust(problem: _Problem, smoothing: float) -> _Fit:
    """Iterate Huber's weights to rest."""
    solved = _solve(problem, problem.trust, smoothing)
    for _ in range(20):
        spread = _spread(solved.residuals) + 1e-3
        weights = problem.trust * np.minimum(1.0, HUBER * spread / np.maximum(np.abs(solved.residuals), 1e-9))
        before, solved = solved, _solve(problem, weights, smoothing)
        if np.abs(before.values - solved.values).max() < 1e-3 * spread:
            break
    return solved


def _curve(fit: _Fit) -> Curve:
    """Give the curve of a robust fit, with how far it could be off (Huber's variance)."""
    problem, count = fit.problem, len(fit.problem.y)
    edge = HUBER * (_spread(fit.residuals) + 1e-3)
    inside = max(float((np.abs(fit.residuals) <= edge).mean()), 0.5)
    held = np.clip(fit.residuals, -edge, edge) / inside
    freedom = max(count - fit.freedom, 1.0)
    noise = max(
        float(np.sqrt((problem.trust * held**2).sum() / freedom)),
        _wide_spread(fit.residuals) * float(np.sqrt(count / freedom)),
    )
    root = np.linalg.inv(np.linalg.cholesky(_normal(problem, problem.trust, fit.smoothing))).T
    return Curve(
        knots=problem.knots,
        values=fit.values,
        residuals=fit.residuals,
        sway=np.asarray(noise * root, np.float64),
        freedom=freedom,
    )


def _spread(residuals: Floats) -> float:
    """Give the standard deviation by the median distance from zero."""
    return float(1.4826 * np.median(np.abs(residuals)))


def _wide_spread(residuals: Floats) -> float:
    """Give it by the four fifths nearest to zero as well: where half of the points hardly stray, others may."""
    inner = np.sort(np.abs(residuals))[: max(1, round(0.8 * len(residuals)))]
    return max(_spread(residuals), 1.51 * float(np.sqrt((inner**2).mean())))


def _hats(x: Floats, knots: Floats) -> Floats:
    """Give the weights of each knot in a curve's value at each x, shape (J, K)."""
    place = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    share = (x - knots[place]) / (knots[place + 1] - knots[place])
    basis = np.zeros((len(x), len(knots)))
    rows = np.arange(len(x))
    basis[rows, place] = 1.0 - share
    basis[rows, place + 1] += share
    return basis
