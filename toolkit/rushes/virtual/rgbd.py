"""Writes a take as an RGB-D folder in the layout of the TUM benchmark.

``rgb.txt``, ``depth.txt``, ``accelerometer.txt``, ``groundtruth.txt``; stamps in seconds; depth is 16-bit PNG with
5,000 counts a metre; the ground truth is the pose of the optical axes in the world, quaternion x y z w.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from rushes.virtual.motion import motion_of, pose_from, quaternion_of
from rushes.virtual.play import camera_at
from rushes.virtual.render import render_color, render_depth
from rushes.virtual.scene import scene_at
from rushes.virtual.schedule import Schedule, schedule
from rushes.virtual.spec import GRAVITY_M_S2, NANOSECONDS, RigSpec, SensorSpec

COUNTS_PER_M = 5000.0
DEPTH_LAG_S = 0.007


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCounts:
    """How many entries each list has."""

    color: int
    depth: int
    accelerometer: int
    groundtruth: int


def write_folder(rig: RigSpec, folder: Path) -> FolderCounts:
    """Write the rig's first colour camera, a depth camera in the same place, its accelerometer and its poses.

    Depth follows colour by 7 ms. Stamps are true times, rounded to the microsecond.

    Args:
        rig: A take with a colour camera and an IMU.
        folder: Made if absent.
    """
    camera = next(sensor for sensor in rig.sensors if sensor.kind == "color")
    inertial = next(sensor for sensor in rig.sensors if sensor.kind == "imu")
    for part in ("rgb", "depth"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    color, depth = _times(rig, camera), _times(rig, replace(camera, phase_s=camera.phase_s + DEPTH_LAG_S))
    _pictures(rig, camera, color, folder, "rgb")
    _pictures(rig, camera, depth, folder, "depth")
    motion = motion_of(rig.motion, rig.seed)
    felt = _times(rig, inertial)
    # The optical axes of the camera, in which this benchmark's accelerometer is roughly given too.
    _, accel = motion.imu(felt, pose_from(inertial.T_rig_sensor))
    assert abs(float(np.median(np.sqrt((accel * accel).sum(axis=1)))) - GRAVITY_M_S2) < 1.0
    rows = [
        f"{_stamp(rig, t)} {-y + 0.0:.6f} {-z + 0.0:.6f} {x:.6f}"
        for t, (x, y, z) in zip(felt.tolist(), accel.tolist(), strict=True)
    ]
    _list(folder / "accelerometer.txt", rig, "accelerometer data", "timestamp ax ay az", rows)
    poses = []
    for t in felt.tolist():
        pose = camera_at(motion, camera, t).pose
        w, x, y, z = quaternion_of(pose.rotation)
        numbers = " ".join(f"{value + 0.0:.6f}" for value in (*pose.translation.tolist(), x, y, z, w))
        poses.append(f"{_stamp(rig, t)} {numbers}")
    _list(folder / "groundtruth.txt", rig, "ground truth trajectory", "timestamp tx ty tz qx qy qz qw", poses)
    return FolderCounts(color=len(color), depth=len(depth), accelerometer=len(rows), groundtruth=len(poses))


def _times(rig: RigSpec, sensor: SensorSpec) -> np.typing.NDArray[np.float64]:
    plan: Schedule = schedule(rig, replace(sensor, jitter_ns=0)).delivered()
    return np.asarray((plan.true_ns - rig.start_ns) / NANOSECONDS)


def _pictures(
    rig: RigSpec, camera: SensorSpec, times: np.typing.NDArray[np.float64], folder: Path, part: str
) -> None:
    motion = motion_of(rig.motion, rig.seed)
    rows = []
    for seconds in times.tolist():
        scene, view = scene_at(rig, seconds), camera_at(motion, camera, seconds)
        if part == "depth":
            depth = render_depth(scene, view).depth_m * COUNTS_PER_M
            data = _png(np.clip(np.rint(depth), 0, 65_535).astype(np.uint16))
        else:
            color = render_color(scene, view).color
            assert color is not None
            data = _png(np.rint(color[..., ::-1]).astype(np.uint8))
        name = f"{part}/{_stamp(rig, seconds)}.png"
        (folder / name).write_bytes(data)
        rows.append(f"{_stamp(rig, seconds)} {name}")
    title = "color images" if part == "rgb" else "depth maps"
    _list(folder / f"{part}.txt", rig, title, "timestamp filename", rows)


def _png(pixels: np.typing.NDArray[np.uint8] | np.typing.NDArray[np.uint16]) -> bytes:
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return data.tobytes()


def _stamp(rig: RigSpec, seconds: float) -> str:
    microseconds = rig.start_ns // 1000 + round(seconds * 1e6)
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"


def _list(path: Path, rig: RigSpec, title: str, columns: str, rows: list[str]) -> None:
    path.write_text(
        "\n".join([f"# {title}", f"# file: '{rig.name}'", f"# {columns}", *rows]) + "\n", encoding="utf-8"
    )
