"""Pictures for the annotation tool: laid below its document root, one file a frame, named by what it shows.

A recorded JPEG or PNG that any browser shows goes as it is, by a hard link where it is a file of its own. Depth,
infrared and video become an 8-bit rendering; the recording stays the truth. A file's name holds the hash of its
bytes, that of the decoded pixels and its EXIF orientation, so that a second run reads nothing twice.
"""

import hashlib
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from rushes import registry
from rushes.annotate import proof
from rushes.errors import ReadError
from rushes.model import Location
from rushes.workflow.pictures import Frames

_ORIENTATION = 274  # EXIF tag
_UNKNOWN = "undecoded"
_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as the tool shows it.

    Args:
        path: Its file.
        sha256: Of its bytes, the first 16 hexadecimal digits.
        orientation: EXIF's number, 1 to 8.
        limits: Counts that are shown as the first and the last colour, where it is a rendering.
        pixels: Digest of the decoded pixels of the frame; None where they do not decode.
    """

    path: Path
    sha256: str
    orientation: int
    limits: tuple[float, float] | None = None
    pixels: str | None = None


class Gallery:
    """The pictures of one stream of one recording, laid out as they are asked for.

    Args:
        folder: Where they go.
        frames: Where they come from.
    """

    def __init__(self, folder: Path, frames: Frames) -> None:
        self._folder = folder
        self._frames = frames
        folder.mkdir(parents=True, exist_ok=True)
        self._there: Mapping[int, Shown] = {
            shown[0]: shown[1] for path in folder.iterdir() if (shown := _read(path))
        }

    def show(self, index: int) -> Shown:
        """Give the file of a frame, laying it out first where it is not there.

        Raises:
            ReadError: If the frame cannot be read or decoded.
        """
        if index in self._there:
            return self._there[index]
        payload, kind, as_recorded, limits = self._payload(index)
        digest = hashlib.sha256(payload).hexdigest()[: proof.DIGITS]
        orientation = orientation_of(payload)
        pixels = pixels_of(self._frames, index)
        told = f"{round(limits[0])}-{round(limits[1])}." if limits else ""
        name = f"{index:07d}.{digest}.{pixels or _UNKNOWN}.o{orientation}.{told}{_SUFFIXES[kind]}"
        path = self._folder / name
        self._lay(path, payload, self._frames.location(index) if as_recorded else None)
        return Shown(path=path, sha256=digest, orientation=orientation, pixels=pixels, limits=_limits(told))

    def _payload(self, index: int) -> tuple[bytes, str, bool, tuple[float, float] | None]:
        """Give the bytes to show, their media type, whether they are as recorded, and a rendering's limits."""
        codec, modality = self._frames.stream["codec"], self._frames.stream["modality"]
        if _as_recorded(self._frames):
            return self._frames.bytes(index), "image/png" if codec == "png" else "image/jpeg", True, None
        render = registry.late("rushes.decoders._render")
        picture = self._frames.image(index)
        return render.to_jpeg(picture, modality), "image/jpeg", False, render.limits_of(picture, modality)

    def _lay(self, path: Path, payload: bytes, place: Location | None) -> None:
        """Put the bytes there at once, never half a file; by a link where they are a whole file already."""
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        scratch.unlink(missing_ok=True)
        if place and place.container == "file" and place.offset is None and not place.packing:
            with suppress(OSError):  # another file system, or one without links
                os.link(place.path, scratch)
        if not scratch.exists() or scratch.stat().st_size != len(payload):
            scratch.unlink(missing_ok=True)
            scratch.write_bytes(payload)
        scratch.replace(path)


def stored_digest(frames: Frames, index: int) -> str | None:
    """Give the digest of a frame's stored bytes where these are shown as they are; None where it is rendered."""
    if not _as_recorded(frames):
        return None
    return hashlib.sha256(frames.bytes(index)).hexdigest()[: proof.DIGITS]


def _as_recorded(frames: Frames) -> bool:
    codec, modality = str(frames.stream["codec"]), str(frames.stream["modality"])
    return codec == "jpeg" or (codec == "png" and modality == "color")


def pixels_of(frames: Frames, index: int) -> str | None:
    """Give the digest of a frame's decoded pixels; None where it cannot be decoded."""
    try:
        return proof.pixels_digest(frames.image(index))
    except ReadError:
        return None


def orientation_of(payload: bytes) -> int:
    """Read EXIF's orientation, 1 to 8; 1 where nothing is said."""
    try:
        with Image.open(io.BytesIO(payload)) as picture:
            said: Any = picture.getexif().get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError):
        return 1
    return said if said in range(1, 9) else 1


def folder_name(text: str) -> str:
    """Make a file name of a stream's name; different names stay different."""
    plain = quote(text, safe="")
    return plain if 0 < len(plain) < 150 else f"{plain[:100]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _read(path: Path) -> tuple[int, Shown] | None:
    parts = path.name.split(".")
    if len(parts) not in (5, 6) or not parts[0].isdecimal() or not parts[3].startswith("o"):
        return None
    pixels = None if parts[2] == _UNKNOWN else parts[2]
    limits = _limits(parts[4]) if len(parts) == 6 else None
    orientation = int(parts[3][1:])
    return int(parts[0]), Shown(path=path, sha256=parts[1], orientation=orientation, pixels=pixels, limits=limits)


def _limits(told: str) -> tuple[float, float] | None:
    low, _, high = told.strip(".").partition("-")
    return (float(low), float(high)) if high else None
