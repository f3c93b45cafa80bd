"""The messages of some segments as arrays over one buffer: by message index where it proves right, else walked.

A message index is believed only after every place that it names was found to be a message of its channel, no two
overlap, and the sizes of all messages and other records add up to that of the chunk; so both ways give the same.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from isal.isal_zlib import crc32

from rushes.errors import ReadError
from rushes.media import unpack
from rushes.readers._mcap import records
from rushes.readers._mcap.catalogue import Segment
from rushes.readers._mcap.records import BrokenError, Bytes, Definitions
from rushes.readers._messages.layout import Indices, even_runs, typed

MESSAGES = 16 << 10
"""A group ends once it holds so many messages (fewer pay more for each group, more leave the cache) …"""
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
_RAW = np.dtype(f"V{records.MESSAGE_HEAD}")
_OFFSET = np.dtype("<u8")

Named: TypeAlias = list[tuple[int, npt.NDArray[np.uint64]]]
"""Per channel: the offsets of its messages in the segment's unpacked body, as an index names them."""


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
        doubtful: Those of chunks whose checksum fails: to be used where nothing else defines a channel.
        lost: What could not be read.
    """

    segments: list[Segment]
    buffer: Bytes
    bases: Indices
    at: dict[int, Indices] = field(default_factory=dict)
    heads: dict[int, npt.NDArray[np.void]] = field(default_factory=dict)
    member: dict[int, Indices] = field(default_factory=dict)
    found: Definitions = field(default_factory=Definitions)
    doubtful: Definitions = field(default_factory=Definitions)
    lost: list[Lost] = field(default_factory=list)


def groups(data: Bytes, segments: list[Segment], *, verify: frozenset[str] = frozenset()) -> Iterator[Group]:
    """Read segments in groups of bounded size. A group's buffer holds until the next group is asked for.

    Args:
        data: The mapped file.
        segments: In file order.
        verify: ``plain`` has the checksums of plain chunks checked too; those of compressed ones always are.
    """
    pending: list[Segment] = []
    named: list[Named | None] = []
    scratch = _Scratch()
    size = count = 0
    for segment in segments:
        entries = _named(data, segment)
        here = segment.size // 64 if entries is None else sum(len(offsets) for _, offsets in entries)
        grown = size + (0 if segment.plain else segment.size)
        full = count + here > MESSAGES or grown > UNPACKED or (pending and pending[-1].plain != segment.plain)
        if pending and full:
            yield load(data, pending, named=named, verify=verify, scratch=scratch)
            pending, named, grown, count = [], [], 0 if segment.plain else segment.size, 0
        pending.append(segment)
        named.append(entries)
        size, count = grown, count + here
    if pending:
        yield load(data, pending, named=named, verify=verify, scratch=scratch)


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
    named: list[Named | None] | None = None,
    verify: frozenset[str] = frozenset(),
    scratch: _Scratch | None = None,
) -> Group:
    """Read the messages of some segments that are all plain, or all compressed.

    Args:
        named: What the indexes of each segment name, where that was read already.
    """
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
                    and crc32(data[head.body : segment.body_end].data) != head.crc
                ):
                    _lose(group, data, i, "its checksum fails")
                    _doubt(group, data[head.body : segment.body_end])
    else:
        group = _unpacked(data, segments, scratch or _Scratch())
    bad = {id(lost.segment) for lost in group.lost}
    good = [i for i, segment in enumerate(segments) if id(segment) not in bad]
    _fill(group, good, [_named(data, segment) for segment in segments] if named is None else named)
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
            if head.crc and crc32(content) != head.crc:
                _doubt(group, np.frombuffer(content, np.uint8))
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


def _doubt(group: Group, content: Bytes) -> None:
    """Note the definitions of a chunk whose checksum fails, as far as they read."""
    with suppress(BrokenError):
        for span in records.walk(content, 0, len(content)):
            if span.opcode in {records.SCHEMA, records.CHANNEL}:
                group.doubtful.add(content, span)


def _index_head(data: Bytes, channel: int, place: int) -> int | None:
    """Give how many bytes of entries a message index has, None where there is no such index."""
    if place + _INDEX_HEAD.size > len(data):
        return None
    opcode, size, number, length = _INDEX_HEAD.unpack_from(data.data, place)
    right = opcode == records.MESSAGE_INDEX and number == channel and length % 16 == 0 and size == length + 6
    return length if right and place + _INDEX_HEAD.size + length <= len(data) else None


def _named(data: Bytes, segment: Segment) -> Named | None:
    """Give the offsets that each message index of a segment names; None where it has none that can be read."""
    if segment.indexes is None:
        return None
    named = []
    for channel, place in segment.indexes.items():
        length = _index_head(data, channel, place)
        if length is None:
            return None
        # Each entry is a time and an offset; the offsets alone, left where they are.
        offsets: npt.NDArray[np.uint64] = np.ndarray(
            (length // 16,), _OFFSET, data, place + _INDEX_HEAD.size + 8, (16,)
        )
        named.append((channel, offsets))
    return named


@dataclass(slots=True)
class _Rows:
    """Messages of some segments in the order of segment, channel, index.

    Args:
        at: Where each record starts in the buffer.
        raw: Its head as plain bytes, because joining and ordering structured arrays goes field by field.
        starts: Where in these columns each run of one segment and channel starts, and the end.
    """

    at: Indices
    raw: npt.NDArray[np.void]
    channel: npt.NDArray[np.uint16]
    member: Indices
    starts: Indices

    @property
    def size(self) -> Indices:
        """Bytes of each record, as its head says."""
        return self.raw.view(HEAD)["size"].astype(np.int64) + records.PREFIX


def _fill(group: Group, good: list[int], named: list[Named | None]) -> None:
    """Find the messages: where the indexes name them if those prove right, else by walking."""
    sizes = np.array([segment.size for segment in group.segments], np.int64)
    rows, trusted = _indexed(group, [i for i in good if named[i] is not None], named, sizes)
    right = _proven(group, trusted, rows, sizes)
    walked = [_walked(group, i) for i in good if i not in right]
    columns = [(rows.at, rows.channel, rows.member, rows.raw)]
    if len(right) < len(trusted):
        keep = np.isin(rows.member, list(right))
        columns = [(rows.at[keep], rows.channel[keep], rows.member[keep], rows.raw[keep])]
    for i, places in zip((i for i in good if i not in right), walked, strict=True):
        for channel, found in places.items():
            at: Indices = np.array(found, np.int64)
            raw = typed(group.buffer, at, _RAW)
            columns.append((at, np.full(len(at), channel, np.uint16), np.full(len(at), i, np.int64), raw))
    if len(columns) == 1:
        _by_channel(group, *columns[0])
    else:
        at, channels, member, raw = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        order = np.argsort(member, kind="stable")
        _by_channel(group, at[order], channels[order], member[order], raw[order])


def _by_channel(
    group: Group, at: Indices, channels: npt.NDArray[np.uint16], member: Indices, raw: npt.NDArray[np.void]
) -> None:
    """Note the messages of each channel in file order, given in the order of their segments."""
    if not len(at):
        return
    if (channels != channels[0]).any():
        order = np.argsort(channels, kind="stable")
        at, channels, member, raw = at[order], channels[order], member[order], raw[order]
    begins = [0, *(np.flatnonzero(channels[1:] != channels[:-1]) + 1).tolist(), len(at)]
    for begin, end in pairwise(begins):
        own = slice(begin, end)
        places, of, heads = at[own], member[own], raw[own]
        if (places[1:] <= places[:-1]).any():  # indexes may be in the order of time
            order = np.argsort(places, kind="stable")
            places, of, heads = places[order], of[order], heads[order]
        channel = int(channels[begin])
        group.at[channel], group.member[channel], group.heads[channel] = places, of, heads.view(HEAD)


def _indexed(
    group: Group, trusted: list[int], named: list[Named | None], sizes: Indices
) -> tuple[_Rows, list[int]]:
    """Give the rows that the indexes name, and of which segments; without those that name a place outside."""
    runs = [(channel, i, offsets) for i in trusted for channel, offsets in named[i] or ()]
    counts = [len(offsets) for _, _, offsets in runs]
    member: Indices = np.repeat(np.array([i for _, i, _ in runs], np.int64), counts)
    channel: npt.NDArray[np.uint16] = np.repeat(np.array([channel for channel, _, _ in runs], np.uint16), counts)
    offsets: Indices = (
        np.concatenate([offsets for _, _, offsets in runs]) if runs else np.zeros(0, np.uint64)
    ).astype(np.int64)
    outside = (offsets < 0) | (offsets > (sizes - records.MESSAGE_HEAD)[member])
    if outside.any():
        bad = set(np.unique(member[outside]).tolist())
        return _indexed(group, [i for i in trusted if i not in bad], named, sizes)
    at = offsets + group.bases[member]
    raw = typed(group.buffer, at, _RAW, even_runs(at)) if len(at) else np.zeros(0, _RAW)
    starts: Indices = np.cumsum([0, *counts], dtype=np.int64)
    return _Rows(at=at, raw=raw, channel=channel, member=member, starts=starts), trusted


def _proven(group: Group, trusted: list[int], rows: _Rows, sizes: Indices) -> set[int]:
    """Tell for which segments the indexed places are all of its messages and nothing else."""
    right = set(trusted)
    heads, size = rows.raw.view(HEAD), rows.size
    fits = (heads["opcode"] == records.MESSAGE) & (heads["channel"] == rows.channel)
    fits &= (size >= records.MESSAGE_HEAD) & (size <= (group.bases + sizes)[rows.member] - rows.at)
    if not fits.all():
        right -= set(np.unique(rows.member[~fits]).tolist())
        size = np.where(fits, size, 0)
    right -= _overlapping(rows, size)
    filled = np.bincount(rows.member, size, len(group.segments))
    for i in trusted:
        rest = int(sizes[i]) - int(filled[i])
        if i in right and rest and not _rest_is_definitions(group, i, rest, rows):
            right.discard(i)
    return right


def _overlapping(rows: _Rows, size: Indices) -> set[int]:
    """Give the segments in which an index names a place twice, or two places within one message."""
    unordered = rows.at[1:] < rows.at[:-1] + size[:-1]
    inner = rows.starts[(rows.starts > 0) & (rows.starts < len(rows.at))]
    unordered[inner - 1] = False  # from one index to the next
    found = set()
    for run in np.unique(np.searchsorted(rows.starts, unordered.nonzero()[0], side="right") - 1).tolist():
        own = slice(int(rows.starts[run]), int(rows.starts[run + 1]))
        order = np.argsort(rows.at[own])
        at, width = rows.at[own][order], size[own][order]
        if (at[1:] < at[:-1] + width[:-1]).any():
            found.add(int(rows.member[own][0]))
    return found


def _rest_is_definitions(group: Group, i: int, rest: int, rows: _Rows) -> bool:
    """Tell whether what lies between a segment's indexed messages are other records, ``rest`` bytes in all."""
    if rest < 0:
        return False
    begin, end = int(group.bases[i]), int(group.bases[i]) + group.segments[i].size
    own = slice(*np.searchsorted(rows.member, (i, i + 1)).tolist())
    order = np.argsort(rows.at[own])
    at = rows.at[own][order]
    starts, stops = np.append(at, end), np.insert(at + rows.size[own][order], 0, begin)
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


def _walked(group: Group, i: int) -> dict[int, list[int]]:
    """Walk a segment's records; give where the messages of each channel start in the buffer."""
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
    return places


def _lose_part(group: Group, i: int, begin: int, end: int, reason: str) -> None:
    segment = group.segments[i]
    first, last = segment.at, segment.body_end
    if segment.plain:
        first, last = segment.body + begin, segment.body + end
    group.lost.append(Lost(segment=segment, byte_from=first, byte_to=last, reason=reason, counts=None))
