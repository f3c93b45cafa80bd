"""Schemas of the messages: Foxglove's as they are published, ROS 2's Imu, and flat ones made for numbers."""

from collections.abc import Sequence
from functools import cache

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import DESCRIPTOR as TIMESTAMP_FILE
from google.protobuf.timestamp_pb2 import Timestamp

SECOND_NS = 1_000_000_000
Schema = tuple[str, str, bytes]
"""Name, encoding and text, as ``ChunkedFile.channel`` takes it."""

_RULE = "=" * 80
_VECTOR = "float64 x\nfloat64 y\nfloat64 z\n"
IMU: Schema = (
    "sensor_msgs/msg/Imu",
    "ros2msg",
    (
        "std_msgs/Header header\n"
        "geometry_msgs/Quaternion orientation\nfloat64[9] orientation_covariance\n"
        "geometry_msgs/Vector3 angular_velocity\nfloat64[9] angular_velocity_covariance\n"
        "geometry_msgs/Vector3 linear_acceleration\nfloat64[9] linear_acceleration_covariance\n"
        f"{_RULE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
        f"{_RULE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
        f"{_RULE}\nMSG: geometry_msgs/Quaternion\n{_VECTOR}float64 w\n"
        f"{_RULE}\nMSG: geometry_msgs/Vector3\n{_VECTOR}"
    ).encode(),
)
"""As ROS 2 defines it (common_interfaces, sensor_msgs/msg/Imu.msg), comments and defaults left out."""

ANY_JSON: Schema = ("rushes.Message", "jsonschema", b'{"type":"object","additionalProperties":true}')


def stamp(time_ns: int) -> Timestamp:
    """Give a time as protobuf has it."""
    return Timestamp(seconds=time_ns // SECOND_NS, nanos=time_ns % SECOND_NS)


@cache
def of_type(kind: type[Message]) -> Schema:
    """Give the schema of a generated message type, with all that it needs."""
    return _schema(kind.DESCRIPTOR)


def _schema(descriptor: Descriptor) -> Schema:
    files = FileDescriptorSet()
    seen: set[str] = set()

    def add(file: FileDescriptor) -> None:  # a file after those that it needs
        if file.name in seen:
            return
        seen.add(file.name)
        for needed in file.dependencies:
            add(needed)
        file.CopyToProto(files.file.add())

    add(descriptor.file)
    return descriptor.full_name, "protobuf", files.SerializeToString(deterministic=True)


def of_numbers(name: str, fields: Sequence[str]) -> Schema:
    """Make the schema of messages with a ``timestamp`` and a double for each name, numbered from 2 on.

    Args:
        name: Of the message, in the package ``rushes``.
        fields: Unique; letters, digits and underscores, a letter first.
    """
    file = FileDescriptorProto(
        name=f"rushes/{name}.proto", package="rushes", syntax="proto3", dependency=[TIMESTAMP_FILE.name]
    )
    message = DescriptorProto(name=name)
    kinds = FieldDescriptorProto
    message.field.add(
        name="timestamp",
        number=1,
        label=kinds.LABEL_OPTIONAL,
        type=kinds.TYPE_MESSAGE,
        type_name=".google.protobuf.Timestamp",
    )
    for number, field in enumerate(fields, 2):
        message.field.add(name=field, number=number, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_DOUBLE)
    file.message_type.append(message)
    files = FileDescriptorSet()
    TIMESTAMP_FILE.CopyToProto(files.file.add())
    files.file.append(file)
    return f"rushes.{name}", "protobuf", files.SerializeToString(deterministic=True)


def with_data(message: Message, data: bytes) -> tuple[bytes, bytes]:
    """Serialise a message whose field ``data`` is set last, as two parts, so that the data is not copied."""
    number = message.DESCRIPTOR.fields_by_name["data"].number
    return message.SerializeToString() + bytes([number << 3 | 2]) + _varint(len(data)), data


def _varint(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
