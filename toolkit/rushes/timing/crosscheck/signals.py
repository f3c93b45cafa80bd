"""A signal as means over intervals of time, so that sensors of any rate can be held against one another.

A camera tells how far it turned between two frames, a gyroscope how fast it turns now. Both become means over
intervals, and the finer one is averaged over the intervals of the coarser: the same low-pass on both sides.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.intervals import median_interval
from rushes.model import Times

Array = npt.NDArray[np.float64]
GAP = 2.5
"""From how many median intervals on nothing is known between two samples."""
COVERED = 0.98
"""Share of an interval that must be known for its mean to be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Means over intervals that follow one another, ascending, and do not overlap.

    Args:
        start_ns: Shape (n,).
        end_ns: Shape (n,), each later than its start.
        values: Shape (n, k); NaN where nothing is known.
    """

    start_ns: Times
    end_ns: Times
    values: Array

    def __len__(self) -> int:
        """Give the number of intervals."""
        return len(self.start_ns)

    @property
    def interval_ns(self) -> float:
        """Median length of the intervals."""
        return float(np.median(self.end_ns - self.start_ns))

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Shape (n,): where all values are finite."""
        return np.asarray(np.isfinite(self.values).all(axis=1), np.bool_)

    def within(self, start_ns: int, end_ns: int) -> "Signal":
        """Give the intervals that lie between two times."""
        inside = (self.start_ns >= start_ns) & (self.end_ns <= end_ns)
        return Signal(start_ns=self.start_ns[inside], end_ns=self.end_ns[inside], values=self.values[inside])

    def magnitude(self) -> "Signal":
        """Give the length of its vectors, as a signal of one value."""
        length = np.linalg.norm(self.values, axis=1, keepdims=True)
        return Signal(start_ns=self.start_ns, end_ns=self.end_ns, values=length)

    def spread(self) -> float:
        """Give the root mean square of its values about their mean, over all components; 0 if nothing is known."""
        values = self.values[self.known]
        return float(np.sqrt(((values - values.mean(axis=0)) ** 2).sum(axis=1).mean())) if len(values) else 0.0


def from_samples(times: Times, values: npt.NDArray[np.float64]) -> Signal:
    """Make a signal of samples that stand for an instant each: between two, the mean of both.

    Args:
        times: Shape (n,), in any order; of equal times the first sample counts.
        values: Shape (n,) or (n, k).
    """
    values = _rows(values)
    times, first = np.unique(np.asarray(times, np.int64), return_index=True)
    values = values[first]
    return _without_gaps(times, (values[1:] + values[:-1]) / 2)


def from_intervals(times: Times, values: npt.NDArray[np.float64]) -> Signal:
    """Make a signal of what was measured between consecutive instants.

    Args:
        times: Shape (n,), of the instants, ascending; where two do not ascend, what is between them is left out.
        values: Shape (n - 1,) or (n - 1, k): means over the interval from one to the next; NaN where unknown.
    """
    return _without_gaps(np.asarray(times, np.int64), _rows(values))


def _rows(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    values = np.asarray(values, np.float64)
    return values[:, None] if values.ndim == 1 else values


def averaged(signal: Signal, start: Array, end: Array, *, origin_ns: int) -> Array:
    """Average a signal over intervals.

    Args:
        signal: What to average; not empty.
        start: Any shape, nanoseconds since ``origin_ns``.
        end: As ``start``.
        origin_ns: Keeps differences exact in float64.

    Returns:
        Shape (..., k); NaN where less than ``COVERED`` of an interval is known.
    """
    known = signal.known
    edges = np.stack([signal.start_ns - origin_ns, signal.end_ns - origin_ns], axis=1).astype(np.float64)
    length = np.where(known, edges[:, 1] - edges[:, 0], 0.0)
    knots = edges.ravel()
    covered = _integral(knots, length, start, end)
    enough = covered >= COVERED * (end - start)
    safe = np.where(enough, covered, 1.0)
    filled = np.where(known[:, None], signal.values, 0.0)
    means = [_integral(knots, length * column, start, end) / safe for column in filled.T]
    return np.where(enough[..., None], np.stack(means, axis=-1), np.nan)


def _integral(knots: Array, areas: Array, start: Array, end: Array) -> Array:
    after = np.cumsum(areas)
    at = np.stack([after - areas, after], axis=1).ravel()
    return np.asarray(np.interp(end, knots, at) - np.interp(start, knots, at))


def _without_gaps(times: Times, values: Array) -> Signal:
    steps = np.diff(times)
    usual = median_interval(times)
    keep = (steps > 0) & (steps <= GAP * usual) if usual is not None else np.zeros(len(steps), np.bool_)
    # An interval that starts before the one ahead of it has ended would count time twice.
    begun = np.maximum.accumulate(times[:-1]) if len(steps) else times[:0]
    keep &= times[:-1] >= begun
    return Signal(start_ns=times[:-1][keep], end_ns=times[1:][keep], values=values[keep])


def widened(signal: Signal, *, least_ns: float) -> Signal:
    """Take means over several intervals at once, each starting one interval later, so that they overlap.

    What a camera or a tracker gets wrong in one picture has the opposite sign in the next interval, and goes out.

    Args:
        signal: Its intervals should touch; runs of them that do not are left out.
        least_ns: How long the new intervals should be at least, to the nearest whole number of old ones.
    """
    many = max(1, round(least_ns / signal.interval_ns)) if len(signal) else 1
    if many == 1 or len(signal) <= many:
        return signal
    length = (signal.end_ns - signal.start_ns).astype(np.float64)
    summed = np.concatenate(
        [np.zeros((1, signal.values.shape[1])), np.cumsum(_filled(signal) * length[:, None], axis=0)]
    )
    broken = np.concatenate([[0], np.cumsum(~signal.known)])
    start, end = signal.start_ns[: len(signal) - many + 1], signal.end_ns[many - 1 :]
    spent = np.concatenate([[0.0], np.cumsum(length)])
    took = spent[many:] - spent[:-many]
    whole = (broken[many:] == broken[:-many]) & (np.abs(took - (end - start)) < 1.0)
    means = (summed[many:] - summed[:-many]) / took[:, None]
    return Signal(start_ns=start[whole], end_ns=end[whole], values=means[whole])


def _filled(signal: Signal) -> Array:
    return np.where(signal.known[:, None], signal.values, 0.0)
