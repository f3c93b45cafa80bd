"""What the App is told of each picture: the declared fields, and a view's rows as values of them.

Nothing here knows FiftyOne. The ids are hashes of what a row is, so that a reload gives the same sample the same
id, and whatever points at it still does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rushes.browse.view import ALONE, BrowseView
from rushes.model import FrameFlag

Kind = Literal["text", "integer", "number", "yes_no", "texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a sample in the App, and the group of the sidebar that it stands in."""

    name: str
    kind: Kind
    section: str
    meaning: str
    indexed: bool = False


FLAGS = {flag: flag.name.lower() for flag in FrameFlag if flag.name}

FIELDS: tuple[Field, ...] = (
    Field(name="findings", kind="texts", section="quality", meaning="Checks that found something", indexed=True),
    *(
        Field(name=name, kind="yes_no", section="quality", meaning=f"Whether the frame is flagged as {name}")
        for name in FLAGS.values()
    ),
    Field(name="skew_ms", kind="number", section="time", meaning="Sample time minus the moment's, in ms"),
    Field(name="time_s", kind="number", section="time", meaning="Seconds since the start", indexed=True),
    Field(
        name="t_ns",
        kind="integer",
        section="time",
        meaning="Time of the sample, in ns; exact, but the App rounds what it shows to 256 ns",
    ),
    Field(name="recording", kind="text", section="recording", meaning="Name of the recording", indexed=True),
    Field(name="stream", kind="text", section="recording", meaning="The stream, as the recording names it"),
    Field(name="modality", kind="text", section="recording", meaning="color, depth or infrared"),
    Field(name="index", kind="integer", section="recording", meaning="Position in the stream, from 0"),
    Field(name="split", kind="text", section="recording", meaning="Part of the split", indexed=True),
    Field(name="subject", kind="text", section="recording", meaning="Who was recorded"),
    Field(name="session", kind="text", section="recording", meaning="The session of the recording"),
    Field(name="task", kind="text", section="recording", meaning="What was done"),
    Field(name="place", kind="text", section="recording", meaning="Where it was recorded"),
    Field(name="moment", kind="integer", section="other", meaning="Number of the moment in its recording"),
    Field(name="recording_id", kind="text", section="other", meaning="Id of the recording", indexed=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One picture as the App gets it.

    Args:
        id: 12 bytes, of the sample.
        group: 12 bytes, of the group; the same for all pictures of a moment.
        slice: The slice of the group.
        size: Width and height in pixels; None where unknown.
        values: By the names of :data:`FIELDS`.
    """

    id: bytes
    group: bytes
    slice: str
    path: str
    size: tuple[int, int] | None
    tags: list[str]
    values: dict[str, Any]


def rows_of(
    view: BrowseView, recording: int, rows: npt.NDArray[np.int64], checks: dict[int, list[str]]
) -> Iterator[Row]:
    """Give the rows of one recording, in their order."""
    samples, what = view.samples, view.recordings[recording]
    streams = [(s.name, s.modality, n) for s, n in zip(view.streams, view.slices, strict=True)]
    t_ns = samples.t_ns[rows]
    start = what.start_ns if what.start_ns is not None else int(t_ns.min()) if len(rows) else 0
    skew = samples.skew_ns[rows].astype(np.float64) / 1e6
    shared = {
        "recording": what.name,
        "recording_id": what.recording_id,
        "split": what.part,
        "subject": what.subject,
        "session": what.session,
        "task": what.task,
        "place": what.place,
    }
    columns: Sequence[list[Any]] = [
        rows.tolist(),
        samples.stream[rows].tolist(),
        samples.index[rows].tolist(),
        samples.moment[rows].tolist(),
        t_ns.tolist(),
        ((t_ns - start) / 1e9).tolist(),
        skew.tolist(),  # None where masked
        samples.width[rows].tolist(),
        samples.height[rows].tolist(),
        samples.flags[rows].tolist(),
    ]
    seen: set[tuple[int, int]] = set()
    for row, stream, index, moment, at, time_s, skew_ms, width, height, flags in zip(*columns, strict=True):
        name, modality, slice_name = streams[stream]
        found = checks.get(row, [])
        again = (stream, index) in seen  # the same picture in another moment is another sample there
        seen.add((stream, index))
        identity = [what.recording_id, name, index, *([moment] if again else [])]
        yield Row(
            id=_id(*identity),
            group=_id(what.recording_id, moment) if moment != ALONE else _id("alone", *identity),
            slice=slice_name,
            path=view.path(what.recording_id, slice_name, index),
            size=(width, height) if width and height else None,
            tags=[*([what.part] if what.part else []), *found],
            values={
                **shared,
                "stream": name,
                "modality": modality,
                "index": index,
                "t_ns": at,
                "time_s": time_s,
                "moment": None if moment == ALONE else moment,
                "skew_ms": skew_ms,
                "findings": found,
                **{field: bool(flags & flag) for flag, field in FLAGS.items()},
            },
        )


def _id(*parts: str | int) -> bytes:
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=12).digest()
