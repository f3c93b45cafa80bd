"""Which layout a folder of images with times has, and its parts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.model import Loss
from rushes.readers._files.images import is_image
from rushes.readers._files.parts import Part, PartsRecording
from rushes.readers._folders import euroc, slambook, stamped, tum

Parts = tuple[list[Part], list[Loss], dict[str, Any]]
_NAMED = 20  # files that are left unread, named in the metadata


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
            hint="looked for: rgb.txt, mav0/cam0/data.csv, times.txt, or a CSV that names images and times",
            facts={"file": str(path)},
        )
    parts, losses, metadata = layout[2](path)
    metadata = {**metadata, **_left_unread(path)}
    return PartsRecording(path, reader, parts, metadata, losses)


def _layout(path: Path) -> tuple[str, float, Callable[[Path], Parts]] | None:
    if tum.claims(path):
        return "TUM", 0.95, lambda root: (tum.parts(root), [], {"layout": "tum"})
    if euroc.home(path) is not None:
        return "EuRoC", 0.95, euroc.parts
    if slambook.claims(path):
        return "slambook", 0.8, lambda root: (slambook.parts(root), [], {"layout": "slambook"})
    if stamped.pictures_in(path):
        return "images with a file of times", 0.8, lambda root: (*stamped.parts(root), {"layout": "stamped"})
    return None


_READ_BY_LAYOUTS = {"rgb.txt", "depth.txt", "accelerometer.txt", "groundtruth.txt", "pose.txt", *stamped.LISTS}


def _left_unread(path: Path) -> dict[str, Any]:
    """Name the files directly in the folder that no layout reads."""
    names = sorted(p.name for p in path.iterdir() if p.is_file() and p.name not in _READ_BY_LAYOUTS)
    others = [name for name in names if not is_image(name)]
    return {"files_left_unread": others[:_NAMED], "count_files_left_unread": len(others)} if others else {}
