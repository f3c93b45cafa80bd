"""What sync found, as columns of crosschecks, moments and moment_members."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rushes.model import Column
from rushes.timing.common import CommonTime
from rushes.timing.crosscheck.verdict import Crosscheck
from rushes.timing.moments import Alignment

Rows = tuple[int, Mapping[str, Column]]


def columns_of(rows: Sequence[Mapping[str, Any]], **others: Column) -> dict[str, Column]:
    """Turn rows into columns; ``others`` hold for all of them."""
    names = rows[0].keys() if rows else ()
    return {**{name: [row[name] for row in rows] for name in names}, **others}


def crosscheck_rows(found: Sequence[Crosscheck], applied: frozenset[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Give a row for each cross-check, without recording."""
    names = (
        "kind", "first", "second", "verdict", "offset_ns", "ci95_ns", "drift_ppm", "score", "peak_ratio",
        "reason", "start_ns", "end_ns",
    )  # fmt: skip
    return [
        {name: getattr(each, name) for name in names}
        | {"applied": (each.kind, each.first, each.second) in applied}
        for each in found
    ]


def moment_rows(recording_id: str, alignment: Alignment, common: CommonTime, version: int | None) -> Rows:
    """Give the columns of ``moments``."""
    named: dict[str, Column] = {"recording_id": recording_id, "time": common.time, "map_version": version}
    return len(np.asarray(alignment.moments["t_ns"])), {**alignment.moments, **named}


def member_rows(recording_id: str, alignment: Alignment) -> Iterator[Rows]:
    """Give the columns of ``moment_members``, a piece for each stream."""
    for columns in alignment.members.values():
        yield len(np.asarray(columns["moment"])), {**columns, "recording_id": recording_id}
