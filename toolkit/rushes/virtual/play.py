"""Plays a take: the samples of all sensors in the order in which the host logs them, made as they are asked for.

Only plans of a few thousand samples, and one picture a camera, are held at a time.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from rushes.virtual.labels import FrameLabels, label
from rushes.virtual.motion import OPTICAL, Motion, Pose, motion_of, pose_from
from rushes.virtual.render import Pinhole, render_color, render_depth
from rushes.virtual.scene import scene_at
from rushes.virtual.schedule import Schedule, schedule, schedule_blocks
from rushes.virtual.sound import heard
from rushes.virtual.spec import NANOSECONDS, RigSpec, SensorSpec, generator

DEPTH_HEADER = bytes(12)
"""What compressed_depth_image_transport puts before the PNG; zero for whole millimetres."""
OVEREXPOSED_GAIN = 3.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """An encoded picture, as CompressedImage has it."""

    data: bytes
    encoding: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inertial:
    """One IMU sample: rad/s and m/s² in the sensor's axes, each of three."""

    gyro_rad_s: tuple[float, float, float]
    accel_m_s2: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One block of audio: int16, one channel."""

    samples: npt.NDArray[np.int16]
    sample_rate_hz: int


Payload: TypeAlias = Encoded | Inertial | Sound | Pose


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualSample:
    """One sample as it reaches the host, with what is true of it.

    Args:
        seq: Number that the device gave; lost samples leave holes.
        true_ns: When it was really taken.
        device_ns: Its stamp, in the device's clock.
        log_ns: When the host logged it.
        content_ns: When what it shows was really so: earlier than ``true_ns`` in a repeat.
        is_repeat: Whether it carries the payload of an earlier sample.
        labels: Of a colour picture.
    """

    sensor: SensorSpec
    seq: int
    true_ns: int
    device_ns: int
    log_ns: int
    content_ns: int
    is_repeat: bool
    payload: Payload
    labels: FrameLabels | None = None

    @property
    def stream(self) -> str:
        """Its topic."""
        return self.sensor.stream


def play(rig: RigSpec) -> Iterator[VirtualSample]:
    """Play a take in the order of log times; equal times in the order of the rig's sensors."""
    motion = motion_of(rig.motion, rig.seed)
    tracks = [_play_one(rig, sensor, motion) for sensor in rig.sensors]
    return heapq.merge(*tracks, key=lambda sample: sample.log_ns)


def camera_at(motion: Motion, sensor: SensorSpec, seconds: float) -> Pinhole:
    """Give a camera of the rig as it stands at a true time since the start."""
    place = motion.pose(seconds).then(pose_from(sensor.T_rig_sensor)).then(OPTICAL)
    return Pinhole(width_px=sensor.width_px, height_px=sensor.height_px, focal_px=sensor.focal_px, pose=place)


def _play_one(rig: RigSpec, sensor: SensorSpec, motion: Motion) -> Iterator[VirtualSample]:
    kept: tuple[int, Payload, FrameLabels | None] | None = None
    for plan in _plans(rig, sensor):
        inertial = _inertial(rig, sensor, motion, plan) if sensor.kind == "imu" else None
        for i in np.flatnonzero(plan.arrived).tolist():
            source, content_ns = int(plan.source[i]), int(plan.content_ns[i])
            if kept is None or kept[0] != source:
                if inertial is not None:
                    row = i if plan.seq[i] == source else int(np.flatnonzero(plan.seq == source)[0])
                    kept = source, inertial[row], None
                else:
                    kept = source, *_make(rig, sensor, motion, source, content_ns - rig.start_ns)
            payload, seq = kept[1], int(plan.seq[i])
            yield VirtualSample(
                sensor=sensor,
                seq=seq,
                true_ns=int(plan.true_ns[i]),
                device_ns=int(plan.device_ns[i]),
                log_ns=int(plan.log_ns[i]),
                content_ns=content_ns,
                is_repeat=bool(plan.repeated[i]),
                payload=_cut(payload) if seq in sensor.faults.truncated else payload,
                labels=kept[2],
            )


def _plans(rig: RigSpec, sensor: SensorSpec) -> Iterator[Schedule]:
    if sensor.latency.order == "fifo" and not sensor.latency.glitch_probability:
        yield from schedule_blocks(rig, sensor)
        return
    plan = schedule(rig, sensor)  # samples overtake one another: the order is only known when all are
    order = np.argsort(plan.log_ns, kind="stable")
    yield Schedule(**{f.name: getattr(plan, f.name)[order] for f in fields(Schedule)})


def _make(
    rig: RigSpec, sensor: SensorSpec, motion: Motion, seq: int, since_ns: int
) -> tuple[Payload, FrameLabels | None]:
    """Make one payload, and its labels where it is a colour picture."""
    seconds = since_ns / NANOSECONDS
    if sensor.kind == "audio":
        samples = heard(rig, sensor, seq, begins_s=seconds)
        return Sound(samples=samples, sample_rate_hz=sensor.sample_rate_hz), None
    if sensor.kind == "pose":
        return motion.pose(seconds).then(pose_from(sensor.T_rig_sensor)), None
    scene, camera = scene_at(rig, seconds), camera_at(motion, sensor, seconds)
    if sensor.kind == "depth":
        depth = render_depth(scene, camera).depth_m
        return _depth(sensor, _add_noise(rig, sensor, seq, depth * 1000.0)), None
    picture = render_color(scene, camera)
    assert picture.color is not None
    color = _add_noise(rig, sensor, seq, picture.color)
    burnt = sensor.faults.overexposed_s
    if burnt is not None and burnt[0] <= seconds < burnt[1]:
        color = color * OVEREXPOSED_GAIN + 40.0
    return _color(sensor, color), label(scene, camera, picture)


def _add_noise(
    rig: RigSpec, sensor: SensorSpec, seq: int, values: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    if not sensor.noise:
        return values
    draw = generator(rig.seed, sensor.stream, "noise", str(seq))
    return np.asarray(values + draw.normal(0.0, sensor.noise, values.shape))


def _color(sensor: SensorSpec, color: npt.NDArray[np.float64]) -> Encoded:
    pixels = np.clip(np.rint(color), 0, 255).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg_quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    done, data = cv2.imencode(".jpg", pixels[..., ::-1], options)
    assert done
    return Encoded(data=data.tobytes(), encoding="jpeg", width_px=sensor.width_px, height_px=sensor.height_px)


def _depth(sensor: SensorSpec, millimetres: npt.NDArray[np.float64]) -> Encoded:
    counts = np.clip(np.rint(millimetres), 0, 65_535).astype(np.uint16)
    done, data = cv2.imencode(".png", counts, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return Encoded(
        data=DEPTH_HEADER + data.tobytes(),
        encoding="16UC1; compressedDepth png",
        width_px=sensor.width_px,
        height_px=sensor.height_px,
    )


def _cut(payload: Payload) -> Payload:
    if isinstance(payload, Encoded):
        return replace(payload, data=payload.data[: len(payload.data) // 3])
    return payload


def _inertial(rig: RigSpec, sensor: SensorSpec, motion: Motion, plan: Schedule) -> list[Inertial]:
    """Measure a whole plan at once; values are rounded to the sensor's resolution."""
    gyro, accel = motion.imu((plan.true_ns - rig.start_ns) / NANOSECONDS, pose_from(sensor.T_rig_sensor))
    draw = generator(rig.seed, sensor.stream, "noise", str(int(plan.seq[0])))
    noise = draw.normal(0.0, 1.0, (len(plan.seq), 6))
    gyro = gyro + np.array(sensor.gyro_bias_rad_s) + noise[:, :3] * sensor.gyro_noise_rad_s
    accel = accel + np.array(sensor.accel_bias_m_s2) + noise[:, 3:] * sensor.accel_noise_m_s2
    # Powers of two: the numbers are exact, short in binary, and the same on every processor.
    gyro, accel = (np.rint(values / sensor.lsb) * sensor.lsb for values in (gyro, accel))
    return [
        Inertial(gyro_rad_s=tuple(g), accel_m_s2=tuple(a))
        for g, a in zip(gyro.tolist(), accel.tolist(), strict=True)
    ]
