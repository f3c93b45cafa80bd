"""What the App is told of each picture: the declared fields, and a view's rows as values of them.

Nothing here knows FiftyOne. The ids are hashes of what a row is, so that a reload gives the same sample the same
id, and whatever points at it still does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.browse.elements import Elements, Kind
from rushes.browse.view import ALONE, BrowseView
from rushes.model import FrameFlag


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
    Field(
        name="segments", kind="texts", section="labels", meaning="Segments that the picture lies in", indexed=True
    ),
    Field(name="relations", kind="texts", section="labels", meaning="Who does what to what, as labelled"),
    Field(
        name="differs",
        kind="texts",
        section="labels",
        meaning="Who disagrees here: several people, or people and a model",
        indexed=True,
    ),
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
    Field(name="asked_split", kind="text", section="recording", meaning="Part that somebody asked for"),
    Field(
        name="decision",
        kind="text",
        section="quality",
        meaning="accept or reject, as people decided",
        indexed=True,
    ),
    Field(name="subject", kind="text", section="recording", meaning="Who was recorded"),
    Field(name="session", kind="text", section="recording", meaning="The session of the recording"),
    Field(name="task", kind="text", section="recording", meaning="What was done"),
    Field(name="place", kind="text", section="recording", meaning="Where it was recorded"),
    Field(name="moment", kind="integer", section="other", meaning="Number of the moment in its recording"),
    Field(name="decision_id", kind="text", section="other", meaning="The decision on this very picture"),
    Field(name="asked_id", kind="text", section="other", meaning="The request for a part of the split"),
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
        labels: FiftyOne's own documents, by field.
    """

    id: bytes
    group: bytes
    slice: str
    path: str
    size: tuple[int, int] | None
    tags: list[str]
    values: dict[str, Any]
    labels: dict[str, Any]


def rows_of(
    view: BrowseView,
    recording: int,
    rows: npt.NDArray[np.int64],
    words: Mapping[str, Mapping[int, list[str]]],
    elements: Elements,
) -> Iterator[Row]:
    """Give the rows of one recording, in their order.

    Args:
        view: What is shown.
        recording: Position in ``view.recordings``.
        rows: Its rows, ascending.
        words: What ``view.words_of`` gives.
        elements: Makes the labels of the view.
    """
    samples, what = view.samples, view.recordings[recording]
    streams = [(s.name, s.modality, n) for s, n in zip(view.streams, view.slices, strict=True)]
    t_ns = samples.t_ns[rows]
    start = what.start_ns if what.start_ns is not None else int(t_ns.min()) if len(rows) else 0
    skew = samples.skew_ns[rows].astype(np.float64) / 1e6
    shared = {
        "recording": what.name,
        "recording_id": what.recording_id,
        "asked_split": what.asked,
        "asked_id": what.asked_id,
        "subject": what.subject,
        "session": what.session,
        "task": what.task,
        "place": what.place,
    }
    streams_of, indices, moments = (c[rows].tolist() for c in (samples.stream, samples.index, samples.moment))
    sizes = [
        (w, h) if w and h else None
        for w, h in zip(samples.width[rows].tolist(), samples.height[rows].tolist(), strict=True)
    ]
    ids = _ids(what.recording_id, [name for name, _, _ in streams], streams_of, indices, moments)
    columns = (
        *(rows.tolist(), ids, streams_of, indices, moments, t_ns.tolist(), ((t_ns - start) / 1e9).tolist()),
        skew.tolist(),  # None where masked
        *(sizes, samples.flags[rows].tolist()),
    )
    labels = elements.of(rows, ids, sizes)
    flagged = {flags: _flags(flags) for flags in set(columns[-1])}
    for row, name, stream, index, moment, at, time_s, skew_ms, size, flags, documents in zip(
        *columns, labels, strict=True
    ):
        stream_name, modality, slice_name = streams[stream]
        borne = {field: by_row.get(row, []) for field, by_row in words.items()}
        given = borne.pop("tags", [])
        part = next(iter(borne.pop("split", [])), what.part)
        decided = {name: next(iter(borne.pop(name, [])), None) for name in ("decision", "decision_id")}
        yield Row(
            id=name,
            group=_id(what.recording_id, moment) if moment != ALONE else _id("alone", name.hex()),
            slice=slice_name,
            path=view.path(what.recording_id, slice_name, index),
            size=size,
            tags=[*([part] if part else []), *borne["findings"], *given],
            values={
                **shared,
                "split": part,
                "stream": stream_name,
                "modality": modality,
                "index": index,
                "t_ns": at,
                "time_s": time_s,
                "moment": None if moment == ALONE else moment,
                "skew_ms": skew_ms,
                **decided,
                **borne,
                **flagged[flags],
            },
            labels=documents,
        )


def _ids(
    recording_id: str, streams: Sequence[str], streams_of: list[int], indices: list[int], moments: list[int]
) -> list[bytes]:
    """Name the samples; a picture that is there for another moment already is another sample."""
    seen: set[tuple[int, int]] = set()
    ids = []
    for stream, index, moment in zip(streams_of, indices, moments, strict=True):
        again = (stream, index) in seen
        seen.add((stream, index))
        ids.append(_id(recording_id, streams[stream], index, *([moment] if again else [])))
    return ids


def _flags(flags: int) -> dict[str, bool]:
    return {field: bool(flags & flag) for flag, field in FLAGS.items()}


def _id(*parts: str | int) -> bytes:
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=12).digest()
