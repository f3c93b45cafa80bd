"""What the records of each Neon sensor mean, in SI units.

The gyroscope counts degrees a second, the accelerometer units of standard gravity; fixations and saccades share
one file and are told apart by ``event_type``. Gaze is in pixels of the scene picture, as recorded: the gaze offset
that info.json states is added to nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.model import Loss, Stream
from rushes.readers._files.parts import Part
from rushes.readers._neon.files import PartFile, parts_of, record_type, records
from rushes.readers._neon.packets import inertial_packets
from rushes.readers._neon.tables import RecordTable
from rushes.texts import as_json

CLOCK = "neon"
"""All times are of the Companion phone, in nanoseconds since 1970."""
STANDARD_GRAVITY_M_S2 = 9.80665
_POINT = [("x", "float32"), ("y", "float32")]
_IMU = [
    *((f"{sensor}_{axis}", "float32") for sensor in ("gyro", "accel") for axis in "xyz"),
    *((f"quaternion_{part}", "float32") for part in "wxyz"),
]
_EYES = [
    (f"{what}_{eye}{end}", "float32")
    for eye in ("left", "right")
    for what, ends in (
        ("pupil_diameter", ["_mm"]),
        ("eyeball_center", ["_x", "_y", "_z"]),
        ("optical_axis", ["_x", "_y", "_z"]),
    )
    for end in ends
]
_SPAN = [("start_timestamp_ns", "int64"), ("end_timestamp_ns", "int64")]
_FIXATION = [
    ("event_type", "int32"),
    *_SPAN,
    *((f"{when}_gaze_{axis}", "float32") for when in ("start", "end", "mean") for axis in "xy"),
    *((name, "float32") for name in ("amplitude_pixels", "amplitude_angle_deg", "mean_velocity", "max_velocity")),
]
_KINDS = {0: "saccade", 1: "fixation", 4: "blink"}
_GAZE_STREAMS = {
    "gaze": "both eyes, as estimated while recording",
    "gaze_left": "left eye alone",
    "gaze_right": "right eye alone",
    "gaze_200hz": "both eyes, estimated again after the recording",
}


def sensor_parts(root: Path, losses: list[Loss], *, eyes_hz: float | None) -> list[Part]:
    """Give a stream for each sensor of records that is there.

    Args:
        root: The recording.
        losses: What does not fit is added to them.
        eyes_hz: Rate of everything that is told from the pictures of the eyes; None where it is not known.
    """
    found: list[RecordTable] = []
    for name in ("gaze", "gaze_left", "gaze_right", "gaze_200hz", "eye_state", "imu", "fixations", "blinks"):
        try:
            found += _sensor(root, name, losses)
        except ReadError as error:
            losses.append(Loss(code=error.code, message=error.message, stream=name))
    for part in found:
        if part.streams[0].table in ("gaze", "signals"):
            part.streams = (replace(part.streams[0], nominal_rate_hz=eyes_hz),)
    return [*found]


def _sensor(root: Path, name: str, losses: list[Loss]) -> list[RecordTable]:
    if name == "gaze_200hz":
        return _gaze_200hz(root, losses)
    parts = parts_of(root, name)
    if name.startswith("gaze"):
        return _gaze(root, name, _with_times_of_gaze(root, parts), _worn(root), losses)
    if name == "imu":
        return _imu(root, parts)
    if not parts:
        return []
    if name == "eye_state":
        kind = record_type(root, name, _EYES)
        return [RecordTable(_eyes(kind), parts, kind, _as_signals)]
    kind = record_type(root, name, _FIXATION if name == "fixations" else _SPAN, needed=dict(_SPAN))
    stream = Stream(name=name, modality="event", table="events", clock="header", clock_id=CLOCK)
    return [RecordTable(stream, parts, kind, partial(_events, name=name))]


def _imu(root: Path, parts: list[PartFile]) -> list[RecordTable]:
    stream = Stream(name="imu", modality="imu", table="imu", clock="header", clock_id=CLOCK)
    if parts:
        return [RecordTable(stream, parts, record_type(root, "imu", _IMU, needed=dict(_IMU)), _inertial)]
    packets = parts_of(root, "extimu")
    return [RecordTable(stream, packets, np.dtype(_IMU), _inertial, inertial_packets)] if packets else []


def _gaze_200hz(root: Path, losses: list[Loss]) -> list[RecordTable]:
    raw = root / "gaze_200hz.raw"
    stamps = raw.with_suffix(".time")
    if not raw.is_file():
        return []
    part = PartFile(raw=raw, time=stamps if stamps.is_file() else None)
    return _gaze(root, "gaze_200hz", [part], [raw.with_name("worn_200hz.raw")], losses)


def _gaze(root: Path, name: str, parts: list[PartFile], worn: list[Path], losses: list[Loss]) -> list[RecordTable]:
    if not parts:
        return []
    kind = record_type(root, "gaze", _POINT, needed=("x", "y"))
    flags = [records(path, np.dtype("u1"))[0] for path in worn if path.is_file()]
    whole = np.concatenate(flags) if flags else np.empty(0, np.uint8)
    samples = sum(len(records(part.raw, kind)[0]) for part in parts if part.raw is not None)
    if len(whole) not in (0, samples):
        message = f"{len(whole)} samples say whether it was worn, for {samples} of gaze: none of them is used"
        losses.append(Loss(code="read.count-mismatch", message=message, stream=name))

    def columns(rows: npt.NDArray[Any]) -> dict[str, Any]:
        said = {"worn": whole > 0} if len(whole) == len(rows) else {}
        return {"x_px": rows["x"].astype(np.float64), "y_px": rows["y"].astype(np.float64), **said}

    stream = Stream(
        name=name,
        modality="gaze",
        table="gaze",
        clock="header",
        clock_id=CLOCK,
        frame_of_reference="scene",
        notes=_GAZE_STREAMS[name],
    )
    return [RecordTable(stream, parts, kind, columns)]


def _with_times_of_gaze(root: Path, parts: list[PartFile]) -> list[PartFile]:
    """Old recordings write the times of each part once, for both eyes together."""
    shared = parts_of(root, "gaze")
    return [
        PartFile(raw=part.raw, time=part.time or (shared[place].time if place < len(shared) else None))
        for place, part in enumerate(parts)
    ]


def _worn(root: Path) -> list[Path]:
    return [part.raw for part in parts_of(root, "worn") if part.raw is not None]


def _eyes(kind: np.dtype[Any]) -> Stream:
    names = tuple(kind.names or ())
    return Stream(
        name="eye_state",
        modality="signal",
        table="signals",
        clock="header",
        clock_id=CLOCK,
        frame_of_reference="scene",
        channels=len(names),
        channel_names=names,
        channel_units=tuple(_unit(name) for name in names),
    )


def _unit(name: str) -> str:
    if name.endswith("_mm") or name.startswith("eyeball_center"):
        return "mm"
    return "rad" if name.startswith("eyelid_angle") else "1" if name.startswith("optical_axis") else ""


def _as_signals(rows: npt.NDArray[Any]) -> dict[str, Any]:
    names = rows.dtype.names or ()
    return {"values": np.stack([rows[name].astype(np.float64) for name in names], axis=1)}


def _inertial(rows: npt.NDArray[Any]) -> dict[str, Any]:
    columns = {}
    for axis in "xyz":
        columns[f"gyro_{axis}_rad_s"] = np.deg2rad(rows[f"gyro_{axis}"].astype(np.float64))
        columns[f"accel_{axis}_m_s2"] = rows[f"accel_{axis}"].astype(np.float64) * STANDARD_GRAVITY_M_S2
    for part in "wxyz":
        columns[f"q{part}"] = rows[f"quaternion_{part}"].astype(np.float64)
    return columns


def _events(rows: npt.NDArray[Any], *, name: str) -> Mapping[str, Any]:
    """Give stretches with their start and end; what else is stated is kept as JSON."""
    names = rows.dtype.names or ()
    other = [field for field in names if field not in ("event_type", "start_timestamp_ns", "end_timestamp_ns")]
    whole = name.removesuffix("s")
    kinds = (
        [_KINDS.get(code, f"{whole} {code}") for code in rows["event_type"].tolist()]
        if "event_type" in names
        else whole
    )
    start = rows["start_timestamp_ns"].astype(np.int64)
    values = [
        as_json(dict(zip(other, row, strict=True))) for row in zip(*(rows[f].tolist() for f in other), strict=True)
    ]
    return {
        "t_ns": start,
        "t_header_ns": start,
        "t_end_ns": rows["end_timestamp_ns"].astype(np.int64),
        "kind": kinds,
        "value": values if other else None,
    }
