"""MCAP records as they lie in the file: walking over them and parsing the small ones."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(1, 9)
ATTACHMENT, ATTACHMENT_INDEX, STATISTICS, METADATA, METADATA_INDEX, SUMMARY_OFFSET, DATA_END = range(9, 16)

RESERVED = range(0x10, 0x80)  # kinds that later versions of the format may bring

IN_DATA = frozenset({HEADER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, ATTACHMENT, METADATA, DATA_END})
IN_SUMMARY = frozenset({FOOTER, CHUNK_INDEX, ATTACHMENT_INDEX, STATISTICS, METADATA_INDEX, SUMMARY_OFFSET})

PREFIX = 9  # opcode and length of content
FOOTER_SIZE = PREFIX + 20
MESSAGE_HEAD = PREFIX + 22  # a message's fields before its payload

_prefix = struct.Struct("<BQ")


class BrokenError(Exception):
    """Bytes are not the records that they should be.

    Args:
        at: First byte that cannot be right.
        reason: A clause: what is wrong there.
    """

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(reason)
        self.at, self.reason = at, reason


@dataclass(frozen=True, slots=True)
class Span:
    """One record: opcode, its first byte, first byte of its content, one past its last byte."""

    opcode: int
    at: int
    start: int
    end: int


def walk(data: Bytes, begin: int, end: int) -> Iterator[Span]:
    """Go from record to record.

    Raises:
        BrokenError: Where a record does not fit before ``end``; all before it were given.
    """
    at = begin
    view = data.data
    while at < end:
        if at + PREFIX > end:
            raise BrokenError(at, "a record is cut")
        opcode, length = _prefix.unpack_from(view, at)
        after = at + PREFIX + length
        if opcode == 0:
            raise BrokenError(at, "there is no record 0")
        if after > end:
            raise BrokenError(at, f"a record of {length} bytes does not fit")
        yield Span(opcode, at, at + PREFIX, after)
        at = after


class Cursor:
    """Takes the fields of one record in order; BrokenError where it ends too early."""

    def __init__(self, data: Bytes, start: int, end: int) -> None:
        self._data, self._view, self._at, self._end = data, data.data, start, end
        self._start = start

    @property
    def place(self) -> int:
        """Where the next field starts."""
        return self._at

    def take(self, layout: str) -> tuple[Any, ...]:
        """Take numbers, little endian."""
        numbers = _numbers(layout)
        return numbers.unpack_from(self._view, self._move(numbers.size))

    def blob(self) -> bytes:
        """Take bytes that follow their uint32 length."""
        (length,) = self.take("I")
        at = self._move(length)
        return bytes(self._view[at : at + length])

    def raw(self, size: int) -> bytes:
        """Take so many bytes."""
        at = self._move(size)
        return bytes(self._view[at : at + size])

    def text(self) -> str:
        """Take a string; bytes that are not UTF-8 become U+FFFD."""
        return self.blob().decode("utf-8", "replace")

    def texts(self) -> dict[str, str]:
        """Take a map of strings."""
        (length,) = self.take("I")
        inside = Cursor(self._data, self._move(length), self._at)
        found = {}
        while inside.place < inside._end:
            key = inside.text()
            found[key] = inside.text()
        return found

    def _move(self, size: int) -> int:
        at = self._at
        if at + size > self._end:
            raise BrokenError(self._start, "a record ends before its fields do")
        self._at = at + size
        return at


def _texts_or_none(cursor: Cursor) -> dict[str, str]:
    """Take a map of strings that nothing depends on: empty where it is cut."""
    try:
        return cursor.texts()
    except BrokenError:
        return {}


@cache
def _numbers(layout: str) -> struct.Struct:
    return struct.Struct("<" + layout)


@dataclass(frozen=True, slots=True)
class Schema:
    """Definition of a message type."""

    name: str
    encoding: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel as the file declares it."""

    schema_id: int
    topic: str
    encoding: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkHead:
    """The fields of a chunk before its records; ``body`` is where those start in the file."""

    start_ns: int
    end_ns: int
    size: int
    crc: int
    compression: str
    body: int
    packed_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkIndex:
    """What the summary says of a chunk."""

    at: int
    length: int
    index_length: int
    indexes: dict[int, int]


@dataclass(slots=True)
class Definitions:
    """Schemas and channels by id; the first definition of an id holds."""

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, ChannelRecord] = field(default_factory=dict)

    def add(self, data: Bytes, span: Span) -> None:
        """Note the record if it is a schema or a channel."""
        cursor = Cursor(data, span.start, span.end)
        if span.opcode == SCHEMA:
            (number,) = cursor.take("H")
            self.schemas.setdefault(number, Schema(cursor.text(), cursor.text(), cursor.blob()))
        elif span.opcode == CHANNEL:
            number, schema = cursor.take("HH")
            if number not in self.channels:
                topic, encoding = cursor.text(), cursor.text()
                self.channels[number] = ChannelRecord(schema, topic, encoding, _texts_or_none(cursor))

    def merge(self, other: "Definitions") -> None:
        """Add definitions that were found elsewhere."""
        self.schemas = other.schemas | self.schemas
        self.channels = other.channels | self.channels


def chunk_head(data: Bytes, span: Span) -> ChunkHead:
    """Parse a chunk up to its records; ``packed_size`` is what it states, which may reach beyond the file."""
    cursor = Cursor(data, span.start, min(span.end, len(data)))
    start, end, size, crc = cursor.take("QQQI")
    compression = cursor.text()
    (packed,) = cursor.take("Q")
    return ChunkHead(
        start_ns=start,
        end_ns=end,
        size=size,
        crc=crc,
        compression=compression,
        body=cursor.place,
        packed_size=packed,
    )


def chunk_index(data: Bytes, span: Span) -> ChunkIndex:
    """Parse a chunk index."""
    cursor = Cursor(data, span.start, span.end)
    _, _, at, length, map_length = cursor.take("QQQQI")
    raw = cursor.raw(map_length)
    (index_length,) = cursor.take("Q")
    return ChunkIndex(
        at=at,
        length=length,
        index_length=index_length,
        indexes=dict(struct.iter_unpack("<HQ", raw[: map_length // 10 * 10])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What the file declares of itself; ``per_channel`` may be left out."""

    messages: int
    channels: int
    chunks: int
    start_ns: int
    end_ns: int
    per_channel: dict[int, int]


def statistics(data: Bytes, span: Span) -> Statistics:
    """Parse the statistics."""
    cursor = Cursor(data, span.start, span.end)
    messages, _, channels, _, _, chunks, start, end, map_length = cursor.take("QHIIIIQQI")
    raw = cursor.raw(map_length)
    return Statistics(
        messages=messages,
        channels=channels,
        chunks=chunks,
        start_ns=start,
        end_ns=end,
        per_channel=dict(struct.iter_unpack("<HQ", raw[: map_length // 10 * 10])),
    )
