"""Reads a recording whole and puts what came in one place, for comparing."""

from pathlib import Path
from typing import Any

import numpy as np

from rushes.media import MediaReader
from rushes.model import Location
from rushes.registry import load

WHERE = {"media_id", "block", "offset", "length"}


def listed(column: Any, rows: int) -> list[Any]:
    """Give a column of a batch as Python values, None where absent."""
    if isinstance(column, np.ma.MaskedArray):
        return column.tolist()
    if isinstance(column, np.ndarray):
        return column.tolist()
    if column is None or isinstance(column, str | int | float | bool):
        return [column] * rows
    return list(column)


def tables(recording) -> dict[str, dict[str, list[Any]]]:
    """Give the columns of every stream by name."""
    found: dict[str, dict[str, list[Any]]] = {}
    for batch in recording.batches():
        columns = found.setdefault(batch.stream, {})
        for name, column in batch.columns.items():
            values = listed(column, batch.rows)
            assert len(values) == batch.rows, (batch.stream, name)
            columns.setdefault(name, []).extend(values)
    return found


def without_places(found: dict[str, dict[str, list[Any]]]) -> dict[str, dict[str, list[Any]]]:
    """Leave out the columns that say where the bytes lie."""
    return {s: {name: c for name, c in columns.items() if name not in WHERE} for s, columns in found.items()}


def opened(path: Path, reader: str = "rosbag", **options):
    """Open a recording with a named reader."""
    return load("readers", reader).open(path, options)


def payloads(recording, columns: dict[str, list[Any]]) -> list[bytes]:
    """Read the encoded bytes of every row of a stream from where they are said to lie."""
    media = {file.media_id: file for file in recording.description.media}
    blocks = columns.get("block") or [None] * len(columns["media_id"])
    with MediaReader() as reader:
        return [
            reader.read(
                Location(
                    path=media[media_id].path,
                    container=media[media_id].container,
                    offset=offset,
                    length=length,
                    block=block,
                )
            )
            for media_id, block, offset, length in zip(
                columns["media_id"], blocks, columns["offset"], columns["length"], strict=True
            )
        ]


def assert_books_balance(recording, found: dict[str, dict[str, list[Any]]]) -> None:
    """Hold the ledger to its own sums and to the rows that came."""
    for entry in recording.ledger():
        assert entry.balanced, entry
        if entry.step != "read":
            continue
        rows = len(found.get(entry.stream, {}).get("index", ()))
        assert rows == (entry.out if entry.rows is None else entry.rows), entry
