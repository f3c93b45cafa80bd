"""Video and audio files with exact times: mp4, mov, mkv, webm, avi, wav and others that FFmpeg reads.

Nothing is decoded but the first picture, for its rotation: times, keyframes and places come from the packets.
A manifest beside the file, or a folder with one, adds sensor tables; see ``_video.manifest``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.readers._video.kinds import FOLDER_FILE, container_of
from rushes.registry import late

ENDINGS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wav", ".m4a", ".mp3", ".ogg", ".flac", ".ts"}
)
TABLES = frozenset({".csv", ".jsonl"})


class VideoReader:
    """Reads a media container's tracks: ``video``, ``video1``, ``audio``, ``subtitle`` … in container order."""

    name = "video"
    version = "2"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Know a file by its first bytes, a folder by its manifest; a name alone is no claim."""
        if path.is_dir():
            if (path / FOLDER_FILE).is_file():
                return Claim(confidence=0.95, reason=f"its {FOLDER_FILE} describes it")
            return Claim(confidence=0.0, reason=f"it is a folder without {FOLDER_FILE}; its files stand alone")
        container = container_of(head)
        if container is not None:
            return Claim(confidence=0.95, reason=f"its first bytes are those of {container}")
        if path.suffix.lower() in ENDINGS:
            why = "it is empty" if not head else "its first bytes are those of no media container"
            return Claim(confidence=0.0, reason=f"it is named {path.suffix}, but {why}")
        if path.suffix.lower() in TABLES:
            why = f"a {FOLDER_FILE} beside it can say what its columns are (rushes schema manifest)"
            return Claim(confidence=0.0, reason=f"it is named {path.suffix}; {why}")
        return Claim(confidence=0.0, reason="its first bytes are those of no media container")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Read the headers of the container, and the manifest where there is one."""
        opening = late("rushes.readers._video.opening")
        open_it = opening.open_folder if path.is_dir() else opening.open_file
        recording: OpenRecording = open_it(path, reader=self.name)
        return recording


PLUGIN: Reader = VideoReader()
