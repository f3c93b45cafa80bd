"""Samples of numbers → messages of one length each, all of a lane at once.

An imu becomes ROS 2's ``sensor_msgs/msg/Imu`` (CDR), which every player plots and every reader of ROS knows; what
is absent is said as that definition says it, by a covariance that starts with -1. Everything else becomes a flat
protobuf message of doubles. To keep one length its varints are padded, as protobuf's encoding allows.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

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
ROS_END_NS = 2**31 * SECOND_NS
"""ROS 2 counts seconds in int32."""


def imu(lane: NumberLane, rows: slice) -> Payloads:
    """Give samples of an imu as ``sensor_msgs/msg/Imu``; shape (n, bytes)."""
    times = lane.t_ns[rows]
    frame = (lane.stream.frame_of_reference or "").encode() + b"\0"
    gap = -(12 + len(frame)) % 8  # doubles are aligned to 8 bytes after the head of 4
    kind = np.dtype(
        [("head", "V4"), ("sec", "<i4"), ("nanosec", "<u4"), ("length", "<u4"), ("frame", f"V{len(frame)}")]
        + ([("gap", f"V{gap}")] if gap else [])
        + [("body", "<f8", (37,))]
    )
    made = np.zeros(len(times), kind)
    made["head"] = np.void(b"\0\1\0\0")
    made["sec"], made["nanosec"] = times // SECOND_NS, times % SECOND_NS
    made["length"], made["frame"] = len(frame), np.void(frame)
    body, at = made["body"], 0
    for names in _GROUPS:
        values = [lane.columns[name][rows] if name in lane.columns else None for name in names]
        given = np.stack([np.full(len(times), np.nan) if v is None else v for v in values], axis=1)
        absent = np.isnan(given).all(axis=1)
        body[:, at : at + len(names)] = np.where(absent[:, None], 0.0, given)
        if len(names) == 4:
            body[absent, at + 3] = 1.0
        at += len(names)
        body[:, at] = np.where(absent, -1.0, 0.0)
        at += 9
    return made.view(np.uint8).reshape(len(times), -1)


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


def field_names(names: Sequence[str]) -> list[str]:
    """Give each name as a protobuf field may be called; unique, in the same order."""
    made: list[str] = []
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "value"
        word = word if word[0].isalpha() else f"c_{word}"
        number, wanted = 1, word
        while wanted in made or wanted == "timestamp":
            number += 1
            wanted = f"{word}_{number}"
        made.append(wanted)
    return made
