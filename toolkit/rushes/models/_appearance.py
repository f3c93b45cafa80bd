"""A picture as a point without any weights: which colours and which edges are where.

The picture is cut into 4 x 4 cells. Each gives a histogram of hue, weighed by how colourful a pixel is (Swain and
Ballard 1991), one of brightness, and one of the directions of its edges, weighed by their strength (Dalal and
Triggs 2005). Each histogram is brought to sum 1 and its square root taken, so that the plain distance of two is
that of Hellinger (Arandjelovic and Zisserman 2012); the whole has length 1. It tells scenes, places and views
apart, not what things are.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

MODEL = "appearance-1"
"""Name of it; the number goes up with any change of the numbers."""

SIDE_PX = 128
GRID = 4
HUES, SHADES, DIRECTIONS = 8, 4, 8
LENGTH = GRID * GRID * (HUES + SHADES + DIRECTIONS)

Vector = npt.NDArray[np.float32]


def point_of(pixels: npt.NDArray[np.uint8]) -> Vector:
    """Give the point of a picture, shape (LENGTH,), length 1.

    Args:
        pixels: Shape (h, w, 3) RGB or (h, w), of any size.
    """
    picture = cv2.resize(pixels, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV_FULL)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    colourful = hsv[..., 1].astype(np.float32) * hsv[..., 2].astype(np.float32) / 65025
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength, direction = cv2.cartToPolar(across, down)
    histograms = [
        _by_cell(hsv[..., 0].astype(np.float32) / 256, colourful, HUES),
        _by_cell(grey / 256, np.full_like(grey, 1 / grey.size), SHADES),
        _by_cell(
            np.mod(np.asarray(direction) / np.pi, 1.0), strength, DIRECTIONS
        ),  # an edge has no forth and back
    ]
    point = np.concatenate(histograms, axis=1).ravel()
    return np.asarray(point / np.linalg.norm(point), np.float32)


def _by_cell(values: npt.NDArray[Any], weights: npt.NDArray[Any], bins: int) -> Vector:
    """Give the root of a histogram of each cell, shape (GRID * GRID, bins): of sum 1, or 0 without any weight."""
    side = SIDE_PX // GRID
    row, column = np.divmod(np.arange(SIDE_PX * SIDE_PX), SIDE_PX)
    cell = (row // side) * GRID + column // side
    place = cell * bins + np.minimum((values.ravel() * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, weights.ravel(), GRID * GRID * bins).reshape(-1, bins)
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.divide(counts, total, where=total > 0, out=np.zeros_like(counts))), np.float32)
