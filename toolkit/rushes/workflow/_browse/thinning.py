"""Many samples → few points that look the same: the extremes of every stretch."""

import numpy as np
import numpy.typing as npt

from rushes.model import Times


def extremes(times: Times, values: npt.NDArray[np.float64], *, points: int) -> npt.NDArray[np.int64]:
    """Give the positions of the smallest and the largest value of each of ``points // 2`` equal stretches of time.

    Positions ascend, each is there once. All are given where there are no more than ``points``; a stretch without
    a value gives its first position, so that a gap stays one.

    Args:
        times: Shape (n,), int64, ascending.
        values: Shape (n,); NaN where absent.
        points: At most that many positions; at least 2.
    """
    count = len(times)
    if count <= points:
        return np.arange(count)
    stretches = points // 2
    edges = times[0] + (np.arange(1, stretches) * ((int(times[-1]) - int(times[0]) + 1) / stretches)).astype(
        np.int64
    )
    starts = np.unique(np.concatenate([[0], np.searchsorted(times, edges)]))
    starts = starts[starts < count]
    stretch = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, count)))
    low = np.where(np.isnan(values), np.inf, values)
    high = np.where(np.isnan(values), -np.inf, values)
    smallest = np.lexsort((low, stretch))[starts]
    largest = np.lexsort((-high, stretch))[starts]
    kept: npt.NDArray[np.int64] = np.unique(np.concatenate([smallest, largest]))
    return kept
