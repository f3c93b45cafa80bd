"""Makes small MCAP recordings whose content is known, with the plain ``mcap`` writer and rosbags' serialiser."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mcap.writer import CompressionType, IndexType, Writer
from PIL import Image
from rosbags.typesys import Stores, get_typestore

ROS2 = get_typestore(Stores.ROS2_HUMBLE)
ROS1 = get_typestore(Stores.ROS1_NOETIC)
START_NS = 1_700_000_000_000_000_000
COMPRESSIONS = {"none": CompressionType.NONE, "lz4": CompressionType.LZ4, "zstd": CompressionType.ZSTD}


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A channel to be written; ``schema`` None leaves the definition out."""

    topic: str
    message_type: str
    encoding: str = "cdr"
    schema_encoding: str = "ros2msg"
    schema: bytes = b""


def ros2_topic(topic: str, message_type: str) -> Topic:
    """Give a ROS 2 channel with its recorded definition."""
    text, _ = ROS2.generate_msgdef(message_type, ros_version=2)
    return Topic(topic=topic, message_type=message_type, schema=text.encode())


def ros1_topic(topic: str, message_type: str) -> Topic:
    """Give a ROS 1 channel with its recorded definition."""
    text, _ = ROS1.generate_msgdef(message_type, ros_version=1)
    return Topic(
        topic=topic,
        message_type=message_type.replace("/msg/", "/"),
        encoding="ros1",
        schema_encoding="ros1msg",
        schema=text.encode(),
    )


def write(
    path: Path,
    topics: Iterable[Topic],
    messages: Iterable[tuple[int, int, bytes]],
    *,
    compression: str = "none",
    chunk_size: int = 4096,
    publish_offset_ns: int = 5,
    attachment: bytes | None = None,
    **options: Any,
) -> Path:
    """Write messages as (number of the topic, log time, payload); ``options`` go to the writer."""
    with path.open("wb") as stream:
        writer = Writer(stream, chunk_size=chunk_size, compression=COMPRESSIONS[compression], **options)
        writer.start("ros2", "tests")
        channels = []
        for topic in topics:
            schema = writer.register_schema(topic.message_type, topic.schema_encoding, topic.schema)
            channels.append(writer.register_channel(topic.topic, topic.encoding, schema))
        if attachment is not None:
            writer.add_attachment(START_NS, START_NS, "notes.txt", "text/plain", attachment)
            writer.add_metadata("rig", {"name": "bench"})
        for sequence, (number, log_ns, payload) in enumerate(messages):
            writer.add_message(channels[number], log_ns, payload, log_ns + publish_offset_ns, sequence)
        writer.finish()
    return path


WITHOUT_INDEX: dict[str, Any] = {"index_types": IndexType.NONE}
WITHOUT_SUMMARY: dict[str, Any] = {
    "index_types": IndexType.NONE,
    "repeat_channels": False,
    "repeat_schemas": False,
    "use_statistics": False,
    "use_summary_offsets": False,
}
LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "without index": WITHOUT_INDEX,
    "without summary": WITHOUT_SUMMARY,
    "without repeated channels": {"repeat_channels": False, "repeat_schemas": False},
    "without statistics": {"use_statistics": False},
    "without chunks": {"use_chunking": False},
    "without checksums": {"enable_crcs": False},
}


def header(store: Any, stamp_ns: int, frame: str) -> Any:
    """Give a std_msgs/Header."""
    time = store.types["builtin_interfaces/msg/Time"](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    kind = store.types["std_msgs/msg/Header"]
    return kind(seq=0, stamp=time, frame_id=frame) if store is ROS1 else kind(stamp=time, frame_id=frame)


def serialised(store: Any, message: Any, *, little: bool = True) -> bytes:
    """Serialise a message of a store, in CDR for ROS 2."""
    if store is ROS1:
        return bytes(store.serialize_ros1(message, message.__msgtype__))
    return bytes(store.serialize_cdr(message, message.__msgtype__, little_endian=little))


def imu(
    stamp_ns: int,
    values: Iterable[float],
    frame: str = "imu",
    *,
    little: bool = True,
    store: Any = ROS2,
    known: int = 0,
) -> bytes:
    """Give an Imu: orientation x, y, z, w, three of gyroscope, three of accelerometer; ``known`` -1 for none."""
    qx, qy, qz, qw, gx, gy, gz, ax, ay, az = values
    vector, turn = store.types["geometry_msgs/msg/Vector3"], store.types["geometry_msgs/msg/Quaternion"]
    covariance = np.zeros(9)
    unknown = np.zeros(9)
    unknown[0] = known
    message = store.types["sensor_msgs/msg/Imu"](
        header=header(store, stamp_ns, frame),
        orientation=turn(x=qx, y=qy, z=qz, w=qw),
        orientation_covariance=unknown,
        angular_velocity=vector(x=gx, y=gy, z=gz),
        angular_velocity_covariance=covariance,
        linear_acceleration=vector(x=ax, y=ay, z=az),
        linear_acceleration_covariance=covariance,
    )
    return serialised(store, message, little=little)


def compressed(stamp_ns: int, form: str, data: bytes, frame: str = "cam", *, store: Any = ROS2) -> bytes:
    """Give a CompressedImage."""
    kind = store.types["sensor_msgs/msg/CompressedImage"]
    picture = np.frombuffer(data, np.uint8)
    return serialised(store, kind(header=header(store, stamp_ns, frame), format=form, data=picture))


def raw(stamp_ns: int, encoding: str, pixels: Any, frame: str = "cam") -> bytes:
    """Give an Image of shape (h, w) or (h, w, channels)."""
    message = ROS2.types["sensor_msgs/msg/Image"](
        header=header(ROS2, stamp_ns, frame),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=pixels.strides[0],
        data=np.frombuffer(pixels.tobytes(), np.uint8),
    )
    return serialised(ROS2, message)


def jpeg(seed: int, width: int = 32, height: int = 24) -> bytes:
    """Give a picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def depth_png(seed: int, width: int = 20, height: int = 10) -> bytes:
    """Give 16-bit depth of noise."""
    pixels = np.random.default_rng(seed).integers(0, 5000, (height, width), np.uint16)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


IMU = ros2_topic("/imu", "sensor_msgs/msg/Imu")
CAM = ros2_topic("/cam/image/compressed", "sensor_msgs/msg/CompressedImage")
DEPTH = ros2_topic("/depth/image/compressed", "sensor_msgs/msg/CompressedImage")
WORDS = ros2_topic("/words", "std_msgs/msg/String")


def rig(count: int = 40) -> tuple[list[Topic], list[tuple[int, int, bytes]]]:
    """Give a recording of ``count`` Imu messages, a quarter as many pictures of two kinds, and some words."""
    messages = []
    for i in range(count):
        ns = START_NS + i * 1_000_000
        messages.append((0, ns, imu(ns - 100, [0, 0, 0, 1, i, 0.5, -i, 0, 0, 9.81])))
        if i % 4 == 0:
            messages.append((1, ns + 10, compressed(ns, "jpeg", jpeg(i))))
            messages.append((2, ns + 20, compressed(ns, "16UC1; png", depth_png(i))))
        if i % 10 == 0:
            messages.append((3, ns + 30, serialised(ROS2, ROS2.types["std_msgs/msg/String"](data=f"word {i}"))))
    return [IMU, CAM, DEPTH, WORDS], messages


RIG = {"/imu": 40, "/cam/image/compressed": 10, "/depth/image/compressed": 10, "/words": 4}
