"""Writes an MCAP file whose chunks hold one topic each, so that a player fetches only what it shows.

The format is that of mcap.dev/spec. A chunk is closed at a size or a span of time, whichever comes first, or when
asked; memory holds one open chunk a topic. Payloads are handed over in parts and written without being joined.
A chunk declares its topic and schema, so that a file without an end can be read as far as it goes.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Protocol

import numpy as np
import numpy.typing as npt
import zstandard
from isal.isal_zlib import crc32
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

from rushes.model import Times

MAGIC = b"\x89MCAP0\r\n"
CHUNK_BYTES = 1 << 20
CHUNK_SPAN_NS = 20_000_000_000
ZSTD_LEVEL = 1
"""Depth shrinks nearly as well as by 3 (84 % against 79 %, measured on noisy depth), six times as fast."""
_MESSAGE = struct.Struct("<BQHIQQ")
"""Opcode, length of the rest, channel, sequence, log time, publish time."""
_RECORD = struct.Struct("<BQ")
_CHUNK = struct.Struct("<QQQII")
"""First time, last time, unpacked size, its CRC, length of the compression's name."""
_INDEX = struct.Struct("<BQHI")
_INDEXES = (Opcode.CHUNK_INDEX, Opcode.ATTACHMENT_INDEX, Opcode.METADATA_INDEX)
Part = bytes | memoryview


@dataclass
class _Open:
    """The chunk that a topic is filling."""

    channel: Channel
    packed: bool
    parts: list[Part] = field(default_factory=list)
    size: int = 0
    times: list[Times] = field(default_factory=list)
    places: list[npt.NDArray[np.int64]] = field(default_factory=list)
    first_ns: int = 0
    count: int = 0
    written: int = 0
    chunks: int = 0


class Out(Protocol):
    """Where the bytes go: a file that is open for writing, or what stands for one."""

    def writelines(self, parts: Iterable[Part], /) -> None:
        """Write all of it, or raise."""
        ...


class ChunkedFile:
    """An MCAP file being written; ``finish`` makes it whole.

    When a write fails, ``out`` must be as it was before it: then what was written stands, and the chunk that
    could not be is still open.

    Args:
        out: At its start.
        library: Who writes it.
        profile: ``ros2`` where its messages are those of ROS 2.
        chunk_bytes: A chunk is closed when it has as many.
        span_ns: And when it lasts as long.
        declare_every: Every so many chunks of a topic declare it; 0 for the first one only. A file that may be
            damaged is read again from the next declaration.
    """

    def __init__(
        self,
        out: Out,
        *,
        library: str,
        profile: str = "",
        chunk_bytes: int = CHUNK_BYTES,
        span_ns: int = CHUNK_SPAN_NS,
        declare_every: int = 0,
    ) -> None:
        self._out, self._at, self._crc = out, 0, 0
        self._chunk_bytes, self._span_ns, self._declare_every = chunk_bytes, span_ns, declare_every
        self._packer = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self._schemas: dict[tuple[str, str, bytes], Schema] = {}
        self._open: dict[int, _Open] = {}
        self._indexes: dict[Opcode, bytearray] = {}  # as bytes: a long recording has very many
        self._indexed: dict[Opcode, int] = {}
        self._start_ns, self._end_ns = None, 0  # type: int | None, int
        self._write([MAGIC, _bytes(Header(profile, library))])

    @property
    def counts(self) -> dict[str, int]:
        """How many messages each topic was given."""
        return {each.channel.topic: each.count for each in tuple(self._open.values())}

    @property
    def written(self) -> dict[str, int]:
        """How many messages of each topic are in chunks that are closed; may be asked by any thread."""
        return {each.channel.topic: each.written for each in tuple(self._open.values())}

    @property
    def size(self) -> int:
        """Bytes that were handed to the disk."""
        return self._at

    @property
    def topics(self) -> set[str]:
        """The topics there are."""
        return {each.channel.topic for each in self._open.values()}

    def channel(
        self,
        topic: str,
        *,
        encoding: str,
        schema: tuple[str, str, bytes],
        packed: bool,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Declare a topic; gives its number.

        Args:
            topic: Not yet declared.
            encoding: Of its messages.
            schema: Name, encoding and text of its schema.
            packed: Whether its chunks are compressed with zstd; not worth it for JPEG, PNG and video.
            metadata: Of the channel.
        """
        assert topic not in self.topics, topic
        found = self._schemas.get(schema)
        if found is None:
            name, spelling, text = schema
            found = self._schemas[schema] = Schema(
                id=len(self._schemas) + 1, name=name, encoding=spelling, data=text
            )
        number = len(self._open) + 1
        made = Channel(
            id=number, topic=topic, message_encoding=encoding, metadata=dict(metadata or {}), schema_id=found.id
        )
        self._open[number] = _Open(channel=made, packed=packed)
        return number

    def add(self, channel: int, log_ns: int, parts: Sequence[Part], *, sequence: int | None = None) -> None:
        """Add one message, its payload in parts that stay as they are until the chunk is closed.

        Args:
            channel: Its number.
            log_ns: When it was logged, and published.
            parts: The payload.
            sequence: Its number, of which the low 32 bits are kept; those before it in the topic when None.
        """
        into = self._ready(channel, log_ns)
        length = sum(map(len, parts))
        number = (into.count if sequence is None else sequence) & 0xFFFFFFFF
        head = _MESSAGE.pack(Opcode.MESSAGE, _MESSAGE.size - 9 + length, channel, number, log_ns, log_ns)
        into.times.append(np.array([log_ns], np.int64))
        into.places.append(np.array([into.size], np.int64))
        into.parts += [head, *parts]
        into.size += len(head) + length
        into.count += 1
        if into.size >= self._chunk_bytes:
            self._close(into)

    def add_rows(
        self,
        channel: int,
        log_ns: Times,
        payloads: npt.NDArray[np.uint8],
        *,
        sequence: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Add many messages of one length.

        Args:
            channel: Its number.
            log_ns: Shape (n,), ascending.
            payloads: Shape (n, bytes of a payload).
            sequence: Shape (n,), as in :meth:`add`.
        """
        whole = _MESSAGE.size + payloads.shape[1]
        at_once = max(self._chunk_bytes // whole, 1)
        first = 0
        while first < len(log_ns):
            into = self._ready(channel, int(log_ns[first]))
            room = max(at_once - into.size // whole, 1)
            until = int(np.searchsorted(log_ns, into.first_ns + self._span_ns, "left"))
            stop = min(first + room, len(log_ns), max(until, first + 1))
            rows = slice(first, stop)
            numbers = into.count + np.arange(stop - first) if sequence is None else sequence[rows]
            self._put_rows(into, log_ns[rows], payloads[rows], numbers)
            first = stop

    def _put_rows(
        self, into: _Open, log_ns: Times, payloads: npt.NDArray[np.uint8], sequence: npt.NDArray[np.int64]
    ) -> None:
        rows = np.empty((len(log_ns), _MESSAGE.size + payloads.shape[1]), np.uint8)
        heads = np.zeros(
            len(log_ns),
            [("op", "u1"), ("size", "<u8"), ("channel", "<u2"), ("seq", "<u4"), ("log", "<u8"), ("pub", "<u8")],
        )
        heads["op"], heads["size"] = Opcode.MESSAGE, _MESSAGE.size - 9 + payloads.shape[1]
        heads["channel"], heads["seq"] = into.channel.id, sequence & 0xFFFFFFFF
        heads["log"] = heads["pub"] = log_ns
        rows[:, : _MESSAGE.size] = heads.view(np.uint8).reshape(len(log_ns), -1)
        rows[:, _MESSAGE.size :] = payloads
        into.times.append(log_ns)
        into.places.append(into.size + np.arange(len(log_ns), dtype=np.int64) * rows.shape[1])
        into.parts.append(rows.data.cast("B"))
        into.size += rows.size
        into.count += len(log_ns)
        if into.size >= self._chunk_bytes:
            self._close(into)

    def add_metadata(self, name: str, facts: Mapping[str, str]) -> None:
        """Add facts that belong to no topic."""
        record, at = _bytes(Metadata(name, dict(facts))), self._at
        self._write([record])
        self._index(Opcode.METADATA_INDEX, MetadataIndex(offset=at, length=len(record), name=name))

    def add_attachment(self, name: str, data: bytes, *, media_type: str, log_ns: int) -> None:
        """Add a file, as it is."""
        record, at = _bytes(Attachment(log_ns, log_ns, name, media_type, data)), self._at
        self._write([record])
        index = AttachmentIndex(
            offset=at,
            length=len(record),
            log_time=log_ns,
            create_time=log_ns,
            data_size=len(data),
            name=name,
            media_type=media_type,
        )
        self._index(Opcode.ATTACHMENT_INDEX, index)

    def flush(self) -> None:
        """Close every chunk that is open and hand it to the disk: what was added so far can be read from then on.

        Raises:
            OSError: As ``out`` does; chunks that were closed stay, others are still open.
        """
        for each in self._open.values():
            self._close(each)

    def rescue(self) -> None:
        """After a write that failed: hand over the open chunks that still fit, and forget the others."""
        for each in sorted(self._open.values(), key=lambda each: each.size):
            try:
                self._close(each)
            except OSError:
                each.count = each.written
                each.parts, each.size, each.times, each.places = [], 0, [], []

    def finish(self) -> None:
        """Close what is open, and write the indexes by which a player finds its way."""
        self.flush()
        data_end = _bytes(DataEnd(self._crc))
        start = self._at + len(data_end)
        counts = {each.channel.id: each.written for each in self._open.values()}
        statistics = Statistics(
            attachment_count=self._indexed.get(Opcode.ATTACHMENT_INDEX, 0),
            channel_count=len(self._open),
            channel_message_counts=counts,
            chunk_count=self._indexed.get(Opcode.CHUNK_INDEX, 0),
            message_count=sum(counts.values()),
            metadata_count=self._indexed.get(Opcode.METADATA_INDEX, 0),
            message_start_time=self._start_ns or 0,
            message_end_time=self._end_ns,
            schema_count=len(self._schemas),
        )
        groups = {
            Opcode.SCHEMA: b"".join(map(_bytes, self._schemas.values())),
            Opcode.CHANNEL: b"".join(_bytes(each.channel) for each in self._open.values()),
            Opcode.STATISTICS: _bytes(statistics),
            **{kind: self._indexes.get(kind, b"") for kind in _INDEXES},
        }
        summary, offsets = BytesIO(), []
        for opcode, content in groups.items():
            if content:
                at = start + summary.tell()
                offsets.append(SummaryOffset(group_opcode=opcode, group_start=at, group_length=len(content)))
                summary.write(content)
        offsets_at = start + summary.tell()
        summary.write(b"".join(map(_bytes, offsets)))
        footer = struct.pack("<BQQQ", Opcode.FOOTER, 20, start, offsets_at)
        checked = crc32(footer, crc32(summary.getvalue()))
        end = Footer(summary_start=start, summary_offset_start=offsets_at, summary_crc=checked)
        self._write([data_end, summary.getvalue(), _bytes(end), MAGIC])

    def _ready(self, channel: int, log_ns: int) -> _Open:
        """Give the chunk that a message goes to, a new one where the open one lasts long enough."""
        into = self._open[channel]
        if into.times and log_ns - into.first_ns >= self._span_ns:
            self._close(into)
        if not into.times:
            into.first_ns = log_ns
            if not into.parts and self._declares(into.chunks):
                schema = next(s for s in self._schemas.values() if s.id == into.channel.schema_id)
                into.parts.append(_bytes(schema) + _bytes(into.channel))
                into.size = len(into.parts[0])
        return into

    def _declares(self, chunk: int) -> bool:
        return chunk == 0 or (self._declare_every > 0 and chunk % self._declare_every == 0)

    def _close(self, each: _Open) -> None:
        if not each.times:
            return
        times, places = np.concatenate(each.times), np.concatenate(each.places)
        first, last = int(times.min()), int(times.max())
        checked = 0
        for part in each.parts:
            checked = crc32(part, checked)
        content, size, packing = each.parts, each.size, b""
        if each.packed:
            content, packing = [self._packer.compress(b"".join(each.parts))], b"zstd"
            size = len(content[0])
        at = self._at
        head = _CHUNK.pack(first, last, each.size, checked, len(packing)) + packing + struct.pack("<Q", size)
        index_at = at + _RECORD.size + len(head) + size
        pairs = np.stack([times, places], axis=1).astype("<u8").tobytes()
        index = _INDEX.pack(Opcode.MESSAGE_INDEX, 6 + len(pairs), each.channel.id, len(pairs))
        self._write([_RECORD.pack(Opcode.CHUNK, len(head) + size), head, *content, index, pairs])
        made = ChunkIndex(
            message_start_time=first,
            message_end_time=last,
            chunk_start_offset=at,
            chunk_length=index_at - at,
            message_index_offsets={each.channel.id: index_at},
            message_index_length=self._at - index_at,
            compression=packing.decode(),
            compressed_size=size,
            uncompressed_size=each.size,
        )
        self._index(Opcode.CHUNK_INDEX, made)
        self._start_ns = first if self._start_ns is None else min(self._start_ns, first)
        self._end_ns = max(self._end_ns, last)
        each.parts, each.size, each.times, each.places = [], 0, [], []
        each.chunks, each.written = each.chunks + 1, each.count

    def _index(self, kind: Opcode, index: McapRecord) -> None:
        self._indexes.setdefault(kind, bytearray()).extend(_bytes(index))
        self._indexed[kind] = self._indexed.get(kind, 0) + 1

    def _write(self, parts: Sequence[Part]) -> None:
        self._out.writelines(parts)  # first: when it fails, nothing has changed
        for part in parts:
            self._crc = crc32(part, self._crc)
            self._at += len(part)


def _bytes(record: McapRecord) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    made: bytes = builder.end()  # type: ignore[no-untyped-call]
    return made
