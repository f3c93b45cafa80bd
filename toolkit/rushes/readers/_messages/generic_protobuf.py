"""Any protobuf message → JSON values, by the descriptors in its schema; heavy, so imported late."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass

from rushes.readers._messages.block import Channel

Decode = Callable[[bytes], Any]


def decoder(channel: Channel) -> Decode:
    """Give what decodes the channel's messages, by the protobuf JSON mapping with field names as defined.

    Raises:
        Exception: Of any kind, if the descriptors are not understood.
    """
    return _decoder(channel.message_type, channel.schema)


@lru_cache(maxsize=256)
def _decoder(message_type: str, schema: bytes) -> Decode:
    files = {file.name: file for file in FileDescriptorSet.FromString(schema).file}
    pool = DescriptorPool()
    added: set[str] = set()

    def add(name: str) -> None:  # a file after those that it needs
        if name in added or name not in files:
            return
        added.add(name)
        for needed in files[name].dependency:
            add(needed)
        pool.Add(files[name])

    for name in files:
        add(name)
    kind = GetMessageClass(pool.FindMessageTypeByName(message_type))

    def decode(raw: bytes) -> Any:
        message = kind()
        message.ParseFromString(raw)
        return MessageToDict(message, preserving_proto_field_name=True)

    return decode
