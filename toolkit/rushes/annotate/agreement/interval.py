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
    draws = np.random.default_rng(seed).integers(0, len(stacked), (DRAWS, len(stacked)))
    figures = np.array([figure(stacked[draw].sum(axis=0)) for draw in draws])
    figures = figures[~np.isnan(figures)]
    if not len(figures):
        return float("nan"), float("nan")
    low, high = np.quantile(figures, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
