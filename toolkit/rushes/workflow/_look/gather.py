"""Batches of one stream → the few columns that a survey needs, joined; anything else is let go at once."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, Column, Stream

TIMES = ("t_ns", "t_log_ns", "t_header_ns", "seq", "flags", "pts")
PLACES = ("media_id", "block", "offset", "length", "width", "height", "stride", "keyframe")


class Gathered:
    """What is kept of one stream: times of all samples, and of pictures where their bytes are."""

    def __init__(self, stream: Stream, *, more: Collection[str] = ()) -> None:
        """Keep nothing yet.

        Args:
            stream: Of which batches will be added.
            more: Columns of numbers to keep besides times and places.
        """
        self.stream = stream
        self.rows = 0
        usual = (*TIMES, *PLACES) if stream.table == "frames" else (*TIMES, "length")
        self._wanted = tuple(dict.fromkeys((*usual, *more)))
        self._parts: dict[str, list[tuple[Column, int]]] = {}

    def add(self, batch: Batch) -> None:
        """Keep the wanted columns of a batch; they are copied, so that it can be let go."""
        for name in self._wanted:
            column = batch.columns.get(name)
            kept = column.copy() if isinstance(column, np.ndarray) else column
            self._parts.setdefault(name, []).append((kept, batch.rows))
        self.rows += batch.rows

    def numbers(self, name: str) -> npt.NDArray[Any] | None:
        """Give a column of numbers in recorded order; None where no sample has one.

        It is a masked array where some samples have none.
        """
        parts = [(_spread(part, rows), rows) for part, rows in self._parts.get(name, ()) if rows]
        known = [part for part, _ in parts if part is not None]
        if not known:
            return None
        if len(known) == len(parts) and not any(isinstance(part, np.ma.MaskedArray) for part in known):
            whole: npt.NDArray[Any] = np.concatenate(known)
            return whole
        values = np.concatenate([_data(part, rows, known[0].dtype) for part, rows in parts])
        absent = np.concatenate([_absent(part, rows) for part, rows in parts])
        return None if absent.all() else masked(values, absent)

    def present(self, name: str) -> npt.NDArray[Any]:
        """Give the values of those samples that have one, in recorded order; empty where none has."""
        column = self.numbers(name)
        if column is None:
            return np.empty(0, np.int64)
        return np.asarray(column)[~_absent(column, self.rows)]

    def filled(self, name: str, value: int) -> npt.NDArray[Any]:
        """Give a column with ``value`` where a sample has none."""
        column = self.numbers(name)
        if column is None:
            return np.full(self.rows, value)
        return np.where(_absent(column, self.rows), value, np.asarray(column))

    def row(self, index: int) -> Mapping[str, Any]:
        """Give one sample as plain values by column; None where absent."""
        return {name: self._value(name, index) for name in self._wanted}

    def release(self) -> None:
        """Let the columns go."""
        self._parts.clear()

    def _value(self, name: str, index: int) -> Any:
        for part, rows in self._parts.get(name, ()):
            if index < rows:
                value = part[index] if isinstance(part, np.ndarray | list | tuple) else part
                absent = value is np.ma.masked
                return None if absent else value.item() if isinstance(value, np.generic) else value
            index -= rows
        return None


def _spread(part: Column, rows: int) -> npt.NDArray[Any] | None:
    if part is None or isinstance(part, str):
        return None
    if isinstance(part, np.ndarray):
        return part
    return np.full(rows, part) if isinstance(part, int | float) else None


def masked(values: npt.NDArray[Any], absent: npt.NDArray[np.bool_] | bool) -> npt.NDArray[Any]:
    """Give a masked array."""
    made: npt.NDArray[Any] = np.ma.MaskedArray(values, mask=absent)
    return made


def _data(part: npt.NDArray[Any] | None, rows: int, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.zeros(rows, kind) if part is None else np.asarray(part)


def _absent(part: npt.NDArray[Any] | None, rows: int) -> npt.NDArray[np.bool_]:
    if part is None:
        return np.ones(rows, np.bool_)
    mask = part.mask if isinstance(part, np.ma.MaskedArray) else False
    return np.broadcast_to(np.asarray(mask, np.bool_), (rows,))
