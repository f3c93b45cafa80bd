"""What an ONNX file says of its inputs, read from its bytes: OpenCV runs a graph but does not tell their size."""

from collections.abc import Iterator
from typing import TypeAlias

Field: TypeAlias = tuple[int, int, bytes | int]

_GRAPH, _INPUT, _NODE_INITIALIZER, _NAME = 7, 11, 5, 1


def input_shapes(data: bytes) -> dict[str, list[int]]:
    """Give the shape of each input, -1 where it is free; weights are no inputs.

    Raises:
        ValueError: If the bytes are no ONNX file.
    """
    graph = next(
        (value for number, _, value in _fields(data) if number == _GRAPH and isinstance(value, bytes)), None
    )
    if graph is None:
        raise ValueError("the file holds no graph")
    weights = {_text(value, 8) for number, _, value in _fields(graph) if number == _NODE_INITIALIZER}
    inputs = [value for number, _, value in _fields(graph) if number == _INPUT]
    return {name: _shape(value) for value in inputs if (name := _text(value, _NAME)) not in weights}


def _text(message: bytes | int, wanted: int) -> str:
    assert isinstance(message, bytes)
    found = (value for number, _, value in _fields(message) if number == wanted and isinstance(value, bytes))
    return next(found, b"").decode("utf-8", "replace")


def _shape(value_info: bytes | int) -> list[int]:
    message: bytes | int | None = value_info
    for wanted in (2, 1, 2):  # type, tensor_type, shape
        assert isinstance(message, bytes)
        message = next((value for number, _, value in _fields(message) if number == wanted), None)
        if message is None:
            return []
    assert isinstance(message, bytes)
    sizes: list[int] = []
    for number, _, dimension in _fields(message):
        if number == 1 and isinstance(dimension, bytes):
            known = (value for at, _, value in _fields(dimension) if at == 1 and isinstance(value, int))
            sizes.append(next(known, -1))
    return sizes


def _fields(message: bytes) -> Iterator[Field]:
    """Walk the fields of a protobuf message: number, wire type, value."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, wire, value
            continue
        length, at = (8, at) if wire == 1 else (4, at) if wire == 5 else _length(message, at, wire)
        if at + length > len(message):
            raise ValueError("the file ends inside a field")
        yield number, wire, message[at : at + length]
        at += length


def _length(message: bytes, at: int, wire: int) -> tuple[int, int]:
    if wire != 2:
        raise ValueError(f"a field of wire type {wire}")
    return _varint(message, at)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("the file ends inside a number")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if not byte & 0x80:
            return value, at
