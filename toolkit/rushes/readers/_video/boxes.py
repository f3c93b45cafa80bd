"""The boxes of an MP4 or MOV file, and whether they fit into one another; nothing of what they hold is read.

The format has no checksums. Damage shows where lengths do not add up, or where a kind is one flipped bit from
another; makers put boxes of their own into files, so that a strange kind alone says nothing.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MOST_BOXES = 10_000_000
_HEAD = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")

OUTERMOST = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"mfra", b"sidx", b"uuid")
INSIDE = {
    b"moov": (b"mvhd", b"trak", b"mvex", b"udta", b"meta"),
    b"mvex": (b"mehd", b"trex", b"trep"),
    b"trak": (b"tkhd", b"mdia", b"edts", b"udta", b"tref", b"meta", b"tapt"),
    b"edts": (b"elst",),
    b"mdia": (b"mdhd", b"hdlr", b"minf", b"elng"),
    b"minf": (b"vmhd", b"smhd", b"nmhd", b"gmhd", b"sthd", b"hmhd", b"dinf", b"stbl", b"hdlr"),
    b"stbl": (b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"sdtp"),
    b"moof": (b"mfhd", b"traf", b"pssh"),
    b"traf": (b"tfhd", b"tfdt", b"trun", b"sdtp", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"senc", b"uuid"),
}
"""Boxes that are gone into, and what commonly lies in them."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its kind, its first byte, the first byte of its content, one past its last."""

    kind: bytes
    at: int
    body: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Bytes that cannot be as they were written.

    Args:
        what: A clause that says what is wrong with them.
        track: Number of the track that it concerns; None for all.
        count: Samples that it concerns, where that can be told.
        table: Whether they are no samples, but what is said of the samples of a whole track.
    """

    byte_from: int
    byte_to: int
    what: str
    track: int | None = None
    count: int | None = None
    table: bool = False


def outermost(data: memoryview, faults: list[Fault]) -> Iterator[Box]:
    """Give the outermost boxes in order; the last may end beyond the file, which is no fault here."""
    size, at = len(data), 0
    for _ in range(_MOST_BOXES):
        box = _box(data, at, size)
        if at >= size or box is None:
            break
        if box.end > size and box.kind not in OUTERMOST:
            break
        _look_at_kind(box, OUTERMOST, faults)
        yield box
        at = box.end
    if size - at >= _HEAD.size:
        faults.append(Fault(byte_from=at, byte_to=size, what="no box begins there"))


def children(data: memoryview, parent: Box, faults: list[Fault]) -> list[Box]:
    """Give the boxes inside one; where they do not fill it, what lies behind the last is a fault."""
    found: list[Box] = []
    at = parent.body
    while at < parent.end:
        box = _box(data, at, parent.end)
        if box is None or box.end > parent.end:
            if any(data[at : parent.end]) or parent.end - at > 4:  # QuickTime ends lists with four zeros
                what = f"the boxes inside '{_said(parent.kind)}' do not fill it"
                table = parent.kind not in (b"moof", b"traf")
                faults.append(Fault(byte_from=at, byte_to=parent.end, what=what, table=table))
            break
        _look_at_kind(box, INSIDE.get(parent.kind, ()), faults)
        found.append(box)
        at = box.end
    return found


def _box(data: memoryview, at: int, limit: int) -> Box | None:
    if at + _HEAD.size > limit:
        return None
    length, kind = _HEAD.unpack_from(data, at)
    body = at + _HEAD.size
    if length == 1 and at + 16 <= limit:
        length = _LARGE.unpack_from(data, body)[0]
        body += _LARGE.size
    elif length == 0:  # to the end of the file
        length = limit - at
    return Box(kind, at, body, at + length) if length >= body - at else None


def _look_at_kind(box: Box, known: tuple[bytes, ...], faults: list[Fault]) -> None:
    if box.kind in known:
        return
    value = int.from_bytes(box.kind, "big")
    near = next((kind for kind in known if (int.from_bytes(kind, "big") ^ value).bit_count() == 1), None)
    if near is not None:
        what = f"a box of kind '{_said(box.kind)}' lies where '{_said(near)}' may lie: one bit apart"
        table = known is not OUTERMOST and known not in (INSIDE[b"moof"], INSIDE[b"traf"])
        faults.append(Fault(byte_from=box.at, byte_to=box.end, what=what, table=table))


def _said(kind: bytes) -> str:
    return kind.decode("ascii", "backslashreplace")
