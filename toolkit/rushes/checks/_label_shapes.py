"""Columns of labels → where each lies in its picture, for all labels at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import masks
from rushes.labels import Mask

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

WIDTHS = {"polygon": 2, "keypoints": 3, "track": 7}
"""Numbers of one item in ``points``, by kind."""


def bounds_of(columns: Mapping[str, npt.NDArray[Any]], points: Values, starts: Places) -> Values:
    """Give left, top, right and bottom of every label; of keypoints, around those that are labelled.

    Args:
        columns: As in :class:`rushes.contracts.LabelsView`.
        points: Likewise.
        starts: Likewise.

    Returns:
        Shape (n, 4), px; NaN for what has no place in a picture, is empty, or cannot be read.
    """
    kind = columns["kind"]
    bounds = np.full((len(kind), 4), np.nan)
    x, y, width, height = (columns[name] for name in ("x_px", "y_px", "width_px", "height_px"))
    upright = kind == "box"
    bounds[upright] = np.stack((x, y, x + width, y + height), axis=1)[upright]
    turned = np.flatnonzero(kind == "rotated_box")
    if len(turned):
        turn = np.radians(columns["rotation_deg"][turned])
        along, down = np.array((0, 1, 1, 0)), np.array((0, 0, 1, 1))
        wide, tall = width[turned, None] * along, height[turned, None] * down
        xs = x[turned, None] + wide * np.cos(turn)[:, None] - tall * np.sin(turn)[:, None]
        ys = y[turned, None] + wide * np.sin(turn)[:, None] + tall * np.cos(turn)[:, None]
        bounds[turned] = np.stack((xs.min(1), ys.min(1), xs.max(1), ys.max(1)), axis=1)
    for name in WIDTHS:
        rows, items = items_of(kind, points, starts, name)
        if name == "track":
            items = items[:, 1:]
            corner, far = items[:, :2], items[:, :2] + items[:, 2:4]
            shown = items[:, 5] > 0
            _widen(bounds, rows[shown], corner[shown], far[shown])
        else:
            there = items[:, 2] > 0 if name == "keypoints" else np.ones(len(items), np.bool_)
            _widen(bounds, rows[there], items[there, :2], items[there, :2])
    for row in np.flatnonzero(kind == "mask").tolist():
        edges = _mask_bounds(columns, row)
        if edges is not None:
            bounds[row] = edges
    return bounds


def items_of(kind: npt.NDArray[Any], points: Values, starts: Places, name: str) -> tuple[Places, Values]:
    """Give all corners, points or keys of the labels of one kind.

    Labels whose numbers do not come out even are left out; :func:`uneven` names them.

    Returns:
        Row of the label each item belongs to, shape (k,), ascending; and the items, shape (k, width).
    """
    lengths = np.diff(starts)
    wanted = (kind == name) & (lengths % WIDTHS[name] == 0)
    row = np.repeat(np.arange(len(kind)), lengths)
    taken = wanted[row]
    return row[taken][:: WIDTHS[name]], points[taken].reshape(-1, WIDTHS[name])


def uneven(kind: npt.NDArray[Any], starts: Places) -> npt.NDArray[np.bool_]:
    """Tell which labels hold a number of numbers that makes no whole corners, points or keys; shape (n,)."""
    lengths, found = np.diff(starts), np.zeros(len(kind), np.bool_)
    for name, width in WIDTHS.items():
        found |= (kind == name) & (lengths % width != 0)
    return found


def _widen(bounds: Values, rows: Places, near: Values, far: Values) -> None:
    """Give every row the bounds of all its items; ``rows`` is ascending."""
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    if len(first):
        bounds[rows[first], :2] = np.minimum.reduceat(np.minimum(near, far), first)
        bounds[rows[first], 2:] = np.maximum.reduceat(np.maximum(near, far), first)


def _mask_bounds(columns: Mapping[str, npt.NDArray[Any]], row: int) -> tuple[float, float, float, float] | None:
    counts = columns["mask"][row]
    if not counts:
        return None
    width, height = (int(columns[f"image_{side}_px"][row]) for side in ("width", "height"))
    try:
        return masks.bounds(Mask(width_px=width, height_px=height, counts=counts))
    except (ValueError, ZeroDivisionError):
        return None
