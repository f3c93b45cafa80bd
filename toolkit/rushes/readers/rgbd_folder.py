"""Folders of images with their times: TUM, EuRoC, slambook, KITTI raw and plain ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.registry import late

LAYOUTS = "rushes.readers._folders.layouts"


class RgbdFolderReader:
    """Reads a folder whose images are listed with times; the layout is told by the lists."""

    name = "rgbd_folder"
    version = "2"

    def probe(self, path: Path, head: bytes) -> Claim:  # noqa: ARG002 - a folder has no head
        """Look for the lists of a known layout."""
        if not path.is_dir():
            return Claim(confidence=0.0, reason="it is not a folder")
        layout = late(LAYOUTS).known(path)
        if layout is None:
            return Claim(confidence=0.0, reason="no list gives times to images in it")
        title, confidence = layout
        return Claim(confidence=confidence, reason=f"it is laid out as {title}")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Read the lists of images; tables of numbers are left for the reading of samples."""
        recording: OpenRecording = late(LAYOUTS).open_folder(path, reader=self.name)
        return recording


PLUGIN: Reader = RgbdFolderReader()
