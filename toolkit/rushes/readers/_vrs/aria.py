"""Project Aria: what its streams are called, and its factory calibration as tables.

Calibrations hold for the picture at its full size (RGB 2880 x 2880, SLAM 640 x 480, eyes 640 x 480 each), also
where the recording holds smaller ones; (0, 0) is the centre of the first pixel. ``T_Device_X`` of the file maps
points of X to the device, whose frame is that of its left SLAM camera.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Loss, Stream
from rushes.readers._files.parts import FewRows, Part

DEVICE = "device"
CALIBRATION_TAG = "calib_json"
_NAMES: Mapping[tuple[int, int], str] = {
    (214, 1): "camera-rgb", (1201, 1): "camera-slam-left", (1201, 2): "camera-slam-right", (211, 1): "camera-et",
    (1202, 1): "imu-right", (1202, 2): "imu-left", (231, 1): "mic", (1203, 1): "mag0", (247, 1): "baro0",
    (281, 1): "gps", (282, 1): "wps", (283, 1): "bluetooth",
    (285, 1): "time-mapping-1", (285, 2): "time-mapping-2",
}  # fmt: skip
_EYES = {"camera-et-left": "camera-et", "camera-et-right": "camera-et"}
_SIZES = {
    "camera-rgb": (2880, 2880), "camera-slam-left": (640, 480), "camera-slam-right": (640, 480),
    "camera-et-left": (640, 480), "camera-et-right": (640, 480),
}  # fmt: skip
_FISHEYE624, _KANNALA = "FisheyeRadTanThinPrism", "KannalaBrandtK3"


def is_aria(tags: Mapping[str, str]) -> bool:
    """Whether Aria glasses made the recording, by the tags of the file."""
    return tags.get("device_type") == "Aria"


def name_of(stream: tuple[int, int], tags: Mapping[str, str]) -> str | None:
    """Give the label by which Aria's own tools call a stream."""
    return _NAMES.get(stream) if is_aria(tags) else None


def calibration_parts(
    tags: Mapping[str, str],
    seen: Mapping[tuple[int, int], str],
    span: tuple[int, int] | None,
    losses: list[Loss],
) -> list[Part]:
    """Give intrinsics of each camera and the transforms between all sensors; what is not understood is a loss."""
    said = tags.get(CALIBRATION_TAG)
    if not said:
        return []
    try:
        device = json.loads(said)
        cameras, inertial = device["CameraCalibrations"], device.get("ImuCalibrations", [])
        parts = [part for camera in cameras for part in _intrinsics(camera, set(seen.values()), span)]
        edges = [(one["Label"], one["T_Device_Camera"]) for one in cameras]
        edges += [(one["Label"], one["T_Device_Imu"]) for one in inertial]
        return [*parts, *_transforms(edges, span)]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        message = f"the factory calibration in the recording is not of the form that is known: {error!r}"
        losses.append(Loss(code="read.damaged", message=message))
        return []


def _intrinsics(camera: Mapping[str, Any], streams: set[str], span: tuple[int, int] | None) -> Iterator[Part]:
    label, projection = camera["Label"], camera["Projection"]
    given = [float(value) for value in projection["Params"]]
    model = projection["Name"]
    if model == _FISHEYE624 and len(given) == 15:  # one focal length, then the centre, k0 … k5, p0, p1, s0 … s3
        name, (f, cx, cy), distortion = "fisheye624", given[:3], given[3:]
        fx, fy = f, f
    elif model == _KANNALA and len(given) == 8:
        name, (fx, fy, cx, cy), distortion = "equidistant", given[:4], given[4:]
    else:
        name, (fx, fy, cx, cy), distortion = model, (np.nan,) * 4, given
    start, end = span or (0, 0)
    of = _EYES.get(label, label)
    size = _SIZES.get(label)
    unknown = np.isnan(fx)
    columns: dict[str, Any] = {
        "index": np.zeros(1, np.int64),
        "valid_from_ns": np.array([start], np.int64),
        "valid_to_ns": np.array([end], np.int64),
        "messages": np.ones(1, np.int64),
        "camera_stream": of if of in streams else None,
        "frame_of_reference": label,
        "model": name,
        "width": np.array([size[0]], np.int32) if size else None,
        "height": np.array([size[1]], np.int32) if size else None,
        "fx": None if unknown else np.array([fx]),
        "fy": None if unknown else np.array([fy]),
        "cx": None if unknown else np.array([cx]),
        "cy": None if unknown else np.array([cy]),
        "distortion": np.array([distortion], np.float64) if distortion else None,
        "T_parent_sensor": _matrix(camera["T_Device_Camera"]).reshape(1, 16),
    }
    stream = Stream(
        name=f"{label}/calibration",
        modality="calibration",
        table="calibrations",
        clock="none",
        time_meaning="order",
    )
    yield FewRows(stream, 1, columns)


def _transforms(edges: Sequence[tuple[str, Mapping[str, Any]]], span: tuple[int, int] | None) -> Iterator[Part]:
    if not edges:
        return
    places = np.array([edge["Translation"] for _, edge in edges], np.float64).reshape(-1, 3)
    turns = np.stack([_quaternion(edge) for _, edge in edges])
    stream = Stream(
        name="transforms", modality="transform", table="transforms", clock="none", time_meaning="order"
    )
    columns: dict[str, Any] = {
        "index": np.arange(len(edges), dtype=np.int64),
        "t_ns": np.full(len(edges), span[0] if span else 0, np.int64),
        "parent": DEVICE,
        "child": [label for label, _ in edges],
        "static": True,
    }
    columns |= {name: places[:, axis] for axis, name in enumerate(("tx_m", "ty_m", "tz_m"))}
    columns |= {name: turns[:, axis] for axis, name in enumerate(("qw", "qx", "qy", "qz"))}
    yield FewRows(stream, len(edges), columns)


def _quaternion(edge: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    real, imaginary = edge["UnitQuaternion"]
    turn = np.array([real, *imaginary], np.float64)
    return turn / np.linalg.norm(turn)


def _matrix(edge: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    w, x, y, z = _quaternion(edge).tolist()
    found = np.eye(4)
    found[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    found[:3, 3] = edge["Translation"]
    return found
