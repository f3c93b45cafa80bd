"""The device's factory calibration → intrinsics of each picture stream, and the transforms between its sensors.

The file holds intrinsics for the whole sensor, divided by its size, with (0, 0) at the corner of the first pixel.
A mode bins and crops the sensor; the values come out in pixels of the mode, (0, 0) being the centre of the first
pixel. The order of the 14 numbers is cx, cy, fx, fy, k1 … k6, the centre of distortion (0, 0), p2, p1; here the
distortion is in OpenCV's order k1, k2, p1, p2, k3 … k6. An ``Rt`` of the file maps points of the depth camera to
the sensor, in metres.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Stream
from rushes.readers._files.parts import FewRows, Part
from rushes.readers._kinect.streams import DeviceTrack

MODEL = "rational_polynomial"
_DEPTH, _COLOR = "CALIBRATION_CameraLocationD0", "CALIBRATION_CameraLocationPV0"
_CHILDREN = {
    _COLOR: "color_camera",
    "CALIBRATION_InertialSensorType_Gyro": "gyroscope",
    "CALIBRATION_InertialSensorType_Accelerometer": "accelerometer",
}
ROOT = "depth_camera"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """How a mode uses the sensor: its size after binning and where the picture starts in it, in pixels."""

    binned: tuple[int, int]
    start: tuple[int, int]


_DEPTH_MODES: Mapping[tuple[int, int], Crop] = {
    (320, 288): Crop(binned=(512, 512), start=(96, 90)),
    (640, 576): Crop(binned=(1024, 1024), start=(192, 180)),
    (512, 512): Crop(binned=(512, 512), start=(0, 0)),
    (1024, 1024): Crop(binned=(1024, 1024), start=(0, 0)),
}


def parts_of(said: Mapping[str, Any], tracks: Sequence[DeviceTrack], span: tuple[int, int] | None) -> list[Part]:
    """Give a part for each camera stream's intrinsics, and one for the transforms.

    Args:
        said: ``CalibrationInformation`` of the file.
        tracks: The streams, with their sizes.
        span: Over which it holds: that of the recording.

    Raises:
        KeyError, TypeError, IndexError, ValueError: Where the file is not of the known form.
    """
    cameras = {camera["Location"]: camera for camera in said["Cameras"]}
    found: list[Part] = []
    for track in tracks:
        camera = cameras.get(_COLOR if track.stream.modality == "color" else _DEPTH)
        if camera is not None and track.stream.frame_of_reference and track.stream.table == "frames":
            found.extend(_intrinsics(track.stream, camera, span))
    found.extend(_transforms([*said["Cameras"], *said.get("InertialSensors", ())], span))
    return found


def _intrinsics(camera_stream: Stream, camera: Mapping[str, Any], span: tuple[int, int] | None) -> Iterator[Part]:
    size = (camera_stream.width or 0, camera_stream.height or 0)
    crop = _DEPTH_MODES.get(size) if camera["Location"] == _DEPTH else _color_crop(size)
    given = [float(value) for value in camera["Intrinsics"]["ModelParameters"]]
    if crop is None or len(given) < 14 or given[10:12] != [0.0, 0.0]:
        return
    cx, cy, fx, fy = given[:4]
    sensor = (int(camera["SensorWidth"]), int(camera["SensorHeight"]))
    if (
        camera["Location"] == _COLOR and sensor[0] * 9 == sensor[1] * 16
    ):  # older files: of a 16:9 cut of the 4:3 sensor
        cy, fy = (cy * 2304 + 384) / 3072, fy * 2304 / 3072
    k, p2, p1 = given[4:10], given[12], given[13]
    start, end = span or (0, 0)
    name = camera_stream.name
    stream = Stream(
        name=f"{name}/calibration",
        modality="calibration",
        table="calibrations",
        clock="none",
        time_meaning="order",
    )
    columns: dict[str, Any] = {
        "index": np.zeros(1, np.int64),
        "valid_from_ns": np.array([start], np.int64),
        "valid_to_ns": np.array([end], np.int64),
        "messages": np.ones(1, np.int64),
        "camera_stream": name,
        "frame_of_reference": camera_stream.frame_of_reference,
        "model": MODEL,
        "width": np.array([size[0]], np.int32),
        "height": np.array([size[1]], np.int32),
        "fx": np.array([fx * crop.binned[0]]),
        "fy": np.array([fy * crop.binned[1]]),
        "cx": np.array([cx * crop.binned[0] - crop.start[0] - 0.5]),
        "cy": np.array([cy * crop.binned[1] - crop.start[1] - 0.5]),
        "distortion": np.array([[k[0], k[1], p1, p2, *k[2:]]], np.float64),
    }
    yield FewRows(stream, 1, columns)


def _color_crop(size: tuple[int, int]) -> Crop | None:
    """Modes of 16:9 leave out the upper and the lower eighth of the 4:3 picture."""
    width, height = size
    if not width or not height:
        return None
    if width * 3 == height * 4:
        return Crop(binned=size, start=(0, 0))
    full = width * 3 // 4
    return Crop(binned=(width, full), start=(0, (full - height) // 2)) if width * 9 == height * 16 else None


def _transforms(sensors: Sequence[Mapping[str, Any]], span: tuple[int, int] | None) -> Iterator[Part]:
    rows: list[tuple[str, npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
    for sensor in sensors:
        child = _CHILDREN.get(sensor.get("Location") or sensor.get("SensorType", ""))
        if child is not None:
            rotation = np.array(sensor["Rt"]["Rotation"], np.float64).reshape(3, 3)
            moved = np.array(sensor["Rt"]["Translation"], np.float64).reshape(3)
            rows.append((child, -rotation.T @ moved, quaternion(rotation.T)))
    if not rows:
        return
    count = len(rows)
    places, turns = np.stack([row[1] for row in rows]), np.stack([row[2] for row in rows])
    stream = Stream(
        name="transforms", modality="transform", table="transforms", clock="none", time_meaning="order"
    )
    columns: dict[str, Any] = {
        "index": np.arange(count, dtype=np.int64),
        "t_ns": np.full(count, span[0] if span else 0, np.int64),
        "parent": ROOT,
        "child": [row[0] for row in rows],
        "static": True,
    }
    columns |= {name: places[:, axis] for axis, name in enumerate(("tx_m", "ty_m", "tz_m"))}
    columns |= {name: turns[:, axis] for axis, name in enumerate(("qw", "qx", "qy", "qz"))}
    yield FewRows(stream, count, columns)


def quaternion(rotation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn a 3 x 3 rotation into a unit quaternion w, x, y, z with w of at least zero (Bar-Itzhack's method)."""
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    symmetric = np.array(
        [
            [a - e - i, d + b, g + c, h - f],
            [d + b, e - a - i, h + f, c - g],
            [g + c, h + f, i - a - e, d - b],
            [h - f, c - g, d - b, a + e + i],
        ]
    )
    x, y, z, w = np.linalg.eigh(symmetric)[1][:, -1]
    turn = np.array([w, x, y, z])
    return turn if w >= 0 else -turn
