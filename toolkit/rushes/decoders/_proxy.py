"""Writes pictures as a video that any browser steps through: constant rate, one frame a picture, none left out."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from rushes.decoders._grey import to_8_bits
from rushes.decoders._render import colour_depth
from rushes.model import Modality

_OPTIONS = {"preset": "veryfast", "crf": "23", "x264-params": "keyint=15:bframes=0:scenecut=0"}
"""A key frame every 15 and no frame that rests on a later one: stepping back is quick, and no edit list is needed
for the first frame to be at time 0."""


def even(size_px: int) -> int:
    """Give the size of the video for a size of the pictures: H.264 halves the colours, so it is even."""
    return size_px + size_px % 2


def write_proxy(
    path: Path, pictures: Iterable[npt.NDArray[Any]], *, rate_hz: Fraction | int, modality: Modality
) -> int:
    """Write decoded pictures as H.264 in MP4; frame k, from 0, shows picture k, from k / rate on, to the digit.

    Args:
        path: Replaced if there.
        pictures: As a decoder gives them, all of one size; an odd one is extended by its last row or column.
        rate_hz: Of the video.
        modality: Depth is coloured, more than 8 bits are shown in 8.

    Returns:
        The number of frames.
    """
    count = 0
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate_hz, options=_OPTIONS)
        for picture in pictures:
            shown = _shown(picture, modality)
            if not count:
                stream.width, stream.height, stream.pix_fmt = shown.shape[1], shown.shape[0], "yuv420p"
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts = count
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
    return count


def _shown(picture: npt.NDArray[Any], modality: Modality) -> npt.NDArray[np.uint8]:
    shown = colour_depth(picture) if modality == "depth" and picture.ndim == 2 else to_8_bits(picture)
    if shown.ndim == 2:
        shown = np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB), np.uint8)
    down, right = shown.shape[0] % 2, shown.shape[1] % 2
    if down or right:
        shown = np.asarray(cv2.copyMakeBorder(shown, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    return np.ascontiguousarray(shown)
