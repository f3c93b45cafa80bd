"""Size and EXIF turn of picture files, from their headers."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from rushes import shapes

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_ORIENTATION = 0x0112
_TURNS = {3: 180, 6: 90, 8: 270}
_MIRRORED = (2, 4, 5, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a picture file says of itself.

    Args:
        width_px, height_px: As stored.
        turn_deg: Clockwise turn that shows it upright, as EXIF states.
        mirrored: Whether EXIF states a mirrored picture besides; its turn is given as 0.
    """

    width_px: int
    height_px: int
    turn_deg: int
    mirrored: bool

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as shown."""
        return shapes.turned_size(self.width_px, self.height_px, self.turn_deg)


def header(path: Path) -> Header | None:
    """Read the header of a picture; None where it is absent or no picture."""
    try:
        with Image.open(path) as picture:
            orientation = picture.getexif().get(_ORIENTATION, 1)
            return Header(
                width_px=picture.width,
                height_px=picture.height,
                turn_deg=_TURNS.get(orientation, 0),
                mirrored=orientation in _MIRRORED,
            )
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
        return None


def beside(place: Path) -> Path | None:
    """Find the picture of that path whatever its suffix; None where there is none."""
    if place.suffix.lower() in SUFFIXES and place.is_file():
        return place
    candidates = (place.with_suffix(suffix) for last in SUFFIXES for suffix in (last, last.upper()))
    return next((path for path in candidates if path.is_file()), None)
