"""Rows of a table version: pruned by file, then by row group, then chosen by value."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from rushes.registry import late
from rushes.store.columns import to_arrow
from rushes.store.deltalog import LiveFile
from rushes.store.mishaps import damage_named
from rushes.store.schemas import TableSchema

Scalar: TypeAlias = str | int | float | bool | bytes | None
Where: TypeAlias = Mapping[str, Scalar | Sequence[Scalar]]
"""Conditions that all hold: the column equals the value, or one of the values. None asks for null."""

Share = Literal["all", "some", "none"]
"""How many of some rows meet a condition; "some" also where that is not known."""

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
        if condition.share_of_file(file) != "none"
        for piece in _read_file(folder / file.name, schema, names, condition)
    ]
    return pa.concat_tables(pieces) if pieces else pa.Table.from_batches([], schema=wanted)


def row_groups(path: Path, schema: TableSchema, *, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Read a whole file one row group at a time, each a table of the columns, all when None.

    Raises:
        StoreError: ``store.damaged`` if the file is absent or does not parse.
    """
    names = list(schema.kinds) if columns is None else list(columns)
    with damage_named(path), pq.ParquetFile(path) as file:
        present = _present(file, names)
        for number in range(file.num_row_groups):
            yield _conformed(file.read_row_group(number, columns=present), schema, names)


class Condition:
    """A ``where`` held against bounds.

    Attributes:
        values: For each column, the values it may have, as an Arrow array.
    """

    def __init__(self, schema: TableSchema, where: Where) -> None:
        schema.check_names(list(where))
        self._schema = schema
        self._wanted = {name: _listed(value) for name, value in where.items()}
        self.values = {
            name: to_arrow(wanted, len(wanted), schema.kinds[name], label=f"{schema.name}.{name}")
            for name, wanted in self._wanted.items()
        }

    def wanted(self, column: str) -> list[Any]:
        """Give the values that a column may have; none where it is not asked about."""
        return self._wanted.get(column, [])

    def share_of_file(self, file: LiveFile) -> Share:
        """Tell how many of a file's rows meet the condition, by the bounds that the log keeps."""
        if not self._wanted:
            return "all"
        stats = json.loads(file.stats) if file.stats else {}
        smallest, largest = stats.get("minValues") or {}, stats.get("maxValues") or {}
        nulls = stats.get("nullCount") or {}
        return _together(
            self._share(name, smallest.get(name), largest.get(name), nulls.get(name)) for name in self._wanted
        )

    def share_of_group(self, group: Any, positions: Mapping[str, int]) -> Share:
        """Tell the same of a row group, by the bounds in the file's footer.

        Args:
            group: Its metadata.
            positions: Where the columns are in it; a column that is not there is null.
        """
        return _together(self._share_of_column(name, group, positions) for name in self._wanted)

    def _share_of_column(self, name: str, group: Any, positions: Mapping[str, int]) -> Share:
        if name not in positions:
            return "all" if None in self._wanted[name] else "none"
        stats = group.column(positions[name]).statistics
        if stats is None:
            return "some"
        smallest, largest = (stats.min, stats.max) if stats.has_min_max else (None, None)
        return self._share(name, smallest, largest, stats.null_count)

    def _share(self, name: str, smallest: Any, largest: Any, nulls: int | None) -> Share:
        wanted = self._wanted[name]
        if smallest is None or largest is None or self._schema.kinds[name] not in _ORDERED:
            return "some"
        if nulls == 0 and smallest == largest and smallest in wanted:
            return "all"
        if nulls != 0 and None in wanted:
            return "some"
        return "some" if any(value is not None and smallest <= value <= largest for value in wanted) else "none"


def _together(shares: Iterable[Share]) -> Share:
    met = set(shares)
    if "none" in met:
        return "none"
    return "some" if "some" in met else "all"


def _listed(value: Scalar | Sequence[Scalar]) -> list[Any]:
    return [value] if value is None or isinstance(value, str | bytes | int | float) else list(value)


def _read_file(path: Path, schema: TableSchema, names: list[str], condition: Condition) -> Iterator[Any]:
    needed = list(dict.fromkeys([*names, *condition.values]))
    with damage_named(path), pq.ParquetFile(path) as file:
        metadata = file.metadata
        positions = {name: at for at, name in enumerate(metadata.schema.names) if name in condition.values}
        groups: dict[Share, list[int]] = {"all": [], "some": [], "none": []}
        for number in range(metadata.num_row_groups):
            groups[condition.share_of_group(metadata.row_group(number), positions)].append(number)
        present = _present(file, needed)
        # A run of row groups is read at once; where rows must be chosen, each run by itself keeps the order.
        for share, run in _runs(groups):
            rows = _conformed(file.read_row_groups(run, columns=present), schema, needed)
            if share == "some":
                rows = late("rushes.store.choosing").chosen(rows, condition.values)
            yield rows.select(names)


def _runs(groups: Mapping[Share, list[int]]) -> Iterator[tuple[Share, list[int]]]:
    numbered = sorted([(n, "all") for n in groups["all"]] + [(n, "some") for n in groups["some"]])
    for share, run in groupby(numbered, key=lambda pair: pair[1]):
        yield ("all" if share == "all" else "some"), [number for number, _ in run]


def _present(file: Any, names: Sequence[str]) -> list[str]:
    stored = set(file.schema_arrow.names)
    return [name for name in names if name in stored]


def _conformed(rows: Any, schema: TableSchema, names: Sequence[str]) -> Any:
    """Give the rows the schema's fields; a column that an older file lacks is null."""
    wanted = pa.schema([schema.arrow.field(name) for name in names])
    if not names:
        return rows.select([])  # from_arrays would lose the number of rows
    if rows.schema.equals(wanted):
        return pa.Table.from_arrays(rows.columns, schema=wanted)  # for the fields' metadata
    columns = [
        rows[field.name].cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(columns, schema=wanted)
