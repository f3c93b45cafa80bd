"""Foxglove messages in JSON or protobuf → dicts, with the bytes of their ``data`` located instead of copied."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rushes.readers._messages import protobuf_wire
from rushes.readers._messages.block import Channel

_DATA = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/=]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One message: its small fields, and where its data lies in the payload (base64 text in JSON)."""

    values: dict[str, Any]
    place: protobuf_wire.Located | None


class FieldsError(Exception):
    """The payload is not such a message."""


Open = Callable[[memoryview], Opened]


def opener(channel: Channel, *, data: str | None) -> Open | None:
    """Give what opens the channel's messages; None where their schema does not tell how.

    Args:
        channel: Encoded as json or protobuf.
        data: Name of the bytes field to locate; None where the type has none.
    """
    if channel.encoding == "json":
        return _from_json if data is None else _from_json_with_data
    try:
        types = protobuf_wire.kinds(channel.schema)
    except protobuf_wire.WireError:
        return None
    return partial(_from_protobuf, types, channel.message_type, data) if channel.message_type in types else None


def _from_json(payload: memoryview) -> Opened:
    try:
        values = json.loads(str(payload, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise FieldsError("no valid JSON") from error
    if not isinstance(values, dict):
        raise FieldsError("no JSON object")
    return Opened(values=values, place=None)


def _from_json_with_data(payload: memoryview) -> Opened:
    raw = bytes(payload)
    for match in _DATA.finditer(raw):
        first, end = match.span(1)
        try:
            values = json.loads(raw[:first] + raw[end:])
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict) and values.get("data") == "":
            return Opened(values=values, place=(first, end - first))
    _from_json(payload)
    raise FieldsError("no plain base64 'data'")


def _from_protobuf(types: protobuf_wire.Kinds, name: str, data: str | None, payload: memoryview) -> Opened:
    try:
        values, place = protobuf_wire.decode(types, name, payload, data)
    except (protobuf_wire.WireError, KeyError) as error:
        raise FieldsError("no valid protobuf") from error
    return Opened(values=values, place=(len(payload), 0) if data and place is None else place)


def stamp_ns(values: dict[str, Any]) -> int | None:
    """Give the stamp of a message, None where it has none."""
    stamp = values.get("timestamp")
    if not isinstance(stamp, dict):
        return None
    seconds = stamp.get("sec", stamp.get("seconds", 0))
    rest = stamp.get("nsec", stamp.get("nanos", stamp.get("nanosec", 0)))
    if not isinstance(seconds, int) or not isinstance(rest, int) or max(abs(seconds), abs(rest)) >= 1 << 33:
        return None
    return seconds * 1_000_000_000 + rest


def head_of(payload: memoryview, place: protobuf_wire.Located, *, packed: bool, size: int) -> bytes:
    """Give the first bytes of the located data, about ``size`` of them; unpacked where they are base64."""
    first, length = place
    if not packed:
        return bytes(payload[first : first + min(length, size)])
    text = bytes(payload[first : first + min(length, (size + 2) // 3 * 4)])
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except ValueError:
        return b""


def number(values: Any, *path: str) -> float:
    """Give a number at a path; 0 where it is left out, as protobuf does with zeros.

    Raises:
        FieldsError: If something else stands there.
    """
    for name in path:
        if not isinstance(values, dict):
            raise FieldsError(f"'{name}' is not where it should be")
        values = values.get(name, {} if name != path[-1] else 0)
    if isinstance(values, bool) or not isinstance(values, int | float):
        raise FieldsError(f"'{path[-1]}' is no number")
    return values


def size(values: dict[str, Any], name: str) -> int:
    """Give a number of pixels or bytes.

    Raises:
        FieldsError: If it is none that a picture can have.
    """
    found = number(values, name)
    if not 0 <= found < 1 << 31:
        raise FieldsError(f"'{name}' is {found}")
    return int(found)


def numbers(values: dict[str, Any], name: str) -> tuple[float, ...]:
    """Give a list of numbers, empty where it is left out.

    Raises:
        FieldsError: If something else stands there.
    """
    found = values.get(name, [])
    if not isinstance(found, list) or not all(isinstance(v, int | float) for v in found):
        raise FieldsError(f"'{name}' is no list of numbers")
    return tuple(float(v) for v in found)
