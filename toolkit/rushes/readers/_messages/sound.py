"""Sound in ROS messages (foxglove_msgs RawAudio, audio_common_msgs AudioData …) → rows of ``audio``.

RawAudio says how it is coded. AudioData and AudioDataStamped do not (AudioInfo on another topic may): their codec
and sample counts stay open.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, Clock, Stream
from rushes.readers._messages import spans
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import STAMP, chosen, joined, time_columns
from rushes.readers._messages.definition import Record, short
from rushes.readers._messages.layout import Fields, LayoutError, Wire, check, has, read
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import PerMessage, location_columns

PCM = {"pcm-s16": ("pcm_s16le", 2), "pcm-s16le": ("pcm_s16le", 2), "pcm-f32": ("pcm_f32le", 4)}
"""Codec and bytes a sample by what RawAudio calls its format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a message type keeps what sound needs; ``told``: format, samples a second, channels."""

    stamp: tuple[str, ...]
    data: str
    told: tuple[str, ...] = ()

    @property
    def all(self) -> list[str]:
        """Every path."""
        return [*self.stamp, self.data, *self.told]


PATHS = {
    "audio_common_msgs/AudioData": Paths(stamp=(), data="data"),
    "audio_common_msgs/AudioDataStamped": Paths(stamp=STAMP, data="audio.data"),
    "foxglove_msgs/RawAudio": Paths(
        stamp=("timestamp.sec", "timestamp.nanosec"),
        data="data",
        told=("format", "sample_rate", "number_of_channels"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a stream is coded, as far as it is known; ``stated`` is the message's own word."""

    codec: str | None = None
    stated: str | None = None
    sample_bytes: int = 0
    rate_hz: float | None = None
    channels: int | None = None


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "Sound | None":
    """Give the interpreter, or None where the recorded definition is not that of sound."""
    record, wire = layout_of(channel), wire_of(channel)
    paths = PATHS[short(channel.message_type)]
    if record is None or wire is None:
        return None
    if not paths.told and paths.stamp and not has(record, paths.stamp[0]):
        paths = PATHS["audio_common_msgs/AudioData"]
    clock: Clock = "log"
    kind = _Kind()
    try:
        check(record, paths.all, wire=wire)
    except LayoutError:
        return None
    if first is not None:
        found = read(record, first, paths.all, wire=wire)
        if paths.stamp:
            clock = chosen(joined(*(found.numbers[path] for path in paths.stamp)), channel.metadata)
        if len(found.rows):
            kind = _kind(first, found, paths)
    stream = Stream(
        name=name,
        modality="audio",
        table="audio",
        message_type=channel.message_type,
        encoding=channel.encoding,
        codec=kind.codec,
        declared_count=channel.declared_count,
        clock=clock,
        sample_rate_hz=kind.rate_hz,
        channels=kind.channels,
        notes=None if kind.sample_bytes else "the messages do not say how many samples they hold",
    )
    return Sound(stream, record, wire, paths, kind)


def _kind(first: MessageBlock, found: Fields, paths: Paths) -> _Kind:
    if not paths.told:
        start, length = (int(part[0]) for part in found.spans[paths.data])
        return _Kind(codec=_codec(first.buffer[start : start + min(length, 4)].tobytes()))
    form, rate, channels = paths.told
    stated = spans.text(first.buffer, *(int(part[0]) for part in found.spans[form]))
    codec, sample_bytes = PCM.get(stated.lower(), (stated or None, 0))
    return _Kind(
        codec=codec,
        stated=stated,
        sample_bytes=sample_bytes,
        rate_hz=float(found.numbers[rate][0]) or None,
        channels=int(found.numbers[channels][0]) or None,
    )


def _codec(head: bytes) -> str | None:
    """Tell the two codings that show themselves; PCM does not."""
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6):
        return "mp3"
    return "wav" if head == b"RIFF" else None


class Sound(PerMessage):
    """Locates blocks of sound by layout, and counts their samples where they are PCM."""

    def __init__(self, stream: Stream, record: Record, wire: Wire, paths: Paths, kind: _Kind) -> None:
        super().__init__(stream)
        self._record, self._wire, self._paths, self._kind = record, wire, paths, kind
        self._frame_bytes = kind.sample_bytes * (stream.channels or 0)
        self._heard = 0

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        paths = self._paths
        found = read(self._record, block, paths.all, wire=self._wire)
        self._tally.refuse(found.refused)
        keep = self._fitting(block, found)
        rows = found.rows[keep]
        if not len(rows):
            return
        stamps = joined(*(found.numbers[path][keep] for path in paths.stamp)) if paths.stamp else None
        first, length = (part[keep] for part in found.spans[paths.data])
        columns = {
            **time_columns(block, rows, stamps, self.stream.clock),
            **location_columns(block, rows, first, length),
            "samples": None,
        }
        if self._frame_bytes:
            counts = length // self._frame_bytes
            columns["samples"] = counts
            columns["first_sample"] = self._heard + np.cumsum(counts) - counts
            self._heard += int(counts.sum())
        yield self._tally.batch(len(rows), columns)

    def _fitting(self, block: MessageBlock, found: Fields) -> npt.NDArray[np.bool_]:
        """Tell the messages that are coded as the first ones; count the others."""
        stated = self._kind.stated
        if stated is None:
            return np.ones(len(found.rows), np.bool_)
        form, rate, channels = self._paths.told
        keep = spans.same_as(block.buffer, found.spans[form], stated.encode())
        keep &= found.numbers[rate] == (self.stream.sample_rate_hz or 0)
        keep &= found.numbers[channels] == (self.stream.channels or 0)
        other = int((~keep).sum())
        self._tally.refuse({f"coded otherwise than the first, which are '{stated[:40]}'": other})
        return keep
