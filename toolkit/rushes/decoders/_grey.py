"""Small pictures for checks and thumbnails, and deep pictures brought to 8 bits."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.decoders._headers import Head
from rushes.model import SmallPicture

ENOUGH = 0.9
"""Share of the wished long side with which a reduced decode is content."""

LITTLE = 0.75


def to_8_bits(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Bring a picture of one channel to 8 bits; uint8 is passed on.

    0, negative and not finite values become 0, the 99th percentile of the others 255; linear between, clipped
    above. The percentile leaves out the stray far values that depth sensors give.
    """
    if picture.dtype == np.uint8:
        return picture
    values = np.nan_to_num(picture.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    some = values[values > 0]
    if not len(some):
        return np.zeros(picture.shape, np.uint8)
    top = float(np.percentile(some, 99))
    return np.clip(values * (255 / top), 0, 255).round().astype(np.uint8)


def shrink(picture: npt.NDArray[np.uint8], long_side_px: int) -> npt.NDArray[np.uint8]:
    """Shrink until the longer side is ``long_side_px``; smaller pictures are passed on.

    By area averaging; above 3/4 of the size by bilinear interpolation, which then looks the same and is ten times
    as fast in OpenCV.
    """
    height, width = picture.shape[:2]
    if max(height, width) <= long_side_px:
        return picture
    scale = long_side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_LINEAR if scale > LITTLE else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def grey(picture: npt.NDArray[Any], long_side_px: int) -> npt.NDArray[np.uint8]:
    """Make a decoded picture, RGB or of one channel, small and grey."""
    if picture.ndim == 3:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    return shrink(to_8_bits(picture), long_side_px)


def small(picture: npt.NDArray[Any], long_side_px: int, head: Head | None = None) -> SmallPicture:
    """Make a decoded picture small, as ``decode_small`` gives it.

    Args:
        picture: RGB of 8 bits, or of one channel; perhaps shrunk already.
        long_side_px: Longest side wished.
        head: What its bytes state; what the picture itself shows where they state nothing.
    """
    deep = picture.ndim == 2 and picture.dtype != np.uint8
    pixels = shrink(to_8_bits(picture) if deep else picture, long_side_px)
    if head is None:
        height, width = picture.shape[:2]
        head = Head(
            width=width, height=height, channels=1 if picture.ndim == 2 else 3, bits=8 * picture.dtype.itemsize
        )
    return SmallPicture(
        pixels=pixels,
        counts=picture if deep else None,
        width=head.width,
        height=head.height,
        channels=head.channels,
        bits=head.bits,
        orientation=head.orientation,
    )
