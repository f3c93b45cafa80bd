"""Foxglove messages in JSON or protobuf → the same tables as their ROS kin; message by message.

Types: foxglove.CompressedImage, RawImage, CompressedVideo, CameraCalibration, FrameTransform, FrameTransforms,
PoseInFrame and RawAudio (docs.foxglove.dev/docs/visualization/message-schemas).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rushes.model import Batch, Clock, Column, FrameFlag, LedgerEntry, Loss, SampleTable, Stream, Times
from rushes.packets import CODECS
from rushes.readers._messages import picture_kinds
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.calibrations import Calibration, Spans
from rushes.readers._messages.clocks import chosen, time_columns
from rushes.readers._messages.foxglove_fields import (
    FieldsError,
    Open,
    Opened,
    head_of,
    number,
    numbers,
    opener,
    size,
    stamp_ns,
)
from rushes.readers._messages.packet_rows import PacketRows
from rushes.readers._messages.picture_kinds import PictureKind
from rushes.readers._messages.pictures import HEAD
from rushes.readers._messages.poses import pose_stream
from rushes.readers._messages.sound import PCM
from rushes.readers._messages.tally import Tally, location_columns, masked

_MAGIC_BYTES = 9


def _opened(first: MessageBlock | None, open_one: Open) -> list[tuple[memoryview, Opened]]:
    """Give the first messages that can be opened."""
    found = []
    for i in range(0 if first is None else len(first)):
        assert first is not None
        payload = first.payload(i)
        try:
            found.append((payload, open_one(payload)))
        except FieldsError:
            continue
    return found


def _clock(found: list[tuple[memoryview, Opened]]) -> Clock:
    stamps = [stamp_ns(one.values) or 0 for _, one in found]
    return chosen(np.array(stamps, np.int64))


def _frame(found: list[tuple[memoryview, Opened]]) -> str | None:
    names = {str(one.values.get("frame_id", "")) for _, one in found}
    return (names.pop() or None) if len(names) == 1 else None


class _Foxglove:
    """What all of them share: opening each message, counting, times."""

    def __init__(self, stream: Stream, open_one: Open, *, per_message: bool = True) -> None:
        self.stream = stream
        self._open = open_one
        self._tally = Tally(stream)
        self._per_message = per_message

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        rows: list[tuple[int, Any]] = []
        for i in range(len(block)):
            payload = block.payload(i)
            try:
                made = self.rows_of(payload, self._open(payload))
            except FieldsError as error:
                self._tally.refuse({str(error): 1})
                continue
            rows.extend((i, row) for row in made)
        yield from self.made(block, rows)

    def rows_of(self, payload: memoryview, opened: Opened) -> list[Any]:
        """Give the rows of one message."""
        raise NotImplementedError

    def made(self, block: MessageBlock, rows: list[tuple[int, Any]]) -> Iterator[Batch]:
        """Give the batch of a block's rows."""
        raise NotImplementedError

    def times(
        self, block: MessageBlock, rows: list[tuple[int, Any]], stamps: list[int | None]
    ) -> dict[str, Column]:
        """Give the time columns; a message without a stamp has its log time."""
        index = np.array([i for i, _ in rows], np.int64)
        absent = np.array([stamp is None for stamp in stamps], np.bool_)
        filled: Times = np.array([stamp or 0 for stamp in stamps], np.int64)
        columns = time_columns(block, index, None, "log")
        if not absent.all():
            columns["t_header_ns"] = masked(filled, absent) if absent.any() else filled
            if self.stream.clock == "header":
                columns["t_ns"] = np.where(absent, block.log_ns[index], filled)
        return columns

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        return iter(())

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self._tally.entry(per_message=self._per_message)

    def losses(self) -> Sequence[Loss]:
        """Give none: what was refused is in the ledger."""
        return ()


def _places(block: MessageBlock, rows: list[tuple[int, Any]], places: list[tuple[int, int]]) -> dict[str, Column]:
    index = np.array([i for i, _ in rows], np.int64)
    first, length = np.array(places, np.int64).reshape(-1, 2).T
    return location_columns(block, index, block.start[index] + first, length)


def pictures(channel: Channel, first: MessageBlock | None, name: str) -> "FoxglovePictures | None":
    """Give the interpreter of CompressedImage, RawImage and CompressedVideo."""
    open_one = opener(channel, data="data")
    if open_one is None:
        return None
    raw = channel.message_type.endswith("RawImage")
    packed = channel.encoding == "json"
    found = _opened(first, open_one)
    kind = PictureKind(modality=picture_kinds.modality_of(channel.topic, None), codec=None)
    stated: str | None = None
    if found:
        payload, opened = found[0]
        stated = str(opened.values.get("encoding" if raw else "format", ""))
        head = head_of(payload, opened.place or (0, 0), packed=packed, size=HEAD)
        if raw:
            sides = [opened.values.get(key, 0) for key in ("width", "height")]
            kind = picture_kinds.raw(channel.topic, stated, *(v if isinstance(v, int) else None for v in sides))
        else:
            kind = picture_kinds.compressed(channel.topic, stated, head)
            for later, one in found[1:] if kind.codec in CODECS and kind.width is None else ():
                size_px = picture_kinds.picture_size(
                    head_of(later, one.place or (0, 0), packed=packed, size=HEAD), kind.codec
                )
                if size_px is not None:  # it begins between key frames
                    kind = replace(kind, width=size_px[0], height=size_px[1])
                    break
    stream = Stream(
        name=name,
        modality=kind.modality,
        table="frames",
        message_type=channel.message_type,
        encoding=channel.encoding,
        codec=kind.codec,
        packing="base64" if packed else None,
        pixel_format=kind.pixel_format,
        width=kind.width,
        height=kind.height,
        declared_count=channel.declared_count,
        clock=_clock(found),
        frame_of_reference=_frame(found),
        depth_unit_m=kind.depth_unit_m,
    )
    return FoxglovePictures(stream, open_one, stated=stated, raw=raw)


class FoxglovePictures(_Foxglove):
    """Locates pictures."""

    def __init__(self, stream: Stream, open_one: Open, *, stated: str | None, raw: bool) -> None:
        super().__init__(stream, open_one)
        self._stated, self._raw = stated, raw
        self._packets = PacketRows(stream.codec) if stream.codec in CODECS and not raw else None

    def rows_of(self, payload: memoryview, opened: Opened) -> list[Any]:
        """Give stamp, place, whether its first bytes are wrong, and the size of a raw one."""
        values = opened.values
        stated = str(values.get("encoding" if self._raw else "format", ""))
        if self._stated is not None and stated != self._stated:
            raise FieldsError(f"format '{stated[:40]}' in a stream of '{self._stated[:40]}'")
        place = opened.place or (0, 0)
        if self._packets is not None:
            return [(stamp_ns(values), place, False, [0, 0, 0])]
        packed = self.stream.packing is not None
        head = np.frombuffer(head_of(payload, place, packed=packed, size=_MAGIC_BYTES), np.uint8)
        none, held = np.zeros(1, np.int64), np.array([len(head)], np.int64)
        wrong = bool(picture_kinds.starts_wrong(head, none, held, self.stream.codec)[0])
        shape = [size(values, key) for key in ("width", "height", "step")] if self._raw else [0, 0, 0]
        return [(stamp_ns(values), place, wrong, shape)]

    def made(self, block: MessageBlock, rows: list[tuple[int, Any]]) -> Iterator[Batch]:
        """Give the batch of a block's rows."""
        if not rows:
            return
        columns = self.times(block, rows, [row[0] for _, row in rows])
        columns.update(_places(block, rows, [row[1] for _, row in rows]))
        columns["flags"] = np.array([row[2] * int(FrameFlag.CORRUPT) for _, row in rows], np.int32)
        if self._packets is not None:
            columns.update(self._packet_columns(block, rows))
        if self._raw:
            shapes = np.array([row[3] for _, row in rows], np.int32)
            columns.update(width=shapes[:, 0], height=shapes[:, 1], stride=shapes[:, 2])
        yield self._tally.batch(len(rows), columns)

    def _packet_columns(self, block: MessageBlock, rows: list[tuple[int, Any]]) -> dict[str, Column]:
        assert self._packets is not None
        places = [row[1] for _, row in rows]
        if self.stream.packing is not None:
            held = [
                head_of(block.payload(i), place, packed=True, size=place[1])
                for (i, _), place in zip(rows, places, strict=True)
            ]
            return self._packets.columns_of(held)
        first, length = np.array(places, np.int64).reshape(-1, 2).T
        index = np.array([i for i, _ in rows], np.int64)
        return self._packets.columns(block.buffer, block.start[index] + first, length)


def sound(channel: Channel, first: MessageBlock | None, name: str) -> "FoxgloveSound | None":
    """Give the interpreter of RawAudio."""
    open_one = opener(channel, data="data")
    if open_one is None:
        return None
    found = _opened(first, open_one)
    values = found[0][1].values if found else {}
    stated = str(values.get("format", ""))
    codec, width = PCM.get(stated.lower(), (stated or None, 0))
    rate, channels = values.get("sample_rate"), values.get("number_of_channels")
    stream = Stream(
        name=name,
        modality="audio",
        table="audio",
        message_type=channel.message_type,
        encoding=channel.encoding,
        codec=codec,
        packing="base64" if channel.encoding == "json" else None,
        declared_count=channel.declared_count,
        clock=_clock(found),
        sample_rate_hz=float(rate) if isinstance(rate, int | float) else None,
        channels=channels if isinstance(channels, int) else None,
    )
    return FoxgloveSound(stream, open_one, stated, width)


class FoxgloveSound(_Foxglove):
    """Locates blocks of sound and counts their samples where they are PCM."""

    def __init__(self, stream: Stream, open_one: Open, stated: str, width: int) -> None:
        super().__init__(stream, open_one)
        self._stated, self._frame_bytes = stated, width * (stream.channels or 0)
        self._heard = 0

    def rows_of(self, payload: memoryview, opened: Opened) -> list[Any]:
        """Give stamp, place and number of samples."""
        stated = str(opened.values.get("format", ""))
        if stated != self._stated:
            raise FieldsError(f"format '{stated[:40]}' in a stream of '{self._stated[:40]}'")
        first, length = opened.place or (0, 0)
        heard = length
        if self.stream.packing:
            heard = length // 4 * 3 - bytes(payload[first + max(length - 2, 0) : first + length]).count(b"=")
        return [(stamp_ns(opened.values), (first, length), heard // self._frame_bytes if self._frame_bytes else 0)]

    def made(self, block: MessageBlock, rows: list[tuple[int, Any]]) -> Iterator[Batch]:
        """Give the batch of a block's rows."""
        if not rows:
            return
        columns = self.times(block, rows, [row[0] for _, row in rows])
        columns.update(_places(block, rows, [row[1] for _, row in rows]))
        if self._frame_bytes:
            counts = np.array([row[2] for _, row in rows], np.int64)
            columns["samples"] = counts
            columns["first_sample"] = self._heard + np.cumsum(counts) - counts
            self._heard += int(counts.sum())
        yield self._tally.batch(len(rows), columns)


def calibration(channel: Channel, first: MessageBlock | None, name: str) -> "FoxgloveCalibration | None":
    """Give the interpreter of CameraCalibration."""
    open_one = opener(channel, data=None)
    if open_one is None:
        return None
    found = _opened(first, open_one)
    values = found[0][1].values if found else {}
    width, height = values.get("width"), values.get("height")
    stream = Stream(
        name=name,
        modality="calibration",
        table="calibrations",
        message_type=channel.message_type,
        encoding=channel.encoding,
        width=width if isinstance(width, int) else None,
        height=height if isinstance(height, int) else None,
        declared_count=channel.declared_count,
        clock=_clock(found),
        frame_of_reference=_frame(found),
    )
    return FoxgloveCalibration(stream, open_one)


class FoxgloveCalibration(_Foxglove):
    """Reads camera calibrations."""

    def __init__(self, stream: Stream, open_one: Open) -> None:
        super().__init__(stream, open_one)
        self._spans = Spans(self._tally)

    def rows_of(self, payload: memoryview, opened: Opened) -> list[Any]:
        """Give stamp and calibration."""
        del payload
        values = opened.values
        held = Calibration(
            frame=str(values.get("frame_id", "")) or None,
            model=str(values.get("distortion_model", "")) or None,
            width=size(values, "width"),
            height=size(values, "height"),
            distortion=numbers(values, "D"),
            intrinsics=numbers(values, "K"),
            rectification=numbers(values, "R"),
            projection=numbers(values, "P"),
        )
        return [(stamp_ns(values), held)]

    def made(self, block: MessageBlock, rows: list[tuple[int, Any]]) -> Iterator[Batch]:
        """Give the spans that end in the block."""
        for i, (stamp, held) in rows:
            log_ns = int(block.log_ns[i])
            yield from self._spans.add(held, log_ns if stamp is None or self.stream.clock == "log" else stamp)

    def finish(self) -> Iterator[Batch]:
        """Give the span that lasts to the end."""
        return self._spans.close()


def poses(channel: Channel, first: MessageBlock | None, name: str) -> "FoxglovePoses | None":
    """Give the interpreter of FrameTransform, FrameTransforms and PoseInFrame."""
    open_one = opener(channel, data=None)
    if open_one is None:
        return None
    found = _opened(first, open_one)
    table: SampleTable = "poses" if channel.message_type.endswith("PoseInFrame") else "transforms"
    several = channel.message_type.endswith("FrameTransforms")
    edges = [one.values for _, one in found]
    if several:
        lists = [edge.get("transforms") for edge in edges]
        edges = [edge for held in lists if isinstance(held, list) for edge in held if isinstance(edge, dict)]
    clock = chosen(np.array([stamp_ns(edge) or 0 for edge in edges], np.int64))
    static = channel.topic.rpartition("/")[2] == "tf_static"
    stream = pose_stream(channel, name, table, clock, _frame(found))
    return FoxglovePoses(stream, open_one, per_message=not several, static=static)


def _edges(values: dict[str, Any]) -> list[dict[str, Any]]:
    edges = values.get("transforms", [])
    if not isinstance(edges, list) or not all(isinstance(edge, dict) for edge in edges):
        raise FieldsError("'transforms' is no list")
    return edges


class FoxglovePoses(_Foxglove):
    """Reads poses and transforms."""

    def __init__(self, stream: Stream, open_one: Open, *, per_message: bool, static: bool) -> None:
        super().__init__(stream, open_one, per_message=per_message)
        self._static = static

    def rows_of(self, payload: memoryview, opened: Opened) -> list[Any]:
        """Give stamp, parent, child and the seven numbers of each edge."""
        del payload
        edges = [opened.values] if self._per_message else _edges(opened.values)
        return [self._row(edge) for edge in edges]

    def _row(self, values: dict[str, Any]) -> tuple[Any, ...]:
        pose = self.stream.table == "poses"
        place = ("pose", "position") if pose else ("translation",)
        turn = ("pose", "orientation") if pose else ("rotation",)
        parent = str(values.get("frame_id" if pose else "parent_frame_id", ""))
        child = None if pose else str(values.get("child_frame_id", ""))
        position = [float(number(values, *place, axis)) for axis in "xyz"]
        rotation = [float(number(values, *turn, axis)) for axis in "wxyz"]
        return stamp_ns(values), parent, child, (*position, *rotation)

    def made(self, block: MessageBlock, rows: list[tuple[int, Any]]) -> Iterator[Batch]:
        """Give the batch of a block's rows."""
        if not rows:
            return
        columns = self.times(block, rows, [row[0] for _, row in rows])
        columns["parent"] = [row[1] for _, row in rows]
        columns["child"] = [row[2] for _, row in rows]
        if self.stream.table == "transforms":
            columns["static"] = self._static
        values = np.array([row[3] for _, row in rows], np.float64)
        for i, name in enumerate(("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")):
            columns[name] = np.ascontiguousarray(values[:, i])
        yield self._tally.batch(len(rows), columns)
