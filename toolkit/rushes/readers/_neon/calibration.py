"""calibration.bin of a Neon module: scene camera and both eye cameras; with a checksum of its own.

Distortion has eight coefficients in OpenCV's rational model. The extrinsics relate the cameras in millimetres;
which way they map is not documented, so they are kept in the metadata as they are and in no column.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rushes.model import Loss, Stream
from rushes.readers._files.parts import FewRows

FILE = "calibration.bin"
_CAMERAS = ("scene", "right", "left")
_CAMERA_TYPE = [("matrix", "<f8", (3, 3)), ("distortion", "<f8", 8), ("extrinsics", "<f8", (4, 4))]
_TYPE = np.dtype(
    [("version", "u1"), ("serial", "S6"), *((name, _CAMERA_TYPE) for name in _CAMERAS), ("crc", "<u4")]
)
_SIZES = {"scene": (1600, 1200), "right": (192, 192), "left": (192, 192)}
_STREAMS = {"scene": "scene", "right": "eyes", "left": "eyes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the file gives: a part with a row a camera, what else it states, and what is wrong with it."""

    parts: tuple[FewRows, ...] = ()
    said: dict[str, Any] | None = None
    losses: tuple[Loss, ...] = ()


def calibration(root: Path, span: tuple[int, int]) -> Calibration:
    """Read it, valid over the whole recording; a file whose checksum is wrong is not used."""
    path = root / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Calibration()
    except OSError as error:
        return _unusable(f"{FILE} cannot be read: {error.strerror}")
    if len(content) != _TYPE.itemsize:
        return _unusable(f"{FILE} has {len(content)} bytes where {_TYPE.itemsize} belong")
    found = np.frombuffer(content, _TYPE)[0]
    if zlib.crc32(content[:-4]) != int(found["crc"]):
        return _unusable(f"{FILE} is damaged: its checksum is wrong")
    cameras = [found[name] for name in _CAMERAS]
    matrices = np.stack([camera["matrix"] for camera in cameras])
    rows = len(cameras)
    columns = {
        "index": np.arange(rows),
        "valid_from_ns": np.full(rows, span[0]),
        "valid_to_ns": np.full(rows, span[1]),
        "messages": np.ones(rows, np.int64),
        "camera_stream": [_STREAMS[name] for name in _CAMERAS],
        "frame_of_reference": list(_CAMERAS),
        "model": "rational_polynomial",
        "width": np.array([_SIZES[name][0] for name in _CAMERAS], np.int32),
        "height": np.array([_SIZES[name][1] for name in _CAMERAS], np.int32),
        "fx": matrices[:, 0, 0],
        "fy": matrices[:, 1, 1],
        "cx": matrices[:, 0, 2],
        "cy": matrices[:, 1, 2],
        "distortion": np.stack([camera["distortion"] for camera in cameras]),
    }
    stream = Stream(
        name="calibration", modality="calibration", table="calibrations", clock="none", time_meaning="order"
    )
    said = {
        "serial": found["serial"].decode("ascii", "replace"),
        "extrinsics_mm": {
            name: camera["extrinsics"].tolist() for name, camera in zip(_CAMERAS, cameras, strict=True)
        },
    }
    return Calibration(parts=(FewRows(stream, rows, columns),), said=said)


def _unusable(why: str) -> Calibration:
    return Calibration(losses=(Loss(code="read.damaged", message=why, file=FILE),))
