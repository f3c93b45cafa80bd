"""Recordings of Azure Kinect, and of Orbbec cameras that write the same: one MKV with depth, infrared and IMU.

Payloads stay where they lie, whole: a depth picture is one read. Times are the device's own, in one clock for all
tracks: presentation time plus the start offset that the recording states.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.registry import late

_MATROSKA = b"\x1a\x45\xdf\xa3"
_MARKS = (b"k4arecord", b"S_K4A/IMU", b"K4A_START_OFFSET_NS")


class AzureKinectReader:
    """Reads ``color``, ``depth``, ``infrared``, ``imu``, their calibrations and the transforms between them."""

    name = "azure_kinect"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Know it by the name of its writer or of its IMU codec, which stand at the start of the file."""
        if path.is_dir() or not head.startswith(_MATROSKA):
            return Claim(confidence=0.0, reason="it is no Matroska file")
        mark = next((mark for mark in _MARKS if mark in head), None)
        if mark is None:
            return Claim(confidence=0.0, reason="it is a Matroska file that no Azure Kinect recorder wrote")
        return Claim(confidence=1.0, reason=f"it is a Matroska file with the mark {mark.decode()}")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Read the header and the calibration of the device."""
        recording: OpenRecording = late("rushes.readers._kinect.opening").open_file(path, reader=self.name)
        return recording


PLUGIN: Reader = AzureKinectReader()
