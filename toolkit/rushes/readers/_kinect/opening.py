"""Opens an Azure Kinect recording: its header, its calibration and the clock of its device."""

import json
import mmap
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.model import ClockPairs, Loss
from rushes.readers._files.parts import Part, PartsRecording
from rushes.readers._kinect import calibration, streams
from rushes.readers._kinect.device import DevicePart
from rushes.readers._matroska.header import Header, header_of

START_OFFSET, DEPTH_DELAY, SERIAL = "K4A_START_OFFSET_NS", "K4A_DEPTH_DELAY_NS", "K4A_DEVICE_SERIAL_NUMBER"
_MAGIC = b"\x1a\x45\xdf\xa3"


def open_file(path: Path, *, reader: str) -> OpenRecording:
    """Open a recording.

    Raises:
        ReadError: If it is not there, empty, no Matroska file, or has no track.
    """
    header = _header(path)
    if not header.tracks:
        raise ReadError(
            f"{path}: holds no track; it ends before its header does",
            code="read.damaged",
            hint="copy the file anew from where it was made",
            facts={"file": str(path)},
        )
    losses: list[Loss] = []
    offset_ns = _nanoseconds(header, START_OFFSET, losses, path.name)
    clock = f"azure-kinect-{header.tags[SERIAL]}" if SERIAL in header.tags else "azure-kinect"
    tracks, unread = streams.tracks_of(header, clock_id=clock)
    for track in unread:
        message = f"{path.name}: {track}, which is not known: it is not read"
        losses.append(Loss(code="read.unknown-codec", message=message, file=path.name))
    for known in (track.stream for track in tracks):
        if known.table == "frames" and known.codec not in streams.KNOWN_CODECS:
            message = f"its pictures are of a codec that is not known: '{known.codec}'"
            losses.append(Loss(code="read.unknown-codec", message=message, stream=known.name, file=path.name))
    part = DevicePart(path, header, tracks, offset_ns=offset_ns or 0)
    parts: list[Part] = [part, *_calibrations(header, tracks, part.span, losses)]
    pairs = []
    if offset_ns is not None:
        zero, offset = np.zeros(1, np.int64), np.array([offset_ns], np.int64)
        pairs.append(
            ClockPairs(
                from_clock="container",
                to_clock=clock,
                from_ns=zero,
                to_ns=offset,
                relation="same",
                source="start-offset",
            )
        )
    return PartsRecording(path, reader, parts, _metadata(header, unread), losses, pairs)


def _header(path: Path) -> Header:
    try:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise ReadError(
                    f"{path}: not a Matroska file",
                    code="read.damaged",
                    hint="rushes look FILE tells what each reader makes of it",
                    facts={"file": str(path)},
                )
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return header_of(data)
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="bring the recording back to where it was",
            facts={"file": str(path)},
        ) from error


def _nanoseconds(header: Header, tag: str, losses: list[Loss], file: str) -> int | None:
    """Read a tag that counts nanoseconds; where it is absent or no number, that is a loss."""
    said = header.tags.get(tag)
    if said is not None and said.lstrip("-").isdecimal():
        return int(said)
    message = (
        f"{file} does not state {tag}" if said is None else f"{file} states {tag} as '{said}', which is no number"
    )
    message += ": times count from the start of the recording, not of the device's clock"
    losses.append(Loss(code="read.damaged", message=message, file=file))
    return None


def _calibrations(
    header: Header, tracks: list[streams.DeviceTrack], span: tuple[int, int] | None, losses: list[Loss]
) -> list[Part]:
    data = header.attachments.get("calibration.json")
    if data is None:
        losses.append(Loss(code="read.absent-file", message="the recording holds no calibration.json"))
        return []
    try:
        said = json.loads(data.rstrip(b"\0"))["CalibrationInformation"]
        return calibration.parts_of(said, tracks, span)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        message = f"calibration.json in the recording is not of the form that is known: {error!r}"
        losses.append(Loss(code="read.damaged", message=message))
        return []


def _metadata(header: Header, unread: list[str]) -> dict[str, Any]:
    """Give what else the recording states; the tracks' tags by the name of the track."""
    counted = Counter(track.name for track in header.tracks)
    tracks: Mapping[str, Any] = {
        track.name if counted[track.name] == 1 else f"{track.name} {track.number}": dict(track.tags)
        for track in header.tracks
    }
    said: dict[str, Any] = {
        "container": "matroska",
        "title": header.title,
        "writing_app": header.writing_app,
        "tags": dict(header.tags),
        "tracks": dict(tracks),
    }
    delay = header.tags.get(DEPTH_DELAY)
    if delay is not None:
        said["depth_delay_ns"] = int(delay) if delay.lstrip("-").isdecimal() else delay
    if unread:
        said["tracks_left_unread"] = unread
    return said
