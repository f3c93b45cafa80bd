"""Protobuf messages → dicts, by the descriptors in their schema; and where in a message a bytes field lies.

Enough of the wire format (protobuf.dev/programming-guides/encoding) for small messages, without the guest.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

Located: TypeAlias = tuple[int, int]  # first byte, number of bytes


class WireError(Exception):
    """Bytes are not a protobuf message."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: name, type number of FieldDescriptorProto, message type, whether it repeats."""

    name: str
    kind: int
    type_name: str
    repeated: bool


Kinds: TypeAlias = dict[str, dict[int, Field]]

_DOUBLE, _FLOAT, _BOOL, _STRING, _MESSAGE, _BYTES = 1, 2, 8, 9, 11, 12
_ZIGZAG = {17, 18}
_SIGNED = {3, 5}
_FIXED = {
    1: ("<d", 8), 2: ("<f", 4), 6: ("<Q", 8), 7: ("<I", 4), 15: ("<i", 4), 16: ("<q", 8),
}  # fmt: skip


def fields(view: memoryview, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Give field number, wire type, and the value (varint) or first byte and end (all others).

    Raises:
        WireError: If the bytes cannot be a message.
    """
    at = begin
    while at < end:
        tag, at = _varint(view, at, end)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(view, at, end)
            yield number, wire, value, at
            continue
        if wire == 2:
            length, at = _varint(view, at, end)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise WireError(f"wire type {wire}")
        if number == 0 or at + length > end:
            raise WireError("a field reaches beyond its message")
        yield number, wire, at, at + length
        at += length


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise WireError("a number does not end")


@lru_cache(maxsize=256)
def kinds(schema: bytes) -> Kinds:
    """Give the fields of every message type in a serialised FileDescriptorSet, by full name and number.

    Raises:
        WireError: If the schema is none.
    """
    view = memoryview(schema)
    found: Kinds = {}
    for number, wire, start, end in fields(view, 0, len(view)):
        if (number, wire) == (1, 2):
            package, types = "", []
            for inner, _, a, b in fields(view, start, end):
                if inner == 2:
                    package = _string(view, a, b)
                elif inner == 4:
                    types.append((a, b))
            for a, b in types:
                _message_type(view, a, b, f"{package}." if package else "", found)
    return found


def _message_type(view: memoryview, begin: int, end: int, prefix: str, found: Kinds) -> None:
    name, nested, own = "", [], {}
    for number, _, a, b in fields(view, begin, end):
        if number == 1:
            name = _string(view, a, b)
        elif number == 2:
            key, field = _field(view, a, b)
            own[key] = field
        elif number == 3:
            nested.append((a, b))
    found[prefix + name] = own
    for a, b in nested:
        _message_type(view, a, b, f"{prefix}{name}.", found)


def _field(view: memoryview, begin: int, end: int) -> tuple[int, Field]:
    name, number, kind, type_name, label = "", 0, 0, "", 0
    for inner, _, a, b in fields(view, begin, end):
        if inner == 1:
            name = _string(view, a, b)
        elif inner == 3:
            number = a
        elif inner == 4:
            label = a
        elif inner == 5:
            kind = a
        elif inner == 6:
            type_name = _string(view, a, b).lstrip(".")
    return number, Field(name, kind, type_name, label == 3)


def decode(types: Kinds, name: str, view: memoryview, locate: str | None) -> tuple[dict[str, Any], Located | None]:
    """Decode one message; the bytes field ``locate`` is left out and its place given instead.

    Raises:
        WireError: If the bytes are not such a message.
    """
    place: Located | None = None
    values: dict[str, Any] = {}
    known = types[name]
    for number, wire, a, b in fields(view, 0, len(view)):
        field = known.get(number)
        if field is None:
            continue
        if field.name == locate and field.kind == _BYTES and wire == 2:
            place = (a, b - a)
            continue
        _put(values, field, _values(types, field, view, wire, a, b))
    return values, place


def _put(values: dict[str, Any], field: Field, found: list[Any]) -> None:
    if field.repeated:
        values.setdefault(field.name, []).extend(found)
    elif found:
        values[field.name] = found[-1]


def _values(types: Kinds, field: Field, view: memoryview, wire: int, a: int, b: int) -> list[Any]:
    if field.kind == _MESSAGE:
        return [decode(types, field.type_name, view[a:b], None)[0]]
    if field.kind in {_STRING, _BYTES}:
        return [_string(view, a, b) if field.kind == _STRING else bytes(view[a:b])]
    if field.kind in _FIXED:
        layout, size = _FIXED[field.kind]
        if wire == 0 or (b - a) % size:
            raise WireError("a number has the wrong size")
        return [struct.unpack_from(layout, view, at)[0] for at in range(a, b, size)]
    if wire == 0:
        return [_integer(field.kind, a)]
    found = []
    while a < b:
        value, a = _varint(view, a, b)
        found.append(_integer(field.kind, value))
    return found


def _integer(kind: int, value: int) -> int | bool:
    if kind == _BOOL:
        return bool(value)
    if kind in _ZIGZAG:
        return (value >> 1) ^ -(value & 1)
    return value - (1 << 64) if kind in _SIGNED and value >> 63 else value


def _string(view: memoryview, a: int, b: int) -> str:
    return str(view[a:b], "utf-8", "replace")
