"""Inertial samples of old Neon recordings: protobuf packets, each behind its length in two bytes."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.readers._messages.protobuf_wire import WireError, fields

_SENSORS = {2: "accel", 3: "gyro", 4: "quaternion"}
_LENGTH = struct.Struct("<H")
_FLOAT = struct.Struct("<f")


def inertial_packets(path: Path, kind: np.dtype[Any]) -> tuple[npt.NDArray[Any], int]:
    """Read the whole packets of a file as records, and count the bytes behind the last that can be read.

    Args:
        path: The file.
        kind: Of the records; its fields are named ``gyro_x``, ``quaternion_w`` and so on.
    """
    content = memoryview(path.read_bytes())
    found: list[dict[str, float]] = []
    at = 0
    while at + _LENGTH.size <= len(content):
        start = at + _LENGTH.size
        end = start + _LENGTH.unpack_from(content, at)[0]
        if end > len(content):
            break
        try:
            found.append(_packet(content, start, end))
        except (WireError, struct.error):
            break
        at = end
    rows = np.zeros(len(found), kind)
    for name in kind.names or ():
        rows[name] = [packet.get(name, 0.0) for packet in found]  # protobuf leaves zeros out
    return rows, len(content) - at


def _packet(content: memoryview, start: int, end: int) -> dict[str, float]:
    values: dict[str, float] = {}
    for number, wire, begin, close in fields(content, start, end):
        if wire != 2 or number not in _SENSORS:
            continue
        axes = "wxyz" if _SENSORS[number] == "quaternion" else "xyz"
        for place, kind, at, _ in fields(content, begin, close):
            if kind == 5 and 1 <= place <= len(axes):
                values[f"{_SENSORS[number]}_{axes[place - 1]}"] = _FLOAT.unpack_from(content, at)[0]
    return values
