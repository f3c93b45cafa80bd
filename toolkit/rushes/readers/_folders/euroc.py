"""The EuRoC layout: mav0 with a folder a sensor, each with data.csv in nanoseconds and sensor.yaml."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import yaml

from rushes.model import Loss, Stream
from rushes.readers._files.exact_time import exact_ns
from rushes.readers._files.images import ImageList, images_in
from rushes.readers._files.parts import FewRows, Part
from rushes.readers._files.tables import NOT_NUMBERS, TOO_FEW, NumberTable, lines_of


def home(root: Path) -> Path | None:
    """Give the folder that holds the sensors' folders: the path itself or its mav0; None if neither does."""
    for folder in (root / "mav0", root):
        if any(folder.glob("cam*/data.csv")) or any(folder.glob("imu*/data.csv")):
            return folder
    return None


def parts(root: Path) -> tuple[list[Part], list[Loss], dict[str, Any]]:
    """Give the streams that are there, what is missing of them, and what else the recording states."""
    folder = home(root)
    assert folder is not None
    below = "" if folder == root else f"{folder.name}/"
    found: list[Part] = []
    losses: list[Loss] = []
    sensors: dict[str, Any] = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        sensor = _sensor(place / "sensor.yaml", losses)
        if sensor:
            sensors[place.name] = sensor
        table = place / "data.csv"
        if not table.is_file():
            if sensor:
                losses.append(_absent(place.name, f"{below}{place.name}/data.csv"))
            continue
        found.extend(_streams(root, place, sensor))
    return found, losses, {"layout": "euroc", "sensors": sensors}


def _streams(root: Path, place: Path, sensor: Mapping[str, Any]) -> list[Part]:
    name, table = place.name, place / "data.csv"
    rate = sensor.get("rate_hz")
    nominal = float(rate) if isinstance(rate, int | float) else None
    header = _header(table)
    if name.startswith("cam"):
        images = _camera(root, place, nominal)
        return [images, *_calibration(name, sensor, images.span)]
    if name.startswith("imu"):
        stream = Stream(
            name=name,
            modality="imu",
            table="imu",
            clock="header",
            nominal_rate_hz=nominal,
            frame_of_reference=name,
        )
        return [NumberTable(stream, table, take=range(1, 7), unit="ns", columns=_inertial)]
    if len(header) >= 8 and "q" in header[4].lower():
        left = f"fields left unread: {', '.join(header[8:])}" if len(header) > 8 else None
        stream = Stream(
            name=name,
            modality="pose",
            table="poses",
            clock="header",
            nominal_rate_hz=nominal,
            frame_of_reference="world",
            notes=left,
        )
        return [NumberTable(stream, table, take=range(1, 8), unit="ns", columns=_pose)]
    stream = Stream(name=name, modality="message", table="messages", clock="header", nominal_rate_hz=nominal)
    take = range(1, len(header))

    def columns(values: npt.NDArray[np.float64]) -> dict[str, Any]:
        return {"value": [json.dumps(dict(zip(header[1:], row, strict=True))) for row in values.tolist()]}

    return [NumberTable(stream, table, take=take, unit="ns", columns=columns)]


def _camera(root: Path, place: Path, nominal: float | None) -> ImageList:
    texts, files = [], []
    rejected: dict[str, int] = {}
    data = (place / "data").relative_to(root).as_posix()
    for lines in lines_of(place / "data.csv"):
        for line in lines:
            time, _, file = (part.strip() for part in line.partition(b","))
            if not file:
                rejected[TOO_FEW] = rejected.get(TOO_FEW, 0) + 1
                continue
            texts.append(time)
            files.append(f"{data}/{file.decode('utf-8', 'surrogateescape')}")
    t_ns, readable = exact_ns(texts, "ns")
    if not readable.all():
        rejected[NOT_NUMBERS] = int((~readable).sum())
        files = [file for file, good in zip(files, readable, strict=True) if good]
        t_ns = t_ns[readable]
    listed = set(files)
    unlisted = [path for file in images_in(place / "data") if (path := f"{data}/{file}") not in listed]
    depth = "depth" in place.name
    stream = Stream(
        name=place.name,
        modality="depth" if depth else "color",
        table="frames",
        clock="header",
        nominal_rate_hz=nominal,
        frame_of_reference=place.name,
    )
    return ImageList(root, stream, files, t_ns, unlisted=unlisted, rejected=rejected)


def _calibration(camera: str, sensor: Mapping[str, Any], span: tuple[int, int] | None) -> list[Part]:
    intrinsics, size = sensor.get("intrinsics"), sensor.get("resolution")
    if not _numbers(intrinsics, 4) or not _numbers(size, 2):
        return []
    start, end = span or (0, 0)
    extrinsics = sensor.get("T_BS")
    matrix = extrinsics.get("data") if isinstance(extrinsics, dict) else None
    fx, fy, cx, cy = (np.array([value], np.float64) for value in intrinsics)
    stream = Stream(
        name=f"{camera}/calibration",
        modality="calibration",
        table="calibrations",
        clock="none",
        time_meaning="order",
    )
    columns = {
        "index": np.zeros(1, np.int64),
        "valid_from_ns": np.array([start]),
        "valid_to_ns": np.array([end]),
        "messages": np.ones(1, np.int64),
        "camera_stream": camera,
        "frame_of_reference": camera,
        "model": sensor.get("distortion_model"),
        "width": np.array([int(size[0])], np.int32),
        "height": np.array([int(size[1])], np.int32),
        "fx": fx,
        "fy": fy,
        "cx": cx,
        "cy": cy,
        "distortion": _row(sensor.get("distortion_coefficients")),
        "T_parent_sensor": _row(matrix if _numbers(matrix, 16) else None),
    }
    return [FewRows(stream, 1, columns)]


def _row(values: Any) -> npt.NDArray[np.float64] | None:
    if not isinstance(values, list) or not values:
        return None
    return np.array([values], np.float64)


def _numbers(values: Any, count: int) -> TypeGuard[list[float]]:
    return isinstance(values, list) and len(values) == count and all(isinstance(v, int | float) for v in values)


def _inertial(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    names = ("gyro_x_rad_s", "gyro_y_rad_s", "gyro_z_rad_s", "accel_x_m_s2", "accel_y_m_s2", "accel_z_m_s2")
    return {name: values[:, place] for place, name in enumerate(names)}


def _pose(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    names = ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")
    return {"parent": "world", "child": "body", **{name: values[:, place] for place, name in enumerate(names)}}


def _header(table: Path) -> list[str]:
    """Give the names of the columns; the first line states them behind a #."""
    with table.open("rb") as file:
        first = file.readline().decode("utf-8", "replace")
    return [name.strip() for name in first.lstrip("\ufeff# ").split(",")]


def _sensor(path: Path, losses: list[Loss]) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        # OpenCV writes "%YAML:1.0", which is no YAML directive.
        text = path.read_text("utf-8").removeprefix("%YAML:1.0").replace("!!opencv-matrix", "")
        said = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        name = f"{path.parent.name}/{path.name}"
        losses.append(Loss(code="read.damaged", message=f"{name} is not readable YAML: {error}", file=name))
        return {}
    return said if isinstance(said, dict) else {}


def _absent(sensor: str, file: str) -> Loss:
    message = "states its sensor but has no data.csv"
    return Loss(code="read.absent-file", message=message, stream=sensor, file=file)
