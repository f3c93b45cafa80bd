"""Pictures in ROS messages (CompressedImage, Image …) → rows of ``frames`` that locate their bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, Clock, Column, FrameFlag, LedgerEntry, Loss, Stream
from rushes.packets import CODECS
from rushes.readers._messages import picture_kinds, spans
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import chosen, joined, time_columns
from rushes.readers._messages.definition import Record, short
from rushes.readers._messages.layout import Fields, Indices, LayoutError, Wire, check, read
from rushes.readers._messages.packet_rows import PacketRows, first_size
from rushes.readers._messages.picture_kinds import PictureKind
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import Tally, location_columns, masked

HEAD = 64 << 10
"""Enough of a JPEG to hold its metadata and frame header, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a message type keeps what a picture needs.

    Args:
        size: Width, height and bytes per row of a raw one.
        big: Whether the samples of a raw one are big endian.
    """

    stamp: tuple[str, str]
    frame: str
    format: str
    data: str
    size: tuple[str, str, str] | None = None
    big: str | None = None

    @property
    def all(self) -> list[str]:
        """Every path."""
        return [
            *self.stamp,
            self.frame,
            self.format,
            self.data,
            *(self.size or ()),
            *([self.big] if self.big else []),
        ]


_HEADER = ("header.stamp.sec", "header.stamp.nanosec")
_STAMP = ("timestamp.sec", "timestamp.nanosec")
_SIZE = ("width", "height", "step")
PATHS = {
    "sensor_msgs/CompressedImage": Paths(stamp=_HEADER, frame="header.frame_id", format="format", data="data"),
    "sensor_msgs/Image": Paths(
        stamp=_HEADER,
        frame="header.frame_id",
        format="encoding",
        data="data",
        size=_SIZE,
        big="is_bigendian",
    ),
    "foxglove_msgs/CompressedImage": Paths(stamp=_STAMP, frame="frame_id", format="format", data="data"),
    "foxglove_msgs/CompressedVideo": Paths(stamp=_STAMP, frame="frame_id", format="format", data="data"),
    "foxglove_msgs/RawImage": Paths(stamp=_STAMP, frame="frame_id", format="encoding", data="data", size=_SIZE),
}


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "Pictures | None":
    """Give the interpreter, or None where the recorded definition is not that of a picture."""
    record, wire = layout_of(channel), wire_of(channel)
    paths = PATHS[short(channel.message_type)]
    if record is None or wire is None:
        return None
    try:
        check(record, paths.all, wire=wire)
    except LayoutError:
        return None
    clock: Clock = "log"
    frame: str | None = None
    stated: str | None = None
    head = b""
    kind = PictureKind(modality=picture_kinds.modality_of(channel.topic, None), codec=None)
    if first is not None:
        found = read(record, first, paths.all, wire=wire)
        if len(found.rows):
            clock = chosen(joined(*(found.numbers[path] for path in paths.stamp)), channel.metadata)
            stated, head, frame = _facts(first, found, paths)
            kind = _kind(channel.topic, stated, head, found, paths, first.buffer)
    stream = Stream(
        name=name,
        modality=kind.modality,
        table="frames",
        message_type=channel.message_type,
        encoding=channel.encoding,
        codec=kind.codec,
        pixel_format=kind.pixel_format,
        width=kind.width,
        height=kind.height,
        declared_count=channel.declared_count,
        clock=clock,
        frame_of_reference=frame,
        depth_unit_m=kind.depth_unit_m,
    )
    return Pictures(stream, record, wire, paths, stated, kind, head[kind.skip :])


def _facts(first: MessageBlock, found: Fields, paths: Paths) -> tuple[str, bytes, str | None]:
    names = spans.texts(first.buffer, found.spans[paths.frame])
    formats = found.spans[paths.format]
    stated = spans.text(first.buffer, int(formats[0][0]), int(formats[1][0]))
    start, length = (int(part[0]) for part in found.spans[paths.data])
    head = first.buffer[start : start + min(length, HEAD)].tobytes()
    return stated, head, (names if isinstance(names, str) else None) or None


def _kind(
    topic: str, stated: str, head: bytes, found: Fields, paths: Paths, buffer: npt.NDArray[np.uint8]
) -> PictureKind:
    if paths.size is None:
        kind = picture_kinds.compressed(topic, stated, head)
        if kind.codec in CODECS and kind.width is None:  # it begins between key frames
            width, height = first_size(buffer, *found.spans[paths.data], kind.codec)
            return replace(kind, width=width, height=height)
        return kind
    width, height = (int(found.numbers[path][0]) for path in paths.size[:2])
    big = paths.big is not None and bool(found.numbers[paths.big][0])
    return picture_kinds.raw(topic, stated, width, height, big=big)


class Pictures:
    """Locates pictures by layout, without reading them."""

    def __init__(
        self,
        stream: Stream,
        record: Record,
        wire: Wire,
        paths: Paths,
        stated: str | None,
        kind: PictureKind,
        sample: bytes,
    ) -> None:
        self.stream = stream
        self._record, self._wire, self._paths = record, wire, paths
        self._stated, self._kind, self._sample = stated, kind, sample
        self._tally = Tally(stream)
        self._packets = PacketRows(stream.codec) if stream.codec in CODECS else None

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        found = read(self._record, block, self._paths.all, wire=self._wire)
        self._tally.refuse(found.refused)
        keep = self._fitting(block, found)
        rows = found.rows[keep]
        if not len(rows):
            return
        stamps = joined(*(found.numbers[path][keep] for path in self._paths.stamp))
        first, length = (part[keep] for part in found.spans[self._paths.data])
        skip = np.minimum(length, self._kind.skip)
        first, length = first + skip, length - skip
        columns: dict[str, Column] = {
            **time_columns(block, rows, stamps, self.stream.clock),
            **location_columns(block, rows, first, length),
        }
        if self._packets is not None:
            columns.update(self._packets.columns(block.buffer, first, length))
        else:
            columns.update(self._sizes(block, found, keep, first, length))
            columns["flags"] = self._flags(block, first, length)
        yield self._tally.batch(len(rows), columns)

    def _fitting(self, block: MessageBlock, found: Fields) -> npt.NDArray[np.bool_]:
        """Tell the messages whose format is that of the stream; count the others."""
        span = found.spans[self._paths.format]
        if self._stated is None:  # no first message could be shown to us
            return np.ones(len(found.rows), np.bool_)
        keep: npt.NDArray[np.bool_] = spans.same_as(block.buffer, span, self._stated.encode())
        for i in np.flatnonzero(~keep).tolist():
            stated = spans.text(block.buffer, int(span[0][i]), int(span[1][i]))
            if self._paths.size is None and self._codec(stated) == self._codec(self._stated):
                keep[i] = True
            else:
                self._tally.refuse({f"format '{stated[:40]}' in a stream of '{self._stated[:40]}'": 1})
        return keep

    @staticmethod
    def _codec(stated: str) -> tuple[str | None, bool, str]:
        return (
            picture_kinds.codec_of_format(stated),
            "compresseddepth" in stated.lower(),
            stated.partition(";")[0].strip().lower() if ";" in stated else "",
        )

    def _flags(self, block: MessageBlock, first: Indices, length: Indices) -> Column:
        wrong = picture_kinds.starts_wrong(block.buffer, first, length, self.stream.codec)
        return (wrong * int(FrameFlag.CORRUPT)).astype(np.int32) if wrong.any() else 0

    def _sizes(
        self, block: MessageBlock, found: Fields, keep: npt.NDArray[np.bool_], first: Indices, length: Indices
    ) -> dict[str, Column]:
        if self._paths.size is not None:
            width, height, stride = (found.numbers[path][keep].astype(np.int32) for path in self._paths.size)
            return {"width": width, "height": height, "stride": stride}
        told, wide, high = picture_kinds.sizes(block.buffer, first, length, self.stream.codec, self._sample)
        if not told.any():
            return {}
        return {
            "width": masked(wide.astype(np.int32), ~told),
            "height": masked(high.astype(np.int32), ~told),
        }

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        return iter(())

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self._tally.entry(per_message=True)

    def losses(self) -> Sequence[Loss]:
        """Give none: what was refused is in the ledger."""
        return ()
