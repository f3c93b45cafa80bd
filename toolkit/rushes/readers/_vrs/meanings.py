"""What the records of a stream are: pictures, inertial samples, sound, channels of numbers, or messages.

Fields go by the names that VRS recommends and that Aria uses. A record without a capture time of its own has the
stamp of its head.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.model import FrameFlag
from rushes.readers._files.parts import where_known
from rushes.readers._vrs.content import Block
from rushes.readers._vrs.pieces import Pieces
from rushes.readers._vrs.records import HEADER, payload_of

DAMAGED = "a record that does not unpack"
TOO_SHORT = "a record shorter than its layout"
UNTOLD = "a record of a format that the stream does not describe"
CAPTURE_TIMES = ("capture_timestamp_ns", "monotonic_timestamp_ns")
ARRIVAL = "arrival_timestamp_ns"
SEQUENCES = ("frame_number", "frame_counter", "counter")
LARGEST_VALUE = 16 << 10

_Blocks = Callable[[int], Sequence[Block]]
_Columns = tuple[dict[str, Any], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive records of one stream in one format version; all columns of equal length."""

    version: int
    offsets: npt.NDArray[np.int64]
    heads: npt.NDArray[np.void]
    stamp_ns: npt.NDArray[np.int64]

    @property
    def payload_bytes(self) -> npt.NDArray[np.int64]:
        """Size of each payload, unpacked."""
        packed = self.heads["compression"] != 0
        plain = self.heads["size"].astype(np.int64) - HEADER.itemsize
        return np.where(packed, self.heads["unpacked"].astype(np.int64), plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read of a run: layout ``rows`` of the records ``kept``; content starts ``after`` so many bytes."""

    rows: npt.NDArray[np.void] | None
    run: Run
    kept: npt.NDArray[np.bool_]
    after: int

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that were read."""
        return self.rows.dtype.names or () if self.rows is not None else ()


@dataclass(slots=True, kw_only=True)
class Meaning:
    """How the records of one stream become columns. ``begin`` starts a run over the whole stream anew."""

    blocks: _Blocks
    """The blocks of a data record by format version."""

    def begin(self) -> "Meaning":
        """Give one that has seen nothing yet."""
        return self

    def columns(self, pieces: Pieces, run: Run, rejected: Counter[str]) -> _Columns:
        """Give the columns of the records that can be read, and which these are; count the others."""
        raise NotImplementedError


@dataclass(slots=True, kw_only=True)
class Fixed(Meaning):
    """Records that begin with one layout of fixed size: read in one go."""

    def columns(self, pieces: Pieces, run: Run, rejected: Counter[str]) -> _Columns:
        layout, after = self._layout(run.version)
        kept: npt.NDArray[np.bool_] = np.ones(len(run.offsets), np.bool_)
        if run.version and layout is None and not self.blocks(run.version):
            rejected[UNTOLD] += len(kept)
            return {}, ~kept
        rows = None
        if layout is not None:
            rows, kept = _rows(pieces, run, layout, rejected)
        columns = _times(rows, run.stamp_ns[kept])
        columns |= self.values(Read(rows=rows, run=run, kept=kept, after=after))
        return columns, kept

    def values(self, read: "Read") -> dict[str, Any]:
        """Give the columns beside times."""
        raise NotImplementedError

    def _layout(self, version: int) -> tuple[np.dtype[Any] | None, int]:
        blocks = self.blocks(version)
        layout = blocks[0].layout if blocks and blocks[0].layout is not None else None
        return (None, 0) if layout is None or not layout.fixed.names else (layout.fixed, layout.head_bytes)


@dataclass(slots=True, kw_only=True)
class Pictures(Fixed):
    """Records that hold a picture behind their layout. ``configured``: from which offset on which size holds."""

    configured: Sequence[tuple[int, Mapping[str, Any]]] = ()

    def values(self, read: Read) -> dict[str, Any]:
        """Give place, size and flags; a record without a picture behind its layout is a frame that is missing."""
        length = np.maximum(read.run.payload_bytes[read.kept] - read.after, 0)
        return {
            "offset": np.full(len(length), read.after, np.int64),
            "length": length,
            "flags": np.where(length == 0, FrameFlag.MISSING.value, 0).astype(np.int32),
            **self._sizes(read.run.offsets[read.kept], self.blocks(read.run.version)),
        }

    def _sizes(self, offsets: npt.NDArray[np.int64], blocks: Sequence[Block]) -> dict[str, Any]:
        settings = next((block.settings for block in blocks if block.kind == "image"), {})
        starts = np.array([start for start, _ in self.configured], np.int64)
        place = np.searchsorted(starts, offsets, side="right") - 1
        found: dict[str, Any] = {}
        for name in ("width", "height", "stride"):
            if name in settings:
                found[name] = np.full(len(offsets), int(settings[name]), np.int32)
            elif len(starts):
                told = np.array([_size(said.get(f"image_{name}")) for _, said in self.configured], np.int32)
                values = np.where(place >= 0, told[place], 0)
                found[name] = where_known(values, values == 0)
        return found


@dataclass(slots=True, kw_only=True)
class Inertial(Fixed):
    """Accelerometer in m/s2 and gyroscope in rad/s, each with a mark whether it is valid."""

    def values(self, read: Read) -> dict[str, Any]:
        """Give the axes of both; null where the device marks them as not valid."""
        columns: dict[str, Any] = {}
        for name, column in (("accelerometer", "accel_{}_m_s2"), ("gyroscope", "gyro_{}_rad_s")):
            if read.rows is None or name not in read.fields:
                continue
            mark = f"{name}_valid"
            invalid = read.rows[mark] == 0 if mark in read.fields else np.zeros(len(read.rows), np.bool_)
            for axis, letter in enumerate("xyz"):
                values = read.rows[name][:, axis].astype(np.float64)
                columns[column.format(letter)] = where_known(values, invalid | np.isnan(values))
        return columns


@dataclass(slots=True, kw_only=True)
class Channels(Fixed):
    """Numbers that are sampled together: the named fields, arrays spread out."""

    fields: tuple[str, ...] = ()

    def values(self, read: Read) -> dict[str, Any]:
        """Give the fields side by side."""
        rows = read.rows
        assert rows is not None
        parts = [rows[name].astype(np.float64).reshape(len(rows), -1) for name in self.fields]
        return {"values": np.concatenate(parts, axis=1)}


@dataclass(slots=True, kw_only=True)
class Whole(Meaning):
    """Records that are unpacked one by one, as their layouts vary in size."""

    def columns(self, pieces: Pieces, run: Run, rejected: Counter[str]) -> _Columns:
        blocks = self.blocks(run.version)
        kept = np.ones(len(run.offsets), np.bool_)
        found: list[dict[str, Any]] = []
        for row, (offset, head) in enumerate(zip(run.offsets.tolist(), run.heads, strict=True)):
            try:
                payload = payload_of(pieces, offset, head)
                found.append(self.one(blocks, payload, int(run.stamp_ns[row])))
            except (ReadError, ValueError) as error:
                rejected[DAMAGED if isinstance(error, ReadError) else TOO_SHORT] += 1
                kept[row] = False
        names = found[0].keys() if found else ()
        columns = {name: [one[name] for one in found] for name in names}
        return {name: _column(values) for name, values in columns.items()}, kept

    def one(self, blocks: Sequence[Block], payload: bytes, stamp_ns: int) -> dict[str, Any]:
        """Give the columns of one record."""
        raise NotImplementedError


@dataclass(slots=True, kw_only=True)
class Sound(Whole):
    """Blocks of sound; the layout may give a time for every sample, the first of which is the block's."""

    frame_bytes: int = 0
    heard: int = field(default=0, init=False)

    def begin(self) -> "Sound":
        return Sound(blocks=self.blocks, frame_bytes=self.frame_bytes)

    def one(self, blocks: Sequence[Block], payload: bytes, stamp_ns: int) -> dict[str, Any]:
        place = 0
        t_ns = stamp_ns
        for block in blocks:
            if block.layout is not None:
                times = block.layout.vector(payload[place:], "capture_timestamps_ns")
                t_ns = int(times[0]) if times is not None and len(times) else t_ns
                place += block.layout.length(payload[place:])
        length = len(payload) - place
        samples = length // self.frame_bytes if self.frame_bytes else None
        first, self.heard = self.heard, self.heard + (samples or 0)
        return {
            "t_ns": t_ns,
            "t_header_ns": t_ns,
            "offset": place,
            "length": length,
            "samples": samples,
            "first_sample": first if self.frame_bytes else None,
        }


@dataclass(slots=True, kw_only=True)
class Messages(Whole):
    """Everything else: the fields of the layouts as JSON, and where the payload lies."""

    def one(self, blocks: Sequence[Block], payload: bytes, stamp_ns: int) -> dict[str, Any]:
        said: dict[str, Any] = {}
        place = 0
        for block in blocks:
            if block.layout is None:
                break
            said |= block.layout.values(payload[place:])
            place += block.layout.length(payload[place:])
        value = json.dumps(said, ensure_ascii=False) if said else None
        captured = next((said[name] for name in CAPTURE_TIMES if said.get(name, 0) > 0), stamp_ns)
        return {
            "t_ns": captured,
            "t_header_ns": captured,
            "offset": 0,
            "length": len(payload),
            "value": value if value is not None and len(value.encode()) <= LARGEST_VALUE else None,
        }


def _rows(
    pieces: Pieces, run: Run, layout: np.dtype[Any], rejected: Counter[str]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.bool_]]:
    """Read the layouts of all records, those that are plain at once."""
    size = int(layout.itemsize)
    kept = run.payload_bytes >= size
    rejected[TOO_SHORT] += int((~kept).sum())
    data = np.zeros((len(kept), size), np.uint8)
    plain = kept & (run.heads["compression"] == 0)
    data[plain] = pieces.gather(run.offsets[plain] + HEADER.itemsize, size)
    for row in np.flatnonzero(kept & ~plain).tolist():
        try:
            head = payload_of(pieces, int(run.offsets[row]), run.heads[row], size)
        except ReadError:
            head = b""
        if len(head) == size:
            data[row] = np.frombuffer(head, np.uint8)
        else:
            rejected[DAMAGED] += 1
            kept[row] = False
    return data[kept].view(layout).reshape(-1), kept


def _times(rows: npt.NDArray[np.void] | None, stamp_ns: npt.NDArray[np.int64]) -> dict[str, Any]:
    names = rows.dtype.names or () if rows is not None else ()
    t_ns = stamp_ns
    columns: dict[str, Any] = {}
    if rows is not None:
        captured = next((rows[name].astype(np.int64) for name in CAPTURE_TIMES if name in names), None)
        t_ns = stamp_ns if captured is None else np.where(captured > 0, captured, stamp_ns)
        counted = next((rows[name] for name in SEQUENCES if name in names), None)
        if counted is not None:
            columns["seq"] = counted.astype(np.int64)
        if ARRIVAL in names and (rows[ARRIVAL] > 0).any():
            arrived = rows[ARRIVAL].astype(np.int64)
            columns["t_log_ns"] = where_known(arrived, arrived <= 0)
    return {"t_ns": t_ns, "t_header_ns": t_ns, **columns}


def _column(values: list[Any]) -> Any:
    whole = all(isinstance(value, int) for value in values)
    return np.array(values, np.int64) if whole and values else values


def _size(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 1 << 31 else 0
