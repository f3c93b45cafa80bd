"""Samples of numbers → messages of one length each, all of a lane at once.

An imu becomes ROS 2's ``sensor_msgs/msg/Imu`` (CDR), which every player plots and every reader of ROS knows; what
is absent is said as that definition says it, by a covariance that starts with -1. Everything else becomes a flat
protobuf message of doubles. To keep one length its varints are padded, as protobuf's encoding allows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rushes import cdr
from rushes.export._mcap.schemas import SECOND_NS
from rushes.model import Times
from rushes.timelines import NumberLane, Numbers

Payloads = npt.NDArray[np.uint8]
_GROUPS = (
    ("qx", "qy", "qz", "qw"),
    ("gyro_x_rad_s", "gyro_y_rad_s", "gyro_z_rad_s"),
    ("accel_x_m_s2", "accel_y_m_s2", "accel_z_m_s2"),
)
_VARINT = 5
"""Bytes of a padded varint; enough for 35 bits, which are seconds up to the year 3058."""
ROS_END_NS = cdr.STAMP_END_NS


def imu(lane: NumberLane, rows: slice) -> Payloads:
    """Give samples of an imu as ``sensor_msgs/msg/Imu``; shape (n, bytes)."""
    times = lane.t_ns[rows]

    def values(names: Sequence[str]) -> npt.NDArray[np.float64]:
        columns = [lane.columns[name][rows] if name in lane.columns else None for name in names]
        return np.stack([np.full(len(times), np.nan) if v is None else v for v in columns], axis=1)

    frame = lane.stream.frame_of_reference or ""
    orientation, gyro, accel = map(values, _GROUPS)
    return cdr.imu_rows(times, frame, orientation=orientation, gyro=gyro, accel=accel)


def flat(times: Times, columns: Sequence[Numbers]) -> Payloads:
    """Give samples as messages of ``schemas.of_numbers``; shape (n, bytes)."""
    n = len(times)
    parts = [np.tile(np.frombuffer(bytes([0x0A, 2 + 2 * _VARINT, 0x08]), np.uint8), (n, 1))]
    parts += [_padded(times // SECOND_NS), np.full((n, 1), 0x10, np.uint8), _padded(times % SECOND_NS)]
    for number, column in enumerate(columns, 2):
        tag = number << 3 | 1
        head = [tag] if tag < 0x80 else [tag & 0x7F | 0x80, tag >> 7]
        parts.append(np.tile(np.array(head, np.uint8), (n, 1)))
        parts.append(np.ascontiguousarray(column, "<f8").view(np.uint8).reshape(n, 8))
    return np.concatenate(parts, axis=1)


def _padded(values: Times) -> Payloads:
    shifted = values[:, None] >> (7 * np.arange(_VARINT))
    made = (shifted & 0x7F).astype(np.uint8)
    made[:, :-1] |= 0x80
    return made
