"""VRS recordings, as Project Aria glasses and other research devices write them; read without Meta's library.

The index gives the place of every record, so that a picture is one read, or one unpacking where its record is
compressed. All streams of a file share one clock, as the format demands. For Aria, factory calibrations become
tables, and gaze and speech files beside the recording become streams.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.registry import late

_MAGIC = b"VisionRe"
_CHUNK_NOTE = "it is a later file of a VRS recording; its first file stands for it"


class VrsReader:
    """Reads a stream for every VRS stream: ``camera-rgb``, ``imu-right`` … for Aria, else ``200-1`` and so on."""

    name = "vrs"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Know a file by its first bytes."""
        if path.is_dir():
            return Claim(confidence=0.0, reason="it is a folder; VRS recordings are files")
        if head.startswith(_MAGIC):
            return Claim(confidence=1.0, reason="its first bytes are those of VRS")
        _, _, number = path.suffix.partition(".vrs_")
        if number.isdecimal():
            return Claim(confidence=0.0, reason=f"it is named {path.suffix}: {_CHUNK_NOTE}")
        return Claim(confidence=0.0, reason="its first bytes are not those of VRS")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Read the headers, the description and the index."""
        recording: OpenRecording = late("rushes.readers._vrs.opening").open_file(path, reader=self.name)
        return recording


PLUGIN: Reader = VrsReader()
