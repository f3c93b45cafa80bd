"""sensor_msgs CameraInfo and foxglove_msgs CameraCalibration → calibrations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rushes.model import Batch, Clock, LedgerEntry, Loss, Stream
from rushes.readers._messages import spans
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.calibrations import Calibration, Spans
from rushes.readers._messages.clocks import STAMP, chosen, joined
from rushes.readers._messages.definition import Record, short
from rushes.readers._messages.layout import Fields, LayoutError, Wire, check, read
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import Tally

_SHARED = ("height", "width", "distortion_model", "d", "k", "r", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a message type keeps its stamp and frame of reference; the rest has one name in both."""

    stamp: tuple[str, str]
    frame: str

    @property
    def all(self) -> list[str]:
        """Every path."""
        return [*self.stamp, self.frame, *_SHARED]


PATHS = {
    "sensor_msgs/CameraInfo": Paths(stamp=(STAMP[0], STAMP[1]), frame="header.frame_id"),
    "foxglove_msgs/CameraCalibration": Paths(stamp=("timestamp.sec", "timestamp.nanosec"), frame="frame_id"),
}


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "CameraInfo | None":
    """Give the interpreter, or None where the recorded definition is not that of a CameraInfo."""
    record, wire = layout_of(channel), wire_of(channel)
    paths = PATHS[short(channel.message_type)]
    if record is None or wire is None:
        return None
    try:
        check(record, paths.all, wire=wire)
    except LayoutError:
        return None
    clock: Clock = "log"
    width = height = frame = None
    if first is not None:
        found = read(record, first, paths.all, wire=wire)
        clock = chosen(joined(*(found.numbers[path] for path in paths.stamp)))
        if len(found.rows):
            width, height = int(found.numbers["width"][0]), int(found.numbers["height"][0])
            frame = spans.text(first.buffer, *(int(part[0]) for part in found.spans[paths.frame])) or None
    stream = Stream(
        name=name,
        modality="calibration",
        table="calibrations",
        message_type=channel.message_type,
        encoding=channel.encoding,
        width=width,
        height=height,
        declared_count=channel.declared_count,
        clock=clock,
        frame_of_reference=frame,
    )
    return CameraInfo(stream, record, wire, paths)


class CameraInfo:
    """Reads CameraInfo messages by layout."""

    def __init__(self, stream: Stream, record: Record, wire: Wire, paths: Paths) -> None:
        self.stream = stream
        self._record, self._wire, self._paths = record, wire, paths
        self._tally = Tally(stream)
        self._spans = Spans(self._tally)

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        found = read(self._record, block, self._paths.all, wire=self._wire)
        self._tally.refuse(found.refused)
        stamps = joined(*(found.numbers[path] for path in self._paths.stamp))
        times = stamps if self.stream.clock == "header" else block.log_ns[found.rows]
        for i, t_ns in enumerate(times.tolist()):
            yield from self._spans.add(_calibration(block, found, i, self._paths.frame), t_ns)

    def finish(self) -> Iterator[Batch]:
        """Give the span that lasts to the end."""
        return self._spans.close()

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self._tally.entry(per_message=True)

    def losses(self) -> Sequence[Loss]:
        """Give none: what was refused is in the ledger."""
        return ()


def _calibration(block: MessageBlock, found: Fields, i: int, frame: str) -> Calibration:
    def text(path: str) -> str | None:
        return spans.text(block.buffer, *(int(part[i]) for part in found.spans[path])) or None

    def row(path: str) -> tuple[Any, ...]:
        return tuple(found.numbers[path][i].tolist())

    return Calibration(
        frame=text(frame),
        model=text("distortion_model"),
        width=int(found.numbers["width"][i]),
        height=int(found.numbers["height"][i]),
        distortion=tuple(spans.floats(block.buffer, found, "d", i).tolist()),
        intrinsics=row("k"),
        rectification=row("r"),
        projection=row("p"),
    )
