"""The chunks of an XDF file, one after the other, and found again after damage.

A chunk is the width of its length (1, 4 or 8), the length, a tag of two bytes, and content; that of most begins
with the number of a stream. There are no checksums: damage shows where a length leads to what is no chunk. The
next chunk is then looked for by its tag and the number of a stream that is known, or by the mark of a boundary;
it counts only when two more follow it.
"""

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

MAGIC = b"XDF:"
FILE_HEADER, STREAM_HEADER, SAMPLES, CLOCK_OFFSET, BOUNDARY, STREAM_FOOTER = range(1, 7)
OF_STREAM = frozenset({STREAM_HEADER, SAMPLES, CLOCK_OFFSET, STREAM_FOOTER})
BOUNDARY_MARK = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
LINKS = 3
"""Chunks in a row that a place must begin to be taken for the start of one."""

Data: TypeAlias = bytes | mmap.mmap
Damaged: TypeAlias = Callable[[int, int, str], None]
"""Told the first byte, one past the last, and what is wrong."""

_HEADS = {1: struct.Struct("<xBH"), 4: struct.Struct("<xIH"), 8: struct.Struct("<xQH")}
_NUMBER = struct.Struct("<I")


class Chunk(NamedTuple):
    """Where a chunk lies.

    Args:
        at: Its first byte.
        tag: What it is.
        stream: Number of its stream; -1 where it is of none.
        start: First byte of its content, behind the number of the stream.
        end: One past the last byte that is there.
        stated_end: Where its length says that it ends; beyond ``end`` where the file is cut or the length wrong.
        reach: Where the next chunk begins, beyond ``end`` where bytes between belong to none: they may be its own.
    """

    at: int
    tag: int
    stream: int
    start: int
    end: int
    stated_end: int
    reach: int


def walk(data: Data, damaged: Damaged) -> Iterator[Chunk]:
    """Give the chunks of a file in order.

    Args:
        data: The whole file.
        damaged: Called for every stretch that is skipped, and for a chunk whose length is wrong, before the
            next chunk is given.
    """
    size = len(data)
    known: set[int] = set()
    at = len(MAGIC)
    chunk = _chunk_at(data, at)
    while at < size:
        if chunk is None:
            found = _next_chunk(data, at + 1, known)
            damaged(at, size if found is None else found, "cut" if found is None else "no chunk")
            if found is None:
                return
            at, chunk = found, _chunk_at(data, found)
            continue
        following = _chunk_at(data, chunk.end) if chunk.end < size else None
        if chunk.end > size or (chunk.end < size and following is None):
            found = _next_chunk(data, chunk.start, known | {chunk.stream} if chunk.tag == STREAM_HEADER else known)
            if found is not None and found < chunk.end:
                damaged(chunk.at, found, "length")
                chunk, following = chunk._replace(end=found, reach=found), _chunk_at(data, found)
            elif found is not None:
                chunk = chunk._replace(reach=found)
            elif chunk.end > size:
                if chunk.tag != SAMPLES:
                    damaged(chunk.at, size, "cut")
                chunk = chunk._replace(end=size, reach=size)
        if chunk.tag == STREAM_HEADER:
            known.add(chunk.stream)
        yield chunk
        at, chunk = chunk.end, following


def _chunk_at(data: Data, at: int) -> Chunk | None:
    """Read the head of a chunk; None where there is none."""
    head = _HEADS.get(data[at]) if at < len(data) else None
    if head is None or at + head.size > len(data):
        return None
    length, tag = head.unpack_from(data, at)
    start = at + head.size
    end = start + length - 2
    if tag in OF_STREAM:
        if length < 6 or start + 4 > len(data):
            return None
        return Chunk(at, tag, _NUMBER.unpack_from(data, start)[0], start + 4, end, end, end)
    # Kinds that later versions may add are passed over, where they lead to a chunk that is known.
    leads_on = tag in (FILE_HEADER, BOUNDARY) or end == len(data) or _is_known(data, end)
    return Chunk(at, tag, -1, start, end, end, end) if length >= 2 and leads_on else None


def _is_known(data: Data, at: int) -> bool:
    head = _HEADS.get(data[at]) if at < len(data) else None
    if head is None or at + head.size > len(data):
        return False
    length, tag = head.unpack_from(data, at)
    return bool(length >= 2 and FILE_HEADER <= tag <= STREAM_FOOTER)


def _next_chunk(data: Data, start: int, known: set[int]) -> int | None:
    """Find the first place from ``start`` on at which a chain of chunks begins; None where there is none."""
    numbers = b"|".join(re.escape(_NUMBER.pack(number)) for number in sorted(known))
    kinds = [rb"\x05\x00" + re.escape(BOUNDARY_MARK), rb"\x02\x00.{4}<\?xml"]
    if numbers:
        kinds.append(rb"[\x02\x03\x04\x06]\x00(?:" + numbers + rb")")
    pattern = re.compile(b"|".join(kinds), re.DOTALL)
    place = start
    while found := pattern.search(data, place):
        tag_at = found.start()
        for width in (1, 4, 8):
            at = tag_at - width - 1
            if at >= start and data[at] == width and _chained(data, at):
                return at
        place = tag_at + 1
    return None


def _chained(data: Data, at: int) -> bool:
    """Tell whether chunks follow one another from here; of any stream, as its header may be what was lost."""
    for _ in range(LINKS):
        if at == len(data):
            return True
        chunk = _chunk_at(data, at)
        if chunk is None or chunk.tag > STREAM_FOOTER or chunk.end > len(data):
            return False
        at = chunk.end
    return True
