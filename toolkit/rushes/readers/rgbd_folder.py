"""Folders of images with their times: TUM, EuRoC, slambook, KITTI raw and plain ones."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.errors import ReadError
from rushes.model import Claim, Loss
from rushes.readers import _euroc, _slambook, _stamped, _tum
from rushes.readers._files.images import is_image
from rushes.readers._files.parts import Part, PartsRecording

Parts = tuple[list[Part], list[Loss], dict[str, Any]]
_NAMED = 20  # files that are left unread, named in the metadata


class RgbdFolderReader:
    """Reads a folder whose images are listed with times; the layout is told by the lists."""

    name = "rgbd_folder"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:  # noqa: ARG002 - a folder has no head
        """Look for the lists of a known layout."""
        if not path.is_dir():
            return Claim(confidence=0.0, reason="it is not a folder")
        layout = _layout(path)
        if layout is None:
            return Claim(confidence=0.0, reason="no list gives times to images in it")
        title, confidence, _ = layout
        return Claim(confidence=confidence, reason=f"its lists are those of the {title} layout")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Read the lists of images; tables of numbers are left for the reading of samples."""
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
        return PartsRecording(path, self.name, parts, metadata, losses)


def _layout(path: Path) -> tuple[str, float, Callable[[Path], Parts]] | None:
    if _tum.claims(path):
        return "TUM", 0.95, lambda root: (_tum.parts(root), [], {"layout": "tum"})
    if _euroc.home(path) is not None:
        return "EuRoC", 0.95, _euroc.parts
    if _slambook.claims(path):
        return "slambook", 0.8, lambda root: (_slambook.parts(root), [], {"layout": "slambook"})
    if _stamped.pictures_in(path):
        return "images with a file of times", 0.8, lambda root: (*_stamped.parts(root), {"layout": "stamped"})
    return None


_READ_BY_LAYOUTS = {"rgb.txt", "depth.txt", "accelerometer.txt", "groundtruth.txt", "pose.txt", *_stamped.LISTS}


def _left_unread(path: Path) -> dict[str, Any]:
    """Name the files directly in the folder that no layout reads."""
    names = sorted(p.name for p in path.iterdir() if p.is_file() and p.name not in _READ_BY_LAYOUTS)
    others = [name for name in names if not is_image(name)]
    return {"files_left_unread": others[:_NAMED], "count_files_left_unread": len(others)} if others else {}


PLUGIN: Reader = RgbdFolderReader()
