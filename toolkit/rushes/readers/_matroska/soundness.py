"""Whether the clusters of a Matroska file are as they were written: by their checksums, lengths and kinds.

Some writers give each cluster a checksum (FFmpeg does; mkvmerge, OBS and k4arecord do not). Where there is none,
damage shows where lengths do not fit into one another, or where something stands that has no place there.
"""

import mmap
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from isal.isal_zlib import crc32

from rushes.readers._matroska import elements as e

CHECKSUM, VOID = 0xBF, 0xEC
_IN_CLUSTER = frozenset({e.CLUSTER_TIME, 0xA7, 0xAB, 0x5854, e.SIMPLE_BLOCK, e.BLOCK_GROUP, VOID, CHECKSUM, 0xAF})
_IN_GROUP = frozenset({e.BLOCK, e.BLOCK_REFERENCE, 0x9B, 0xFA, 0xFD, 0xA4, 0x75A1, 0x75A2, 0x8E, 0xC8, VOID})
_IN_GROUP |= {CHECKSUM}
_BESIDE = frozenset(
    {e.CLUSTER, e.INFO, e.TRACKS, e.TAGS, e.ATTACHMENTS, 0x114D9B74, 0x1C53BB6B, 0x1043A770, VOID, CHECKSUM}
)
_EBML_HEAD = 0x1A45DFA3
_STEP = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsound:
    """Bytes that cannot be as they were written; ``count``: blocks that lie in them, as far as they read."""

    byte_from: int
    byte_to: int
    what: str
    count: int | None = None


@dataclass(slots=True)
class Soundness:
    """What a walk has found; ``blocks`` are counted by track number, laces by their first."""

    faults: list[Unsound] = field(default_factory=list)
    blocks: Counter[int] = field(default_factory=Counter)
    laced: bool = False


def soundness_of(data: mmap.mmap, tracks: Collection[int]) -> Soundness:
    """Walk through a whole file; its payloads are read only where there are checksums over them.

    Args:
        tracks: Numbers of the tracks that the head names.
    """
    found = Soundness()
    size = len(data)
    for item in _outermost(data, found):
        if item.kind in (e.INFO, e.TRACKS, e.TAGS, e.ATTACHMENTS) and item.end <= size:
            _check_sum(data, item, item.end, found)
        elif item.kind == e.CLUSTER:
            _cluster(data, item, tracks, found)
    return found


def _outermost(data: mmap.mmap, found: Soundness) -> Iterator[e.Element]:
    """Give what lies in the segment; over what is no element, on to the next cluster."""
    size, place = len(data), 0
    while place < size:
        item = e.element(data, place)
        if item is not None and item.kind == e.SEGMENT:
            place = item.content
            continue
        if item is not None and item.kind in _BESIDE | {_EBML_HEAD}:
            yield item
            place = _behind(data, item)
            continue
        following = data.find(e.CLUSTER_MARK, place + 1)
        end = size if following < 0 else following
        cut = following < 0 and item is not None and item.end > size
        if not cut:
            what = "they hold nothing that has a place there"
            found.faults.append(Unsound(byte_from=place, byte_to=end, what=what))
        place = end


def _behind(data: mmap.mmap, item: e.Element) -> int:
    """Give where the element behind one starts; of a cluster whose length is not stated, where its row ends."""
    if item.kind != e.CLUSTER or item.end < len(data):
        return item.end
    place = item.content
    while (inner := e.element(data, place)) is not None and inner.kind in _IN_CLUSTER and inner.end <= len(data):
        place = inner.end
    return place if inner is not None and inner.kind in _BESIDE else item.end


def _cluster(data: mmap.mmap, cluster: e.Element, tracks: Collection[int], found: Soundness) -> None:
    size = len(data)
    end = min(cluster.end, size)
    place, count, wrong = cluster.content, 0, ""
    timed = False
    while place < end and not wrong:
        item = e.element(data, place)
        if item is not None and item.kind in _BESIDE - {VOID, CHECKSUM}:
            break  # of a cluster whose length is not stated
        if item is not None and item.kind in _IN_CLUSTER and item.end > size == end:
            return  # named as the end that is missing
        wrong = _misplaced(item, cluster)
        if item is None or wrong:
            break
        timed = timed or item.kind == e.CLUSTER_TIME
        if item.kind in (e.SIMPLE_BLOCK, e.BLOCK_GROUP):
            block = _block if item.kind == e.SIMPLE_BLOCK else _group
            wrong = block(data, item, tracks, found)
            count += 1
        place = item.end
    if not wrong and not timed:
        wrong = "the cluster has no time"
    if wrong:
        found.faults.append(Unsound(byte_from=cluster.start, byte_to=end, what=wrong))
    elif cluster.end <= size:
        _check_sum(data, cluster, min(place, end), found, count)


def _misplaced(item: e.Element | None, cluster: e.Element) -> str:
    if item is None or item.kind not in _IN_CLUSTER:
        return "something stands in the cluster that has no place there"
    return "an element reaches beyond its cluster" if item.end > cluster.end else ""


def _group(data: mmap.mmap, group: e.Element, tracks: Collection[int], found: Soundness) -> str:
    place = group.content
    wrong, blocks = "", 0
    while place < group.end:
        item = e.element(data, place)
        if item is None or item.kind not in _IN_GROUP or item.end > group.end:
            return "something stands in a group of blocks that has no place there"
        if item.kind == e.BLOCK:
            wrong = wrong or _block(data, item, tracks, found)
            blocks += 1
        place = item.end
    return wrong or ("" if blocks == 1 else f"a group holds {blocks} blocks")


def _block(data: mmap.mmap, item: e.Element, tracks: Collection[int], found: Soundness) -> str:
    track = e.number(data, item.content)
    if track is None or track[0] not in tracks:
        return "a block is of no track that the head names"
    if track[1] + 3 > item.end:
        return "a block is too short"
    found.blocks[track[0]] += 1
    found.laced = found.laced or bool(data[track[1] + 2] & 0x06)
    return ""


def _check_sum(data: mmap.mmap, item: e.Element, end: int, found: Soundness, count: int | None = None) -> None:
    first = e.element(data, item.content)
    if first is None or first.kind != CHECKSUM or first.end - first.content != 4:
        return
    stated = int.from_bytes(data[first.content : first.end], "little")
    view = memoryview(data)
    try:
        value = 0
        for at in range(first.end, end, _STEP):
            value = crc32(view[at : min(at + _STEP, end)], value)
    finally:
        view.release()
    if value != stated:
        what = "their checksum fails; what lies in them was read as it is and may be damaged"
        found.faults.append(Unsound(byte_from=item.start, byte_to=end, what=what, count=count))
