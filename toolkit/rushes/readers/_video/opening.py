"""Opens a media file, or a folder of them with its manifest, as a recording."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import av

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.readers._files.parts import PartsRecording
from rushes.readers._video import manifest as manifests
from rushes.readers._video.container_end import boxes
from rushes.readers._video.kinds import FOLDER_FILE, container_of
from rushes.readers._video.packets import ContainerPart
from rushes.readers._video.tracks import tracks_of


def open_file(path: Path, *, reader: str) -> OpenRecording:
    """Open a media file, with the sensor files that a manifest beside it names.

    Raises:
        ReadError: If it is no media file, has lost its index, or holds neither video nor audio.
    """
    beside = manifests.beside(path)
    if beside is None:
        part, metadata = _container(path, path.name)
        return PartsRecording(path, reader, [part], metadata)
    manifest = manifests.load(beside)
    part, metadata = _container(path, path.name, clock_id=manifests.clock_of_media(manifest))
    sensors = manifests.sensor_parts(beside.parent, manifest)
    return PartsRecording(path, reader, [part, *sensors], {**metadata, **manifest.metadata})


def open_folder(path: Path, *, reader: str) -> OpenRecording:
    """Open a folder that a manifest describes.

    Raises:
        ReadError: If the manifest or a file that it names cannot be read.
    """
    manifest = manifests.load(path / FOLDER_FILE)
    parts: list[Any] = []
    metadata: dict[str, Any] = {}
    clock_id = manifests.clock_of_media(manifest)
    for medium in manifest.media:
        place = manifests.inside(path, medium.path)
        part, said = _container(place, medium.path, prefix=medium.stream, clock_id=clock_id)
        parts.append(part)
        metadata[medium.path] = said
    parts.extend(manifests.sensor_parts(path, manifest))
    return PartsRecording(path, reader, parts, {"media": metadata, **manifest.metadata})


def _container(
    path: Path, media_id: str, *, prefix: str | None = None, clock_id: str | None = None
) -> tuple[ContainerPart, dict[str, Any]]:
    try:
        _check_head(path)
        tracks = tracks_of(path)
        if prefix is not None:
            tracks = tracks.renamed(prefix)
        tracks = replace(tracks, streams=tuple(replace(stream, clock_id=clock_id) for stream in tracks.streams))
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
