"""What sync found, as columns of clock_maps, crosschecks, moments, moment_members and moment_spans."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from rushes.model import Column
from rushes.timing.clockmap import ClockMap, ClockSegment
from rushes.timing.common import CommonTime
from rushes.timing.crosscheck.verdict import Crosscheck
from rushes.timing.moments import Alignment

Rows = tuple[int, Mapping[str, Column]]


def map_rows(maps: Sequence[ClockMap]) -> list[dict[str, Any]]:
    """Give a row for each segment of each map, without recording and version."""
    names = [f.name for f in fields(ClockSegment)]
    of_map = ("from_clock", "to_clock", "source", "latency_known")
    return [
        {name: getattr(each, name) for name in of_map}
        | {name: _plain(getattr(segment, name)) for name in names}
        | {"segment": number}
        for each in maps
        for number, segment in enumerate(each.segments)
    ]


def version_of(rows: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]) -> tuple[int, bool]:
    """Give the version under which maps stand, and whether they are new.

    Args:
        rows: As from :func:`map_rows`.
        known: Rows of ``clock_maps`` of the same recording.
    """
    last = max((row["map_version"] for row in known), default=0)
    newest = [row for row in known if row["map_version"] == last]

    def content(each: Mapping[str, Any]) -> str:
        return repr(sorted((name, value) for name, value in each.items() if name in wanted))

    wanted = set(rows[0]) if rows else set()
    same = bool(newest) and sorted(map(content, rows)) == sorted(map(content, newest))
    return (last, False) if same or not rows else (last + 1, True)


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


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
