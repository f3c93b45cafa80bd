"""Which layout a folder of images with times has, and its parts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.model import Loss
from rushes.readers._files.left_unread import left_unread
from rushes.readers._files.parts import Part, PartsRecording
from rushes.readers._folders import euroc, named, slambook, stamped, tum

Parts = tuple[list[Part], list[Loss], dict[str, Any]]


def known(path: Path) -> tuple[str, float] | None:
    """Name the layout of a folder and how surely it is that; None where no list gives times to images."""
    layout = _layout(path)
    return layout[:2] if layout else None


def open_folder(path: Path, *, reader: str) -> OpenRecording:
    """Read the lists of images; tables of numbers are left for the reading of samples.

    Raises:
        ReadError: ``read.empty`` where no list gives times to images.
    """
    layout = _layout(path) if path.is_dir() else None
    if layout is None:
        raise ReadError(
            f"{path}: no list gives times to images in it",
            code="read.empty",
            hint="looked for: rgb.txt, mav0/cam0/data.csv, times.txt, a CSV of images and times, times for names",
            facts={"file": str(path)},
        )
    parts, losses, metadata = layout[2](path)
    read = {*_READ_BY_LAYOUTS, *metadata.get("lists", ())}
    metadata = {**metadata, **left_unread(path, read=read, folders=_read_folders(parts))}
    return PartsRecording(path, reader, parts, metadata, losses)


def _layout(path: Path) -> tuple[str, float, Callable[[Path], Parts]] | None:
    if tum.claims(path):
        return "TUM", 0.95, lambda root: (tum.parts(root), [], {"layout": "tum"})
    if euroc.home(path) is not None:
        return "EuRoC", 0.95, euroc.parts
    if slambook.claims(path):
        return "slambook", 0.8, lambda root: (slambook.parts(root), [], {"layout": "slambook"})
    if stamped.pictures_in(path):
        return "images with a file of times", 0.8, _stamped
    if named.cameras_in(path):
        return "images with times for names", 0.8, lambda root: (named.parts(root), [], {"layout": "named"})
    if slambook.pairs(path):
        return "numbered colour and depth", 0.7, lambda root: (slambook.parts(root), [], {"layout": "numbered"})
    return None


def _stamped(root: Path) -> Parts:
    lists = sorted({pictures.times.name for pictures in stamped.pictures_in(root)})
    return *stamped.parts(root), {"layout": "stamped", "lists": lists}


_READ_BY_LAYOUTS = {"rgb.txt", "depth.txt", "accelerometer.txt", "groundtruth.txt", "pose.txt", *stamped.LISTS}


def _read_folders(parts: Sequence[Part]) -> set[str]:
    """Name the folders that streams or media are from."""
    streams = (stream.name.partition("/")[0] for part in parts for stream in part.streams)
    media = (file.media_id.partition("/")[0] for part in parts for file in part.media)
    return {*streams, *media, "mav0"}
