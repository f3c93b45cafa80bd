"""Preview: what a recording that goes on looks like in a browser on this machine."""

from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.errors import ReadError
from rushes.live import LiveRecording
from rushes.loopback.preview import preview
from rushes.loopback.site import Site
from rushes.model import FrameRequest, Location, PacketRun
from rushes.packets import self_contained

LONG_SIDE_PX = 480
JPEG_QUALITY = 80
NEAR_COUNTS, FAR_COUNTS = 250.0, 4_000.0
"""Depth that gets the first and the last colour, in counts, which most cameras give in millimetres; fixed, so that
pictures do not flicker."""
NEAR_M, FAR_M = 0.25, 4.0
_PNG = b"\x89PNG\r\n\x1a\n"
_DEPTH_HEADER_BYTES = 12


def open_preview(recording: LiveRecording, *, title: str, port: int = 0) -> Site:
    """Give the page of a recording, served while it is held open with ``with``."""
    return preview(recording, thumbnail, title=title, port=port)


def thumbnail(data: bytes) -> bytes | None:
    """Make a small JPEG of depth, a key frame of H.264 or H.265, or any picture that OpenCV reads; else None."""
    try:
        picture = _decoded(data)
    except ReadError:
        return None
    depth = picture.ndim == 2 and picture.dtype != np.uint8
    span = (NEAR_M, FAR_M) if picture.dtype == np.float32 else (NEAR_COUNTS, FAR_COUNTS)
    made: bytes = registry.late("rushes.decoders._render").to_jpeg(
        picture,
        "depth" if depth else "color",
        span=span if depth else None,
        long_side_px=LONG_SIDE_PX,
        quality=JPEG_QUALITY,
    )
    return made


def _decoded(data: bytes) -> npt.NDArray[Any]:
    place = Location(path=Path("live"), container="raw")
    video = self_contained(data)
    if video is not None:
        run = PacketRun(stream="live", first=crc32(data), packets=(data,))
        shown: npt.NDArray[Any] = registry.load("decoders", "video").decode(
            FrameRequest(location=place, codec=video, run=run), None
        )
        return shown
    deep = _PNG in (data[:8], data[_DEPTH_HEADER_BYTES : _DEPTH_HEADER_BYTES + 8])
    request = FrameRequest(location=place, codec="compressed-depth" if deep else "png")
    still: npt.NDArray[Any] = registry.load("decoders", "image").decode(request, data)
    return still
