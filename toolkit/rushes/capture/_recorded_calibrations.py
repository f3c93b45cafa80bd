"""Calibrations of a recording as messages that hold for the whole of another."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rushes import cdr
from rushes.capturing import MessageForm
from rushes.model import Batch

_TYPE = "sensor_msgs/msg/CameraInfo"
CAMERA_INFO = MessageForm(
    encoding="cdr", schema_name=_TYPE, schema_encoding="ros2msg", schema=cdr.definition(_TYPE)
)


def rows_of(batch: Batch) -> Iterator[Mapping[str, Any]]:
    """Give the rows of a small batch one by one; what is absent is None."""
    for at in range(batch.rows):
        yield {name: _value(column, at) for name, column in batch.columns.items()}


def camera_info_of(row: Mapping[str, Any]) -> bytes | None:
    """Write a row of ``calibrations`` as sensor_msgs/msg/CameraInfo; None where it states no focal length.

    Where the sensor is on its device (``T_parent_sensor``) has no place there.
    """
    lens = [row.get(name) for name in ("fx", "fy", "cx", "cy")]
    if any(value is None for value in lens):
        return None
    fx, fy, cx, cy = (float(value) for value in lens if value is not None)
    return cdr.camera_info(
        int(row.get("valid_from_ns") or 0),
        row.get("frame_of_reference") or "",
        width_px=int(row.get("width") or 0),
        height_px=int(row.get("height") or 0),
        focal_px=(fx, fy),
        center_px=(cx, cy),
        model=row.get("model") or "",
        distortion=_list(row, "distortion"),
        rectification=_list(row, "rectification"),
        projection=_list(row, "projection"),
    )


def _list(row: Mapping[str, Any], name: str) -> list[float]:
    return [float(value) for value in (() if row.get(name) is None else row[name])]


def _value(column: Any, at: int) -> Any:
    if isinstance(column, np.ma.MaskedArray) and np.all(np.ma.getmaskarray(column)[at]):
        return None
    return column if isinstance(column, str) or not hasattr(column, "__getitem__") else column[at]
