"""The time that damaged bytes stand for: from the last sample that lies before them to the first behind them.

One way for every container. A reader notes where samples lie and when they happened, chunk by chunk or one by one;
a loss that names its bytes is then given its span. Samples need not lie in the order of their times (pictures are
stored as they decode, tracks are interleaved): how far they are out of order near the damage widens the span, so
that whatever lay in those bytes happened within it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rushes.model import Loss

_NEAR = 32
"""Runs on either side that are looked at; more than codecs reorder, or a container interleaves."""

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Runs of samples in the order of the file, shape (n,) each."""

    at: _Ints
    end: _Ints
    first_ns: _Ints
    last_ns: _Ints


class Landmarks:
    """Where the sound samples of a file lie, and when they happened.

    Args:
        start_ns: What the file says of its beginning, for damage before which there is no sample.
        end_ns: What it says of its end, for damage behind which there is none.
    """

    def __init__(self, *, start_ns: int | None = None, end_ns: int | None = None) -> None:
        self.start_ns, self.end_ns = start_ns, end_ns
        self._parts: list[tuple[_Ints, _Ints, _Ints, _Ints]] = []
        self._sorted: _Columns | None = None

    def note(
        self, at: int | _Ints, end: int | _Ints, first_ns: int | _Ints, last_ns: int | _Ints | None = None
    ) -> None:
        """Note one run of samples, or many.

        Args:
            at: First byte; a number, or shape (n,).
            end: One past the last byte.
            first_ns: Earliest time in it.
            last_ns: Latest, itself included; None where each run is one sample.
        """
        columns = [
            np.atleast_1d(np.asarray(each, np.int64))
            for each in (at, end, first_ns, first_ns if last_ns is None else last_ns)
        ]
        if len(columns[0]):
            self._parts.append((columns[0], columns[1], columns[2], columns[3]))
            self._sorted = None

    def extend(self, other: "Landmarks") -> None:
        """Note all that another has noted of the same file."""
        self._parts += other._parts
        self._sorted = None

    @property
    def whole_ns(self) -> tuple[int, int] | None:
        """Earliest and latest time that was noted; None without any."""
        runs = self._in_order()
        return (int(runs.first_ns.min()), int(runs.last_ns.max())) if len(runs.at) else None

    def span_of(self, byte_from: int, byte_to: int | None) -> tuple[int | None, int | None]:
        """Give the time of a stretch of bytes.

        Args:
            byte_from: Its first byte.
            byte_to: One past its last; None where it reaches to the end of the file and beyond.

        Returns:
            Time of the last sample before and of the first behind it; None on a side where there is no sample and
            the file says nothing.
        """
        runs = self._in_order()
        before = np.flatnonzero(runs.end <= byte_from)[-_NEAR:]
        behind = np.flatnonzero(runs.at >= byte_to)[:_NEAR] if byte_to is not None else before[:0]
        slack = max(_disorder(runs, before), _disorder(runs, behind))
        if len(before) and len(behind):
            slack = max(slack, int(runs.last_ns[before].max() - runs.first_ns[behind].min()))
        start = int(runs.last_ns[before].max()) - slack if len(before) else self.start_ns
        end = int(runs.first_ns[behind].min()) + slack if len(behind) else self.end_ns
        if start is not None and end is not None and start > end:  # what the file says of its ends is not true
            return (start, start) if len(before) else (end, end)
        return start, end

    def dated(self, losses: Iterable[Loss]) -> list[Loss]:
        """Give losses their spans, where they name bytes and no time yet."""
        return [self._dated(loss) for loss in losses]

    def _dated(self, loss: Loss) -> Loss:
        if loss.byte_from is None or (loss.start_ns is not None and loss.end_ns is not None):
            return loss
        start, end = self.span_of(loss.byte_from, loss.byte_to)
        return replace(
            loss,
            start_ns=start if loss.start_ns is None else loss.start_ns,
            end_ns=end if loss.end_ns is None else loss.end_ns,
        )

    def _in_order(self) -> _Columns:
        if self._sorted is None:
            parts = self._parts or [(np.zeros(0, np.int64),) * 4]
            columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
            order = np.argsort(columns[0], kind="stable")
            self._sorted = _Columns(*(column[order] for column in columns))
        return self._sorted


def _disorder(runs: _Columns, chosen: npt.NDArray[np.intp]) -> int:
    """Give how far samples fall behind the latest of those that lie before them."""
    if len(chosen) < 2:
        return 0
    latest = np.maximum.accumulate(runs.last_ns[chosen])
    return max(0, int((latest[:-1] - runs.first_ns[chosen][1:]).max()))
