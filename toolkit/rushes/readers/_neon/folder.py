"""Opens a Neon recording: what its sensors are, and what is there of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.model import Loss, Modality, Stream
from rushes.readers._files.parts import FewRows, Part, PartsRecording
from rushes.readers._neon.calibration import calibration
from rushes.readers._neon.files import held_against_manifest, parts_of, times
from rushes.readers._neon.sensors import CLOCK, sensor_parts
from rushes.readers._neon.video import TimedVideo

_CAMERAS: tuple[tuple[str, str, Modality], ...] = (
    ("scene", "Neon Scene Camera v1", "color"),
    ("eyes", "Neon Sensor Module v1", "infrared"),
)
_PRIVATE = {"wearer_name"}
"""Of info.json; who was recorded is said by the id alone."""


def open_folder(path: Path, *, reader: str) -> OpenRecording:
    """Open the folder of a recording.

    Raises:
        ReadError: If it is no folder, or holds no sensor of a Neon.
    """
    if not path.is_dir():
        raise _no_recording(path)
    losses: list[Loss] = []
    info = _info(path, losses)
    parts: list[Part] = []
    for name, camera, modality in _CAMERAS:
        if videos := parts_of(path, camera, "mp4"):
            stream = Stream(name=name, modality=modality, table="frames", clock="header", clock_id=CLOCK)
            parts.append(TimedVideo(stream, videos))
    parts += sensor_parts(path, losses, eyes_hz=_rate(info))
    parts += _annotations(path, losses)
    if not parts:
        raise _no_recording(path)
    start, length = info.get("start_time"), info.get("duration")
    spans = [part.span for part in parts if part.span is not None]
    span = (min((s[0] for s in spans), default=0), max((s[1] for s in spans), default=0))
    if isinstance(start, int) and isinstance(length, int):
        span = (start, start + length)
    found = calibration(path, span)
    parts += found.parts
    losses += [*found.losses, *held_against_manifest(path)]
    metadata = {name: value for name, value in info.items() if name not in _PRIVATE}
    if found.said is not None:
        metadata["calibration"] = found.said
    return PartsRecording(path, reader, parts, metadata, losses)


def _info(root: Path, losses: list[Loss]) -> dict[str, Any]:
    try:
        said = json.loads((root / "info.json").read_text("utf-8"))
        if isinstance(said, dict):
            return said
        why = "it is no object"
    except FileNotFoundError:
        losses.append(Loss(code="read.absent-file", message="info.json is absent", file="info.json"))
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = str(error)
    losses.append(Loss(code="read.damaged", message=f"info.json cannot be read: {why}", file="info.json"))
    return {}


def _rate(info: dict[str, Any]) -> float | None:
    """Give the rate at which the eyes were to be looked at, as the app was set."""
    rate = info.get("gaze_frequency")
    return float(rate) if isinstance(rate, int | float) and rate > 0 else None


def _annotations(root: Path, losses: list[Loss]) -> list[Part]:
    """Give the events that a person or the app set: a line of text and a time each."""
    texts, stamps = root / "event.txt", root / "event.time"
    if not texts.is_file() and not stamps.is_file():
        return []
    labels = texts.read_text("utf-8", "surrogateescape").splitlines() if texts.is_file() else []
    t_ns, _ = times(stamps if stamps.is_file() else None)
    rows = min(len(labels), len(t_ns))
    if len(labels) != len(t_ns):
        message = f"event.txt holds {len(labels)} lines, event.time {len(t_ns)} times"
        lost = abs(len(labels) - len(t_ns))
        losses.append(Loss(code="read.count-mismatch", message=message, stream="event", count=lost))
    if not rows:
        return []
    stream = Stream(name="event", modality="event", table="events", clock="header", clock_id=CLOCK)
    columns = {
        "index": np.arange(rows),
        "t_ns": t_ns[:rows],
        "t_header_ns": t_ns[:rows],
        "kind": "marker",
        "label": labels[:rows],
    }
    part = FewRows(stream, rows, columns)
    part.span = (int(t_ns[:rows].min()), int(t_ns[:rows].max()))
    return [part]


def _no_recording(path: Path) -> ReadError:
    return ReadError(
        f"{path}: holds no recording of a Neon",
        code="read.empty",
        hint="name the folder that holds info.json and files such as 'gaze ps1.raw'",
        facts={"file": str(path)},
    )
