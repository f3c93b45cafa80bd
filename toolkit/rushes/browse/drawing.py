"""Geometry of labels → FiftyOne's: shares of the picture, counted from its top left corner.

Each function adds to an element what FiftyOne draws of a label, and raises a ValueError where that cannot be said:
the size of the picture is unknown (0), or a mask is not one.
"""

import io
import zlib
from collections.abc import Sequence
from itertools import pairwise
from math import cos, nan, radians, sin
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes import masks
from rushes.labels import Mask

Element: TypeAlias = dict[str, Any]
Drawn: TypeAlias = tuple[
    int, int, Sequence[float], Sequence[float] | None, Sequence[int] | None, str | None, str | None
]
"""Width and height of the picture; then box, points, ends of rings, mask and text, as of ``BrowseLabels``."""


def box(element: Element, drawn: Drawn) -> None:
    """Add left, top, width and height; a turn is not shown."""
    (width, height), (x, y, w, h, _) = _size(drawn), drawn[2]
    element["bounding_box"] = [x / width, y / height, w / width, h / height]


def rotated_box(element: Element, drawn: Drawn) -> None:
    """Add the four corners, beginning with the one that the box is turned about."""
    (width, height), (x, y, w, h, turn_deg) = _size(drawn), drawn[2]
    c, s = cos(radians(turn_deg)), sin(radians(turn_deg))
    corners = ((0.0, 0.0), (w, 0.0), (w, h), (0.0, h))
    element["points"] = [[[(x + c * a - s * b) / width, (y + s * a + c * b) / height] for a, b in corners]]
    element["closed"], element["filled"] = True, False
    element["turn_deg"] = turn_deg


def polygon(element: Element, drawn: Drawn) -> None:
    """Add every ring."""
    (width, height), (points, ring_ends) = _size(drawn), drawn[3:5]
    assert points is not None
    corners = [[x / width, y / height] for x, y in zip(points[::2], points[1::2], strict=True)]
    ends = [0, *(ring_ends or [len(corners)])]
    element["points"] = [corners[a:b] for a, b in pairwise(ends)]
    element["closed"] = element["filled"] = True


def mask(element: Element, drawn: Drawn) -> None:
    """Add the pixels within their bounds; a mask without any is an empty box."""
    (width, height), runs = _size(drawn), drawn[5]
    bits = masks.decode(Mask(width_px=width, height_px=height, counts=runs or ""))
    down, across = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    if not len(down):
        element["bounding_box"] = [0.0, 0.0, 0.0, 0.0]
        return
    top, bottom, left, right = int(down[0]), int(down[-1]) + 1, int(across[0]), int(across[-1]) + 1
    shares = (left / width, top / height, (right - left) / width, (bottom - top) / height)
    element["bounding_box"] = list(shares)
    element["mask"] = as_stored(bits[top:bottom, left:right])


def keypoints(element: Element, drawn: Drawn) -> None:
    """Add every point of the skeleton; one that is not labelled is not a number."""
    (width, height), points = _size(drawn), drawn[3]
    assert points is not None
    seen = [int(v) for v in points[2::3]]
    element["points"] = [
        [x / width, y / height] if v else [nan, nan]
        for x, y, v in zip(points[::3], points[1::3], seen, strict=True)
    ]
    element["visibility"] = seen
    element["confidence"] = None


def text(element: Element, drawn: Drawn) -> None:
    """Show what was written as the label; its class is an attribute."""
    element["class_name"] = element.pop("label", None)
    if drawn[-1] is not None:
        element["label"] = drawn[-1]


def nothing(element: Element, drawn: Drawn) -> None:
    """Add nothing: the class is all there is."""


def as_stored(array: npt.NDArray[Any]) -> bytes:
    """Give an array as FiftyOne keeps it in its database."""
    with io.BytesIO() as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        return zlib.compress(file.getvalue())


def _size(drawn: Drawn) -> tuple[int, int]:
    width, height = drawn[:2]
    if not (width and height):
        raise ValueError("nobody knows how large the picture is")
    return width, height
