"""sensor_msgs Imu → rows of ``imu``.

A covariance that starts with -1 says that the sensor gives no such value (see its definition): those values
are null.
"""

from collections.abc import Iterator

from rushes.model import Batch, Clock, Column, Stream
from rushes.readers._messages import spans
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import STAMP, chosen, joined, time_columns
from rushes.readers._messages.definition import Record
from rushes.readers._messages.layout import Fields, LayoutError, Wire, check, read
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import PerMessage, masked

_GROUPS = {
    "angular_velocity": ("gyro_x_rad_s", "gyro_y_rad_s", "gyro_z_rad_s"),
    "linear_acceleration": ("accel_x_m_s2", "accel_y_m_s2", "accel_z_m_s2"),
    "orientation": ("qx", "qy", "qz", "qw"),
}
_NUMBERS = (
    *STAMP,
    *(f"{group}.{axis}" for group, names in _GROUPS.items() for axis, _ in zip("xyzw", names, strict=False)),
    *(f"{group}_covariance.0" for group in _GROUPS),
)


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "Inertial | None":
    """Give the interpreter, or None where the recorded definition is not that of an Imu."""
    record, wire = layout_of(channel), wire_of(channel)
    if record is None or wire is None:
        return None
    clock: Clock = "log"
    frame: str | None = None
    try:
        check(record, [*_NUMBERS, "header.frame_id"], wire=wire)
    except LayoutError:
        return None
    if first is not None:
        found = read(record, first, [*_NUMBERS, "header.frame_id"], wire=wire)
        clock = chosen(joined(*(found.numbers[path] for path in STAMP)), channel.metadata)
        names = spans.texts(first.buffer, found.spans["header.frame_id"])
        frame = (names if isinstance(names, str) else None) or None
    stream = Stream(
        name=name,
        modality="imu",
        table="imu",
        message_type=channel.message_type,
        encoding=channel.encoding,
        declared_count=channel.declared_count,
        clock=clock,
        frame_of_reference=frame,
    )
    return Inertial(stream, record, wire)


class Inertial(PerMessage):
    """Reads Imu messages by layout."""

    def __init__(self, stream: Stream, record: Record, wire: Wire) -> None:
        super().__init__(stream)
        self._record, self._wire = record, wire

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        found = read(self._record, block, _NUMBERS, wire=self._wire)
        self._tally.refuse(found.refused)
        if not len(found.rows):
            return
        stamps = joined(*(found.numbers[path] for path in STAMP))
        columns = time_columns(block, found.rows, stamps, self.stream.clock)
        for group in _GROUPS:
            columns.update(_values(found, group))
        yield self._tally.batch(len(found.rows), columns)


def _values(found: Fields, group: str) -> dict[str, Column]:
    absent = found.numbers[f"{group}_covariance.0"] == -1
    columns: dict[str, Column] = {}
    for axis, name in zip("xyzw", _GROUPS[group], strict=False):
        values = found.numbers[f"{group}.{axis}"]
        if not absent.any():
            columns[name] = values
        else:
            columns[name] = None if absent.all() else masked(values, absent)
    return columns
