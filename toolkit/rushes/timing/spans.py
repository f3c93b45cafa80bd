"""All samples of a fast stream from each moment to the next: how an IMU joins pictures.

**Semantics of** :func:`spans`. The span of moment k holds the samples with ``t_k <= t < t_(k+1)``. So every
sample from the first moment to before the last is in exactly one span; those before and after are in none. The
last moment opens no span: it holds no sample. Where two moments are at the same time, the span of the earlier
one is empty.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.intervals import median_interval
from rushes.model import Column, Times
from rushes.timing.matches import Indices, demand_ascending, in_order, windows

FAST = 4
"""How many times as fast as the moments a stream is that joins as spans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Samples by moment; every array has shape (m,).

    Args:
        first: Rank in time of the first sample at or after the moment; n where there is none.
        count: Samples in the span; 0 for the last moment.
        longest_gap_ns: Longest time without a sample within the span, from its start and to its end included; 0
            for the last moment.
        place: Recorded index of each sample, by rank in time; None where the two are equal.
    """

    first: Indices
    count: npt.NDArray[np.int64]
    longest_gap_ns: npt.NDArray[np.int64]
    place: Indices | None = None

    @property
    def columns(self) -> dict[str, Column]:
        """The columns of the table ``moment_spans`` but ``recording_id`` and ``stream``, a row a moment."""
        size = len(self.first)
        empty = self.count == 0
        first_index, last_index = self.first, self.first + self.count - 1
        if self.place is not None:
            first_index, last_index = (self.place.take(i, mode="clip") for i in (first_index, last_index))
        final = np.arange(size) == size - 1
        return {
            "moment": np.arange(size),
            "first_rank": self.first,
            "count": self.count,
            "first_index": np.ma.masked_array(first_index, empty),
            "last_index": np.ma.masked_array(last_index, empty),
            "longest_gap_ns": np.ma.masked_array(self.longest_gap_ns, final),
        }


def spans(times: Times, moments: Times) -> Spans:
    """Give the samples from each moment to the next; see the head of this module.

    Args:
        times: Shape (n,), int64 nanoseconds in the time of the moments, in recorded order.
        moments: Shape (m,), as above, ascending.

    Raises:
        TimingError: ``timing.not-ascending`` if the moments go back.
    """
    demand_ascending(moments, "the moments")
    times, place_of = in_order(times)
    size = len(moments)
    first, gap = np.zeros(size, np.int64), np.zeros(size, np.int64)
    if len(times) and size:
        for window in windows(times, moments):
            place = first[window.block]
            np.add(window.part.searchsorted(window.sought), window.first, out=place)
            # The last moment of a block is the first of a piece of its own, unless it is the last of all.
            start = window.block.start
            stop = min(start + len(place), size - 1)
            inner = min(start + len(place) - 1, stop)
            gap[start:inner] = _longest_gaps(times, moments[start : inner + 1], first[start : inner + 1])
            if start:
                gap[start - 1] = _longest_gaps(
                    times, moments[start - 1 : start + 1], first[start - 1 : start + 1]
                )[0]
    elif size:
        gap[:-1] = np.diff(moments)
    count = np.append(np.diff(first), np.zeros(min(size, 1), np.int64))
    return Spans(first=first, count=count, longest_gap_ns=gap, place=place_of)


def is_fast(times: Times, moments: Times, *, fast: float = FAST) -> bool:
    """Say whether a stream is at least ``fast`` times as fast as the moments, by the median intervals of both.

    Args:
        times, moments: Shape (n,) and (m,), in any order. False where either has no interval.
    """
    own, theirs = median_interval(times), median_interval(moments)
    return own is not None and theirs is not None and fast * own <= theirs


def _longest_gaps(times: Times, moments: Times, first: Indices) -> npt.NDArray[np.int64]:
    """Give the longest gap of each span between neighbouring moments, shape (moments - 1,)."""
    gaps = np.diff(moments)
    filled = np.flatnonzero(first[1:] > first[:-1])
    if len(filled) == 0:
        return gaps
    starts, stops = first[filled], first[filled + 1]
    part = times[starts[0] : stops[-1]]
    between = np.zeros_like(part)
    np.subtract(part[1:], part[:-1], out=between[:-1])
    between[stops - 1 - starts[0]] = 0  # from the last sample of a span to the next span's first: not within
    within = np.maximum.reduceat(between, starts - starts[0])
    lead = times[starts] - moments[filled]
    tail = moments[filled + 1] - times[stops - 1]
    gaps[filled] = np.maximum(within, np.maximum(lead, tail))
    return gaps
