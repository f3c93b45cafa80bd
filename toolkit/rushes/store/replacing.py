"""Rows taken out of a table: the files that hold them are written anew without them."""

import json
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

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
        token: Of the writer.
        time_ns: For the names of what replaces foreign files.

    Returns:
        The actions, and the number of rows taken out.
    """
    actions: list[deltalog.Action] = []
    removed = 0
    for number, file in enumerate(files):
        likely = [condition for condition in conditions if condition.may_hold_in(file)]
        count = _count(table / file.name, schema, likely) if likely else 0
        if not count:
            continue
        removed += count
        actions.append(deltalog.remove_action(file))
        if count < _rows_of(table, file):
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
        for group in rows.row_groups(table / file.name, schema):
            kept = group.filter(pc.invert(_either(conditions, group)))
            if kept.num_rows:
                writer.add(kept)
        return [deltalog.add_action(part) for part in writer.close()]
    except BaseException:
        writer.discard()
        raise


def _count(path: Path, schema: TableSchema, conditions: Sequence[rows.Condition]) -> int:
    names = list(dict.fromkeys(name for condition in conditions for name in condition.columns))
    count = 0
    for group in rows.row_groups(path, schema, columns=names):
        count += pc.sum(_either(conditions, group)).as_py() or 0
    return count


def _either(conditions: Sequence[rows.Condition], group: Any) -> Any:
    return reduce(pc.or_, [condition.mask(group) for condition in conditions])


def _rows_of(table: Path, file: deltalog.LiveFile) -> int:
    count = json.loads(file.stats).get("numRecords") if file.stats else None
    if count is None:
        with damage_named(table / file.name):
            count = pq.ParquetFile(table / file.name).metadata.num_rows
    return int(count)
