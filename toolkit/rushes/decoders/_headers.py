"""What the head of an image file says of it, read before anything is decoded.

Enough to refuse a picture that would fill the memory, and to hold what a recording declares against what the bytes
are. JPEG, PNG, BMP, PNM, WebP and TIFF; of anything else nothing is known.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

MOST_PIXELS = 1 << 28
"""A picture of more is not decoded: 268 million pixels are 805 MB in colour."""

PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # start-of-frame markers
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
_PNM = re.compile(rb"P([2356])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s")
_PHOTOMETRIC = {0: 1, 1: 1, 5: 4}  # white or black is zero, separated; all else has colour
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the bytes state.

    Args:
        width, height: As stored, before any turn.
        channels: 1 grey, 3 colour, 4 CMYK; opacity is not counted.
        bits: A channel's.
        orientation: EXIF's 1 to 8; 1 where none is stated.
    """

    width: int
    height: int
    channels: int
    bits: int
    orientation: int = 1

    @property
    def pixels(self) -> int:
        """How many pixels decoding it would make."""
        return self.width * self.height


def head_of(data: bytes | memoryview) -> Head | None:
    """Read the head of an image file; None where it is no such file, or its head is cut."""
    view = memoryview(data)
    start = bytes(view[:16])
    try:
        if start.startswith(b"\xff\xd8"):
            return _jpeg(view)
        if start.startswith(PNG):
            width, height, bits, kind = struct.unpack_from(">IIBB", view, 16)
            return Head(width=width, height=height, channels=_PNG_CHANNELS.get(kind, 3), bits=bits)
        if start.startswith(b"BM"):
            width, height, _, bits = struct.unpack_from("<iiHH", view, 18)
            return Head(width=abs(width), height=abs(height), channels=3, bits=8)
        if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
            return _webp(view)
        if start.startswith((b"II*\0", b"MM\0*")):
            return _tiff(view)
        if (pnm := _PNM.match(bytes(view[:256]))) is not None:
            channels = 3 if pnm[1] in b"36" else 1
            bits = 16 if int(pnm[4]) > 255 else 8
            return Head(width=int(pnm[2]), height=int(pnm[3]), channels=channels, bits=bits)
    except (struct.error, IndexError):
        return None
    return None


def jpeg_is_whole(data: bytes | memoryview) -> bool:
    """Whether a JPEG's end mark follows its picture; the one of an embedded preview does not count."""
    for marker, place in _segments(memoryview(data)):
        if marker == 0xDA:
            return bytes(data[-2:]) == b"\xff\xd9" or bytes(data[place:]).rfind(b"\xff\xd9") >= 0
    return False


def png_is_whole(data: bytes | memoryview) -> bool:
    """Whether a PNG's end chunk is there."""
    return b"IEND" in bytes(data[-64:]) or b"IEND" in bytes(data)


def _jpeg(view: memoryview) -> Head | None:
    orientation = 1
    for marker, place in _segments(view):
        if marker == 0xE1 and bytes(view[place + 4 : place + 10]) == _EXIF:
            length = int.from_bytes(view[place + 2 : place + 4], "big")
            orientation = _exif_orientation(view[place + 10 : place + 2 + length])
        elif marker in _JPEG_SIZES:
            bits, height, width, channels = struct.unpack_from(">BHHB", view, place + 4)
            return Head(width=width, height=height, channels=channels, bits=bits, orientation=orientation)
    return None


def _segments(view: memoryview) -> Iterator[tuple[int, int]]:
    """Give marker and place of each header segment, up to and with the start of scan."""
    if bytes(view[:2]) != b"\xff\xd8":
        return
    place = 2
    while place + 4 <= len(view) and view[place] == 0xFF:
        marker = view[place + 1]
        if marker == 0xFF or marker in _JPEG_BARE:  # filling, or a marker by itself
            place += 1 if marker == 0xFF else 2
            continue
        yield marker, place
        if marker == 0xDA:
            break
        place += 2 + int.from_bytes(view[place + 2 : place + 4], "big")


def _exif_orientation(tiff: memoryview) -> int:
    try:
        found = dict(_tiff_entries(tiff)).get(_ORIENTATION, 1)
    except struct.error:
        return 1
    return found if 1 <= found <= 8 else 1


def _tiff(view: memoryview) -> Head | None:
    entries = dict(_tiff_entries(view))
    if 0x0100 not in entries or 0x0101 not in entries:
        return None
    return Head(
        width=entries[0x0100],
        height=entries[0x0101],
        channels=_PHOTOMETRIC.get(entries.get(0x0106, 1), 3),
        bits=entries.get(0x0102, 8),
        orientation=entries.get(_ORIENTATION, 1),
    )


def _tiff_entries(view: memoryview) -> Iterator[tuple[int, int]]:
    """Give tag and first value of each short or long entry of a TIFF's first directory."""
    order = "<" if bytes(view[:2]) == b"II" else ">"
    (place,) = struct.unpack_from(f"{order}I", view, 4)
    (count,) = struct.unpack_from(f"{order}H", view, place)
    for at in range(count):
        entry = place + 2 + 12 * at
        tag, kind, many = struct.unpack_from(f"{order}HHI", view, entry)
        size = {3: 2, 4: 4}.get(kind)
        if size is None:
            continue
        where = entry + 8 if size * many <= 4 else struct.unpack_from(f"{order}I", view, entry + 8)[0]
        yield tag, struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", view, where)[0]


def _webp(view: memoryview) -> Head | None:
    kind = bytes(view[12:16])
    if kind == b"VP8X":
        width = int.from_bytes(view[24:27], "little") + 1
        height = int.from_bytes(view[27:30], "little") + 1
    elif kind == b"VP8L":
        bits = int.from_bytes(view[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", view, 26))
    else:
        return None
    return Head(width=width, height=height, channels=3, bits=8)
