"""Picture files: size and EXIF turn from their headers, and the turn taken out."""

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from rushes import shapes
from rushes.errors import ReadError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_ORIENTATION = 0x0112
TURNS = {
    1: (0, False),
    3: (180, False),
    6: (90, False),
    8: (270, False),
    2: (0, True),
    4: (180, True),
    5: (270, True),
    7: (90, True),
}
"""EXIF's orientation: the clockwise turn that shows the picture, and whether it is mirrored before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a picture file says of itself.

    Args:
        width_px, height_px: As stored.
        turn_deg: Clockwise turn that shows it upright, as EXIF states.
        mirrored: Whether EXIF shows its mirror image: left and right change places before the turn.
    """

    width_px: int
    height_px: int
    turn_deg: int
    mirrored: bool

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as shown."""
        return shapes.turned_size(self.width_px, self.height_px, self.turn_deg)


def header(file: Path | BytesIO) -> Header | None:
    """Read the header of a picture; None where it is absent or no picture."""
    try:
        with Image.open(file) as picture:
            turn_deg, mirrored = TURNS.get(picture.getexif().get(_ORIENTATION, 1), (0, False))
            return Header(
                width_px=picture.width,
                height_px=picture.height,
                turn_deg=turn_deg,
                mirrored=mirrored,
            )
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
        return None


def beside(place: Path) -> Path | None:
    """Find the picture of that path whatever its suffix; None where there is none."""
    if place.suffix.lower() in SUFFIXES and place.is_file():
        return place
    candidates = (place.with_suffix(suffix) for last in SUFFIXES for suffix in (last, last.upper()))
    return next((path for path in candidates if path.is_file()), None)


def without_turn(jpeg: bytes) -> bytes:
    """Give a JPEG whose EXIF states no turn; nothing else of it changes, its pixels least of all."""
    place = _orientation_place(jpeg)
    if place is None:
        return jpeg
    at, order = place
    return jpeg[:at] + struct.pack(f"{order}H", 1) + jpeg[at + 2 :]


def _orientation_place(jpeg: bytes) -> tuple[int, str] | None:
    """Find the two bytes of the orientation in the first EXIF segment, and their order."""
    at = 2
    while jpeg[at : at + 1] == b"\xff" and jpeg[at + 1 : at + 2] not in (b"\xda", b"\xd9", b""):
        (length,) = struct.unpack_from(">H", jpeg, at + 2)
        if jpeg[at + 1] == 0xE1 and jpeg[at + 4 : at + 10] == b"Exif\0\0":
            return _in_tiff(jpeg, at + 10, at + 2 + length)
        at += 2 + length
    return None


def _in_tiff(data: bytes, start: int, end: int) -> tuple[int, str] | None:
    order = {b"II": "<", b"MM": ">"}.get(data[start : start + 2])
    if order is None or end > len(data) or end - start < 10:
        return None
    first = start + struct.unpack_from(f"{order}I", data, start + 4)[0]
    if first + 2 > end:
        return None
    for number in range(struct.unpack_from(f"{order}H", data, first)[0]):
        entry = first + 2 + 12 * number
        if entry + 12 > end:
            return None
        if struct.unpack_from(f"{order}H", data, entry)[0] == _ORIENTATION:
            return entry + 8, order
    return None


def as_png(pixels: npt.NDArray[Any]) -> bytes:
    """Write decoded pixels as PNG, 8 or 16 bits deep, without loss."""
    if pixels.dtype.kind == "f":
        # A PNG holds whole numbers only; a depth picture in metres would come out as 0 and 1.
        raise ReadError("pictures of fractions have no PNG", code="read.undecodable")
    scratch = BytesIO()
    Image.fromarray(pixels).save(scratch, "PNG")
    return scratch.getvalue()
