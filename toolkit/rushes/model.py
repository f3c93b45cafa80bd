"""The nouns of the house: frozen values that travel between rooms; no reading or writing here.

Conventions that bite everywhere:
- Every time is int64 nanoseconds. ``t_ns`` is the raw time of a sample in the clock that its stream names; it is
  never corrected. Corrected times are raw times through a clock map, worked out on reading.
- Intervals are closed at the start and open at the end, unless a name says otherwise.
- Pixels are counted from the top left corner; (0, 0) is the centre of the first pixel. Decoded colour is RGB.
  Labels alone count from the outer corner of that pixel: see ``labels``.
- Quaternions are w, x, y, z. ``T_parent_child`` maps points of the child to the parent; metres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Times: TypeAlias = npt.NDArray[np.int64]

Modality = Literal[
    "color",  # visible light, colour or grey
    "depth",
    "infrared",
    "imu",
    "audio",
    "pose",
    "gaze",
    "signal",  # channels sampled together that no other table knows: EEG, magnetometer, pressure
    "event",
    "calibration",
    "transform",
    "message",  # whatever no typed table holds
]

SampleTable = Literal[
    "frames", "imu", "audio", "poses", "gaze", "signals", "events", "calibrations", "transforms", "messages"
]

Column: TypeAlias = (
    npt.NDArray[Any]
    | np.ma.MaskedArray[Any, Any]
    | Sequence[str | None]
    | Sequence[bytes | None]
    | Sequence[int | None]
    | Sequence[float | None]
    | Sequence[bool | None]
    | Sequence[Sequence[float] | None]
    | str
    | int
    | float
    | bool
    | None
)
"""One column of a batch: an array of shape (n,), or (n, k) for fixed-size lists; a masked array where values
can be absent; a sequence of values or None (for small tables); or one scalar that holds for every row."""


def absent(column: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell where an array holds no value: masked or NaN. Shape (n,)."""
    mask = np.broadcast_to(np.asarray(getattr(column, "mask", False), np.bool_), column.shape)
    return mask | np.isnan(np.asarray(column)) if column.dtype.kind == "f" else mask


Severity = Literal["info", "warning", "error"]

Clock = Literal["header", "log", "pts", "none"]


class FrameFlag(IntFlag):
    """What is known to be wrong with a frame, as bits of ``frames.flags``."""

    MISSING = 1  # listed by the recording, but its bytes are absent
    CORRUPT = 2  # bytes are there and do not decode, or their checksum fails
    REPEATED = 4  # the same picture as the frame before, by its bytes
    DROPPED_BEFORE = 8  # the sequence numbers or stamps say that frames before this one were lost
    TIME_SUSPECT = 16  # its time cannot be right
    NO_PICTURE = 32  # bytes that later frames need, such as parameter sets alone, and no picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A reader's answer to "is this yours?": how sure it is and why.

    Args:
        confidence: 0 (cannot read) to 1 (certain). Magic bytes 1.0; a telling layout 0.8; a file name alone 0.3.
        reason: A clause that completes "claims it because …" or "refuses it because …".
    """

    confidence: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One sensor's track in a recording, as the recording declares it. The fields are ``streams`` columns."""

    name: str
    modality: Modality
    table: SampleTable
    message_type: str | None = None
    encoding: str | None = None  # of the messages: cdr, ros1, json, protobuf
    codec: str | None = None  # of the payload: jpeg, png, pgm, raw, compressed-depth, h264, pcm …
    packing: str | None = None  # how the payload lies in its message where not plain: base64, zstd
    pixel_format: str | None = None  # rgb8, bgr8, mono8, 16UC1, bayer_rggb8 …
    width: int | None = None
    height: int | None = None
    nominal_rate_hz: float | None = None
    declared_count: int | None = None
    clock: Clock = "log"
    clock_id: str | None = None  # name of the clock that t_ns is read from; streams of one clock share it
    time_meaning: str = "unknown"  # exposure_start, exposure_mid, exposure_end, arrival, unknown, order
    frame_of_reference: str | None = None
    container_index: int | None = None  # which track of a media container
    time_base_num: int | None = None
    time_base_den: int | None = None
    depth_unit_m: float | None = None  # metres per count
    rotation_deg: int | None = None  # clockwise turn that shows the picture upright
    sample_rate_hz: float | None = None
    channels: int | None = None
    channel_names: tuple[str, ...] | None = None
    channel_units: tuple[str, ...] | None = None
    can_drop: bool | None = None  # whether the source may leave samples out, as the recording declares
    sensor: str | None = None  # name of the sensor in the rig that recorded it
    latency_ns: int | None = None  # from the instant to its log time, as calibrated
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """One file of encoded payloads that belongs to a recording.

    Args:
        media_id: Unique within the recording: the path below the recording's root, or the file's name.
        path: Where the file is now.
        container: file (an image by itself), mcap, bag, sqlite3, vrs, video, wav, xdf, raw (plain records);
            mcap+zstd and sqlite3+zstd where each message is compressed; mcap.zstd and sqlite3.zstd where the
            whole file is; sqlite3.mend where rows are in the log beside it or its end is missing.
    """

    media_id: str
    path: Path
    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the encoded bytes of one payload are.

    Args:
        path: The media file.
        container: As in :class:`MediaFile`.
        offset: First byte, in the file or in the unpacked block; None for the whole file.
        length: Number of bytes; None for the whole file.
        block: Where the bytes are packed inside something: the file offset of the compressed chunk record
            (mcap: of its opcode byte; bag: of its header-length field), of the compressed record (vrs: of its
            head), or the row id (sqlite3). For mcap+zstd a message record (of its opcode byte), or a chunk whose
            messages are unpacked and joined in order.
        packing: base64, zstd … where the payload itself is packed once more.
    """

    path: Path
    container: str = "file"
    offset: int | None = None
    length: int | None = None
    block: int | None = None
    packing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketRun:
    """Packets of a stream that decode together: from a key frame up to the next, in the order they were sent.

    Args:
        stream: Tells the stream from all others.
        first: Index in the stream of the first packet.
        packets: Their bytes, each read when it is asked for; asking raises ReadError where it is absent.
    """

    stream: str
    first: int
    packets: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRequest:
    """All that a decoder needs to turn one row of ``frames`` into pixels.

    Args:
        run: Where its packet leans on others of its stream: those that it is decoded with; None where no key frame
            is before it, and for all that decodes by itself or lies in a container that the decoder reads.
        at: Which packet of the run it is, from 0.
    """

    location: Location
    codec: str
    pixel_format: str | None = None
    width: int | None = None
    height: int | None = None
    stride: int | None = None
    container_index: int | None = None
    pts: int | None = None
    rotation_deg: int | None = None
    run: PacketRun | None = None
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallPicture:
    """One frame decoded as small as is cheap, for checks, and what its bytes say of themselves.

    Args:
        pixels: Shape (h, w, 3) RGB or (h, w), uint8. What is deeper is scaled as ``decode_grey`` does.
        counts: Shape (h, w), uint16 or float32, as recorded and whole, where the picture is deeper than 8 bits;
            None otherwise.
        width, height: Of the whole picture, as its bytes state or as it came out.
        channels: As the bytes state: 1 grey, 3 colour, 4 CMYK; opacity is not counted.
        bits: Of a channel.
        orientation: EXIF's, 1 to 8; 1 where none is stated.
    """

    pixels: npt.NDArray[np.uint8]
    counts: npt.NDArray[Any] | None
    width: int
    height: int
    channels: int
    bits: int
    orientation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Consecutive samples of one stream, in recorded order, as columns of its table.

    The keys ``recording_id`` and ``stream`` are added by the store. ``index`` counts from 0 per stream without
    holes. Columns that a reader leaves out are null. ``rows`` is the length of every array column.
    """

    stream: str
    table: SampleTable
    rows: int
    columns: Mapping[str, Column]


PairRelation = Literal["one-way", "two-way", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPairs:
    """Readings of two clocks that belong together: evidence for a clock map, as recorded, never changed.

    Args:
        from_clock: Clock to be understood: a stream's ``clock_id``, or its name where it has none.
        to_clock: Clock it is held against: ``log`` for the recorder's own, or another clock by its name.
        from_ns: Shape (n,), in the order in which the pairs were taken.
        to_ns: Shape (n,).
        relation: ``one-way``: ``to_ns`` was read later than ``from_ns``, by an unknown latency of at least zero
            (a stamp and its arrival). ``two-way``: read within ``round_trip_ns`` of each other, either way round.
            ``same``: one instant in both, such as a start offset that the device states or a clap.
        source: What the pairs are: log-header, lsl, start-offset, device-metadata, event …
        round_trip_ns: Shape (n,), for two-way pairs, where recorded.
        stream: Stream that they were recorded with; None where they belong to the whole recording.
    """

    from_clock: str
    to_clock: str
    from_ns: Times
    to_ns: Times
    relation: PairRelation
    source: str
    round_trip_ns: npt.NDArray[np.int64] | None = None
    stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What became of everything that one step was given: came_in = out + merged + rejected + unread.

    Args:
        step: read (recording → samples), bytes (samples → payload that is there), decode, store …
        declared: What the recording itself says should be there, where it says anything.
        merged: Equal items folded into one row, such as a camera calibration that is repeated unchanged.
        rejected: Seen and refused, each with a reason.
        unread: Not reached, because the bytes are absent or damaged.
        reasons: How many items for each reason; the values sum to merged + rejected + unread.
        rows: Rows written for what went out, where one item makes several or none (a /tf message holds
            many transforms); None where each item is one row.
    """

    stream: str
    step: str
    came_in: int
    out: int
    merged: int = 0
    rejected: int = 0
    unread: int = 0
    declared: int | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    rows: int | None = None

    @property
    def balanced(self) -> bool:
        """Whether everything is accounted for."""
        lost = self.merged + self.rejected + self.unread
        return self.came_in == self.out + lost and sum(self.reasons.values()) == lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that a recording should hold and does not, or that could not be read. It makes it ``partial``.

    Args:
        code: A key of ``schemas/errors/``, such as ``read.truncated`` or ``read.absent-file``.
        message: A sentence with the facts, without the stream's name: ``said`` adds it.
        stream: The stream it concerns, None for all.
        count: How many samples, where it can be told.
        byte_from: First damaged or missing byte of ``file``; ``byte_to`` is one past the last.
    """

    code: str
    message: str
    stream: str | None = None
    count: int | None = None
    file: str | None = None
    byte_from: int | None = None
    byte_to: int | None = None
    start_ns: int | None = None
    end_ns: int | None = None

    @property
    def said(self) -> str:
        """The message as people read it: the stream first, where it concerns one."""
        return f"{self.stream}: {self.message}" if self.stream else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a recording says of itself, known without reading its samples.

    Args:
        root: The path that was opened.
        reader: Name of the reader.
        start_ns: Earliest log time or stamp; None for a recording without samples or without times.
        end_ns: Latest, itself included.
        metadata: Whatever else the recording states, for the ``recordings`` row; JSON values.
    """

    root: Path
    reader: str
    streams: tuple[Stream, ...]
    media: tuple[MediaFile, ...]
    start_ns: int | None = None
    end_ns: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def stream(self, name: str) -> Stream:
        """Give the stream of that name; KeyError if there is none."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measured value, without a verdict."""

    metric: str
    value: float
    unit: str
    stream: str | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on something measured, with its evidence.

    Args:
        check: Id of the check, such as ``stream.gap``.
        value: What was measured, in ``unit``.
        limit: What it was held against.
        message: A sentence with the facts.
        stream, index, start_ns, end_ns: Where; None where it concerns all.
        count: How many samples share this finding.
        label_id: The label that it is about, or the worst of them; None where it is about no label.
    """

    check: str
    severity: Severity
    message: str
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    stream: str | None = None
    index: int | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    count: int = 1
    label_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which part of a split a unit belongs to, and why."""

    unit: str
    part: str
    group: str
    reason: str
    pinned: bool = False
