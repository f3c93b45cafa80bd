"""Reads recordings of Pupil Labs Neon as the Companion app writes them: gaze, eyes, inertial samples, pictures.

All times are of one clock, the phone's, in nanoseconds since 1970, and stand beside the samples in files of their
own. Gaze that Pupil Cloud estimated again is a stream beside the one that was recorded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.registry import late

FOLDER = "rushes.readers._neon.folder"
_TELLING = ("gaze?ps*.raw", "Neon?Scene?Camera*.time", "Neon?Sensor?Module*.time")


class NeonReader:
    """The reader of folders with info.json and files of raw records."""

    name = "neon"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:  # noqa: ARG002 - a folder has no head
        """Look for the files of the module."""
        if not path.is_dir():
            return Claim(confidence=0.0, reason="it is not a folder")
        found = next((name for name in _TELLING if any(path.glob(name))), None)
        if found is None:
            return Claim(confidence=0.0, reason="it holds no files of a Neon module")
        if not (path / "info.json").is_file():
            return Claim(confidence=0.8, reason="it holds files of a Neon module, without info.json")
        return Claim(confidence=0.97, reason="it holds info.json and the files of a Neon module")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Look which sensors are there; their records are left for the reading of samples.

        Raises:
            ReadError: If it is no folder, or holds no sensor of a Neon.
        """
        recording: OpenRecording = late(FOLDER).open_folder(path, reader=self.name)
        return recording


PLUGIN: Reader = NeonReader()
