"""Sensor tables beside a video: CSV with a header line, or JSON Lines; columns by name."""

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rushes.errors import ReadError
from rushes.model import Batch, LedgerEntry, Loss, MediaFile, Stream
from rushes.readers._files.exact_time import Unit, exact_ns
from rushes.readers._files.parts import BATCH_ROWS, where_known
from rushes.readers._files.tables import NOT_NUMBERS, TOO_FEW, malformed_losses, read_entry
from rushes.registry import close_to

NOT_JSON = "not a JSON object"
_Row = Mapping[str, Any]


class SidecarTable:
    """A stream whose samples are the rows of a file that a manifest describes; a part of a recording."""

    def __init__(
        self,
        path: Path,
        stream: Stream,
        *,
        media_id: str,
        columns: Mapping[str, str],
        time_column: str,
        unit: Unit,
        offset_ns: int,
    ) -> None:
        """Check that the named columns are there.

        Args:
            path: A .csv file with a header line; else JSON Lines.
            stream: What it is.
            media_id: Name of the file within the recording.
            columns: Column of the table: column of the file. Empty for messages: then the whole row is kept.
            time_column: Column of the file that holds the time.
            unit: Of the time.
            offset_ns: Added to the times.

        Raises:
            ReadError: ``read.absent-column``.
        """
        self.streams = (stream,)
        self.media: tuple[MediaFile, ...] = (MediaFile(media_id=media_id, path=path, container="file"),)
        self.span: tuple[int, int] | None = None
        self._path = path
        self._columns = columns
        self._time = time_column
        self._unit: Unit = unit
        self._offset_ns = offset_ns
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._losses: tuple[Loss, ...] = ()
        self._check_columns()
        self.span = self._first_and_last()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Read the rows in blocks."""
        stream = self.streams[0]
        self._ledger = self._losses = ()
        rejected: Counter[str] = Counter()
        count = 0
        rows = self._rows(rejected)
        while block := list(islice(rows, BATCH_ROWS)):
            columns, kept = self._block(block, rejected)
            if kept:
                index = np.arange(count, count + kept)
                yield Batch(stream=stream.name, table=stream.table, rows=kept, columns={"index": index, **columns})
            count += kept
        self._ledger = (read_entry(stream.name, count, +rejected),)
        self._losses = tuple(malformed_losses(stream.name, self._path.name, +rejected))

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every row of the file."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Rows that could not be read."""
        return self._losses

    def _rows(self, rejected: Counter[str]) -> Iterator[_Row]:
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            if self._path.suffix.lower() == ".csv":
                for row in csv.DictReader(file):
                    if None in row or None in row.values():
                        rejected[TOO_FEW if None in row.values() else "too many fields"] += 1
                        continue
                    yield row
                return
            for line in file:
                if not line.strip():
                    continue
                said = _json(line)
                if isinstance(said, dict):
                    yield said
                else:
                    rejected[NOT_JSON] += 1

    def _block(self, block: Sequence[_Row], rejected: Counter[str]) -> tuple[dict[str, Any], int]:
        t_ns, good = exact_ns([str(row.get(self._time, "")).encode() for row in block], self._unit)
        values: dict[str, Any] = {}
        if self.streams[0].table == "messages":
            kept = [row for row, fine in zip(block, good, strict=True) if fine]
            values["value"] = [json.dumps(self._message(row), ensure_ascii=False) for row in kept]
        else:
            read = {to: np.array([_number(row.get(name)) for row in block]) for to, name in self._columns.items()}
            for column in read.values():
                good &= ~np.isinf(column)
            if self.streams[0].table == "poses":  # a pose that lacks a number is none
                good &= ~np.logical_or.reduce([np.isnan(column) for column in read.values()])
            values = {to: where_known(column[good], np.isnan(column[good])) for to, column in read.items()}
        rejected[NOT_NUMBERS] += int((~good).sum())
        t_ns = t_ns[good]
        return {"t_ns": t_ns + self._offset_ns, "t_header_ns": t_ns, **values}, len(t_ns)

    def _message(self, row: _Row) -> dict[str, Any]:
        named = self._columns or {name: name for name in row}
        return {to: _plain(row.get(name)) for to, name in named.items()}

    def _check_columns(self) -> None:
        first = next(self._rows(Counter()), None)
        if first is None:
            return
        for name in (self._time, *self._columns.values()):
            if name not in first:
                near = close_to(name, first)
                raise ReadError(
                    f"{self._path}: there is no column '{name}'",
                    code="read.absent-column",
                    hint=f"did you mean '{near}'?" if near else f"it has {', '.join(first)}",
                    facts={"file": str(self._path), "column": name},
                )

    def _first_and_last(self) -> tuple[int, int] | None:
        first = last = None
        for row in self._rows(Counter()):
            text = str(row.get(self._time, "")).encode()
            first = text if first is None else first
            last = text
        if first is None or last is None:
            return None
        values, good = exact_ns([first, last], self._unit)
        return (int(values.min()) + self._offset_ns, int(values.max()) + self._offset_ns) if good.all() else None


class _Written(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _json(line: str) -> Any:
    """Parse a line; numbers stay as they are written, so that times are exact. None if it is no JSON."""
    try:
        return json.loads(line, parse_float=_Written, parse_int=_Written)
    except json.JSONDecodeError:
        return None


def _number(value: Any) -> float:
    """Give the number; NaN for an empty field, infinity for what is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("inf")


def _plain(value: Any) -> Any:
    if isinstance(value, _Written):
        return json.loads(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
