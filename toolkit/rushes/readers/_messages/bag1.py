"""The messages of a ROS 1 bag as blocks: chunks unpacked one at a time, their message headers read by numpy.

Places are those of :class:`rushes.model.Location`: of an uncompressed chunk the offset in the file; of a
compressed one the place in the unpacked chunk, with the file offset of the chunk record's header length as
``block``.
"""

import contextlib
import mmap
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.media import unpack
from rushes.model import Loss, MediaFile, Times
from rushes.readers._lost_time import Landmarks
from rushes.readers._messages import bag1_index as index
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.peek import FirstMessages
from rushes.readers._messages.recording import Unread

ENTRY = np.dtype([("sec", "<u4"), ("nsec", "<u4"), ("place", "<u4")])

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Messages:
    """Messages of one chunk, shape (n,) each: connection, time, first payload byte in the buffer, length."""

    connection: Ints
    time_ns: Times
    start: Ints
    length: Ints


class Bag1:
    """A ROS 1 bag, held open. Its channels are its topics: publishers of one type on one topic are one channel.

    Raises:
        ReadError: ``read.empty``, ``read.old-version``, ``read.encrypted``, ``read.damaged``.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.name
        self._map = _mapped(path)
        self._bytes: Bytes = np.frombuffer(self._map, np.uint8)
        self._view = memoryview(self._map)
        self._unpacked: tuple[int, Bytes] | None = None
        self.layout = index.survey(self._view, path)
        self._run_losses: list[Loss] = []
        self._times: list[int] = []
        self._marks = Landmarks(start_ns=self.layout.start_ns, end_ns=self.layout.end_ns)
        self._noted: set[int] = set()
        if not self.layout.indexed:
            self._find_connections()
        self.media = (MediaFile(media_id=path.name, path=path, container="bag"),)
        self.channels, self._channel_of = _channels(self.layout)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the bag states beside its messages."""
        publishers = [
            {"topic": one.topic, "callerid": one.callerid, "latching": one.latching, "md5sum": one.md5sum}
            for one in self.layout.connections.values()
        ]
        compressions = sorted({chunk.compression for chunk in self.layout.chunks if chunk.at is not None})
        return {
            "format": "ROS 1 bag 2.0",
            "indexed": self.layout.indexed,
            "chunks": len(self.layout.chunks),
            "compression": compressions,
            "connections": publishers,
        }

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last message time by the index, or as far as the walk saw; None without messages."""
        if self.layout.start_ns is not None and self.layout.end_ns is not None:
            return self.layout.start_ns, self.layout.end_ns
        return (min(self._times), max(self._times)) if self._times else None

    def peek(self) -> Mapping[int, MessageBlock]:
        """Give the first few messages of each channel, opening no more chunks than that needs."""
        gathered = FirstMessages(self.channels)
        for channel, block in self._blocks(gathered.pending, []):
            gathered.add(channel, block)
        return gathered.blocks()

    def blocks(self, channels: Collection[int]) -> Iterator[tuple[int, MessageBlock]]:
        """Give the messages of the channels, a block for each in each chunk, in the order of the file."""
        self._run_losses = []
        yield from self._blocks(frozenset(channels), self._run_losses)

    def losses(self) -> tuple[Loss, ...]:
        """Name what the opening and the latest run of :meth:`blocks` could not read."""
        return tuple(self._marks.dated((*self.layout.losses, *self._run_losses)))

    def unread(self) -> Unread:
        """Say whether there are losses; how many messages they cost, what is declared tells."""
        return Unread(uncounted=bool(self.losses()))

    def close(self) -> None:
        """Let go of the file."""
        self._unpacked = None
        self._bytes = np.empty(0, np.uint8)
        self._view.release()
        with contextlib.suppress(BufferError):  # a block that somebody still holds keeps the map alive
            self._map.close()

    def _blocks(self, wanted: Set[int], losses: list[Loss]) -> Iterator[tuple[int, MessageBlock]]:
        """Give the blocks of the channels wanted; the set may shrink meanwhile, which ends it when it is empty."""
        for chunk in self.layout.chunks:
            if not wanted:
                return
            if chunk.counts is not None and not any(self._channel_of[n] in wanted for n in chunk.counts):
                continue
            opened = self._open_chunk(chunk, losses)
            if opened is None:
                continue
            buffer, base, limit, block = opened
            messages = self._messages(chunk, buffer, base, limit, losses)
            self._note(chunk, messages)
            yield from self._by_channel(messages, frozenset(wanted), buffer, block)

    def _open_chunk(
        self, chunk: index.ChunkPlace, losses: list[Loss]
    ) -> tuple[Bytes, int, int, int | None] | None:
        """Give the chunk's buffer, where its records begin and end in it, and its place if it was unpacked."""
        if chunk.compression == "none":
            return self._bytes, chunk.data_at, chunk.data_end, None
        if not chunk.whole or chunk.at is None:
            return None  # named when it was found
        if self._unpacked is not None and self._unpacked[0] == chunk.at:
            buffer = self._unpacked[1]
        else:
            try:
                data = unpack(chunk.compression, self._view[chunk.data_at : chunk.data_end])
            except ReadError as error:
                lost = index.damaged(
                    self._file,
                    chunk.at,
                    chunk.data_end,
                    count=sum(chunk.counts.values()) if chunk.counts is not None else None,
                    why=f": {error.message}",
                )
                losses.append(_stated(lost, self._entries(chunk)[0].time_ns))
                return None
            buffer = np.frombuffer(data, np.uint8)
            self._unpacked = (chunk.at, buffer)
        return buffer, 0, len(buffer), chunk.at

    def _note(self, chunk: index.ChunkPlace, messages: _Messages) -> None:
        """Note when the messages of a chunk were recorded."""
        if chunk.data_at in self._noted or not len(messages.start):
            return
        self._noted.add(chunk.data_at)
        end = chunk.data_end
        if chunk.compression == "none":
            end = int((messages.start + messages.length).max())
        at = chunk.data_at if chunk.at is None or chunk.compression == "none" else chunk.at
        self._marks.note(at, end, int(messages.time_ns.min()), int(messages.time_ns.max()))

    def _messages(
        self, chunk: index.ChunkPlace, buffer: Bytes, base: int, limit: int, losses: list[Loss]
    ) -> _Messages:
        """Find the messages of a chunk by its IndexData; where that fails, by whichever way finds more of them."""
        indexed = entries = _empty()
        missed = entries.time_ns
        complete = False
        if chunk.at is not None and chunk.whole:
            entries, complete = self._entries(chunk)
            indexed, missed = _payloads(entries, buffer, base, limit)
            if complete and len(indexed.start) == len(entries.start):
                return indexed
        scan_losses: list[Loss] = []
        scanned = self._scan(chunk, buffer, base, limit, scan_losses)
        if len(indexed.start) <= len(scanned.start):
            losses += scan_losses
            if complete and not scan_losses and len(scanned.start) == len(entries.start):
                losses.append(_contradicted(self._file, chunk, missed))
            return scanned
        first, last = (chunk.data_at, chunk.data_end) if chunk.at is None else (chunk.at, chunk.data_end)
        count = len(entries.start) - len(indexed.start) if complete else None
        damaged = index.damaged(self._file, first, last, count=count)
        losses.append(_stated(damaged, missed))
        return indexed

    def _entries(self, chunk: index.ChunkPlace) -> tuple[_Messages, bool]:
        """Read a chunk's IndexData; whether it is all there."""
        records, behind = index.index_of_chunk(self._view, chunk.data_end)
        parts = []
        for record in records:
            count = record.number("count")
            if record.end - record.data_at != count * ENTRY.itemsize:
                return _empty(), False
            entries = np.frombuffer(self._view, ENTRY, count, record.data_at)
            parts.append((record.number("conn"), entries))
        if chunk.counts is None:
            followed = bool(records) and index.is_record(self._view, behind)
        else:
            seen: dict[int, int] = {}
            for number, entries in parts:
                seen[number] = seen.get(number, 0) + len(entries)
            followed = seen == dict(chunk.counts)
        if not parts:
            return _empty(), chunk.counts is not None and not any(chunk.counts.values())
        table = np.concatenate([entries for _, entries in parts])
        return _Messages(
            connection=np.repeat([number for number, _ in parts], [len(entries) for _, entries in parts]),
            time_ns=table["sec"].astype(np.int64) * 1_000_000_000 + table["nsec"],
            start=table["place"].astype(np.int64),
            length=np.zeros(len(table), np.int64),
        ), followed

    def _scan(
        self, chunk: index.ChunkPlace, buffer: Bytes, base: int, limit: int, losses: list[Loss]
    ) -> _Messages:
        """Read a chunk record by record, up to where the row breaks."""
        view = buffer.data
        rows: list[tuple[int, int, int, int]] = []
        at = base
        try:
            for record in index.records(view, base, limit):
                at = record.end
                if record.op == index.MESSAGE:
                    time, length = index.time_ns(record.fields["time"]), record.end - record.data_at
                    rows.append((record.number("conn"), time, record.data_at, length))
        except index.NoRecordError:
            if chunk.whole:
                start, end = (at, limit) if chunk.compression == "none" else (chunk.at or 0, chunk.data_end)
                total = sum(chunk.counts.values()) if chunk.counts is not None else None
                count = None if total is None else max(0, total - len(rows))
                losses.append(index.damaged(self._file, start, end, count=count))
        table: Ints = np.array(rows, np.int64).reshape(-1, 4)
        known = np.isin(table[:, 0], list(self.layout.connections))
        if not known.all():
            losses.append(
                Loss(
                    code="read.damaged",
                    message=f"{self._file}: messages of a connection that the bag does not describe",
                    count=int((~known).sum()),
                    file=self._file,
                    byte_from=chunk.at if chunk.at is not None else chunk.data_at,
                    byte_to=chunk.data_end,
                )
            )
            table = table[known]
        return _Messages(*(np.ascontiguousarray(table[:, column]) for column in range(4)))

    def _by_channel(
        self, messages: _Messages, wanted: frozenset[int], buffer: Bytes, block: int | None
    ) -> Iterator[tuple[int, MessageBlock]]:
        numbers: dict[int, list[int]] = {}
        for number in np.unique(messages.connection).tolist():
            numbers.setdefault(self._channel_of.get(number, -1), []).append(number)
        for channel in sorted(wanted.intersection(numbers)):
            chosen = np.flatnonzero(np.isin(messages.connection, numbers[channel]))
            start = messages.start[chosen]
            if (start[1:] < start[:-1]).any():
                chosen = chosen[np.argsort(start, kind="stable")]
                start = messages.start[chosen]
            yield (
                channel,
                MessageBlock(
                    log_ns=messages.time_ns[chosen],
                    publish_ns=None,
                    seq=None,
                    buffer=buffer,
                    start=start,
                    length=messages.length[chosen],
                    media_id=self._file,
                    block=block,
                    place=start,
                ),
            )

    def _find_connections(self) -> None:
        """Read the connection records in each chunk whose IndexData is not whole or names one not yet known."""
        known = self.layout.connections
        for chunk in self.layout.chunks:
            entries, complete = self._entries(chunk) if chunk.whole and chunk.at is not None else (_empty(), False)
            if complete and len(entries.time_ns):
                self._times += [int(time) for time in (entries.time_ns.min(), entries.time_ns.max())]
                if set(entries.connection.tolist()) <= known.keys():
                    continue
            opened = self._open_chunk(chunk, self.layout.losses)
            if opened is None:
                continue
            buffer, base, limit, _ = opened
            view = buffer.data
            with contextlib.suppress(index.NoRecordError):  # named when the chunk is read
                for record in index.records(view, base, limit):
                    if record.op == index.CONNECTION:
                        one = index.connection(view, record)
                        known.setdefault(one.number, one)
                    elif record.op == index.MESSAGE:
                        self._times.append(index.time_ns(record.fields["time"]))


def _payloads(entries: _Messages, buffer: Bytes, base: int, limit: int) -> tuple[_Messages, Times]:
    """Follow index entries to the payloads; those that lead to no such message are left out, by their times."""
    right = np.flatnonzero((entries.start >= 0) & (entries.start + base + 8 <= limit))
    at = entries.start[right] + base
    header = _u32(buffer, at)
    fits = at + 4 + header + 4 <= limit
    right, at, header = right[fits], at[fits], header[fits]
    length = _u32(buffer, at + 4 + header)
    start = at + 8 + header
    fits = start + length <= limit
    for width in np.unique(header[fits]):
        same = np.flatnonzero(fits & (header == width))
        rows = right[same]
        fits[same] = _are_messages(buffer, at[same], int(width), entries.connection[rows], entries.time_ns[rows])
    right = right[fits]
    missed = np.delete(entries.time_ns, right)
    return _Messages(entries.connection[right], entries.time_ns[right], start[fits], length[fits]), missed


def _are_messages(buffer: Bytes, at: Ints, width: int, connection: Ints, time_ns: Times) -> npt.NDArray[np.bool_]:
    """Tell which headers are of these messages; the fields of all lie as in the first sound one."""
    for place in at[:16]:
        header = buffer[place + 4 : place + 4 + width].tobytes()
        op, conn, time = header.find(b"op=\x02"), header.find(b"conn="), header.find(b"time=")
        if op >= 0 and 0 <= conn <= width - 9 and 0 <= time <= width - 13:
            right = (buffer[at + 4 + op + 3] == index.MESSAGE) & (_u32(buffer, at + 4 + conn + 5) == connection)
            seconds, rest = _u32(buffer, at + 4 + time + 5), _u32(buffer, at + 4 + time + 9)
            return np.asarray(right & (seconds * 1_000_000_000 + rest == time_ns))
    return np.zeros(len(at), np.bool_)


def _stated(loss: Loss, times: Times) -> Loss:
    """Give a loss the span of the messages that an index names there, where it names any."""
    return replace(loss, start_ns=int(times.min()), end_ns=int(times.max())) if len(times) else loss


def _contradicted(file: str, chunk: index.ChunkPlace, times: Times) -> Loss:
    """Name a chunk whose messages are all there, and not as its index says."""
    message = (
        f"{file}: the index of the chunk at byte {chunk.at} says something else of {len(times)} of its messages "
        "than they say themselves; all were read, by their own word"
    )
    end = chunk.data_end
    loss = Loss(code="read.damaged", message=message, file=file, byte_from=chunk.at, byte_to=end)
    return _stated(loss, times)


def _u32(buffer: Bytes, at: Ints) -> Ints:
    every: npt.NDArray[np.uint32] = np.ndarray((max(0, len(buffer) - 3),), "<u4", buffer.data, strides=(1,))
    return every[at].astype(np.int64)  # a view with a number at every byte: one gather instead of four


def _empty() -> _Messages:
    none = np.empty(0, np.int64)
    return _Messages(none, none, none, none)


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as stream:
            if not path.stat().st_size:
                raise ReadError(
                    f"{path}: has no bytes",
                    code="read.empty",
                    hint="look whether the recording or the copy finished",
                    facts={"file": str(path)},
                )
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="look at the path and its permissions",
            facts={"file": str(path)},
        ) from error


def _channels(layout: index.Layout) -> tuple[tuple[Channel, ...], dict[int, int]]:
    """Fold connections of one topic and type into channels, and say which channel each is of."""
    places: dict[tuple[str, str, str], int] = {}
    of_connection: dict[int, int] = {}
    firsts: list[index.Connection] = []
    for number, one in sorted(layout.connections.items()):
        key = (one.topic, one.message_type, one.md5sum)
        if key not in places:
            places[key] = len(firsts)
            firsts.append(one)
        of_connection[number] = places[key]
    counts: list[int | None] = [None] * len(firsts)
    for number, count in (layout.declared or {}).items():
        counts[of_connection[number]] = (counts[of_connection[number]] or 0) + count
    channels = tuple(
        Channel(
            topic=one.topic,
            message_type=one.message_type,
            encoding="ros1",
            schema=one.definition,
            schema_encoding="ros1msg",
            declared_count=count,
        )
        for one, count in zip(firsts, counts, strict=True)
    )
    return channels, of_connection
