"""How much a picture changes from one frame to the next, and two cameras held against each other by it.

Two cameras that see one scene from different places agree on when there is movement, not on how much. So this is a
coarse check: the limit is half of the slower camera's interval.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.timing.crosscheck.correlate import DEFAULTS, Limits, correlate
from rushes.timing.crosscheck.signals import Signal, from_intervals
from rushes.timing.crosscheck.verdict import Crosscheck, judged, milliseconds

Grey = npt.NDArray[np.uint8]
Small = npt.NDArray[np.float64]

LONG_SIDE = 64
LEAST_CHANGE = 0.002
"""Root mean square of the change about its mean, in standard deviations of a picture, below which all is still."""


def small(picture: Grey) -> Small:
    """Average a picture in blocks to at most 64 places a side, and remove its brightness and contrast.

    Args:
        picture: Shape (h, w).

    Returns:
        Mean 0 and standard deviation 1; zeros for a picture of one colour.
    """
    block = max(1, -(-max(picture.shape) // LONG_SIDE))
    height, width = (side // block * block for side in picture.shape)
    if not height or not width:
        return np.zeros((1, 1))
    parts = picture[:height, :width].reshape(height // block, block, width // block, block)
    means = parts.mean(axis=(1, 3))
    spread = float(means.std())
    return np.asarray((means - means.mean()) / spread if spread > 1e-9 else np.zeros_like(means))


def motion_energy(pictures: Iterable[tuple[int, Grey | None]]) -> Signal:
    """Measure the change between consecutive pictures, a second.

    Args:
        pictures: Time in nanoseconds and grey picture, in time order, all of one size; None where it is broken.
    """
    return energy_of(list(_smalls(pictures)))


def energy_of(smalls: list[tuple[int, Small]]) -> Signal:
    """Measure the change between consecutive pictures made by :func:`small`."""
    times: Times = np.array([t for t, _ in smalls], np.int64)
    change = np.array([float(np.abs(b - a).mean()) for (_, a), (_, b) in pairwise(smalls)], np.float64)
    seconds = np.maximum(np.diff(times), 1) / 1e9
    return from_intervals(times, change / seconds)


def compare_energy(
    first: str,
    second: str,
    energy: tuple[Signal, Signal],
    *,
    limits: Limits = DEFAULTS,
    skipped: int = 0,
) -> Crosscheck:
    """Hold the second camera's motion energy against the first's."""
    one, other = energy
    told = f"; {skipped} broken pictures were left out" if skipped else ""
    span = (int(other.start_ns[0]), int(other.end_ns[-1])) if len(other) else (None, None)
    still = next((name for name, s in ((first, one), (second, other)) if s.spread() < LEAST_CHANGE), None)
    if still is not None:
        return _unseen(first, second, span, f"hardly anything moves in the pictures of {still}{told}")
    lag = correlate(one, other, limits=limits)
    if lag.offset_ns is None or lag.ci95_ns is None:
        return _unseen(
            first,
            second,
            span,
            f"the movement in {second} does not tell its offset against {first}: {lag.why_not}{told}",
            score=lag.score,
            peak_ratio=lag.peak_ratio,
        )
    half = round(max(one.interval_ns, other.interval_ns) / 2)
    verdict, limit = judged(lag.offset_ns, lag.ci95_ns, least_ns=half)
    relation = "within" if verdict == "agrees" else "beyond"
    return Crosscheck(
        kind="motion-energy",
        first=first,
        second=second,
        verdict=verdict,
        offset_ns=lag.offset_ns,
        ci95_ns=lag.ci95_ns,
        score=lag.score,
        peak_ratio=lag.peak_ratio,
        reason=(
            f"{milliseconds(lag.offset_ns)} ± {lag.ci95_ns / 1e6:.1f} ms would make the movement in {second} "
            f"agree best (score {lag.score:.2f}), {relation} the limit of {limit / 1e6:.1f} ms; a coarse check: "
            f"two views never see the same movement{told}"
        ),
        start_ns=span[0],
        end_ns=span[1],
    )


def _unseen(
    first: str,
    second: str,
    span: tuple[int | None, int | None],
    reason: str,
    *,
    score: float | None = None,
    peak_ratio: float | None = None,
) -> Crosscheck:
    return Crosscheck(
        kind="motion-energy",
        first=first,
        second=second,
        verdict="not observable",
        reason=reason,
        score=score,
        peak_ratio=peak_ratio,
        start_ns=span[0],
        end_ns=span[1],
    )


def _smalls(pictures: Iterable[tuple[int, Grey | None]]) -> Iterator[tuple[int, Small]]:
    for t_ns, picture in pictures:
        if picture is not None:
            yield t_ns, small(picture)
