"""Pictures for the annotation tool: laid below its document root, one file a frame, named by what it shows.

A recorded JPEG or PNG that any browser shows goes as it is, by a hard link where it is a file of its own. Depth,
infrared and video become an 8-bit rendering; the recording stays the truth. A file's name holds the hash of its
bytes and its EXIF orientation, so that a second run reads nothing twice.
"""

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy.typing as npt
from PIL import Image

from rushes import registry
from rushes.errors import ReadError
from rushes.model import Location
from rushes.workflow.pictures import Frames

_ORIENTATION = 274  # EXIF tag
_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as the tool shows it.

    Args:
        path: Its file.
        sha256: Of its bytes, the first 16 hexadecimal digits.
        orientation: EXIF's number, 1 to 8.
        limits: Counts that are shown as the first and the last colour, where it is a rendering.
    """

    path: Path
    sha256: str
    orientation: int
    limits: tuple[float, float] | None = None


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
        digest = hashlib.sha256(payload).hexdigest()[:16]
        orientation = orientation_of(payload)
        told = f"{round(limits[0])}-{round(limits[1])}." if limits else ""
        path = self._folder / f"{index:07d}.{digest}.o{orientation}.{told}{_SUFFIXES[kind]}"
        self._lay(path, payload, self._frames.location(index) if as_recorded else None)
        return Shown(path=path, sha256=digest, orientation=orientation, limits=_limits(told))

    def show_clip(self, index: int, index_end: int, *, rate_hz: int) -> tuple[Shown, tuple[int, int]]:
        """Give the video of a span of frames, one frame a sample, and height and width of the pictures.

        A frame that is missing or cannot be decoded shows the one before it, so that none moves from its place.

        Raises:
            ReadError: If not even one can be decoded.
        """
        size = (int(self._frames.stream["height"] or 0), int(self._frames.stream["width"] or 0))
        stem = f"clip-{index:07d}-{index_end:07d}-{rate_hz}"
        for path in self._folder.glob(f"{stem}.*.mp4"):
            _, digest, height, width, _ = path.name.split(".")
            return Shown(path=path, sha256=digest, orientation=1), (int(height), int(width))
        proxy = registry.late("rushes.decoders._proxy")
        scratch = self._folder / f".{stem}.{os.getpid()}"
        try:
            pictures = _Held(self._frames, index, index_end)
            written = proxy.write_proxy(
                scratch, pictures, rate_hz=rate_hz, modality=self._frames.stream["modality"]
            )
            assert written == index_end - index, f"{written} frames for {index_end - index} samples"
            digest = hashlib.sha256(scratch.read_bytes()).hexdigest()[:16]
            size = pictures.size or size
            path = self._folder / f"{stem}.{digest}.{size[0]}.{size[1]}.mp4"
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
        return Shown(path=path, sha256=digest, orientation=1), size

    def _payload(self, index: int) -> tuple[bytes, str, bool, tuple[float, float] | None]:
        """Give the bytes to show, their media type, whether they are as recorded, and a rendering's limits."""
        codec, modality = self._frames.stream["codec"], self._frames.stream["modality"]
        if codec == "png" and modality == "color":
            return self._frames.bytes(index), "image/png", True, None
        if codec == "jpeg":
            return self._frames.bytes(index), "image/jpeg", True, None
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


class _Held:
    """Pictures of a span in turn; what cannot be decoded is the one before, or the first that can."""

    def __init__(self, frames: Frames, index: int, index_end: int) -> None:
        self._frames = frames
        self._span = range(index, index_end)
        self.size: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        held: npt.NDArray[Any] | None = None
        waiting = 0
        for index in self._span:
            try:
                picture = self._frames.image(index)
            except ReadError:
                if held is None:
                    waiting += 1
                    if index == self._span[-1]:
                        raise
                    continue
                picture = held
            self.size = (int(picture.shape[0]), int(picture.shape[1]))
            for _ in range(waiting + 1):
                yield picture
            held, waiting = picture, 0


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
    if len(parts) not in (4, 5) or not parts[0].isdecimal() or not parts[2].startswith("o"):
        return None
    limits = _limits(parts[3]) if len(parts) == 5 else None
    return int(parts[0]), Shown(path=path, sha256=parts[1], orientation=int(parts[2][1:]), limits=limits)


def _limits(told: str) -> tuple[float, float] | None:
    low, _, high = told.strip(".").partition("-")
    return (float(low), float(high)) if high else None
