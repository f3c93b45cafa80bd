"""What every alignment strategy takes and gives: ascending times in, matches out.

Times are int64 nanoseconds of one common time. Floats are refused, since a double of today's epoch nanoseconds is
128 ns coarse; so are masked columns with absent values. Strategies work on blocks of reference times, so that what
they touch fits the processor's cache; the check that times ascend is part of the walk, which then costs one pass
over memory and not two.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.errors import TimingError
from rushes.model import Times, absent

BLOCK = 8_192
"""Reference times at once: what is worked on fits the processor's cache."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Which sample, or which two, each reference time got.

    Args:
        index: Shape (m,), position of the sample, of two the one before; -1 where the reference time stays alone.
        skew_ns: Shape (m,), sample time minus reference time, of two that of the nearer (on a tie the earlier);
            0 where alone.
        index_after: Shape (m,), the second of two samples; -1 where one serves alone or none. None where the
            strategy never takes two.
        weight_after: Shape (m,), share of the second in [0, 1); 0 where one serves alone or none. None as above.
    """

    index: Indices
    skew_ns: npt.NDArray[np.int64]
    index_after: Indices | None = None
    weight_after: npt.NDArray[np.float64] | None = None

    @property
    def matched(self) -> npt.NDArray[np.bool_]:
        """Shape (m,): which reference times got a sample."""
        return self.index >= 0

    @property
    def is_repeat(self) -> npt.NDArray[np.bool_]:
        """Shape (m,): which got what an earlier reference time has got already, weights included."""
        found = np.zeros(len(self.index), np.bool_)
        taken = np.flatnonzero(self.matched)
        index = self.index[taken]
        same = index[1:] == index[:-1]
        if self.weight_after is not None and same.any():
            weight = self.weight_after[taken]
            same &= weight[1:] == weight[:-1]
        found[taken[1:][same]] = True
        return found


def nobody(size: int) -> Matches:
    """Give matches in which every reference time stays alone."""
    return Matches(index=np.full(size, -1), skew_ns=np.zeros(size, np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One block of reference times, and the samples that can matter to it.

    Args:
        block: Place of the block in the reference.
        sought: The block's reference times, at least one.
        first: Place of ``part`` in the samples.
        part: The samples from the last two before the block to the first one after it, where there are any.
        distinct: Whether no two of ``part`` are equal.
    """

    block: slice
    sought: Times
    first: int
    part: Times
    distinct: bool


def windows(times: Times, reference: Times, *, stream: str = "the stream") -> Iterator[Window]:
    """Walk through ascending reference times in blocks, each with its samples.

    Args:
        times: Shape (n,), ascending, n > 0.
        reference: Shape (m,), ascending.
        stream: What to call the samples in an error.

    Raises:
        TimingError: ``timing.not-ascending`` at the latest after the last block, if ``times`` go back anywhere.
    """
    checked = 0
    for start in range(0, len(reference), BLOCK):
        block = slice(start, start + BLOCK)
        sought = reference[block]
        # Searching only among the samples around the block is twice as fast as among all.
        first = max(int(np.searchsorted(times, sought[0])) - 2, 0)
        last = int(np.searchsorted(times, sought[-1], "right")) + 1
        demand_ascending(times[checked : first + 1], stream, offset=checked)
        part = times[first:last]
        # Times that go back can lead the search anywhere; then the walk just has to come to its end.
        distinct = len(part) > 0 and bool((part[1:] > part[:-1]).all())
        if not distinct:
            demand_ascending(part, stream, offset=first)
        checked = max(checked, first + len(part) - 1, 0)
        yield Window(block=block, sought=sought, first=first, part=part, distinct=distinct)
    demand_ascending(times[checked:], stream, offset=checked)


def demand_times(times: Times, stream: str) -> Times:
    """Give times as a plain int64 column, or refuse what cannot be one.

    Raises:
        TimingError: ``timing.not-integer`` for floats, NaN among them, and whatever else is not a column of
            integers; ``timing.absent-times`` for a masked column with absent values.
    """
    if times.dtype.kind == "f":
        wrong = int((~np.isfinite(times)).sum())
        raise TimingError(
            f"{stream}: times are {times.dtype}, not int64 nanoseconds"
            + (f"; {wrong} of {times.size} are not even finite" if wrong else ""),
            code="timing.not-integer",
            hint="convert them to whole nanoseconds first, and leave out samples that have no time",
            facts={"stream": stream, "dtype": str(times.dtype), "not_finite": wrong},
        )
    if times.dtype.kind not in "iu" or times.ndim != 1 or times.dtype == np.uint64:
        raise TimingError(
            f"{stream}: times are {times.dtype} of shape {times.shape}, not a column of int64 nanoseconds",
            code="timing.not-integer",
            hint="give one signed integer a sample",
            facts={"stream": stream, "dtype": str(times.dtype)},
        )
    if lacking := int(absent(times).sum()) if np.ma.isMaskedArray(times) else 0:
        raise TimingError(
            f"{stream}: {lacking} of {len(times)} samples have no time",
            code="timing.absent-times",
            hint="align by another time, or leave those samples out",
            facts={"stream": stream, "absent": lacking, "samples": len(times)},
        )
    return np.asarray(times, dtype=np.int64)


def demand_ascending(times: Times, stream: str, *, offset: int = 0) -> None:
    """Refuse times that go back; equal ones are fine.

    Args:
        offset: Place of the first one, for the error.

    Raises:
        TimingError: ``timing.not-ascending``.
    """
    at = _first_back(times)
    if at is not None:
        by_ms = (int(times[at - 1]) - int(times[at])) / 1e6
        raise TimingError(
            f"the times of {stream} go back by {by_ms:g} ms at sample {offset + at}",
            code="timing.not-ascending",
            hint="put them in order first: times[order(times)]",
            facts={"sample": offset + at},
        )


def demand_tolerance(within: int) -> None:
    """Refuse a tolerance below zero.

    Raises:
        TimingError: ``timing.tolerance``.
    """
    if within < 0:
        raise TimingError(
            f"the tolerance is {within} ns; it cannot be negative",
            code="timing.tolerance",
            hint="give a tolerance such as 10ms; 0 pairs equal times only",
        )


def order(times: Times) -> Indices:
    """Give the stable order that makes times ascend: ``times[order(times)]`` is fit for every strategy."""
    return np.argsort(times, kind="stable").astype(np.int64)


def in_order(times: Times) -> tuple[Times, Indices | None]:
    """Give times in ascending order, and the recorded place of each; None for it where they ascend already."""
    if _first_back(times) is None:
        return times, None
    place = order(times)
    return times[place], place


def _first_back(times: Times) -> int | None:
    """Give the place of the first time that is earlier than the one before it."""
    for start in range(0, len(times), BLOCK):
        part = times[start : start + BLOCK + 1]
        back = part[1:] < part[:-1]
        if back.any():
            return start + int(back.argmax()) + 1
    return None
