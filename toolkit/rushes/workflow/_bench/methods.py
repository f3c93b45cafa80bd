"""What others do with stamps and arrivals: each takes pairs and gives the mapped stamps."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from rushes.model import ClockPairs, Times
from rushes.timing._envelope import theil_sen


def first_frame(pairs: ClockPairs) -> Times:
    """Add the offset of the first pair to every stamp."""
    return np.asarray(pairs.from_ns + (pairs.to_ns[0] - pairs.from_ns[0]), np.int64)


def least_squares(pairs: ClockPairs) -> Times:
    """Fit a line through all pairs by least squares."""
    x, y = _relative(pairs)
    slope, offset = np.polynomial.polynomial.polyfit(x - x.mean(), y, 1)[::-1]
    return _mapped(pairs, offset + slope * (x - x.mean()))


def theil_sen_line(pairs: ClockPairs) -> Times:
    """Take the median slope of random pairs and the median offset."""
    x, y = _relative(pairs)
    slope = theil_sen(x, y, seed=0)
    return _mapped(pairs, float(np.median(y - slope * x)) + slope * x)


METHODS: Mapping[str, Callable[[ClockPairs], Times]] = {
    "first-frame offset": first_frame,
    "least squares": least_squares,
    "Theil-Sen": theil_sen_line,
}


def _relative(pairs: ClockPairs) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give seconds since the first stamp, and what the offset differs from the first one, ns."""
    offset = pairs.to_ns - pairs.from_ns
    return (pairs.from_ns - pairs.from_ns[0]) * 1e-9, (offset - offset[0]).astype(np.float64)


def _mapped(pairs: ClockPairs, added_ns: npt.NDArray[np.float64]) -> Times:
    return np.asarray(first_frame(pairs) + np.rint(added_ns).astype(np.int64), np.int64)
