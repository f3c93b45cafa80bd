"""Rows taken out of a table: the files that hold them are written anew without them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rushes.registry import late
from rushes.store import deltalog, rows
from rushes.store.mishaps import damage_named
from rushes.store.parts import PartWriter, stem_of
from rushes.store.schemas import TableSchema


def without(
    table: Path,
    schema: TableSchema,
    files: Sequence[deltalog.LiveFile],
    conditions: Sequence[rows.Condition],
    *,
    token: str,
    time_ns: int,
) -> tuple[list[deltalog.Action], int]:
    """Take out the rows that meet any of the conditions.

    Files without such rows are left alone. What remains of a file keeps its place in the order.

    Args:
        table: The table's folder.
        schema: Its contract.
        files: What it is made of.
        conditions: At least one.
        token: Of the writer.
        time_ns: For the names of what replaces foreign files.

    Returns:
        The actions, and the number of rows taken out.
    """
    actions: list[deltalog.Action] = []
    removed = 0
    for number, file in enumerate(files):
        shares = [condition.share_of_file(file) for condition in conditions]
        likely = [condition for condition, share in zip(conditions, shares, strict=True) if share != "none"]
        if not likely:
            continue
        before = _rows_of(table, file)
        count = before if "all" in shares else before - _count_others(table / file.name, schema, likely)
        if not count:
            continue
        removed += count
        actions.append(deltalog.remove_action(file))
        if count < before:
            stem = stem_of(file.name) or f"{time_ns:016x}-{number:04d}"
            actions += _survivors(table, schema, file, likely, token=token, stem=stem)
    return actions, removed


def _survivors(
    table: Path,
    schema: TableSchema,
    file: deltalog.LiveFile,
    conditions: Sequence[rows.Condition],
    *,
    token: str,
    stem: str,
) -> list[deltalog.Action]:
    writer = PartWriter(table, schema, token=token, time_ns=0, stem=stem)
    try:
        for kept in _others(table / file.name, schema, conditions, columns=None):
            if kept.num_rows:
                writer.add(kept)
        return [deltalog.add_action(part) for part in writer.close()]
    except BaseException:
        writer.discard()
        raise


def _count_others(path: Path, schema: TableSchema, conditions: Sequence[rows.Condition]) -> int:
    names = list(dict.fromkeys(name for condition in conditions for name in condition.values))
    return sum(kept.num_rows for kept in _others(path, schema, conditions, columns=names))


def _others(
    path: Path, schema: TableSchema, conditions: Sequence[rows.Condition], *, columns: list[str] | None
) -> Iterator[Any]:
    several = [condition.values for condition in conditions]
    for group in rows.row_groups(path, schema, columns=columns):
        yield late("rushes.store.choosing").others(group, several)


def _rows_of(table: Path, file: deltalog.LiveFile) -> int:
    count = json.loads(file.stats).get("numRecords") if file.stats else None
    if count is None:
        with damage_named(table / file.name):
            count = pq.ParquetFile(table / file.name).metadata.num_rows
    return int(count)
