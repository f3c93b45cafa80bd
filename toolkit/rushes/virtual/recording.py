"""Writes a take as a ROS 2 MCAP, byte for byte the same whenever it is written again.

Header stamps are device times; log and publish times are the host's. A camera's calibration comes once a second
with the picture's own stamp; the fixed frames come first, on /tf_static.
"""

import hashlib
from pathlib import Path

from mcap.writer import CompressionType, Writer

from rushes import cdr
from rushes.virtual.labels import FrameLabels
from rushes.virtual.motion import OPTICAL, Pose, pose_from, quaternion_of
from rushes.virtual.play import Encoded, Inertial, Sound, VirtualSample, play
from rushes.virtual.render import Pinhole
from rushes.virtual.spec import NANOSECONDS, RigSpec, SensorSpec
from rushes.virtual.truth import Truth, truth_of

LIBRARY = "rushes virtual rig 1"
CHUNK_BYTES = 1 << 20
TYPES = {
    "color": "sensor_msgs/msg/CompressedImage",
    "depth": "sensor_msgs/msg/CompressedImage",
    "imu": "sensor_msgs/msg/Imu",
    "audio": "foxglove_msgs/msg/RawAudio",
    "pose": "tf2_msgs/msg/TFMessage",
}


def write_recording(rig: RigSpec, path: Path) -> Truth:
    """Play a take into an MCAP file.

    Args:
        rig: The take.
        path: Of the file; replaced if there. ``truth_path(path)`` is where its truth belongs; it is not written.

    Returns:
        The truth of what was written.
    """
    labels: dict[str, list[FrameLabels]] = {}
    with path.open("wb") as stream:
        writer = Writer(stream, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library=LIBRARY)
        channels = _Channels(writer)
        facts = {"take": rig.name, "subject": rig.actor.subject, **dict(rig.metadata)}
        writer.add_metadata("session", dict(sorted(facts.items())))
        fixed = fixed_frames(rig)
        if fixed is not None:
            channels.add("/tf_static", TYPES["pose"], fixed, log_ns=rig.start_ns, seq=0)
        told: dict[str, int] = {}
        for sample in play(rig):
            second = (sample.true_ns - rig.start_ns) // NANOSECONDS
            if isinstance(sample.payload, Encoded) and told.get(sample.stream) != second:
                told[sample.stream] = second
                _calibrate(sample, channels, second)
            channels.add(
                sample.stream,
                TYPES[sample.sensor.kind],
                _message(sample),
                log_ns=sample.log_ns,
                seq=sample.seq,
            )
            if sample.labels is not None:
                labels.setdefault(sample.stream, []).append(sample.labels)
        writer.finish()  # type: ignore[no-untyped-call]  # the package leaves it bare
    cameras = {s.stream: _camera(s) for s in rig.sensors if s.kind in ("color", "depth")}
    return truth_of(rig, labels, cameras)


def truth_path(path: Path) -> Path:
    """Give the place of a recording's truth: ``take.truth.json`` beside ``take.mcap``."""
    return path.with_suffix(".truth.json")


def digest(path: Path) -> str:
    """Give a file's sha256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Channels:
    """Registers a channel with its schema when its first message comes."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def add(self, topic: str, message_type: str, data: bytes, *, log_ns: int, seq: int) -> None:
        if topic not in self._channels:
            if message_type not in self._schemas:
                self._schemas[message_type] = self._writer.register_schema(
                    name=message_type, encoding="ros2msg", data=cdr.definition(message_type)
                )
            self._channels[topic] = self._writer.register_channel(
                topic=topic, message_encoding="cdr", schema_id=self._schemas[message_type]
            )
        self._writer.add_message(
            channel_id=self._channels[topic], log_time=log_ns, publish_time=log_ns, sequence=seq, data=data
        )


def _camera(sensor: SensorSpec) -> Pinhole:
    return Pinhole(
        width_px=sensor.width_px,
        height_px=sensor.height_px,
        focal_px=sensor.focal_px,
        pose=pose_from(sensor.T_rig_sensor).then(OPTICAL),
    )


def fixed_frames(rig: RigSpec) -> bytes | None:
    """Write where the sensors are in the rig, as the message of /tf_static; None where it has none to place."""
    items = []
    for sensor in rig.sensors:
        if sensor.kind in ("color", "depth", "imu"):
            pose = pose_from(sensor.T_rig_sensor)
            pose = pose if sensor.kind == "imu" else pose.then(OPTICAL)
            items.append((rig.start_ns, "rig", sensor.frame, *place_of(pose)))
    return cdr.transforms(items) if items else None


def calibration(sensor: SensorSpec, stamp_ns: int) -> bytes:
    """Write the CameraInfo of a camera, with a stamp of its own clock."""
    camera = _camera(sensor)
    return cdr.camera_info(
        stamp_ns,
        sensor.frame,
        width_px=camera.width_px,
        height_px=camera.height_px,
        focal_px=(camera.focal_px, camera.focal_px),
        center_px=camera.center_px,
    )


def _calibrate(sample: VirtualSample, channels: _Channels, second: int) -> None:
    data = calibration(sample.sensor, sample.device_ns)
    topic = f"/{sample.sensor.name}/camera_info"
    channels.add(topic, "sensor_msgs/msg/CameraInfo", data, log_ns=sample.log_ns, seq=second)


def _message(sample: VirtualSample) -> bytes:
    payload, stamp, frame = sample.payload, sample.device_ns, sample.sensor.frame
    if isinstance(payload, Encoded):
        return cdr.compressed_image(stamp, frame, encoding=payload.encoding, data=payload.data)
    if isinstance(payload, Inertial):
        return cdr.imu(stamp, frame, gyro=payload.gyro_rad_s, accel=payload.accel_m_s2)
    if isinstance(payload, Sound):
        return cdr.raw_audio(stamp, samples=payload.samples, sample_rate_hz=payload.sample_rate_hz)
    return cdr.transforms([(stamp, "world", "rig", *place_of(payload))])


def place_of(pose: Pose) -> tuple[list[float], list[float]]:
    """Give translation and quaternion (w, x, y, z), rounded so that they are the same on every processor."""
    translation = [round(float(x), 9) + 0.0 for x in pose.translation]
    return translation, [round(x, 12) + 0.0 for x in quaternion_of(pose.rotation)]
