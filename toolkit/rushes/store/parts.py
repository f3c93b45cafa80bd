"""Parts: the Parquet files of a table, written a row group at a time in bounded memory.

A part's name is ``TIME-NUMBER-TOKEN.parquet``. Sorted by name, the rows of one stream are in recorded order: one
transaction writes a stream, so TIME (nanoseconds, hexadecimal) and NUMBER settle it. TOKEN names the writer, so
that nobody takes a part of a living writer for an orphan.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rushes.store.schemas import TableSchema

ROLL_BYTES = 256 << 20
"""A part that has grown to this is closed and the next one begun."""

_BUFFER_BYTES = 64 << 20  # wide rows, such as decoded messages, are written before a row group is full
_PRUNED = frozenset({"string", "int64", "int32"})  # kinds whose smallest and largest value are worth keeping


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A closed Parquet file that nothing refers to yet.

    Args:
        name: File name in the table's folder.
        stats: Row count, and smallest and largest value of the key columns and the time, in Delta's JSON.
        modified_ms: Modification time, milliseconds UTC.
    """

    name: str
    bytes: int
    rows: int
    stats: str
    modified_ms: int


class PartWriter:
    """Gathers rows of one table and writes them as parts.

    Args:
        folder: The table's folder; made when missing.
        token: Of the writer, no hyphens.
        stem: ``TIME-NUMBER`` of the only part, where it takes the place of another; None counts from 0.
        time_ns: TIME of the names.
    """

    def __init__(
        self, folder: Path, schema: TableSchema, *, token: str, time_ns: int, stem: str | None = None
    ) -> None:
        self.rows = 0
        self._folder = folder
        self._schema = schema
        self._token = token
        self._time_ns = time_ns
        self._stem = stem
        self._waiting: list[Any] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._open: _OpenPart | None = None
        self._names: list[str] = []
        self._parts: list[Part] = []

    def add(self, batch: Any) -> None:
        """Take a record batch or table with the table's schema."""
        self.rows += batch.num_rows
        self._waiting.append(batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch]))
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= self._schema.row_group:
            self._write(self._waiting_rows // self._schema.row_group * self._schema.row_group)
        elif self._waiting_bytes >= _BUFFER_BYTES:
            self._write(self._waiting_rows)

    def close(self) -> list[Part]:
        """Write what is left and give the parts; their bytes are on the disk."""
        if self._waiting_rows:
            self._write(self._waiting_rows)
        if self._open is not None:
            self._parts.append(self._open.close())
            self._open = None
        return self._parts

    def discard(self) -> None:
        """Delete what was written; nothing may refer to it."""
        if self._open is not None:
            self._open.abandon()
            self._open = None
        self._waiting = []
        for name in self._names:
            (self._folder / name).unlink(missing_ok=True)

    def _write(self, rows: int) -> None:
        whole = pa.concat_tables(self._waiting)
        rest = whole.slice(rows)
        self._waiting = [rest] if rest.num_rows else []
        self._waiting_rows = rest.num_rows
        self._waiting_bytes = rest.nbytes
        if self._open is None:
            stem = self._stem or f"{self._time_ns:016x}-{len(self._names):04d}"
            name = f"{stem}-{self._token}.parquet"
            self._folder.mkdir(parents=True, exist_ok=True)
            self._names.append(name)
            self._open = _OpenPart(self._folder / name, self._schema)
        self._open.write(whole.slice(0, rows))
        if self._open.bytes >= ROLL_BYTES and self._stem is None:
            self._parts.append(self._open.close())
            self._open = None


def token_of(name: str) -> str:
    """Give the writer's token in a part's name; empty for a foreign name."""
    pieces = name.removesuffix(".parquet").split("-")
    return pieces[2] if len(pieces) == 3 else ""


def stem_of(name: str) -> str | None:
    """Give ``TIME-NUMBER`` of a part's name; None for a foreign name."""
    return name.rpartition("-")[0] if token_of(name) else None


def time_of(name: str) -> int:
    """Give TIME of a part's name in nanoseconds; 0 for a foreign name."""
    return int(name.partition("-")[0], 16) if token_of(name) else 0


class _OpenPart:
    def __init__(self, path: Path, schema: TableSchema) -> None:
        self._path = path
        self._schema = schema
        self._metadata: list[Any] = []
        self._sink = pa.OSFile(os.fspath(path), "wb")
        self._writer = pq.ParquetWriter(
            self._sink,
            schema.arrow,
            compression="zstd",
            compression_level=1,
            use_dictionary=_leaves(schema, "string"),
            column_encoding={
                **dict.fromkeys(_leaves(schema, "int32") + _leaves(schema, "int64"), "DELTA_BINARY_PACKED"),
                **dict.fromkeys(_leaves(schema, "float32") + _leaves(schema, "float64"), "BYTE_STREAM_SPLIT"),
            },
            metadata_collector=self._metadata,
        )

    @property
    def bytes(self) -> int:
        return int(self._sink.tell())

    def write(self, rows: Any) -> None:
        self._writer.write_table(rows, row_group_size=self._schema.row_group)

    def close(self) -> Part:
        self._writer.close()
        self._sink.close()
        handle = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(handle)
            facts = os.fstat(handle)
        finally:
            os.close(handle)
        metadata = self._metadata[0]
        return Part(
            name=self._path.name,
            bytes=facts.st_size,
            rows=metadata.num_rows,
            stats=json.dumps(_stats(metadata, self._schema), ensure_ascii=False),
            modified_ms=facts.st_mtime_ns // 1_000_000,
        )

    def abandon(self) -> None:
        # Closing the writer, which its destructor does, would write a footer; a full disk refuses that once more.
        self._writer.is_open = False
        with suppress(OSError):
            self._sink.close()


def _leaves(schema: TableSchema, kind: str) -> list[str]:
    plain = [name for name, its in schema.kinds.items() if its == kind]
    return plain + [f"{name}.list.element" for name, its in schema.kinds.items() if its == f"list<{kind}>"]


def _stats(metadata: Any, schema: TableSchema) -> Mapping[str, Any]:
    smallest, largest, nulls = {}, {}, {}
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    for position, path in enumerate(metadata.schema.names if groups else ()):
        if schema.kinds.get(path) not in _PRUNED or (path not in schema.key and path != "t_ns"):
            continue
        found = [group.column(position).statistics for group in groups]
        if any(stats is None or stats.null_count is None for stats in found):
            continue
        nulls[path] = sum(stats.null_count for stats in found)
        bounds = [stats for stats in found if stats.has_min_max]
        # A group without bounds holds nothing but nulls, or texts too long to be kept as bounds.
        if bounds and all(s.has_min_max or s.null_count == s.num_values + s.null_count for s in found):
            smallest[path] = min(stats.min for stats in bounds)
            largest[path] = max(stats.max for stats in bounds)
    return {"numRecords": metadata.num_rows, "minValues": smallest, "maxValues": largest, "nullCount": nulls}
