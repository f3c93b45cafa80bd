"""The messages of some segments as arrays over one buffer: by message index where it proves right, else walked.

A message index is believed only after every place that it names was found to be a message of its channel, no two
overlap, and the sizes of all messages and other records add up to that of the chunk; so both ways give the same.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.media import unpack
from rushes.readers._mcap import records
from rushes.readers._mcap.catalogue import Segment
from rushes.readers._mcap.records import BrokenError, Bytes, Definitions
from rushes.readers._messages.layout import Indices, gather

MESSAGES = 8 << 10
"""A group ends once it holds so many messages (more leave the processor's cache and are slower by half) …"""
UNPACKED = 32 << 20
"""… or so many unpacked bytes."""
_LARGEST_CHUNK = 4 << 30

HEAD = np.dtype(
    [
        ("opcode", "u1"),
        ("size", "<u8"),
        ("channel", "<u2"),
        ("seq", "<u4"),
        ("log_ns", "<i8"),
        ("publish_ns", "<i8"),
    ]
)
assert HEAD.itemsize == records.MESSAGE_HEAD
_message = struct.Struct("<BQH")
_INDEX_HEAD = struct.Struct("<BQHI")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A stretch of a segment that could not be read; ``counts``: messages per channel, where an index tells."""

    segment: Segment
    byte_from: int
    byte_to: int
    reason: str
    counts: dict[int, int] | None


@dataclass(slots=True, kw_only=True)
class Group:
    """Messages of consecutive segments.

    Args:
        buffer: The mapped file, or unpacked chunks one after the other.
        at: Per channel, shape (n,): where each message record starts in the buffer, in file order.
        heads: Per channel, shape (n,) of :data:`HEAD`.
        member: Per channel, shape (n,): which of ``segments`` it lies in.
        bases: Shape (s,): where each segment's body starts in the buffer.
        found: Schemas and channels that were walked over.
        lost: What could not be read.
    """

    segments: list[Segment]
    buffer: Bytes
    bases: Indices
    at: dict[int, Indices] = field(default_factory=dict)
    heads: dict[int, npt.NDArray[np.void]] = field(default_factory=dict)
    member: dict[int, Indices] = field(default_factory=dict)
    found: Definitions = field(default_factory=Definitions)
    lost: list[Lost] = field(default_factory=list)


def groups(data: Bytes, segments: list[Segment], *, verify: frozenset[str] = frozenset()) -> Iterator[Group]:
    """Read segments in groups of bounded size. A group's buffer holds until the next group is asked for.

    Args:
        data: The mapped file.
        segments: In file order.
        verify: ``plain`` has the checksums of plain chunks checked too; those of compressed ones always are.
    """
    pending: list[Segment] = []
    scratch = _Scratch()
    size = count = 0
    for segment in segments:
        here = index_count(data, segment)
        grown = size + (0 if segment.plain else segment.size)
        full = count + here > MESSAGES or grown > UNPACKED or (pending and pending[-1].plain != segment.plain)
        if pending and full:
            yield load(data, pending, verify=verify, scratch=scratch)
            pending, grown, count = [], 0 if segment.plain else segment.size, 0
        pending.append(segment)
        size, count = grown, count + here
    if pending:
        yield load(data, pending, verify=verify, scratch=scratch)


def index_count(data: Bytes, segment: Segment) -> int:
    """Give how many messages the segment's indexes name, or about how many it may hold without them."""
    counts = index_counts(data, segment)
    return segment.size // 64 if counts is None else sum(counts.values())


def index_counts(data: Bytes, segment: Segment) -> dict[int, int] | None:
    """Give how many messages of each channel the segment's indexes name; None without indexes."""
    if segment.indexes is None:
        return None
    counts = {}
    for channel, place in segment.indexes.items():
        head = _index_head(data, channel, place)
        if head is None:
            return None
        counts[channel] = head // 16
    return counts


class _Scratch:
    """Memory that chunks are unpacked into, kept from group to group: fresh pages cost as much as unpacking."""

    def __init__(self) -> None:
        self._kept: Bytes = np.zeros(0, np.uint8)

    def of(self, size: int) -> Bytes:
        """Give so many bytes; those given before are overwritten."""
        if len(self._kept) < size:
            self._kept = np.empty(size, np.uint8)
        return self._kept[:size]


def load(
    data: Bytes,
    segments: list[Segment],
    *,
    verify: frozenset[str] = frozenset(),
    scratch: _Scratch | None = None,
) -> Group:
    """Read the messages of some segments that are all plain, or all compressed."""
    if segments[0].plain:
        bases = np.array([segment.body for segment in segments], np.int64)
        group = Group(segments=segments, buffer=data, bases=bases)
        if "plain" in verify:
            for i, segment in enumerate(segments):
                head = segment.head
                if (
                    head
                    and head.crc
                    and not segment.cut
                    and zlib.crc32(data[head.body : segment.body_end].data) != head.crc
                ):
                    _lose(group, data, i, "its checksum fails")
    else:
        group = _unpacked(data, segments, scratch or _Scratch())
    bad = {id(lost.segment) for lost in group.lost}
    good = [i for i, segment in enumerate(segments) if id(segment) not in bad]
    parts = _from_indexes(data, group, good)
    _merge(group, parts)
    return group


def _unpacked(data: Bytes, segments: list[Segment], scratch: _Scratch) -> Group:
    room = sum(segment.size for segment in segments if segment.size < _LARGEST_CHUNK)
    group = Group(segments=segments, buffer=np.zeros(0, np.uint8), bases=np.zeros(len(segments), np.int64))
    buffer: Bytes | None = None
    filled = 0
    for i, segment in enumerate(segments):
        head = segment.head
        assert head is not None
        try:
            if head.size >= _LARGEST_CHUNK:
                raise BrokenError(segment.at, f"it claims {head.size} bytes")
            content = unpack(head.compression, data[head.body : segment.body_end].data, head.size)
            if len(content) != head.size:
                raise BrokenError(segment.at, f"it unpacks to {len(content)} bytes instead of {head.size}")
            if head.crc and zlib.crc32(content) != head.crc:
                raise BrokenError(segment.at, "its checksum fails")
        except (ReadError, BrokenError, MemoryError) as error:
            _lose(group, data, i, str(error))
            continue
        if buffer is None:
            buffer = scratch.of(room)
        buffer[filled : filled + len(content)] = np.frombuffer(content, np.uint8)
        group.bases[i] = filled
        filled += len(content)
    group.buffer = np.zeros(0, np.uint8) if buffer is None else buffer[:filled]
    return group


def _lose(group: Group, data: Bytes, i: int, reason: str) -> None:
    segment = group.segments[i]
    counts = index_counts(data, segment)
    end = segment.body_end
    group.lost.append(Lost(segment=segment, byte_from=segment.at, byte_to=end, reason=reason, counts=counts))


def _index_head(data: Bytes, channel: int, place: int) -> int | None:
    """Give how many bytes of entries a message index has, None where there is no such index."""
    if place + _INDEX_HEAD.size > len(data):
        return None
    opcode, size, number, length = _INDEX_HEAD.unpack_from(data.data, place)
    right = opcode == records.MESSAGE_INDEX and number == channel and length % 16 == 0 and size == length + 6
    return length if right and place + _INDEX_HEAD.size + length <= len(data) else None


def _index(data: Bytes, channel: int, place: int) -> npt.NDArray[np.uint64] | None:
    """Give the offsets that a message index names, None where there is no such index."""
    length = _index_head(data, channel, place)
    if length is None:
        return None
    return np.frombuffer(data, "<u8", length // 8, place + _INDEX_HEAD.size)[1::2]


@dataclass(slots=True)
class Part:
    """Where messages of one channel in one segment start in the buffer, and their heads once fetched.

    The heads stay plain bytes, because joining structured arrays goes field by field and is slow.
    """

    channel: int
    segment: int
    places: Indices
    heads: npt.NDArray[np.void] | None = None


def _from_indexes(data: Bytes, group: Group, good: list[int]) -> list[Part]:
    """Give the places that the indexes name, of the segments whose indexes prove right; walk the others."""
    parts: list[Part] = []
    trusted: list[int] = []
    for i in good:
        segment = group.segments[i]
        named: list[Part] | None = []
        for channel, place in (segment.indexes or {}).items():
            entries = _index(data, channel, place)
            if entries is None or (len(entries) and int(entries.max()) > segment.size - records.MESSAGE_HEAD):
                named = None
                break
            assert named is not None
            named.append(Part(channel, i, entries.astype(np.int64) + group.bases[i]))
        if segment.indexes is None or named is None:
            continue
        trusted.append(i)
        parts.extend(named)
    right = _proven(group, trusted, parts)
    parts = [part for part in parts if part.segment in right]
    for i in good:
        if i not in right:
            parts.extend(_walked(group, i))
    return parts


def _proven(group: Group, trusted: list[int], parts: list[Part]) -> set[int]:
    """Tell for which segments the indexed places are all of its messages and nothing else."""
    right = set(trusted)
    if not parts:
        filled: npt.NDArray[Any] = np.zeros(len(group.segments), np.int64)
    else:
        places: Indices = np.concatenate([part.places for part in parts])
        counts = [len(part.places) for part in parts]
        member: npt.NDArray[Any] = np.repeat([part.segment for part in parts], counts)
        channel: npt.NDArray[Any] = np.repeat([part.channel for part in parts], counts)
        ends = group.bases + np.array([segment.size for segment in group.segments], np.int64)
        raw = gather(group.buffer, places, records.MESSAGE_HEAD)
        heads = raw.view(HEAD)
        begin = 0
        for part, count in zip(parts, counts, strict=True):
            part.heads = raw[begin : begin + count]
            begin += count
        size = heads["size"].astype(np.int64)
        fits = (heads["opcode"] == records.MESSAGE) & (heads["channel"] == channel)
        fits &= (size >= records.MESSAGE_HEAD - records.PREFIX) & (size <= ends[member] - places - records.PREFIX)
        right -= set(np.unique(member[~fits]).tolist())
        right -= _overlapping(parts, places, size, member)
        filled = np.bincount(member[fits], (size[fits] + records.PREFIX).astype(np.float64), len(group.segments))
    for i in trusted:
        rest = group.segments[i].size - int(filled[i])
        if i in right and rest and not _rest_is_definitions(group, i, rest, parts):
            right.discard(i)
    return right


def _overlapping(parts: list[Part], places: Indices, size: Indices, member: npt.NDArray[Any]) -> set[int]:
    """Give the segments in which an index names a place twice, or two places within one message."""
    unordered = (places[1:] < places[:-1] + size[:-1] + records.PREFIX).nonzero()[0]
    starts = np.cumsum([len(part.places) for part in parts])
    suspects = np.unique(np.searchsorted(starts, unordered, side="right")).tolist()
    found = set()
    for number in suspects:
        end = int(starts[number])
        begin = end - len(parts[number].places)
        order = np.argsort(places[begin:end])
        at, width = places[begin:end][order], size[begin:end][order] + records.PREFIX
        if (at[1:] < at[:-1] + width[:-1]).any():
            found.add(int(member[begin]))
    return found


def _rest_is_definitions(group: Group, i: int, rest: int, parts: list[Part]) -> bool:
    """Tell whether what lies between a segment's indexed messages are other records, ``rest`` bytes in all."""
    if rest < 0:
        return False
    own = [part.places for part in parts if part.segment == i]
    begin, end = int(group.bases[i]), int(group.bases[i]) + group.segments[i].size
    at = np.sort(np.concatenate(own)) if own else np.zeros(0, np.int64)
    sizes = gather(group.buffer, at + 1, 8).view("<u8").astype(np.int64) + records.PREFIX if len(at) else at
    starts, stops = np.append(at, end), np.insert(at + sizes, 0, begin)
    if (starts < stops).any():
        return False
    try:
        for hole in np.flatnonzero(starts > stops).tolist():
            for span in records.walk(group.buffer, int(stops[hole]), int(starts[hole])):
                if span.opcode == records.MESSAGE or span.opcode in records.RESERVED:
                    return False
                group.found.add(group.buffer, span)
    except BrokenError:
        return False
    return True


def _walked(group: Group, i: int) -> list[Part]:
    """Walk a segment's records."""
    segment, base = group.segments[i], int(group.bases[i])
    end = base + segment.size
    places: dict[int, list[int]] = {}
    view = group.buffer.data
    try:
        for span in records.walk(group.buffer, base, end):
            if span.opcode == records.MESSAGE:
                if span.end - span.at < records.MESSAGE_HEAD:
                    raise BrokenError(span.at, "a message is shorter than its fields")
                places.setdefault(_message.unpack_from(view, span.at)[2], []).append(span.at)
            elif span.opcode in {records.SCHEMA, records.CHANNEL}:
                group.found.add(group.buffer, span)
            elif span.opcode in records.RESERVED:
                reason = f"a record of unknown kind {span.opcode} is skipped"
                _lose_part(group, i, span.at - base, span.end - base, reason)
    except BrokenError as broken:
        _lose_part(group, i, broken.at - base, segment.size, broken.reason)
    return [Part(channel, i, np.array(found, np.int64)) for channel, found in places.items()]


def _lose_part(group: Group, i: int, begin: int, end: int, reason: str) -> None:
    segment = group.segments[i]
    first, last = segment.at, segment.body_end
    if segment.plain:
        first, last = segment.body + begin, segment.body + end
    group.lost.append(Lost(segment=segment, byte_from=first, byte_to=last, reason=reason, counts=None))


def _merge(group: Group, parts: list[Part]) -> None:
    """Join the parts of each channel, in file order, and fetch the heads."""
    by_channel: dict[int, list[Part]] = {}
    for part in parts:
        if len(part.places):
            by_channel.setdefault(part.channel, []).append(part)
    for channel, own in by_channel.items():
        own.sort(key=lambda part: part.segment)
        at = np.concatenate([part.places for part in own])
        member = np.repeat([part.segment for part in own], [len(part.places) for part in own])
        heads = np.concatenate([_heads(group, part) for part in own])
        if (at[1:] <= at[:-1]).any():  # indexes may be in the order of time
            order = np.argsort(at, kind="stable")
            at, member, heads = at[order], member[order], heads[order]
        group.at[channel], group.member[channel], group.heads[channel] = at, member, heads.view(HEAD)


def _heads(group: Group, part: Part) -> npt.NDArray[np.void]:
    if part.heads is None:
        return gather(group.buffer, part.places, records.MESSAGE_HEAD)
    return part.heads
