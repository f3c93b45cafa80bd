"""Writes ROS 2 messages as CDR (little-endian, XCDR1), with the definitions that describe them.

Only the message types that we record. Times are int64 nanoseconds, at least ``-STAMP_END_NS`` and less than
``STAMP_END_NS``, as ROS 2 counts seconds in int32. What ends in ``_rows`` writes many messages of one length.
"""

import re
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.texts import field_names

NANOSECONDS = 1_000_000_000
STAMP_END_NS = 2**31 * NANOSECONDS
_HEAD = b"\x00\x01\x00\x00"
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
    "sensor_msgs/Image": (
        "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\n"
        "uint8[] data\n"
    ),
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


def signals_type(topic: str) -> str:
    """Name the message type of a stream of numbers: ``/eeg/raw`` gives ``rushes_signals/msg/EegRaw``."""
    words = re.findall(r"[A-Za-z0-9]+", topic)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return f"rushes_signals/msg/{name if name[:1].isalpha() else f'Signals{name}'}"


def signals_definition(channel_names: Sequence[str]) -> bytes:
    """Give the text of a message type with a header and a float64 for each channel, in their order."""
    fields = "".join(f"float64 {name}\n" for name in field_names(channel_names, taken=("header",)))
    rest = [f"{'=' * 80}\nMSG: {n}\n{_DEFINITIONS[n]}" for n in ("std_msgs/Header", "builtin_interfaces/Time")]
    return "".join([f"std_msgs/Header header\n{fields}", *rest]).encode()


class _Cdr:
    """Bytes of one message; every number is aligned to its own size after the four bytes of the head."""

    def __init__(self) -> None:
        self.data = bytearray(_HEAD)

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
    return compressed_image_head(stamp_ns, frame, encoding=encoding, length=len(data)) + data


def compressed_image_head(stamp_ns: int, frame: str, *, encoding: str, length: int) -> bytes:
    """Write what comes before the ``length`` bytes of a picture in sensor_msgs/msg/CompressedImage."""
    cdr = _Cdr()
    cdr.header(stamp_ns, frame)
    cdr.text(encoding)
    cdr.put("I", length)
    return bytes(cdr.data)


def image_head(
    stamp_ns: int, frame: str, *, encoding: str, width_px: int, height_px: int, big_endian: bool, length: int
) -> bytes:
    """Write what comes before the ``length`` bytes of pixels in sensor_msgs/msg/Image; rows are equally long."""
    cdr = _Cdr()
    cdr.header(stamp_ns, frame)
    cdr.put("I", height_px, width_px)
    cdr.text(encoding)
    cdr.put("B", int(big_endian))
    cdr.put("I", length // height_px if height_px else 0, length)
    return bytes(cdr.data)


def camera_info(
    stamp_ns: int,
    frame: str,
    *,
    width_px: int,
    height_px: int,
    focal_px: tuple[float, float],
    center_px: tuple[float, float],
    model: str = "plumb_bob",
    distortion: Sequence[float] = (0.0, 0.0, 0.0, 0.0, 0.0),
    rectification: Sequence[float] = (),
    projection: Sequence[float] = (),
) -> bytes:
    """Write sensor_msgs/msg/CameraInfo.

    Args:
        stamp_ns: Since when it holds.
        frame: Optical frame.
        width_px, height_px: Of the picture that the intrinsics are for.
        focal_px: Horizontal and vertical.
        center_px: Principal point, x and y.
        model: Of the distortion: plumb_bob, rational_polynomial, equidistant, or a name of its own.
        distortion: Its coefficients; none by itself.
        rectification: 3 × 3, row by row; that of a single camera where it is empty.
        projection: 3 × 4, row by row; that of an unrectified camera where it is empty.
    """
    (fx, fy), (cx, cy) = focal_px, center_px
    cdr = _Cdr()
    cdr.header(stamp_ns, frame)
    cdr.put("I", height_px, width_px)
    cdr.text(model)
    cdr.put("I", len(distortion))
    cdr.put("d", *distortion)
    cdr.put("d", fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0)
    cdr.put("d", *(rectification or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)))
    cdr.put("d", *(projection or (fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0)))
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


def raw_audio(stamp_ns: int, *, samples: npt.NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Write foxglove_msgs/msg/RawAudio of a block, shape (samples,) or (samples, channels)."""
    cdr = _Cdr()
    cdr.time(stamp_ns)
    cdr.blob(samples.astype("<i2").tobytes())
    cdr.text("pcm-s16")
    cdr.put("I", sample_rate_hz, 1 if samples.ndim == 1 else samples.shape[1])
    return bytes(cdr.data)


def imu_rows(
    stamps: Times,
    frame: str,
    *,
    orientation: npt.NDArray[np.float64] | None,
    gyro: npt.NDArray[np.float64],
    accel: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint8]:
    """Write sensor_msgs/msg/Imu.

    What is absent is said as the standard says it, by a covariance that starts with -1.

    Args:
        stamps: Shape (n,).
        frame: Of reference.
        orientation: Shape (n, 4), x, y, z, w as the message has them; a row of NaN where absent.
        gyro, accel: Shape (n, 3) each; a row of NaN where absent.

    Returns:
        Shape (n, bytes of a message).
    """
    body = np.zeros((len(stamps), 37))
    turned = np.full((len(stamps), 4), np.nan) if orientation is None else orientation
    at = 0
    for given in (turned, gyro, accel):
        width = given.shape[1]
        absent = np.asarray(np.isnan(given).all(axis=1))
        body[:, at : at + width] = np.where(absent[:, None], 0.0, given)
        if width == 4:
            body[absent, at + 3] = 1.0
        at += width
        body[:, at] = np.where(absent, -1.0, 0.0)
        at += 9
    return signal_rows(stamps, frame, body)


def signal_rows(stamps: Times, frame: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Write messages that are a header and doubles, such as those of :func:`signals_definition`.

    Args:
        stamps: Shape (n,).
        frame: Of reference.
        values: Shape (n, doubles).

    Returns:
        Shape (n, bytes of a message).
    """
    name = frame.encode() + b"\0"
    gap = -(12 + len(name)) % 8 if values.shape[1] else 0  # doubles are aligned to 8 bytes after the head of 4
    kind = np.dtype(
        [("head", "V4"), ("sec", "<i4"), ("nanosec", "<u4"), ("length", "<u4"), ("frame", f"V{len(name)}")]
        + ([("gap", f"V{gap}")] if gap else [])
        + [("body", "<f8", (values.shape[1],))]
    )
    made = np.zeros(len(stamps), kind)
    made["head"] = np.void(_HEAD)
    made["sec"], made["nanosec"] = stamps // NANOSECONDS, stamps % NANOSECONDS
    made["length"], made["frame"] = len(name), np.void(name)
    made["body"] = values
    return made.view(np.uint8).reshape(len(stamps), -1)
