"""Clock maps as rows of ``clock_maps``, and back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from rushes.store import Store
from rushes.timing.clockmap import CALIBRATION, ClockMap, ClockSegment
from rushes.timing.common import CommonTime

OF_A_MAP = ("from_clock", "to_clock", "source", "latency_known")


def applied_maps(store: Store, recording_id: str) -> dict[str, ClockMap]:
    """Give the maps that times go through, by the newest estimate, by the clock's name."""
    rows = store.table("clock_maps", where={"recording_id": recording_id, "to_clock": "log"}).to_pylist()
    newest = max((row["map_version"] for row in rows), default=0)
    wanted = [row for row in rows if row["map_version"] == newest and row["applied"]]
    return {found.from_clock: found for found in maps_of(wanted)}


def map_of(maps: Mapping[str, ClockMap], stream: Mapping[str, Any]) -> ClockMap | None:
    """Give the map that the raw times of a stream, a row of ``streams``, go through; None where they stand.

    A map of readings is of stamps; one of nothing but a calibrated latency is of arrival times.
    """
    found = maps.get(stream["clock_id"] or stream["stream"])
    if found is None or stream["clock"] != ("log" if found.source == CALIBRATION else "header"):
        return None
    return found


def maps_of(rows: Sequence[Mapping[str, Any]]) -> list[ClockMap]:
    """Give the maps that rows of one version and recording describe."""
    found: defaultdict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["segment"]):
        found[tuple(row[name] for name in OF_A_MAP)].append(row)
    return [
        ClockMap(**dict(zip(OF_A_MAP, key, strict=True)), segments=tuple(map(_segment, stretches)))
        for key, stretches in found.items()
    ]


def _segment(row: Mapping[str, Any]) -> ClockSegment:
    read: dict[str, Any] = {f.name: row[f.name] for f in fields(ClockSegment)}
    read |= {name: tuple(value) for name, value in read.items() if isinstance(value, list)}
    return ClockSegment(**read)


def map_rows(common: CommonTime) -> list[dict[str, Any]]:
    """Give a row for each stretch of each clock that there is evidence about, without recording and version."""
    names = [f.name for f in fields(ClockSegment)]
    clocks = {stream.clock: stream for stream in common.streams.values()}
    known = [(s.applied or s.estimate, s.applied is not None) for s in clocks.values()]
    return [
        {name: getattr(found, name) for name in OF_A_MAP}
        | {name: _plain(getattr(segment, name)) for name in names}
        | {"segment": number, "applied": applied}
        for found, applied in known
        if found is not None
        for number, segment in enumerate(found.segments)
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


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
