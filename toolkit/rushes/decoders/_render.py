"""Decoded pictures as JPEG for a browser: colour as it is, depth in colours."""

from functools import cache, lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.decoders._grey import shrink, to_8_bits
from rushes.model import Modality

JPEG_QUALITY = 90
PERCENTILES = (1.0, 99.0)


def to_jpeg(
    picture: npt.NDArray[Any],
    modality: Modality,
    *,
    span: tuple[float, float] | None = None,
    long_side_px: int | None = None,
    quality: int = JPEG_QUALITY,
) -> bytes:
    """Render a decoded picture as an 8-bit JPEG.

    Args:
        picture: As a decoder gives it: (h, w, 3) uint8 RGB, or (h, w) of uint8, uint16 or float32.
        modality: ``depth`` is shown in the Turbo colours, near in blue, far in red, nothing in black; others of
            one channel in grey, more than 8 bits as :func:`~rushes.decoders._grey.to_8_bits` says.
        span: Depth counts that get the first and the last colour, so that frames can be compared: for instance
            0.3 m and 8 m by the stream's ``depth_unit_m``. When None, the 1st and 99th percentile of the frame.
        long_side_px: Shrinks larger pictures to this longer side.
        quality: Of the JPEG, 1 to 100.
    """
    shown = colour_depth(picture, span) if modality == "depth" and picture.ndim == 2 else to_8_bits(picture)
    if long_side_px is not None:
        shown = shrink(shown, long_side_px)
    if shown.ndim == 3:
        shown = np.asarray(cv2.cvtColor(shown, cv2.COLOR_RGB2BGR), np.uint8)
    done, encoded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return encoded.tobytes()


def limits_of(picture: npt.NDArray[Any], modality: Modality) -> tuple[float, float] | None:
    """Give the counts that :func:`to_jpeg` shows as first and last colour; None where it shows all as it is."""
    if picture.ndim == 3 or (modality != "depth" and picture.dtype == np.uint8):
        return None
    counts = np.nan_to_num(picture.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    there = counts[counts > 0]
    if not there.size:
        return None
    low, high = np.percentile(there, PERCENTILES)
    return (float(low), float(high)) if modality == "depth" else (0.0, float(high))


@lru_cache(maxsize=16)
def _colours_of_counts(near: float, far: float) -> npt.NDArray[np.uint8]:
    """Give the colour of every count of 16 bits, as RGB; looking them up costs a tenth of working them out."""
    counts = np.arange(1 << 16, dtype=np.float32)
    colours = _turbo()[np.clip((counts - near) * (255 / max(far - near, 1e-9)), 0, 255).astype(np.uint8)]
    colours[0] = 0
    return colours


@cache
def _turbo() -> npt.NDArray[np.uint8]:
    """Give the 256 colours as RGB; OpenCV would work them out for every picture."""
    every = np.arange(256, dtype=np.uint8)[:, None]
    return np.ascontiguousarray(cv2.applyColorMap(every, cv2.COLORMAP_TURBO)[:, 0, ::-1], np.uint8)


def colour_depth(picture: npt.NDArray[Any], span: tuple[float, float] | None = None) -> npt.NDArray[np.uint8]:
    """Colour depth counts of shape (h, w) with Turbo; gives (h, w, 3) RGB. 0 and what is not finite is black."""
    if picture.dtype == np.uint16 and span is not None:
        shown: npt.NDArray[np.uint8] = _colours_of_counts(*span)[picture]
        return shown
    depth = np.nan_to_num(picture.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    there = depth > 0
    if not there.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    near, far = span if span is not None else np.percentile(depth[there], PERCENTILES)
    place = np.clip((depth - near) * (255 / max(far - near, 1e-9)), 0, 255).astype(np.uint8)
    coloured = _turbo()[place]
    coloured[~there] = 0
    return coloured
