"""Places on a time axis as shown ⇄ samples of a stream, exact both ways, also with gaps, repeats and resets.

An axis counts seconds from the first sample of its stream. A series of numbers is drawn by its own stamps, and a
range drawn on it starts and ends *on* samples, both included. Sound is shown sample after sample, without the gaps
between its blocks, and a range of it ends *before* a sample.
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rushes import intervals
from rushes.model import Times

CATCH_UP = 16
"""A stamp that goes back is a reset where so many samples later the times have not come up again."""
GAP = 1.5
"""From how many median intervals on the next sample is too late to say when this one ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Samples of a stream and the time that they cover.

    Args:
        index, index_end: Rows of the stream's table, one past the last as the end.
        t_start_ns, t_end_ns: Raw time of the stream, the end not itself included.
        sample, sample_end: Of sound: samples counted from the start of the stream, likewise.
    """

    index: int
    index_end: int
    t_start_ns: int
    t_end_ns: int
    sample: int | None = None
    sample_end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesAxis:
    """The axis of a part of a numeric stream.

    Args:
        t_ns: Shape (n,), raw times of the whole stream, as recorded.
        index, index_end: The part that is shown.
    """

    t_ns: Times
    index: int
    index_end: int
    place_ns: Times = field(init=False, repr=False, compare=False)
    """Shape (n,), where each sample is drawn; strictly ascending, at the distances of stamps that ascend."""

    def __post_init__(self) -> None:
        assert 0 <= self.index < self.index_end <= len(self.t_ns), "a part of the stream"
        object.__setattr__(self, "place_ns", _places(self.t_ns))

    @property
    def digest(self) -> str:
        """Tell this axis from every other, 16 hexadecimal digits."""
        return _digest(np.array([self.index, self.index_end]), self.t_ns[self.index : self.index_end])

    def span_of(self, start_s: float, end_s: float) -> Span:
        """Give the samples from one place to another, both included; what lies beside the part is cut off.

        Raises:
            ValueError: If no sample of the part lies there.
        """
        places = self.place_ns[self.index : self.index_end]
        low, high = sorted((round(float(start_s) * 1e9), round(float(end_s) * 1e9)))
        first = self.index + int(np.searchsorted(places, low, side="left"))
        end = self.index + int(np.searchsorted(places, high, side="right"))
        if end <= first:
            raise ValueError(f"no sample lies from {start_s} s to {end_s} s")
        return self.span(first, end)

    def span(self, index: int, index_end: int) -> Span:
        """Give the time that samples cover.

        It ends where the next sample begins; where that is after a gap, or there is none, one median interval
        after the last sample.
        """
        start, end = _covered(self.t_ns, index, index_end)
        return Span(index=index, index_end=index_end, t_start_ns=start, t_end_ns=end)

    def places_of(self, index: int, index_end: int) -> tuple[float, float]:
        """Give the places of the first and the last sample, seconds; :meth:`span_of` gives the samples back."""
        last = min(index_end, self.index_end) - 1
        return float(self.place_ns[max(index, self.index)] / 1e9), float(self.place_ns[last] / 1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundAxis:
    """The axis of a part of an audio stream.

    Args:
        t_ns: Shape (n,), raw time of the first sample of each block of the whole stream.
        first: Shape (n + 1,), number of each block's first sample, counted from 0; last how many there are.
        rate_hz: Samples per second and channel.
        index, index_end: The blocks that are shown.
    """

    t_ns: Times
    first: npt.NDArray[np.int64]
    rate_hz: float
    index: int
    index_end: int

    def __post_init__(self) -> None:
        assert 0 <= self.index < self.index_end <= len(self.t_ns) == len(self.first) - 1, "a part of the stream"

    @property
    def digest(self) -> str:
        """Tell this axis from every other, 16 hexadecimal digits."""
        ends = np.array([self.index, self.index_end])
        shown = slice(self.index, self.index_end)
        return _digest(ends, self.t_ns[shown], self.first[self.index : self.index_end + 1])

    def span_of(self, start_s: float, end_s: float) -> Span:
        """Give the samples between the two boundaries that lie nearest; what lies beside the part is cut off.

        Raises:
            ValueError: If no sample of the part lies there.
        """
        origin, total = int(self.first[self.index]), int(self.first[self.index_end])
        low, high = sorted((float(start_s), float(end_s)))
        sample = max(origin, origin + round(low * self.rate_hz))
        end = min(total, origin + round(high * self.rate_hz))
        if end <= sample:
            raise ValueError(f"no sample lies from {start_s} s to {end_s} s")
        return self.span(sample, end)

    def span(self, sample: int, sample_end: int) -> Span:
        """Give the blocks that samples lie in, and the time that they cover, each counted from its own block."""
        block = int(np.searchsorted(self.first, sample, side="right")) - 1
        last = int(np.searchsorted(self.first, sample_end - 1, side="right")) - 1
        return Span(
            index=block,
            index_end=last + 1,
            t_start_ns=self._time(block, sample),
            t_end_ns=self._time(last, sample_end),
            sample=sample,
            sample_end=sample_end,
        )

    def places_of(self, sample: int, sample_end: int) -> tuple[float, float]:
        """Give the boundaries of samples, seconds from the start of the part; :meth:`span_of` gives them back."""
        origin = int(self.first[self.index])
        return (sample - origin) / self.rate_hz, (sample_end - origin) / self.rate_hz

    def _time(self, block: int, sample: int) -> int:
        return int(self.t_ns[block]) + round((sample - int(self.first[block])) * 1e9 / self.rate_hz)


Axis = SeriesAxis | SoundAxis


def gaps_of(axis: Axis) -> list[tuple[float, float]]:
    """Give the gaps of the shown part: where each lies on the axis, and how long it is, both in seconds."""
    times = axis.t_ns[axis.index : axis.index_end]
    usual = intervals.median_interval(times)
    if usual is None:
        return []
    if isinstance(axis, SoundAxis):
        lasting = np.diff(axis.first[axis.index : axis.index_end + 1]) * (1e9 / axis.rate_hz)
        late = np.diff(times) - lasting[:-1]
        at = np.flatnonzero(late > (GAP - 1) * np.median(lasting))
        places = (axis.first[axis.index + at + 1] - axis.first[axis.index]) / axis.rate_hz
        return [(float(place), float(late[i] / 1e9)) for place, i in zip(places, at, strict=True)]
    steps = np.diff(axis.place_ns[axis.index : axis.index_end])
    if not intervals.is_regular(times):
        return []
    return [
        (float(axis.place_ns[axis.index + i] / 1e9), float(steps[i] / 1e9))
        for i in np.flatnonzero(steps > GAP * usual)
    ]


def _places(times: Times) -> Times:
    """Make an axis of stamps: strictly ascending, whatever they do.

    Ascending stamps keep their distances. A repeat moves on by one nanosecond; a sample out of order is drawn
    where the latest before it is; after a reset the axis goes on one median interval later.
    """
    steps = np.diff(times)
    back = np.flatnonzero(steps < 0)
    if len(back):
        usual = intervals.median_interval(times) or 1
        steps = steps.copy()
        for at in back:
            after = times[at + 1 : at + 1 + CATCH_UP]
            if after.max() < times[at]:
                steps[at] = usual
    places = np.concatenate(([0], np.cumsum(steps)))
    if len(steps) and steps.min() < 1:
        counted = np.arange(len(places))
        places = np.maximum.accumulate(places - counted) + counted
    return places.astype(np.int64)


def _covered(times: Times, index: int, index_end: int) -> tuple[int, int]:
    inside = times[index:index_end]
    last = int(inside.max())
    usual = intervals.median_interval(times) or 1
    after = int(times[index_end]) if index_end < len(times) else None
    near = after is not None and last < after <= last + GAP * usual
    return int(inside.min()), after if near and after is not None else last + usual


def _digest(*parts: npt.NDArray[np.int64]) -> str:
    told = hashlib.sha256()
    for part in parts:
        told.update(np.ascontiguousarray(part, "<i8").tobytes())
    return told.hexdigest()[:16]
