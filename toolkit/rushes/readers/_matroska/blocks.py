"""Every block of a Matroska file: its track, its time and where its payload lies.

Times are in the units of the file (``scale_ns`` of its header). Blocks that share one lace share its time.
"""

import mmap
import struct
from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from rushes.readers._matroska import elements as e

_AFTER_TRACK = struct.Struct(">hB")
_KEYFRAME, _LACING = 0x80, 0x06
_CLUSTER_MARK = e.CLUSTER.to_bytes(4, "big")
_FIRST_IN_CLUSTER = (b"\xe7", b"\xbf")
_XIPH, _FIXED, _EBML = 0x02, 0x04, 0x06


@dataclass(slots=True)
class TrackBlocks:
    """The payloads of one track in the order of the file, as columns of equal length."""

    pts: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg] # array takes no arguments here
    place: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    size: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    keyframe: bytearray = field(default_factory=bytearray)
    cut: bytearray = field(default_factory=bytearray)
    """Whether the payload reaches beyond the end of the file."""


@dataclass(slots=True)
class Blocks:
    """What a walk through a file has found.

    Args:
        tracks: By track number; those that were asked for.
        unreadable: Stretches of bytes that are no elements: first byte, and one past the last.
        ends_early: First byte of the element that reaches beyond the end of the file, if one does.
        wanted_end: Where that element would end.
        broken_laces: Blocks whose lace does not fit into them, by track number.
    """

    tracks: dict[int, TrackBlocks]
    unreadable: list[tuple[int, int]] = field(default_factory=list)
    ends_early: int | None = None
    wanted_end: int | None = None
    broken_laces: dict[int, int] = field(default_factory=dict)


def blocks_of(data: mmap.mmap, wanted: Collection[int], *, start: int = 0, clusters: int | None = None) -> Blocks:
    """Walk through a file and collect the blocks of the wanted tracks.

    Args:
        data: The file.
        wanted: Track numbers.
        start: Byte at which an element starts; the beginning, or a cluster.
        clusters: How many clusters to walk through; all when None.
    """
    found = Blocks(tracks={number: TrackBlocks() for number in wanted})
    size = len(data)
    cluster_time = 0
    last: TrackBlocks | None = None
    grouped = False
    entered = 0
    for item in e.elements(data, start):
        if isinstance(item, e.Unreadable):
            found.unreadable.append((item.start, item.end))
            continue
        if item.end > size and item.kind not in (e.SEGMENT, e.CLUSTER, e.BLOCK_GROUP):
            found.ends_early, found.wanted_end = item.start, item.end
        if item.kind == e.CLUSTER:
            if entered == clusters:
                break
            entered += 1
            cluster_time = 0
        elif item.kind == e.CLUSTER_TIME:
            cluster_time = e.unsigned(data, item)
        elif item.kind == e.BLOCK_GROUP:
            grouped = True
        elif item.kind in (e.SIMPLE_BLOCK, e.BLOCK):
            last = _take(data, item, cluster_time, found)
            grouped = item.kind == e.BLOCK
        elif item.kind == e.BLOCK_REFERENCE and grouped and last is not None and last.keyframe:
            last.keyframe[-1] = 0  # it needs another block to be decoded
    return found


def last_clusters(data: mmap.mmap, count: int) -> int:
    """Give the byte at which the last clusters start, found from the end of the file; 0 if there are fewer."""
    place = len(data)
    while count:
        place = data.rfind(_CLUSTER_MARK, 0, place)
        if place < 0:
            return 0
        content = e.number(data, place + len(_CLUSTER_MARK))
        # The four bytes may stand in a picture by chance: a cluster begins with its checksum or its time.
        if content is not None and data[content[1] : content[1] + 1] in _FIRST_IN_CLUSTER:
            count -= 1
    return place


def _take(data: mmap.mmap, item: e.Element, cluster_time: int, found: Blocks) -> TrackBlocks | None:
    track = e.number(data, item.content)
    if track is None or track[1] + _AFTER_TRACK.size > len(data):
        return None
    number, place = track
    into = found.tracks.get(number)
    if into is None:
        return None
    offset, flags = _AFTER_TRACK.unpack_from(data, place)
    place += _AFTER_TRACK.size
    sizes: Sequence[int] = [item.end - place]
    if flags & _LACING:
        laced = _laced(data, place, item.end, flags & _LACING)
        if laced is None:
            found.broken_laces[number] = found.broken_laces.get(number, 0) + 1
            return into
        place, sizes = laced
    keyframe = item.kind == e.BLOCK or bool(flags & _KEYFRAME)
    for size in sizes:
        into.pts.append(cluster_time + offset)
        into.place.append(place)
        into.size.append(size)
        into.keyframe.append(keyframe)
        into.cut.append(place + size > len(data))
        place += size
    return into


def _laced(data: mmap.mmap, place: int, end: int, kind: int) -> tuple[int, Sequence[int]] | None:
    """Give where the first payload of a lace starts and the size of each; None where they do not fit."""
    if place >= len(data):
        return None
    count = data[place] + 1
    place += 1
    if kind == _FIXED:
        size, rest = divmod(end - place, count)
        return None if rest else (place, [size] * count)
    sizes: list[int] = []
    steps = _xiph_sizes(data, place) if kind == _XIPH else _ebml_sizes(data, place)
    while len(sizes) < count - 1:
        step = next(steps, None)
        if step is None:
            return None
        size, place = step
        sizes.append(size)
    sizes.append(end - place - sum(sizes))
    return (place, sizes) if min(sizes) >= 0 else None


def _xiph_sizes(data: mmap.mmap, place: int) -> Iterator[tuple[int, int]]:
    """Give each size and the byte after it: bytes of 255 and one below, added up."""
    size = 0
    while place < len(data):
        size += data[place]
        place += 1
        if data[place - 1] != 255:
            yield size, place
            size = 0


def _ebml_sizes(data: mmap.mmap, place: int) -> Iterator[tuple[int, int]]:
    """Give each size and the byte after it: the first as it is, then differences."""
    size: int | None = None
    while (found := e.number(data, place)) is not None:
        value, after = found
        # A difference is signed: the middle of what fits its width stands for 0.
        size = value if size is None else size + value - ((1 << (7 * (after - place) - 1)) - 1)
        place = after
        yield size, place
