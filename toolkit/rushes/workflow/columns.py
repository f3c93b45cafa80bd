"""Rows of several pieces laid end to end, as the store takes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rushes.model import Column


def end_to_end(pieces: Iterable[tuple[int, Mapping[str, Column]]]) -> tuple[int, dict[str, Column]]:
    """Join pieces of one table, each with its number of rows and the same columns; scalars are spread."""
    listed = list(pieces)
    total = sum(rows for rows, _ in listed)
    names = list(listed[0][1]) if listed else []
    return total, {name: _joined([(rows, columns[name]) for rows, columns in listed]) for name in names}


def _joined(parts: Sequence[tuple[int, Column]]) -> Column:
    values = [value for _, value in parts]
    if all(isinstance(value, np.ndarray) for value in values):
        arrays: Any = values
        masked = any(isinstance(value, np.ma.MaskedArray) for value in arrays)
        joined: Column = np.ma.concatenate(arrays) if masked else np.concatenate(arrays)
        return joined
    spread: list[Any] = []
    for rows, value in parts:
        if value is None or isinstance(value, str | int | float | bool):
            spread.extend([value] * rows)
        else:
            spread.extend(value.tolist() if isinstance(value, np.ndarray) else value)
    return spread
