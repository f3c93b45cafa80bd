"""Writes ROS 2 messages as CDR (little-endian, XCDR1), with the definitions that describe them.

Only the message types that the rig records. Times are int64 nanoseconds and must not be negative.
"""

import struct
from collections.abc import Sequence

import numpy as np

from rushes.virtual.spec import NANOSECONDS

_DEFINITIONS: dict[str, str] = {
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec\n",
    "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id\n",
    "geometry_msgs/Vector3": "float64 x\nfloat64 y\nfloat64 z\n",
    "geometry_msgs/Quaternion": "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1\n",
    "geometry_msgs/Transform": "geometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation\n",
    "geometry_msgs/TransformStamped": (
        "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/Transform transform\n"
    ),
    "tf2_msgs/TFMessage": "geometry_msgs/TransformStamped[] transforms\n",
    "sensor_msgs/CompressedImage": "std_msgs/Header header\nstring format\nuint8[] data\n",
    "sensor_msgs/RegionOfInterest": (
        "uint32 x_offset\nuint32 y_offset\nuint32 height\nuint32 width\nbool do_rectify\n"
    ),
    "sensor_msgs/CameraInfo": (
        "std_msgs/Header header\nuint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\nfloat64[9] k\n"
        "float64[9] r\nfloat64[12] p\nuint32 binning_x\nuint32 binning_y\nsensor_msgs/RegionOfInterest roi\n"
    ),
    "sensor_msgs/Imu": (
        "std_msgs/Header header\ngeometry_msgs/Quaternion orientation\nfloat64[9] orientation_covariance\n"
        "geometry_msgs/Vector3 angular_velocity\nfloat64[9] angular_velocity_covariance\n"
        "geometry_msgs/Vector3 linear_acceleration\nfloat64[9] linear_acceleration_covariance\n"
    ),
    "foxglove_msgs/RawAudio": (
        "builtin_interfaces/Time timestamp\nuint8[] data\nstring format\nuint32 sample_rate\n"
        "uint32 number_of_channels\n"
    ),
}


def definition(message_type: str) -> bytes:
    """Give the text of a message type, such as ``sensor_msgs/msg/Imu``, with all that it needs."""
    wanted = [message_type.replace("/msg/", "/")]
    for name in wanted:
        for line in _DEFINITIONS[name].splitlines():
            part = line.split()[0].split("[")[0]
            if part in _DEFINITIONS and part not in wanted:
                wanted.append(part)
    rest = [f"{'=' * 80}\nMSG: {name}\n{_DEFINITIONS[name]}" for name in wanted[1:]]
    return "".join([_DEFINITIONS[wanted[0]], *rest]).encode()


class _Cdr:
    """Bytes of one message; every number is aligned to its own size after the four bytes of the head."""

    def __init__(self) -> None:
        self.data = bytearray(b"\x00\x01\x00\x00")

    def put(self, code: str, *values: float) -> None:
        size = struct.calcsize(code)
        self.data += bytes(-(len(self.data) - 4) % size)
        self.data += struct.pack(f"<{len(values)}{code}", *values)

    def text(self, value: str) -> None:
        encoded = value.encode() + b"\0"
        self.put("I", len(encoded))
        self.data += encoded

    def blob(self, value: bytes) -> None:
        self.put("I", len(value))
        self.data += value

    def time(self, time_ns: int) -> None:
        seconds, rest = divmod(int(time_ns), NANOSECONDS)
        self.put("i", seconds)
        self.put("I", rest)

    def header(self, time_ns: int, frame: str) -> None:
        self.time(time_ns)
        self.text(frame)


def compressed_image(stamp_ns: int, frame: str, *, encoding: str, data: bytes) -> bytes:
    """Write sensor_msgs/msg/CompressedImage."""
    cdr = _Cdr()
    cdr.header(stamp_ns, frame)
    cdr.text(encoding)
    cdr.blob(data)
    return bytes(cdr.data)


def camera_info(
    stamp_ns: int, frame: str, *, width_px: int, height_px: int, focal_px: float, center_px: tuple[float, float]
) -> bytes:
    """Write sensor_msgs/msg/CameraInfo of a pinhole without distortion."""
    cx, cy = center_px
    cdr = _Cdr()
    cdr.header(stamp_ns, frame)
    cdr.put("I", height_px, width_px)
    cdr.text("plumb_bob")
    cdr.put("I", 5)
    cdr.put("d", *([0.0] * 5))
    cdr.put("d", focal_px, 0.0, cx, 0.0, focal_px, cy, 0.0, 0.0, 1.0)
    cdr.put("d", 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    cdr.put("d", focal_px, 0.0, cx, 0.0, 0.0, focal_px, cy, 0.0, 0.0, 0.0, 1.0, 0.0)
    cdr.put("I", 0, 0, 0, 0, 0, 0)
    cdr.put("B", 0)
    return bytes(cdr.data)


def imu(stamp_ns: int, frame: str, *, gyro: Sequence[float], accel: Sequence[float]) -> bytes:
    """Write sensor_msgs/msg/Imu without orientation (its covariance starts with −1, as the standard says)."""
    cdr = _Cdr()
    cdr.header(stamp_ns, frame)
    cdr.put("d", 0.0, 0.0, 0.0, 1.0)
    cdr.put("d", -1.0, *([0.0] * 8))
    cdr.put("d", *gyro)
    cdr.put("d", *([0.0] * 9))
    cdr.put("d", *accel)
    cdr.put("d", *([0.0] * 9))
    return bytes(cdr.data)


def transforms(
    items: Sequence[tuple[int, str, str, Sequence[float], Sequence[float]]],
) -> bytes:
    """Write tf2_msgs/msg/TFMessage of (stamp, parent, child, translation, quaternion w x y z)."""
    cdr = _Cdr()
    cdr.put("I", len(items))
    for stamp_ns, parent, child, translation, (w, x, y, z) in items:
        cdr.header(stamp_ns, parent)
        cdr.text(child)
        cdr.put("d", *translation)
        cdr.put("d", x, y, z, w)
    return bytes(cdr.data)


def raw_audio(stamp_ns: int, *, samples: np.typing.NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Write foxglove_msgs/msg/RawAudio of one channel."""
    cdr = _Cdr()
    cdr.time(stamp_ns)
    cdr.blob(samples.astype("<i2").tobytes())
    cdr.text("pcm-s16")
    cdr.put("I", sample_rate_hz, 1)
    return bytes(cdr.data)
