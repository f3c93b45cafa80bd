"""Columns and pixels → metrics and findings; one module a check.

``choose`` and ``settle`` turn names and options as given into checks and options as used. ``PICTURE_MEASURES``
names what is measured of each picture; the measuring itself is ``rushes.checks._pixels.look``, imported late since
it needs OpenCV. ``duplicates_of`` finds what is there more than once.
"""

from rushes.checks._alike import duplicates_of
from rushes.checks._label_shapes import bounds_of as label_bounds
from rushes.checks._measures import PICTURE_MEASURES, PICTURE_MEASURES_VERSION
from rushes.checks._settle import choose, settle
from rushes.checks._sound import SOUND_MEASURES, measure_block

__all__ = [
    "PICTURE_MEASURES", "PICTURE_MEASURES_VERSION", "SOUND_MEASURES", "choose", "duplicates_of",
    "label_bounds", "measure_block",
    "settle",
]  # fmt: skip
