"""The smallest latency, told from the many that are a little larger.

The least of m readings lies above the floor by about ``c * m ** (-1/shape)``, whatever the latencies' law: shape 1
where readings crowd at the floor (Wi-Fi), 2 where they thin out to nothing (USB). The expected least of m is a sum
over the ordered readings. Taken for m, 4 m and 16 m, it tells floor, c and shape by Aitken's extrapolation.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RATIO = 4.0
SHAPES = (1.0, 4.0)
"""Held between these: no latency crowds more than at its floor, and beyond 4 the floor lies too far to see."""


def floor(excess: Floats, owner: npt.NDArray[np.int64], shares: Floats) -> Floats:
    """Estimate the floor under latencies, for the readings as they are and for redrawn ones.

    Args:
        excess: Shape (n,), latencies above any curve, glitches left out.
        owner: Shape (n,), the window of each reading, from 0.
        shares: Shape (B, windows), how often each window is drawn; a row of ones for the readings as they are.

    Returns:
        Shape (B,), the floor, in the unit and from the zero of ``excess``.
    """
    count = len(excess)
    largest = count / np.clip(4.0 * (count / 1000.0) ** 0.4, 4.0, 12.0)
    sizes = largest / RATIO ** np.arange(2, -1, -1)
    tail = int(min(count, 9.0 * count / max(sizes[0], 1.0) + 1))
    order = np.argpartition(excess, tail - 1)[:tail]
    order = order[np.argsort(excess[order], kind="stable")]
    drawn = shares[:, owner[order]]
    total = shares @ np.bincount(owner, minlength=shares.shape[1])
    below = np.minimum(np.cumsum(drawn, axis=1) / total[:, None], 1.0 - 1e-12)
    logged = np.log1p(-below)
    values = excess[order]
    least = []
    for size in sizes:
        surviving = np.exp(size * logged)
        # Sum of value * (chance that the least is this one), as the first value plus steps that survive.
        least.append(values[0] + surviving[:, :-1] @ np.diff(values))
    first, second = least[0] - least[1], least[1] - least[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = np.where(first > 0, second / first, 0.0)
    shrink = np.clip(shrink, RATIO ** (-1.0 / SHAPES[0]), RATIO ** (-1.0 / SHAPES[1]))
    return np.asarray(least[2] - second * shrink / (1.0 - shrink))
