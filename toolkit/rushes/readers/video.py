"""Video and audio files with exact times: mp4, mov, mkv, webm, avi, wav and others that FFmpeg reads.

Nothing is decoded but the first picture, for its rotation: times, keyframes and places come from the packets.
A manifest beside the file, or a folder with one, adds sensor tables; see ``_manifest``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av

from rushes.contracts import OpenRecording, Reader
from rushes.errors import ReadError
from rushes.model import Claim
from rushes.readers import _manifest
from rushes.readers._video.container_end import boxes
from rushes.readers._video.packets import ContainerPart
from rushes.readers._files.parts import PartsRecording
from rushes.readers._video.tracks import tracks_of

_ISO_KINDS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_IMAGE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")
ENDINGS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wav", ".m4a", ".mp3", ".ogg", ".flac", ".ts"}
)


class VideoReader:
    """Reads a media container's tracks: ``video``, ``video1``, ``audio``, ``subtitle`` … in container order."""

    name = "video"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Know a file by its first bytes, a folder by its manifest; a name alone is no claim."""
        if path.is_dir():
            if (path / _manifest.FOLDER_FILE).is_file():
                return Claim(confidence=0.95, reason=f"its {_manifest.FOLDER_FILE} describes it")
            return Claim(
                confidence=0.0, reason=f"it is a folder without {_manifest.FOLDER_FILE}; its files stand alone"
            )
        container = container_of(head)
        if container is not None:
            return Claim(confidence=0.95, reason=f"its first bytes are those of {container}")
        if path.suffix.lower() in ENDINGS:
            why = "it is empty" if not head else "its first bytes are those of no media container"
            return Claim(confidence=0.0, reason=f"it is named {path.suffix}, but {why}")
        return Claim(confidence=0.0, reason="its first bytes are those of no media container")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """Read the headers of the container, and the manifest where there is one."""
        if path.is_dir():
            return _open_folder(path)
        part, metadata = _container(path, path.name)
        beside = _manifest.beside(path)
        if beside is None:
            return PartsRecording(path, self.name, [part], metadata)
        manifest = _manifest.load(beside)
        sensors = _manifest.sensor_parts(beside.parent, manifest)
        return PartsRecording(path, self.name, [part, *sensors], {**metadata, **manifest.metadata})


def container_of(head: bytes) -> str | None:
    """Name the container that starts with these bytes; None if it is none that is read here."""
    if head[4:8] in _ISO_KINDS and not (head[4:8] == b"ftyp" and head[8:12] in _IMAGE_BRANDS):
        return "MP4 or MOV"
    if head.startswith((b"RIFF", b"RF64")):
        return {b"AVI ": "AVI", b"WAVE": "WAV"}.get(head[8:12])
    known = {b"\x1a\x45\xdf\xa3": "Matroska or WebM", b"OggS": "Ogg", b"fLaC": "FLAC", b"ID3": "MP3"}
    known |= {b"\xff\xfb": "MP3", b"\xff\xf3": "MP3", b"\xff\xf2": "MP3", b"FLV\1": "Flash video"}
    known |= {b"\x30\x26\xb2\x75": "ASF or WMV", b"\0\0\1\xba": "MPEG program stream"}
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":
        return "MPEG transport stream"
    return next((name for magic, name in known.items() if head.startswith(magic)), None)


def _open_folder(path: Path) -> OpenRecording:
    manifest = _manifest.load(path / _manifest.FOLDER_FILE)
    parts: list[Any] = []
    metadata: dict[str, Any] = {}
    for medium in manifest.media:
        part, said = _container(_manifest.inside(path, medium.path), medium.path, prefix=medium.stream)
        parts.append(part)
        metadata[medium.path] = said
    parts.extend(_manifest.sensor_parts(path, manifest))
    return PartsRecording(path, VideoReader.name, parts, {"media": metadata, **manifest.metadata})


def _container(path: Path, media_id: str, prefix: str | None = None) -> tuple[ContainerPart, dict[str, Any]]:
    try:
        _check_head(path)
        tracks = tracks_of(path)
        if prefix is not None:
            tracks = tracks.renamed(prefix)
        kind = "wav" if "wav" in tracks.metadata["container"].split(",") else "video"
        part = ContainerPart(path, tracks, media_id=media_id, container=kind)
    except FileNotFoundError as error:
        raise ReadError(
            f"{path}: is not there",
            code="read.absent-file",
            hint="bring the file back, or take it out of the manifest",
            facts={"file": str(path)},
        ) from error
    except (av.FFmpegError, OSError) as error:
        raise ReadError(
            f"{path}: not readable as a media file: {error.strerror or error}",
            code="read.damaged",
            hint=_what_to_do(path),
            facts={"file": str(path)},
        ) from error
    if not any(stream.table in ("frames", "audio") for stream in tracks.streams):
        raise ReadError(
            f"{path}: holds neither video nor audio",
            code="read.empty",
            hint="ffprobe FILE lists its tracks",
            facts={"file": str(path)},
        )
    return part, tracks.metadata


def _check_head(path: Path) -> None:
    """Refuse what starts as no container: FFmpeg takes text for a terminal, and playlists for their files."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise ReadError(f"{path}: is empty", code="read.empty", hint="copy it anew", facts={"file": str(path)})
    if container_of(head) is None:
        raise ReadError(
            f"{path}: not a media file: its first bytes are those of no container that is read here",
            code="read.damaged",
            hint="look whether its ending is right; rushes look FILE tells what each reader makes of it",
            facts={"file": str(path)},
        )


def _what_to_do(path: Path) -> str:
    if "moov" not in (kinds := boxes(path)) and {"ftyp", "mdat"} & set(kinds):
        return (
            "its index (moov) is missing: the recording was cut before its end. Copy it anew; failing that, "
            "untrunc rebuilds an index from a whole file of the same camera. Recording as MKV avoids this"
        )
    return "copy the file anew from where it was made"


PLUGIN: Reader = VideoReader()
