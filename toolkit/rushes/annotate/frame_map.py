"""Frames of a constant-rate clip ⇄ samples of a stream whose rate varies, exact both ways.

A clip that people see shows every sample at least once, in order, for about as long as it lasted: over a gap the
picture before it is *held* for further frames. So time passes as it did, no sample is out of reach, and the list
of holds is the whole map. Frames count from 0 here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from rushes.model import Times

LONGEST_HOLD_S = 2.0
"""No picture is held for longer, however long the gap."""
PLAYED_HZ = (1, 120)
"""Slowest and fastest rate of a clip; what is slower or faster is played faster or slower than it was."""
_WHOLE_HZ = (5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120)
STANDARD_HZ = (
    *(Fraction(rate) for rate in _WHOLE_HZ),
    *(Fraction(rate * 1000, 1001) for rate in (15, 24, 30, 48, 60, 120)),
)
SAME_RATE = 4e-4
"""Two rates that differ by less, relatively, are taken for one: 24 and 23.976 differ by 1e-3."""
_NOT_YET = 0.75
"""How many frames late a sample must be for the one before to be held; less is jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMap:
    """Which sample each frame shows.

    Args:
        index, index_end: The samples, the end not included; at least one.
        holds: Sample and for how many further frames it is shown, ascending; all others are shown for one.
    """

    index: int
    index_end: int
    holds: Sequence[tuple[int, int]] = ()
    _first: npt.NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        further = np.zeros(self.index_end - self.index + 1, np.int64)
        for sample, count in self.holds:
            if not self.index <= sample < self.index_end or count < 1:
                raise ValueError(f"sample {sample} is not held for {count} frames in this clip")
            further[sample - self.index + 1] += count
        object.__setattr__(self, "_first", np.arange(len(further)) + np.cumsum(further))

    @property
    def frames(self) -> int:
        """How many there are."""
        return int(self._first[-1])

    @property
    def samples(self) -> npt.NDArray[np.int64]:
        """The sample that each frame shows; shape (frames,)."""
        return self.index + np.repeat(np.arange(len(self._first) - 1), np.diff(self._first))

    def sample_at(self, frame: int) -> int:
        """Give the sample that a frame shows.

        Raises:
            ValueError: If there is no such frame.
        """
        if not 0 <= frame < self.frames:
            raise ValueError(f"frame {frame + 1} is none of the {self.frames} of the clip")
        return self.index + int(np.searchsorted(self._first, frame, side="right")) - 1

    def first_frame(self, sample: int) -> int:
        """Give the first frame that shows a sample of the clip; of the one past the last, the number of frames."""
        return int(self._first[sample - self.index])

    def last_frame(self, sample: int) -> int:
        """Give the last frame that shows a sample of the clip."""
        return int(self._first[sample - self.index + 1]) - 1


def rate_of(times: Times) -> Fraction:
    """Give the rate at which most samples of a stream are a frame each, in Hz; 25 where nothing tells.

    It is the mean over the regular intervals. Where a good part of them is much shorter than the median one, as
    when a camera halves its rate in the dark, it is the rate of those; but never more than twice the rate overall.
    A rate that is one of the usual ones to 0.04 % is taken for it.
    """
    intervals = np.diff(times)
    intervals = intervals[intervals > 0]
    if not len(intervals):
        return Fraction(25)
    typical = float(np.median(intervals))
    quick = float(np.quantile(intervals, 0.1))
    typical = quick if quick < 0.75 * typical else typical
    typical = max(typical, float(np.minimum(intervals, _longest_ns(typical)).mean()) / 2)
    regular = intervals[np.abs(intervals - typical) <= typical / 2]
    rate_hz = 1e9 / float(regular.mean() if len(regular) else typical)
    near = min(STANDARD_HZ, key=lambda standard: abs(float(standard) - rate_hz))
    if abs(float(near) / rate_hz - 1) < SAME_RATE:
        return near
    return max(Fraction(round(rate_hz * 1000), 1000), Fraction(1, 1000))


def played_at(rate_hz: Fraction) -> Fraction:
    """Give the rate that a clip has as a file: the one asked for, within what players do."""
    slowest, fastest = PLAYED_HZ
    return min(max(rate_hz, Fraction(slowest)), Fraction(fastest))


def lay(times: Times, *, index: int, rate_hz: Fraction) -> FrameMap:
    """Lay samples on frames of a constant rate so that time passes as it did.

    Args:
        times: Of the samples, int64 nanoseconds; a time that is not later than the one before counts as a frame.
        index: The first sample.
        rate_hz: Of the frames.
    """
    holds: list[tuple[int, int]] = []
    rate, longest = float(rate_hz) / 1e9, _longest_ns(1e9 / float(rate_hz))
    late = 0.0  # by how many frames the next sample is later than the frame after the last one
    for at, interval in enumerate(np.diff(times).tolist()):
        passed = min(interval, longest) * rate if interval > 0 else 1.0
        late = max(late + passed - 1, -1.0)  # what came early by more than a frame is forgotten
        if late >= _NOT_YET:
            further = round(late)
            holds.append((index + at, further))
            late -= further
    return FrameMap(index=index, index_end=index + len(times), holds=tuple(holds))


def _longest_ns(typical_ns: float) -> float:
    return max(LONGEST_HOLD_S * 1e9, 3 * typical_ns)
