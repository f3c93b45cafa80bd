"""Batches of one stream → the few columns that a survey needs, joined; anything else is let go at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, Column, Stream

TIMES = ("t_ns", "t_log_ns", "t_header_ns", "seq", "flags", "pts")
PLACES = ("media_id", "block", "offset", "length", "width", "height", "stride", "keyframe")


class Gathered:
    """What is kept of one stream: times of all samples, and of pictures where their bytes are."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.rows = 0
        self._wanted = (*TIMES, *PLACES) if stream.table == "frames" else (*TIMES, "length")
        self._parts: dict[str, list[tuple[Column, int]]] = {}

    def add(self, batch: Batch) -> None:
        """Keep the wanted columns of a batch; they are copied, so that it can be let go."""
        for name in self._wanted:
            column = batch.columns.get(name)
            kept = column.copy() if isinstance(column, np.ndarray) else column
            self._parts.setdefault(name, []).append((kept, batch.rows))
        self.rows += batch.rows

    def numbers(self, name: str) -> npt.NDArray[Any] | None:
        """Give a column of numbers in recorded order, masked where values can be absent; None where there are none."""
        parts = [_spread(part, rows) for part, rows in self._parts.get(name, ()) if rows]
        known = [part for part in parts if part is not None]
        if not known:
            return None
        if len(known) == len(parts) and not any(np.ma.isMaskedArray(part) for part in known):
            return np.concatenate(known)
        filled = [
            np.ma.masked_all(rows, known[0].dtype) if part is None else part
            for part, (_, rows) in zip(parts, ((p, r) for p, r in self._parts[name] if r), strict=True)
        ]
        joined = np.ma.concatenate(filled)
        return None if np.ma.getmaskarray(joined).all() else joined

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
                if value is np.ma.masked:
                    return None
                return value.item() if isinstance(value, np.generic) else value
            index -= rows
        return None


def _spread(part: Column, rows: int) -> npt.NDArray[Any] | None:
    if part is None or isinstance(part, str):
        return None
    if isinstance(part, np.ndarray):
        return part
    return np.full(rows, part) if isinstance(part, int | float) else None
