"""Which samples of a long series are drawn: the extremes of every stretch, so that no peak goes missing."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def chosen(values: Floats, most: int, *, also: Iterable[int] = ()) -> npt.NDArray[np.int64]:
    """Choose rows to draw, all of them where they are few enough.

    The series is cut into stretches of equal count; of each the least and the greatest value of every channel is
    kept, at its own sample. The first and the last row are always among them.

    Args:
        values: Shape (n, channels); NaN is no value.
        most: How many rows, at least two for each channel; ``also`` and the ends come on top.
        also: Rows to keep as well, such as those at gaps.

    Returns:
        Ascending row numbers, each once.
    """
    count, channels = values.shape
    if count <= most:
        return np.arange(count, dtype=np.int64)
    stretches = max(1, most // (2 * max(1, channels)))
    length = -(-count // stretches)
    found = [np.array([0, count - 1, *also], np.int64)]
    starts = np.arange(0, count, length)
    for channel in values.T:
        for fill, pick in ((np.inf, np.argmin), (-np.inf, np.argmax)):
            padded = np.full(length * len(starts), fill)
            padded[:count] = np.where(np.isnan(channel), fill, channel)
            found.append(np.minimum(starts + pick(padded.reshape(-1, length), axis=1), count - 1))
    return np.unique(np.concatenate(found))
