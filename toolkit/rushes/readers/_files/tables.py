"""Text tables of numbers, read in blocks: first the time, exact, then values.

Fields are parted by commas, semicolons or blanks; lines that start with # are comments; a first line without
numbers is a header. Lines that cannot be read are counted with their reason, never guessed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.model import Batch, LedgerEntry, Loss, MediaFile, Stream, Times
from rushes.readers._files.exact_time import Unit, exact_ns

BLOCK_BYTES = 4 << 20
_PARTING = bytes.maketrans(b",;\r", b"   ")
TOO_FEW = "too few fields"
NOT_NUMBERS = "not a number"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBlock:
    """Consecutive lines of a table: ``t_ns`` of shape (n,), ``values`` of shape (n, k) float64."""

    t_ns: Times
    values: npt.NDArray[np.float64]
    rejected: Counter[str]


def lines_of(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[list[bytes]]:
    """Give the lines of a file in blocks, without comments and empty lines.

    Raises:
        ReadError: ``read.absent-file``, if it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            rest = file.read(3).removeprefix(b"\xef\xbb\xbf")  # Excel's mark
            while block := file.read(block_bytes):
                whole, newline, tail = (rest + block).rpartition(b"\n")
                rest = tail
                if newline:
                    yield _content(whole)
            if rest.strip():
                yield _content(rest)
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="bring the file back, or leave it out of the recording's lists",
            facts={"file": str(path)},
        ) from error


def number_blocks(path: Path, *, take: Sequence[int], unit: Unit) -> Iterator[NumberBlock]:
    """Read a table whose first field is the time.

    Args:
        path: The file.
        take: Fields to give as values, counted from 0, the time being field 0.
        unit: Of the time.
    """
    least = max(take, default=0) + 1
    first = True
    for lines in lines_of(path):
        rejected: Counter[str] = Counter()
        rows = [line.translate(_PARTING).split() for line in lines]
        if first and rows and not _is_number(rows[0][0]):
            rows.pop(0)
        first = False
        long_enough = [row for row in rows if len(row) >= least]
        rejected[TOO_FEW] = len(rows) - len(long_enough)
        values, kept = _floats(long_enough, take)
        t_ns, readable = exact_ns([long_enough[place][0] for place in kept], unit)
        rejected[NOT_NUMBERS] = len(long_enough) - int(readable.sum())
        yield NumberBlock(t_ns=t_ns[readable], values=values[readable], rejected=+rejected)


def first_and_last_ns(path: Path, unit: Unit) -> tuple[int, int] | None:
    """Give the times of the first and the last readable line, smaller first; only both ends are read."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
            size = file.seek(0, 2)
            file.seek(max(0, size - (1 << 16)))
            tail = file.read()
    except OSError:
        return None
    start = next(_times_in(_content(head), unit), None)
    end = next(_times_in(reversed(_content(tail)), unit), None)
    return None if start is None or end is None else (min(start, end), max(start, end))


class NumberTable:
    """A stream whose samples are lines of numbers in a file of their own; a part of a recording."""

    def __init__(
        self,
        stream: Stream,
        path: Path,
        *,
        take: Sequence[int],
        unit: Unit,
        columns: Callable[[npt.NDArray[np.float64]], Mapping[str, Any]],
        clocked: bool = True,
    ) -> None:
        """Take ``columns``, which turns values of shape (n, len(take)) into columns of the stream's table."""
        self.streams = (stream,)
        self.media: tuple[MediaFile, ...] = ()
        self.span = first_and_last_ns(path, unit) if clocked else None
        self._path = path
        self._take = take
        self._unit = unit
        self._columns = columns
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._losses: tuple[Loss, ...] = ()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Read the lines block by block."""
        stream = self.streams[0]
        self._ledger = self._losses = ()
        rows = 0
        rejected: Counter[str] = Counter()
        for block in number_blocks(self._path, take=self._take, unit=self._unit):
            rejected += block.rejected
            count = len(block.t_ns)
            if count:
                columns = {
                    "index": np.arange(rows, rows + count),
                    "t_ns": block.t_ns,
                    **self._columns(block.values),
                }
                yield Batch(stream=stream.name, table=stream.table, rows=count, columns=columns)
            rows += count
        self._ledger = (read_entry(stream.name, rows, rejected),)
        self._losses = tuple(malformed_losses(stream.name, self._path.name, rejected))

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every line that is neither comment nor header."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Lines that could not be read."""
        return self._losses


def read_entry(stream: str, rows: int, rejected: Mapping[str, int]) -> LedgerEntry:
    """Account for lines: those that became rows and those that were refused."""
    refused = sum(rejected.values())
    reasons = dict(rejected)
    return LedgerEntry(
        stream=stream, step="read", came_in=rows + refused, out=rows, rejected=refused, reasons=reasons
    )


def malformed_losses(stream: str, file: str, rejected: Mapping[str, int]) -> Iterator[Loss]:
    """Name the lines that were refused."""
    for reason, count in rejected.items():
        yield Loss(
            code="read.malformed-line",
            message=f"{count} lines of {file} cannot be read: {reason}",
            stream=stream,
            count=count,
            file=file,
        )


def _content(block: bytes) -> list[bytes]:
    return [line for line in block.split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]


def _floats(rows: list[list[bytes]], take: Sequence[int]) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Give values of shape (n, k) and which rows they are from."""
    try:
        flat = [float(row[field]) for row in rows for field in take]
        return np.array(flat, np.float64).reshape(len(rows), len(take)), list(range(len(rows)))
    except ValueError:
        kept = [place for place, row in enumerate(rows) if all(_is_number(row[field]) for field in take)]
        values = [[float(rows[place][field]) for field in take] for place in kept]
        return np.array(values, np.float64).reshape(len(kept), len(take)), kept


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _times_in(lines: Any, unit: Unit) -> Iterator[int]:
    for line in lines:
        fields = line.translate(_PARTING).split()
        values, readable = exact_ns(fields[:1], unit)
        if len(readable) and readable[0]:
            yield int(values[0])
