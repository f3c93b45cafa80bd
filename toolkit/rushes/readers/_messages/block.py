"""Messages of one channel as arrays over one buffer, so that thousands are read at once.

A container (``readers/mcap.py``, ``readers/rosbag.py``) yields blocks; an interpreter turns blocks into batches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rushes.model import Times


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel of a recording, as the container declares it.

    Args:
        topic: Its name; becomes the stream's name.
        message_type: In the ROS 2 spelling for ROS 1 too: ``sensor_msgs/msg/Imu``; else as recorded.
        encoding: Of its messages: cdr, ros1, json, protobuf, or as recorded.
        schema: Definition: message text, JSON schema, or a serialised protobuf FileDescriptorSet.
        schema_encoding: ros2msg, ros2idl, ros1msg, jsonschema, protobuf, or empty.
        declared_count: Messages that the container says the channel holds; None where it says nothing.
        metadata: What else the container says of it, by name.
    """

    topic: str
    message_type: str
    encoding: str
    schema: bytes
    schema_encoding: str
    declared_count: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBlock:
    """Consecutive messages of one channel, in recorded order, that lie in one buffer.

    Args:
        log_ns: Shape (n,). When the recorder wrote each.
        publish_ns: Shape (n,), or None where the container keeps no second time.
        seq: Shape (n,) int64, or None.
        buffer: Shape (b,) uint8: the mapped file, an unpacked chunk, or rows joined end to end.
        start: Shape (n,) int64. First byte of each payload in ``buffer``.
        length: Shape (n,) int64. Bytes of each payload.
        media_id: File that holds them.
        block: Where the buffer is packed in that file, as :class:`rushes.model.Location` has it: None for the
            file itself, one place for all, or shape (n,) (sqlite3: the row id of each).
        place: Shape (n,) int64. Offset of each payload in the file or in its unpacked block. It equals ``start``
            for a mapped file or a chunk; for joined rows it is 0.
    """

    log_ns: Times
    publish_ns: Times | None
    seq: npt.NDArray[np.int64] | None
    buffer: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    media_id: str
    block: int | npt.NDArray[np.int64] | None
    place: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Give the number of messages."""
        return len(self.start)

    def payload(self, i: int) -> memoryview:
        """Give the bytes of message ``i`` without copying them."""
        first = int(self.start[i])
        return self.buffer[first : first + int(self.length[i])].data
