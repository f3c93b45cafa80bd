"""Where a media container says that it ends, against where its file does.

Only lengths in headers are read: the boxes of MP4 and MOV, the segment of Matroska and WebM, the chunk of RIFF
(AVI, WAV). A file that ends sooner was cut.
"""

import struct
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_BOX_HEAD = 8
_MOST_BOXES = 1_000_000


def declared_end(path: Path) -> int | None:
    """Give the byte where the container says that it ends; None where it does not say."""
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _matroska_end(file)
        if head[:4] in (b"RIFF", b"RF64") and len(head) >= 12:
            length = struct.unpack_from("<I", head, 4)[0]
            return None if length in (0, 0xFFFFFFFF) else 8 + int(length)
        if len(head) >= 8 and head[4:8].isalnum():
            return _boxes_end(file)
    return None


def boxes(path: Path) -> list[str]:
    """Name the outermost boxes of an MP4 or MOV file as far as they go."""
    with path.open("rb") as file:
        return [kind.decode("latin-1") for kind, _ in _boxes(file)]


def _boxes_end(file: BinaryIO) -> int | None:
    found = _boxes(file)
    if not found:
        return None
    end, size = found[-1][1], file.seek(0, 2)
    return end + _BOX_HEAD if end < size < end + _BOX_HEAD else end  # the head of a box is cut


def _boxes(file: BinaryIO) -> list[tuple[bytes, int]]:
    """Give kind and end of each box; the last may end beyond the file."""
    size = file.seek(0, 2)
    found: list[tuple[bytes, int]] = []
    place = 0
    while place + 8 <= size and len(found) < _MOST_BOXES:
        file.seek(place)
        head = file.read(16)
        length, kind = struct.unpack_from(">I4s", head)
        if length == 1 and len(head) == 16:
            length = struct.unpack_from(">Q", head, 8)[0]
        elif length == 0:  # up to the end of the file, wherever that is
            length = size - place
        if length < 8:
            break
        place += length
        found.append((kind, place))
    return found


def _matroska_end(file: BinaryIO) -> int | None:
    file.seek(0)
    for wanted in (_EBML, _SEGMENT):
        kind, length = _element_id(file), _element_length(file)
        if kind != wanted or length is None:
            return None
        if wanted == _SEGMENT:
            return file.tell() + length
        file.seek(length, 1)
    return None


def _element_id(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or first[0] < 0x10:
        return None
    return int.from_bytes(first + file.read(8 - first[0].bit_length()), "big")


def _element_length(file: BinaryIO) -> int | None:
    """Read a length; None where it is marked as unknown, as in live recordings."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & ((1 << (7 - more)) - 1)]) + file.read(more), "big")
    return None if value == (1 << (7 * (more + 1))) - 1 else value
