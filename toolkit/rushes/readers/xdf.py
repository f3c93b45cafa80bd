"""Reads XDF, the files of LabRecorder and other recorders of the Lab Streaming Layer: raw, nothing synchronised.

Times are the senders' own, in each sender's clock; clock offsets are given as clock pairs and applied to nothing.
Nothing is smoothed: an interval that jitters stays as it was stamped. Samples that carry no stamp get the time of
the one before and one nominal interval more, as the format says; their ``t_header_ns`` is null.

XDF has no index and no checksums. Opening passes over the heads of all chunks, and reads none of the samples.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.readers._xdf.chunks import MAGIC
from rushes.readers._xdf.recording import XdfRecording


class XdfReader:
    """The reader of ``.xdf`` files."""

    name = "xdf"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Go by the magic bytes alone."""
        if head.startswith(MAGIC):
            return Claim(confidence=1.0, reason="it starts with the magic bytes of XDF")
        if path.is_dir():
            return Claim(confidence=0.0, reason="it is a folder, and an XDF recording is one file")
        if path.suffix.lower() == ".xdfz" or path.name.lower().endswith(".xdf.gz"):
            return Claim(
                confidence=0.0, reason="it is a compressed XDF file, which is not read; unpack it with gunzip"
            )
        return Claim(confidence=0.0, reason="it does not start with the magic bytes of XDF")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Open a file and read its headers, footers and clock offsets.

        Raises:
            ReadError: If it cannot be read, is empty, or is no XDF.
        """
        return XdfRecording(path, reader=self.name)


PLUGIN: Reader = XdfReader()
