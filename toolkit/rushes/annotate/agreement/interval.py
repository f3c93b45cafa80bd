"""How sure a figure is: a bootstrap over recordings, whose frames are too alike to count one by one."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

DRAWS = 1000
Numbers = npt.NDArray[np.float64]


def interval(
    tallies: Sequence[Numbers], figure: Callable[[Numbers], float], *, share: float = 0.95, seed: int = 7
) -> tuple[float, float]:
    """Give the bounds between which a figure lies, by drawing recordings with replacement.

    Args:
        tallies: One array of counts a recording, all of one shape; counts add up.
        figure: The figure of such a sum; NaN where it has none.
        share: Of the draws that lie between the bounds.
        seed: Of the draws, so that the same labels give the same bounds.

    Returns:
        The bounds; NaN twice for fewer than two recordings, which say nothing of others.
    """
    if len(tallies) < 2:
        return float("nan"), float("nan")
    stacked = np.stack(tallies)
    figures = np.array([figure(stacked[draw].sum(axis=0)) for draw in _draws(len(stacked), seed)])
    return _bounds(figures, share)


def interval_of_ratio(tallies: Sequence[Numbers], *, share: float = 0.95, seed: int = 7) -> tuple[float, float]:
    """Give the bounds of the first count over the second, as :func:`interval` does, all draws at once."""
    if len(tallies) < 2:
        return float("nan"), float("nan")
    stacked = np.stack(tallies)[:, :2]
    times = np.zeros((DRAWS, len(stacked)))  # how often each recording was drawn
    draws = _draws(len(stacked), seed)
    np.add.at(times, (np.arange(DRAWS)[:, None], draws), 1.0)
    above, below = (times @ stacked).T
    return _bounds(np.divide(above, below, out=np.full(DRAWS, np.nan), where=below != 0), share)


def _draws(count: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, count, (DRAWS, count))


def _bounds(figures: Numbers, share: float) -> tuple[float, float]:
    figures = figures[~np.isnan(figures)]
    if not len(figures):
        return float("nan"), float("nan")
    low, high = np.quantile(figures, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
