"""Reads MCAP recordings: one stream a topic, pictures left where they are, thousands of messages at a time.

Checksums of compressed chunks are always checked. Those of plain chunks are checked with the option
``verify_checksums``, because that reads every byte; without it a picture is never touched beyond its first bytes.

Samples come in the order in which the file holds them. That is the order of recording, and of log times where one
process wrote them; where log times go back the file is left as it is, and a check says so. Channels of one topic
that agree in type and encoding (each publisher has its own, in files of some recorders) are one stream, their
messages interleaved as the file holds them: sorting them by log time would need the whole file at once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.readers._mcap.records import MAGIC
from rushes.readers._mcap.source import McapSource
from rushes.readers._messages.recording import MessageRecording


class McapReader:
    """The reader of ``.mcap`` files."""

    name = "mcap"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Go by the magic bytes alone."""
        if head.startswith(MAGIC):
            return Claim(confidence=1.0, reason="it starts with the magic bytes of MCAP")
        if head.startswith(MAGIC[:5]):
            return Claim(confidence=0.0, reason="it is MCAP of a version that is not known here")
        if path.is_dir():
            return Claim(confidence=0.0, reason="it is a folder, and an MCAP recording is one file")
        if path.suffix.lower() == ".mcap":
            start = head[:8].hex(" ") or "nothing"
            return Claim(
                confidence=0.0, reason=f"it is named .mcap and starts with {start}, not with the magic bytes"
            )
        return Claim(confidence=0.0, reason="it does not start with the magic bytes of MCAP")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:
        """Open a file and read its index.

        Args:
            path: The file.
            options: ``verify_checksums`` (bool): check plain chunks too.

        Raises:
            ReadError: If it cannot be read, is empty, or is no MCAP.
        """
        verify = frozenset({"plain"} if options.get("verify_checksums") else ())
        return MessageRecording(McapSource(path, media_id=path.name, verify=verify), root=path, reader=self.name)


PLUGIN: Reader = McapReader()
