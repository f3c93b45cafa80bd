"""What is measured of the pictures of a stream: known from an earlier look, or decoded once for all checks.

A look belongs to the content of a picture and of the one before it. What is known of the same stream is taken as
it is, without reading a byte; what is known of the same bytes elsewhere in the dataset, after hashing them.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rushes import registry
from rushes.checks import PICTURE_MEASURES, PICTURE_MEASURES_VERSION
from rushes.errors import ReadError
from rushes.model import Column, FrameFlag
from rushes.workflow._check.known import Known, Measured
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames, decoder_for

GONE = ("read.absent-file", "read.short")
"""What a read answers when the file is not what was ingested, whatever its pictures are."""
LONG_SIDE_PX = 512
AT_ONCE = 32
"""Consecutive pictures of a track that are decoded as one stretch."""
STILLS_AT_ONCE = 8
"""Consecutive pictures that one thread takes: few, so that no core waits long for the last stretch of another."""

Content = str | None


@dataclass(slots=True)
class _Stretch:
    """What was measured of consecutive pictures, and the looks at its ends, which the neighbours need."""

    positions: list[int]
    rows: list[dict[str, float]]
    hashes: list[tuple[int, int] | None]
    contents: list[Content]
    first: Any = None
    last: Any = None
    decoded: int = 0


def measures_of(dataset: Dataset, row: Mapping[str, Any], known: Known, tell: Callable[[int], None]) -> Measured:
    """Give the measures of every picture of a stream.

    Args:
        dataset: Opened.
        row: Of ``streams``.
        known: What earlier checks have measured.
        tell: Called now and then with how many more pictures were looked at.

    Raises:
        ReadError: One of ``GONE``, if the media are not what was ingested.
    """
    frames = dataset.frames(row["recording_id"], row["stream"])
    measured = known.of_stream(row, len(frames))
    if measured is not None:
        return measured
    measured = Measured.empty(len(frames))
    before: _Stretch | None = None
    for stretch in _stretches(frames, known, depth=row["modality"] == "depth"):
        start = stretch.positions[0]
        for at, position in enumerate(stretch.positions):
            measured.put(position, stretch.rows[at], stretch.hashes[at], stretch.contents[at])
        if stretch.first is not None and before is not None and before.positions[-1] == start - 1:
            last = before.last or _look(frames, start - 1, None, depth=row["modality"] == "depth")
            measured.put(start, registry.late("rushes.checks._pixels").compared(stretch.first, last), None, None)
        before = stretch
        measured.decoded += stretch.decoded
        tell(len(stretch.positions))
    return measured


def picture_rows(row: Mapping[str, Any], measured: Measured) -> tuple[int, Mapping[str, Column]]:
    """Lay measures out as rows of ``pictures``: their number and their columns."""
    at = np.flatnonzero(~np.isnan(measured.values["unreadable"]))
    hashed = ~measured.hashed[at]
    columns: dict[str, Any] = {
        "recording_id": row["recording_id"],
        "stream": row["stream"],
        "index": at.astype(np.int64),
        "measure_version": PICTURE_MEASURES_VERSION,
        "content": [measured.content[i] for i in at.tolist()],
        "content_before": [measured.content[i - 1] if i else None for i in at.tolist()],
        "phash": np.ma.masked_array(measured.phash[at].view(np.int64), hashed),
        "phash_mirrored": np.ma.masked_array(measured.phash_mirrored[at].view(np.int64), hashed),
    }
    for name in PICTURE_MEASURES:
        values = measured.values[name][at]
        columns[name] = np.ma.masked_array(values, np.isnan(values))
    return len(at), columns


def _stretches(frames: Frames, known: Known, *, depth: bool) -> Iterator[_Stretch]:
    """Look at every picture that is there, in order; on all cores where the codec allows it."""
    there = np.flatnonzero(frames.flags & int(FrameFlag.MISSING | FrameFlag.NO_PICTURE) == 0)
    runs = np.split(there, np.flatnonzero(np.diff(there) > 1) + 1) if len(there) else []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    whole = _reads_container(frames)
    most = AT_ONCE if whole else max(1, min(STILLS_AT_ONCE, -(-len(there) // (4 * cores))))
    pieces = [run[at : at + most].tolist() for run in runs for at in range(0, len(run), most)]
    look_at = partial(_look_at, frames, None if whole else known, depth=depth)
    if whole:  # a track is decoded in order
        yield from map(look_at, pieces)
        return
    with registry.late("rushes.checks._pixels").one_thread_each(), ThreadPoolExecutor(cores) as pool:
        yield from pool.map(look_at, pieces)


def _look_at(frames: Frames, known: Known | None, positions: Sequence[int], *, depth: bool) -> _Stretch:
    """Look at consecutive pictures; the first is not held against the one before it, unless both are known."""
    compared = registry.late("rushes.checks._pixels").compared
    stretch = _Stretch(list(positions), [], [], [])
    before: Any = None
    payload_before: bytes | None = None
    content_before = _content_before(frames, known, positions[0])
    for at, position in enumerate(positions):
        payload = frames.bytes(position) if known is not None else None
        content = _content(payload)
        found = known.of_content(content, content_before) if known is not None else None
        this: Any = None
        if found is not None:
            row, hashes = found
        else:
            this = _look(frames, position, payload, depth=depth)
            stretch.decoded += 1
            row, hashes = dict(this.measures), this.hashes
            if at:
                before = before or _look(frames, position - 1, payload_before, depth=depth)
                row |= compared(this, before)
        stretch.rows.append(row)
        stretch.hashes.append(hashes)
        stretch.contents.append(content)
        stretch.first = this if at == 0 else stretch.first
        before, payload_before, content_before = this, payload, content
    stretch.last = before
    return stretch


def _look(frames: Frames, position: int, payload: bytes | None, *, depth: bool) -> Any:
    """Decode one picture and measure it by itself; what does not decode is a look as well."""
    pixels = registry.late("rushes.checks._pixels")
    try:
        if payload is None and not _reads_container(frames):
            payload = frames.bytes(position)
        return pixels.look(frames.small(position, payload, long_side_px=LONG_SIDE_PX), depth=depth)
    except ReadError as error:
        if error.code in GONE:
            raise
        return pixels.unreadable(str(error.facts.get("fault", "")))


def _content(payload: bytes | None) -> Content:
    return None if payload is None else hashlib.sha256(payload).hexdigest()[:32]


def _content_before(frames: Frames, known: Known | None, position: int) -> Content:
    """Give the content of the picture before a stretch; not read where nothing is known to hold it against."""
    if known is None or known.nothing or position == 0 or frames.missing(position - 1):
        return None
    return _content(frames.bytes(position - 1))


def _reads_container(frames: Frames) -> bool:
    try:
        return decoder_for(frames.stream["codec"] or "").reads_container
    except ReadError:  # no decoder: every picture will say so itself
        return False
