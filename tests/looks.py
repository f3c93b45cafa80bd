"""Measures of pictures as the stage of checks would take them, for views made by hand."""

import numpy as np

from rushes.checks import PICTURE_MEASURES
from rushes.checks._pixels import compared, look, unreadable
from rushes.model import SmallPicture


def small(pixels, counts=None, *, bits=8, channels=None, size=None):
    """Wrap pixels as a decoder gives them."""
    height, width = size or pixels.shape[:2]
    channels = channels or (1 if pixels.ndim == 2 else pixels.shape[2])
    return SmallPicture(pixels=pixels, counts=counts, width=width, height=height, channels=channels, bits=bits)


def look_at(picture, *, depth=False):
    """Look at pixels; None stands for bytes that do not decode, a text for the fault they have."""
    if picture is None or isinstance(picture, str):
        return unreadable(picture)
    if picture.dtype == np.uint8:
        return look(small(picture), depth=depth)
    return look(small((picture >> 4).astype(np.uint8), picture, bits=16), depth=depth)


def measure(pictures, count, *, depth=False):
    """Measure pictures, given with their positions; NaN where nothing was measured."""
    measures = {name: np.full(count, np.nan) for name in PICTURE_MEASURES}
    before = None
    for position, picture in pictures:
        this = look_at(picture, depth=depth)
        row = dict(this.measures)
        if before is not None and before[0] == position - 1:
            row |= compared(this, before[1])
        for name, value in row.items():
            measures[name][position] = value
        before = (position, this)
    return measures
