"""Any ROS 1 or ROS 2 message → JSON values, by rosbags' type store; heavy, so imported late.

Numbers that JSON does not know (NaN, infinities) become the strings of the protobuf JSON mapping.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from rushes.readers._messages.block import Channel

Decode = Callable[[bytes], Any]

_HIDDEN = "structure_needs_at_least_one_member"


def decoder(channel: Channel) -> Decode:
    """Give what decodes the channel's messages.

    Raises:
        Exception: Of any kind, if the definition is not understood.
    """
    return _decoder(channel.message_type, channel.encoding, channel.schema, channel.schema_encoding)


@lru_cache(maxsize=256)
def _decoder(message_type: str, encoding: str, schema: bytes, schema_encoding: str) -> Decode:
    text = schema.decode("utf-8", "replace")
    ros1 = encoding == "ros1"
    known = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)
    name = message_type if "/msg/" in message_type else message_type.replace("/", "/msg/")
    own: dict[str, Any] = {}
    if text.strip():
        own.update(get_types_from_idl(text) if schema_encoding == "ros2idl" else get_types_from_msg(text, name))
    elif name in known.fielddefs:
        own[name] = known.fielddefs[name]
    else:
        own[name] = ([], [])
    _complete(own, known)
    store = get_typestore(Stores.EMPTY)
    store.register(own if ros1 else {kind: (held[0], _octets(held[1])) for kind, held in own.items()})
    read = store.deserialize_ros1 if ros1 else store.deserialize_cdr
    store.get_msgdef(name)
    return lambda raw: _plain(read(raw, name), store)


def _complete(own: dict[str, Any], known: Typestore) -> None:
    """Add types that the recorded definition names and leaves out, as ROS defines them."""
    open_types = list(own)
    while open_types:
        for _, (node, what) in own[open_types.pop()][1]:
            if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
                node, what = what[0]
            if node == Nodetype.NAME and what not in own and what in known.fielddefs:
                own[what] = known.fielddefs[what]
                open_types.append(what)


def _octets(fields: Any) -> Any:
    """Spell the byte of ROS 2 as uint8: it is an octet of IDL, and rosbags reads it with a sign."""
    if isinstance(fields, tuple) and fields == ("byte", 0):
        return ("uint8", 0)
    return type(fields)(_octets(item) for item in fields) if isinstance(fields, list | tuple) else fields


def _plain(value: Any, store: Typestore) -> Any:
    """Give a message as dicts, lists, strings and numbers; without the constants of its type."""
    kind = getattr(value, "__msgtype__", None)
    if kind is not None:
        names = (name for name, _ in store.fielddefs[kind][1] if name != _HIDDEN)
        return {name: _plain(getattr(value, name), store) for name in names}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), store)
    if isinstance(value, list):
        return [_plain(item, store) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
