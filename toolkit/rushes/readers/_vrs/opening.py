"""Opens a VRS recording: its tags, the configuration of each stream, and what lies beside it for Aria."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.model import ClockPairs, Loss, MediaFile
from rushes.readers._files.parts import Part, PartsRecording
from rushes.readers._vrs import aria, beside, streams
from rushes.readers._vrs.description import FileTags, StreamTags, description_at
from rushes.readers._vrs.pieces import Pieces, files_of
from rushes.readers._vrs.records import (
    CONFIGURATION,
    DATA,
    STATE,
    Found,
    head_of,
    header_at,
    payload_of,
    records_of,
)
from rushes.readers._vrs.stream import Source, StreamPart

CONTAINER = "vrs"
LONG_TEXT = 1024
TIME_MAPPING = 285
"""The kind of stream in which Aria notes its own time beside another device's."""


def open_file(path: Path, *, reader: str) -> OpenRecording:
    """Open a recording and the files that continue it.

    Raises:
        ReadError: If it is not there, no VRS, or its description cannot be read.
    """
    try:
        paths = files_of(path)
        with Pieces(paths) as pieces:
            head = head_of(pieces, path)
            tags = description_at(pieces, head.description_at, path)
            found = records_of(pieces, head, head.first_record_at or tags.end, path.name)
            told = {
                stream: streams.configurations(pieces, found.records, stream, tags) for stream in _ids(tags, found)
            }
            losses = [*found.losses]
            parts, seen = _parts(tuple(paths), found, tags, told, losses)
            pairs = _time_pairs(pieces, found, tags, told, seen)
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="bring the recording back to where it was",
            facts={"file": str(path)},
        ) from error
    metadata = _metadata(tags, found, told, seen, head.creation_id)
    if aria.is_aria(tags.file):
        span = _span(parts)
        parts.extend(aria.calibration_parts(tags.file, seen, span, losses))
        nearby, more, unread = beside.parts_of(path, clock_id=streams.clock_of(tags.file))
        parts.extend(nearby)
        metadata |= more
        if unread:
            metadata["files_left_unread"] = unread
    return PartsRecording(path, reader, parts, metadata, losses, pairs)


def _ids(tags: FileTags, found: Found) -> list[tuple[int, int]]:
    there = zip(found.records.type.tolist(), found.records.instance.tolist(), strict=True)
    return sorted({*tags.streams, *there})


def _parts(
    paths: tuple[Path, ...],
    found: Found,
    tags: FileTags,
    told: Mapping[tuple[int, int], streams.Configurations],
    losses: list[Loss],
) -> tuple[list[Part], dict[tuple[int, int], str]]:
    media = tuple(MediaFile(media_id=path.name, path=path, container=CONTAINER) for path in paths)
    parts: list[Part] = []
    seen: dict[tuple[int, int], str] = {}
    for stream, configured in told.items():
        rows = found.records.of(stream, DATA)
        absent = len(found.absent.of(stream, DATA))
        if not len(rows) and not absent:
            continue
        version = streams.version_of(stream, tags, found, configured)
        made = streams.stream_of(stream, tags, configured, version, count=len(rows) + absent, losses=losses)
        seen[stream] = made.stream.name
        source = Source(paths=paths, records=found.records, rows=rows, absent=absent)
        parts.append(StreamPart(made.stream, source, made.meaning, media=media))
        media = ()
    return parts, seen


def _time_pairs(
    pieces: Pieces,
    found: Found,
    tags: FileTags,
    told: Mapping[tuple[int, int], streams.Configurations],
    seen: Mapping[tuple[int, int], str],
) -> list[ClockPairs]:
    """Give the readings of the device's clock beside others, which Aria keeps in streams of their own."""
    pairs: list[ClockPairs] = []
    for stream, name in seen.items():
        if stream[0] != TIME_MAPPING:
            continue
        mode = next((said.get("mode") for _, said in told[stream].values if said.get("mode")), None)
        layouts = streams.formats(tags.streams.get(stream, StreamTags()), "Data")
        from_ns, to_ns = [], []
        for row in found.records.of(stream, DATA).tolist():
            offset = int(found.records.offset[row])
            head = header_at(pieces, offset)
            if head is None or not layouts(int(head["format"])):
                continue
            layout = layouts(int(head["format"]))[0].layout
            try:
                said = layout.values(payload_of(pieces, offset, head)) if layout is not None else {}
            except (ReadError, ValueError):
                continue  # the stream's own ledger counts it
            if {"monotonic_timestamp_ns", "real_timestamp_ns"} <= said.keys():
                from_ns.append(said["monotonic_timestamp_ns"])
                to_ns.append(said["real_timestamp_ns"])
        if from_ns:
            pairs.append(
                ClockPairs(
                    from_clock=streams.clock_of(tags.file),
                    to_clock=str(mode or name),
                    from_ns=np.array(from_ns, np.int64),
                    to_ns=np.array(to_ns, np.int64),
                    relation="same",
                    source="device-metadata",
                    stream=name,
                )
            )
    return pairs


def _metadata(
    tags: FileTags,
    found: Found,
    told: Mapping[tuple[int, int], streams.Configurations],
    seen: Mapping[tuple[int, int], str],
    creation_id: int,
) -> dict[str, Any]:
    kinds = Counter(found.records.kind.tolist())
    return {
        "container": CONTAINER,
        "creation_id": creation_id,
        "records": len(found.records),
        "records_by_kind": {"configuration": kinds[CONFIGURATION], "state": kinds[STATE], "data": kinds[DATA]},
        "tags": dict(tags.file),
        "streams": {
            f"{stream[0]}-{stream[1]}": {
                "stream": seen.get(stream),
                "name": tags.streams[stream].name if stream in tags.streams else None,
                "tags": dict(tags.streams[stream].user) if stream in tags.streams else {},
                "configuration": _json(configured.values[0][1]) if configured.values else None,
                "configurations": len(configured.values),
            }
            for stream, configured in told.items()
        },
    }


def _json(said: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out numbers that JSON does not have, and texts as long as a calibration, which the tags hold too."""

    def plain(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return f"{len(value):,} characters" if isinstance(value, str) and len(value) > LONG_TEXT else value

    return {name: plain(value) for name, value in said.items()}


def _span(parts: list[Part]) -> tuple[int, int] | None:
    spans = [part.span for part in parts if part.span is not None]
    return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None
