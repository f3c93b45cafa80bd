"""Writes small ROS bags whose every message is known, with the writers of rosbags."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_JAZZY)
START_NS = 1_700_000_000_000_000_000
IMU, DEPTH, WORDS = "/imu", "/depth/image_raw", "/words"
WIDTH, HEIGHT = 24, 16


@dataclass(frozen=True)
class Written:
    """What was written: per topic, log times and serialised payloads, in order; and what is in them."""

    path: Path
    messages: Mapping[str, list[tuple[int, bytes]]]
    pictures: list[np.ndarray]
    gyro: np.ndarray


def content(count: int, seed: int = 7):
    """Make the angular velocities of ``count`` IMU samples, and a depth picture for every tenth of them."""
    random = np.random.default_rng(seed)
    gyro = random.normal(size=(count, 3))
    pictures = random.integers(0, 60_000, (count // 10, HEIGHT, WIDTH), np.uint16)
    return gyro, list(pictures)


def messages(store, count: int):
    """Give topic, message and log time of everything, in order; the header stamp is 5 ms before the log time."""
    gyro, pictures = content(count)
    types = store.types
    version = {"seq": 0} if "seq" in types["std_msgs/msg/Header"].__dataclass_fields__ else {}

    def header(log_ns, frame):
        stamp = types["builtin_interfaces/msg/Time"](*divmod(log_ns - 5_000_000, 10**9))
        return types["std_msgs/msg/Header"](stamp=stamp, frame_id=frame, **version)

    vector = types["geometry_msgs/msg/Vector3"]
    quaternion = types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0)
    for i in range(count):
        log_ns = START_NS + i * 1_000_000
        yield (
            IMU,
            types["sensor_msgs/msg/Imu"](
                header=header(log_ns, "imu"),
                orientation=quaternion,
                orientation_covariance=np.zeros(9),
                angular_velocity=vector(*gyro[i]),
                angular_velocity_covariance=np.zeros(9),
                linear_acceleration=vector(0.0, 0.0, 9.81),
                linear_acceleration_covariance=np.zeros(9),
            ),
            log_ns,
        )
        if i % 10 == 9:
            yield (
                DEPTH,
                types["sensor_msgs/msg/Image"](
                    header=header(log_ns, "depth"),
                    height=HEIGHT,
                    width=WIDTH,
                    encoding="16UC1",
                    is_bigendian=0,
                    step=WIDTH * 2,
                    data=pictures[i // 10].reshape(-1).view(np.uint8),
                ),
                log_ns + 1,
            )
        if i % 100 == 99:
            yield WORDS, types["std_msgs/msg/String"](data=f"word {i}"), log_ns + 2


def write_bag2(path: Path, *, storage: str, packed: str = "none", count: int = 300) -> Written:
    """Write a ROS 2 bag; ``storage`` sqlite3 or mcap, ``packed`` none, message or file."""
    writer = Writer2(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    writer.set_compression(CompressionMode[packed.upper()], CompressionFormat.ZSTD)
    written: dict[str, list[tuple[int, bytes]]] = {}
    with writer:
        places = {}
        for topic, message, log_ns in messages(ROS2, count):
            if topic not in places:
                places[topic] = writer.add_connection(topic, message.__msgtype__, typestore=ROS2)
            data = bytes(ROS2.serialize_cdr(message, message.__msgtype__))
            writer.write(places[topic], log_ns, data)
            written.setdefault(topic, []).append((log_ns, data))
    gyro, pictures = content(count)
    return Written(path, written, pictures, gyro)


def write_bag1(path: Path, *, compression: str = "none", count: int = 300, chunk_bytes: int = 20_000) -> Written:
    """Write a ROS 1 bag of several chunks; ``compression`` none, bz2 or lz4."""
    writer = Writer1(path)
    if compression != "none":
        writer.set_compression(Writer1.CompressionFormat[compression.upper()])
    writer.chunk_threshold = chunk_bytes
    written: dict[str, list[tuple[int, bytes]]] = {}
    with writer:
        places = {}
        for topic, message, log_ns in messages(ROS1, count):
            if topic not in places:
                places[topic] = writer.add_connection(topic, message.__msgtype__, typestore=ROS1)
            data = bytes(ROS1.serialize_ros1(message, message.__msgtype__))
            writer.write(places[topic], log_ns, data)
            written.setdefault(topic, []).append((log_ns, data))
    gyro, pictures = content(count)
    return Written(path, written, pictures, gyro)
