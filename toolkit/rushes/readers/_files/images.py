"""Streams whose samples are image files, listed with times or merely lying in a folder."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from rushes.model import Batch, FrameFlag, LedgerEntry, Loss, MediaFile, Stream, Times
from rushes.readers._files.parts import in_batches, where_known
from rushes.readers._files.tables import malformed_losses

CODECS: Mapping[str, str] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".png": "png",
    ".pgm": "pgm",
    ".ppm": "ppm",
    ".bmp": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
}
"""Image files that are read, by their ending, with the name of their codec."""

ABSENT = "file absent"
_PIXEL_FORMATS = {
    "1": "mono8",
    "L": "mono8",
    "RGB": "rgb8",
    "RGBA": "rgba8",
    "P": "rgb8",
    "I;16": "mono16",
    "I": "mono16",
}
_NUMBERS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHead:
    """What the first bytes of an image file tell: width and height in pixels, and the pixel format."""

    width: int
    height: int
    pixel_format: str | None


class ImageList:
    """One stream of image files; a part of a recording.

    A file that is listed and absent keeps its row and its time, flagged MISSING.
    """

    def __init__(
        self,
        root: Path,
        stream: Stream,
        names: Sequence[str],
        t_ns: Times,
        *,
        unlisted: Sequence[str] = (),
        rejected: Mapping[str, int] | None = None,
        one_size: bool = True,
    ) -> None:
        """Look which of the listed files are there.

        Args:
            root: The recording's folder.
            stream: Size, codec and pixel format are filled in from the first file that is there.
            names: Paths below the root, with forward slashes, in listing order.
            t_ns: A time for each.
            unlisted: Image files that are there and that no list names.
            rejected: Lines of the list that could not be read, by reason.
            one_size: Whether one camera made them all; else every file is asked for its size.
        """
        self._names = list(names)
        self._t_ns = t_ns
        self._unlisted = list(unlisted)
        self._rejected = dict(rejected or {})
        self._present = files_there(root, self._names)
        there = [name for name, present in zip(self._names, self._present, strict=True) if present]
        self.media: tuple[MediaFile, ...] = tuple(
            MediaFile(media_id=name, path=root / name, container="file") for name in dict.fromkeys(there)
        )
        filled = _filled_in(stream, root, self._names, there)
        self._sizes = None if one_size else _sizes(root, self._names, self._present)
        self.streams = (filled if self._sizes is None else _sized(filled, self._sizes),)
        timed = stream.clock != "none" and len(t_ns) > 0
        self.span = (int(t_ns.min()), int(t_ns.max())) if timed else None
        self._ledger: tuple[LedgerEntry, ...] = ()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Give the rows in listing order."""
        stream = self.streams[0]
        self._ledger = ()
        present = np.array(self._present, np.bool_)
        columns = {
            "t_ns": self._t_ns,
            "media_id": [name if there else None for name, there in zip(self._names, self._present, strict=True)],
            **self._size_columns(),
            "flags": np.where(present, 0, FrameFlag.MISSING.value).astype(np.int32),
        }
        rows = len(self._names)
        yield from in_batches(stream.name, "frames", columns, rows)
        self._ledger = self._entries(rows, int(present.sum()))

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for the listed images (read) and for their files (bytes)."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Images that are listed and absent, or there and not listed; lines that cannot be read."""
        stream = self.streams[0].name
        losses = list(malformed_losses(stream, f"the list of {stream}", self._rejected))
        absent = [name for name, there in zip(self._names, self._present, strict=True) if not there]
        if absent:
            message = f"{len(absent)} of {len(self._names)} listed images are absent: {named(absent)}"
            losses.append(Loss(code="read.absent-file", message=message, stream=stream, count=len(absent)))
        if self._unlisted:
            count = len(self._unlisted)
            message = f"{count} images have no time, as no list names them: {named(self._unlisted)}"
            losses.append(Loss(code="read.unlisted-file", message=message, stream=stream, count=count))
        return losses

    def _size_columns(self) -> dict[str, Any]:
        if self._sizes is None:
            return {"width": self.streams[0].width, "height": self.streams[0].height}
        unknown = self._sizes[:, 0] == 0
        return {name: where_known(self._sizes[:, at], unknown) for at, name in enumerate(("width", "height"))}

    def _entries(self, rows: int, present: int) -> tuple[LedgerEntry, ...]:
        stream = self.streams[0].name
        refused = sum(self._rejected.values())
        absent = rows - present
        return (
            LedgerEntry(
                stream=stream,
                step="read",
                declared=rows + refused,
                came_in=rows + refused,
                out=rows,
                rejected=refused,
                reasons=self._rejected,
            ),
            LedgerEntry(
                stream=stream,
                step="bytes",
                came_in=rows,
                out=present,
                unread=absent,
                reasons={ABSENT: absent} if absent else {},
            ),
        )


def images_in(folder: Path) -> list[str]:
    """Give the names of the image files that lie directly in a folder, in natural order."""
    return sorted((name for name in _entries_of(folder) if is_image(name)), key=natural)


def is_image(name: str) -> bool:
    """Whether a file's ending is that of an image that can be decoded; hidden files are not meant."""
    return PurePosixPath(name).suffix.lower() in CODECS and not PurePosixPath(name).name.startswith(".")


def natural(name: str) -> tuple[object, ...]:
    """Key that sorts 2.png before 10.png."""
    parts = _NUMBERS.split(name)
    numbered = tuple((int(part), len(part)) if place % 2 else part.lower() for place, part in enumerate(parts))
    return (*numbered, name)


def files_there(root: Path, names: Sequence[str]) -> list[bool]:
    """Tell which paths below the root are there, by listing each folder once; none outside the root is."""
    listed: dict[str, set[str]] = {}
    there = []
    for name in names:
        folder, _, file = name.rpartition("/")
        if name.startswith("/") or ".." in name.split("/"):
            there.append(False)
            continue
        if folder not in listed:
            listed[folder] = _entries_of(root / folder)
        there.append(file in listed[folder])
    return there


def _sizes(root: Path, names: Sequence[str], present: Sequence[bool]) -> npt.NDArray[np.int32]:
    """Ask every file for width and height as stored, before any turn by EXIF; 0 where it cannot be told."""
    heads = (image_head(root / name) if there else None for name, there in zip(names, present, strict=True))
    sizes = [(head.width, head.height) if head else (0, 0) for head in heads]
    return np.array(sizes, np.int32).reshape(-1, 2)


def _sized(stream: Stream, sizes: npt.NDArray[np.int32]) -> Stream:
    """Give a stream the size of its pictures; none, and a note, where they differ."""
    different = np.unique(sizes[sizes[:, 0] > 0], axis=0)
    if len(different) < 2:
        return stream
    least, most = (different[at] for at in (0, -1))
    note = f"pictures of {len(different)} sizes, {least[0]}x{least[1]} to {most[0]}x{most[1]}"
    notes = "; ".join(part for part in (stream.notes, note) if part)
    return replace(stream, width=None, height=None, notes=notes)


def image_head(path: Path) -> ImageHead | None:
    """Read size and pixel format from the head of an image file; None if it is not readable as one."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            return ImageHead(width=width, height=height, pixel_format=_PIXEL_FORMATS.get(image.mode))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def named(names: Sequence[str], most: int = 3) -> str:
    """Name the first few of many."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def codec_of(name: str) -> str | None:
    """Give the codec that a file's ending stands for."""
    return CODECS.get(PurePosixPath(name).suffix.lower())


def _filled_in(stream: Stream, root: Path, names: Sequence[str], there: Sequence[str]) -> Stream:
    codecs = Counter(codec for name in names if (codec := codec_of(name)))
    head = image_head(root / there[0]) if there else None
    mixed = f"files of several codecs: {', '.join(sorted(codecs))}" if len(codecs) > 1 else None
    return replace(
        stream,
        codec=codecs.most_common(1)[0][0] if codecs else None,
        width=head.width if head else stream.width,
        height=head.height if head else stream.height,
        pixel_format=stream.pixel_format or _pixel_format(stream, head),
        declared_count=len(names),
        notes="; ".join(note for note in (stream.notes, mixed) if note) or None,
    )


def _pixel_format(stream: Stream, head: ImageHead | None) -> str | None:
    found = head.pixel_format if head else None
    return "16UC1" if stream.modality == "depth" and found == "mono16" else found


def _entries_of(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if _is_file(entry)}
    except OSError:
        return set()


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself, beside files that are well
        return False
