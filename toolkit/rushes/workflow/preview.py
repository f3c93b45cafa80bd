"""Preview: what a recording that goes on looks like in a browser on this machine."""

from pathlib import Path

import numpy as np

from rushes import registry
from rushes.errors import ReadError
from rushes.live import LiveRecording
from rushes.loopback.preview import preview
from rushes.loopback.site import Site
from rushes.model import FrameRequest, Location

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
    """Make a small JPEG of depth or of any picture that OpenCV reads; None for what it does not, such as video."""
    deep = _PNG in (data[:8], data[_DEPTH_HEADER_BYTES : _DEPTH_HEADER_BYTES + 8])
    request = FrameRequest(
        location=Location(path=Path("live"), container="raw"),
        codec="compressed-depth" if deep else "png",
    )
    try:
        picture = registry.load("decoders", "image").decode(request, data)
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
