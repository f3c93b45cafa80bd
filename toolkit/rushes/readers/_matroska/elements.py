"""The elements of a Matroska file, one after the other, without reading what they hold.

Containers are entered, everything else is stepped over, so that a walk touches a few bytes an element. Where the
bytes are no element, the walk goes on at the next cluster and says what it left out.
"""

import mmap
from collections.abc import Iterator
from typing import NamedTuple

SEGMENT, CLUSTER, CLUSTER_TIME = 0x18538067, 0x1F43B675, 0xE7
SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, BLOCK_REFERENCE = 0xA3, 0xA0, 0xA1, 0xFB
INFO, TIME_SCALE, TITLE, WRITING_APP = 0x1549A966, 0x2AD7B1, 0x7BA9, 0x5741
TRACKS, TRACK, TRACK_NUMBER, TRACK_UID, TRACK_TYPE = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83
CODEC_ID, TRACK_NAME, CODEC_PRIVATE, DEFAULT_DURATION = 0x86, 0x536E, 0x63A2, 0x23E383
VIDEO, PIXEL_WIDTH, PIXEL_HEIGHT = 0xE0, 0xB0, 0xBA
ATTACHMENTS, ATTACHED, ATTACHED_NAME, ATTACHED_DATA = 0x1941A469, 0x61A7, 0x466E, 0x465C
TAGS, TAG, TAG_TARGETS, TAG_TRACK_UID, SIMPLE_TAG = 0x1254C367, 0x7373, 0x63C0, 0x63C5, 0x67C8
TAG_NAME, TAG_STRING = 0x45A3, 0x4487

_ENTERED = frozenset(
    {SEGMENT, CLUSTER, BLOCK_GROUP, INFO, TRACKS, TRACK, VIDEO, ATTACHMENTS, ATTACHED}
    | {TAGS, TAG, TAG_TARGETS, SIMPLE_TAG}
)
CLUSTER_MARK = CLUSTER.to_bytes(4, "big")


class Element(NamedTuple):
    """One element: what it is and where its content lies; ``end`` may lie beyond the file where that was cut.

    A tuple, as there are three of them for each inertial sample, and nothing else immutable is made as fast.
    """

    kind: int
    start: int
    """First byte of its id."""
    content: int
    end: int


class Unreadable(NamedTuple):
    """A stretch that holds no elements; ``end`` is where the next cluster starts, or the end of the file."""

    start: int
    end: int


def elements(data: mmap.mmap, start: int = 0) -> Iterator[Element | Unreadable]:
    """Walk the elements of a file in their order; containers come before what they hold.

    The end of a container whose length is not known is the end of the file.
    """
    size, place = len(data), start
    while place < size:
        found = _element(data, place, size)
        if found is None:
            following = data.find(CLUSTER_MARK, place + 1)
            end = size if following < 0 else following
            yield Unreadable(place, end)
            place = end
            continue
        yield found
        place = found.content if found.kind in _ENTERED else found.end


def unsigned(data: mmap.mmap, element: Element) -> int:
    """Read an element that is an unsigned number."""
    return int.from_bytes(data[element.content : element.end], "big")


def text(data: mmap.mmap, element: Element) -> str:
    """Read an element that is text; what is not UTF-8 is replaced."""
    return data[element.content : element.end].split(b"\0", 1)[0].decode("utf-8", "replace")


def number(data: mmap.mmap | bytes, place: int) -> tuple[int, int] | None:
    """Read a number of variable length; give it and the byte after it, None where there is none."""
    if place >= len(data) or data[place] == 0:
        return None
    width = 9 - data[place].bit_length()
    if place + width > len(data):
        return None
    return int.from_bytes(data[place : place + width], "big") & ((1 << 7 * width) - 1), place + width


def element(data: mmap.mmap, place: int) -> Element | None:
    """Read the head of the element at a place; None where there is none."""
    return _element(data, place, len(data)) if place < len(data) else None


def _element(data: mmap.mmap, place: int, size: int) -> Element | None:
    first = data[place]
    if first < 0x10:
        return None
    after = place + 9 - first.bit_length()
    if after < size and 0x80 <= data[after] < 0xFF:  # a length of one byte, as most have
        content = after + 1
        kind = first if after == place + 1 else int.from_bytes(data[place:after], "big")
        return Element(kind, place, content, content + (data[after] & 0x7F))
    length = number(data, after)
    if length is None:
        return None
    kind = int.from_bytes(data[place:after], "big")
    value, content = length
    if value == (1 << 7 * (content - after)) - 1:  # unknown, as in a recording that was not closed
        return Element(kind, place, content, size) if kind in _ENTERED else None
    return Element(kind, place, content, content + value)
