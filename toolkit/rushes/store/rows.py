"""Rows of a table version: pruned by file, then by row group, then chosen by value."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rushes.store.columns import to_arrow
from rushes.store.deltalog import LiveFile
from rushes.store.mishaps import damage_named
from rushes.store.schemas import TableSchema

Scalar: TypeAlias = str | int | float | bool | bytes | None
Where: TypeAlias = Mapping[str, Scalar | Sequence[Scalar]]
"""Conditions that all hold: the column equals the value, or one of the values. None asks for null."""

_ORDERED = frozenset({"string", "int64", "int32"})  # kinds whose bounds compare as Python's values do


def read(
    folder: Path,
    files: Sequence[LiveFile],
    schema: TableSchema,
    *,
    columns: Sequence[str] | None = None,
    where: Where | None = None,
) -> Any:
    """Read the rows that meet ``where``, in the order of the files.

    Returns:
        A pyarrow table of the columns asked for, in that order; all when None.

    Raises:
        UsageError: If a column is unknown.
        StoreError: ``store.damaged`` if a file is absent or does not parse.
    """
    names = list(schema.kinds) if columns is None else list(columns)
    schema.check_names(names)
    wanted = pa.schema([schema.arrow.field(name) for name in names])
    condition = Condition(schema, where or {})
    pieces = [
        piece
        for file in files
        if condition.may_hold_in(file)
        for piece in _read_file(folder / file.name, schema, names, condition)
    ]
    return pa.concat_tables(pieces) if pieces else wanted.empty_table()


def row_groups(path: Path, schema: TableSchema, *, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Read a whole file one row group at a time, each a table of the columns, all when None.

    Raises:
        StoreError: ``store.damaged`` if the file is absent or does not parse.
    """
    names = list(schema.kinds) if columns is None else list(columns)
    with damage_named(path), pq.ParquetFile(path) as file:
        present = [name for name in names if name in file.schema_arrow.names]
        for number in range(file.num_row_groups):
            yield _conformed(file.read_row_group(number, columns=present), schema, names)


class Condition:
    """A ``where`` held against bounds and against rows."""

    def __init__(self, schema: TableSchema, where: Where) -> None:
        schema.check_names(list(where))
        self._schema = schema
        self.columns = list(where)
        self._values = {name: _listed(value) for name, value in where.items()}
        self._sets = {
            name: to_arrow(values, len(values), schema.kinds[name], label=f"{schema.name}.{name}")
            for name, values in self._values.items()
        }

    def values(self, column: str) -> list[Any]:
        """Give the values that the column may have; none where it is not asked about."""
        return self._values.get(column, [])

    def may_hold_in(self, file: LiveFile) -> bool:
        """Tell whether a file may hold a row that meets the condition, by the bounds that the log keeps."""
        if not self._values or not file.stats:
            return True
        stats = json.loads(file.stats)
        smallest, largest = stats.get("minValues") or {}, stats.get("maxValues") or {}
        nulls = stats.get("nullCount") or {}
        return all(
            self._may_hold(name, smallest.get(name), largest.get(name), nulls.get(name)) for name in self._values
        )

    def may_hold_in_group(self, group: Any, positions: Mapping[str, int]) -> bool:
        """Tell the same of a row group, by the bounds in the file's footer."""
        for name in self._values:
            if name not in positions:
                continue
            stats = group.column(positions[name]).statistics
            if stats is None:
                continue
            smallest, largest = (stats.min, stats.max) if stats.has_min_max else (None, None)
            if not self._may_hold(name, smallest, largest, stats.null_count):
                return False
        return True

    def mask(self, rows: Any) -> Any:
        """Give which rows meet the condition, as a boolean column."""
        found = [pc.is_in(rows[name], value_set=values) for name, values in self._sets.items()]
        if not found:
            # Every row; built from bytes, because a Python value would bring in pandas.
            count = rows.num_rows
            every = pa.Array.from_buffers(pa.bool_(), count, [None, pa.py_buffer(b"\xff" * (count // 8 + 1))])
            return pa.chunked_array([every])
        return reduce(pc.and_, found)

    def _may_hold(self, name: str, smallest: Any, largest: Any, nulls: int | None) -> bool:
        values = self._values[name]
        if None in values and nulls != 0:
            return True
        if smallest is None or largest is None or self._schema.kinds[name] not in _ORDERED:
            return any(value is not None for value in values)
        return any(value is not None and smallest <= value <= largest for value in values)


def _listed(value: Scalar | Sequence[Scalar]) -> list[Any]:
    return [value] if value is None or isinstance(value, str | bytes | int | float) else list(value)


def _read_file(path: Path, schema: TableSchema, names: list[str], condition: Condition) -> list[Any]:
    needed = list(dict.fromkeys([*names, *condition.columns]))
    with damage_named(path), pq.ParquetFile(path) as file:
        metadata = file.metadata
        positions = {name: at for at, name in enumerate(metadata.schema.names) if name in condition.columns}
        groups = [
            number
            for number in range(metadata.num_row_groups)
            if condition.may_hold_in_group(metadata.row_group(number), positions)
        ]
        if not groups:
            return []
        present = [name for name in needed if name in file.schema_arrow.names]
        rows = file.read_row_groups(groups, columns=present)
    rows = _conformed(rows, schema, needed)
    return [(rows.filter(condition.mask(rows)) if condition.columns else rows).select(names)]


def _conformed(rows: Any, schema: TableSchema, names: list[str]) -> Any:
    """Give the rows the schema's fields; a column that an older file lacks is null."""
    fields = [schema.arrow.field(name) for name in names]
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in fields
    ]
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(columns, fields, strict=True)
    ]
    # An empty list of columns still has rows.
    if not columns:
        return rows.select([])
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))
