"""Which interpreter turns the messages of a channel into samples.

A container opens like this: for each channel it finds the first messages (``PEEK`` of them, at least two where the
channel has two) as one block, asks :func:`interpreter_for`, and describes the stream that it names. For each run
over the samples it asks again, because an interpreter counts: ``take`` every block of the channel in recorded
order, then ``finish``, then ``ledger`` and ``losses``. What the container itself could not reach it adds with
:func:`with_unread`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from rushes.model import Batch, LedgerEntry, Loss, Stream
from rushes.readers._messages import (
    camera_info,
    evidence,
    foxglove,
    inertial,
    noted,
    numbers,
    pictures,
    plain,
    poses,
    realsense,
    sound,
)
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.definition import short

PEEK = 16
"""How many first messages are enough to tell what a stream is; fewer do as well."""


class Interpreter(Protocol):
    """Turns the messages of one channel into batches of one stream; holds the count of one run."""

    @property
    def stream(self) -> Stream:
        """What is known of the stream from its channel and first messages; it does not change during the run."""
        ...

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages, in recorded order. Never raises for damaged messages: they are rejected."""
        ...

    def finish(self) -> Iterator[Batch]:
        """Give what can only be told after the last message, such as how long a calibration held."""
        ...

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken; complete after ``finish``."""
        ...

    def losses(self) -> Sequence[Loss]:
        """Name what could not be decoded."""
        ...


Build = Callable[[Channel, MessageBlock | None, str], Interpreter | None]

_ROS: dict[str, Build] = {
    "sensor_msgs/Imu": inertial.interpreter,
    **dict.fromkeys(camera_info.PATHS, camera_info.interpreter),
    **dict.fromkeys(sound.PATHS, sound.interpreter),
    **dict.fromkeys(pictures.PATHS, pictures.interpreter),
    **dict.fromkeys(poses.PATHS, poses.interpreter),
    "diagnostic_msgs/KeyValue": realsense.interpreter,
    "std_msgs/String": realsense.interpreter,
}
_FOXGLOVE: dict[str, Build] = {
    "foxglove.CompressedImage": foxglove.pictures,
    "foxglove.RawImage": foxglove.pictures,
    "foxglove.CompressedVideo": foxglove.pictures,
    "foxglove.RawAudio": foxglove.sound,
    "foxglove.CameraCalibration": foxglove.calibration,
    "foxglove.FrameTransform": foxglove.poses,
    "foxglove.FrameTransforms": foxglove.poses,
    "foxglove.PoseInFrame": foxglove.poses,
}
_INTERPRETERS: dict[tuple[str, str], Build] = {
    **{(encoding, kind): build for kind, build in _ROS.items() for encoding in ("cdr", "ros1")},
    **{(encoding, kind): build for kind, build in _FOXGLOVE.items() for encoding in ("json", "protobuf")},
    ("json", evidence.CLOCK_PAIR): evidence.interpreter,
    ("json", noted.MARKER): noted.markers,
    ("json", noted.TAKE): noted.takes,
    ("json", noted.TROUBLE): noted.troubles,
}


def interpreter_for(channel: Channel, first: MessageBlock | None, *, name: str | None = None) -> Interpreter:
    """Choose the interpreter by message type and encoding.

    Args:
        channel: As declared by the container.
        first: The first few messages of the channel; None where it has none. They are only looked at: the
            container passes them to ``take`` again with all others.
        name: Of the stream; the topic when None.
    """
    stream = name if name is not None else channel.topic
    kind = short(channel.message_type)
    build = _INTERPRETERS.get((channel.encoding, kind))
    if build is None and kind.startswith(numbers.PACKAGE):
        build = numbers.interpreter
    chosen = build(channel, first, stream) if build else None
    return plain.interpreter(channel, first, stream) if chosen is None else chosen


def with_unread(entry: LedgerEntry, reasons: Mapping[str, int]) -> LedgerEntry:
    """Add messages that the container knows of and could not reach, by reason."""
    unread = sum(reasons.values())
    if not unread:
        return entry
    merged = dict(entry.reasons)
    for reason, count in reasons.items():
        merged[reason] = merged.get(reason, 0) + count
    return replace(entry, came_in=entry.came_in + unread, unread=entry.unread + unread, reasons=merged)
