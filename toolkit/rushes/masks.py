"""Masks as runs, as COCO counts and compresses them: column by column, zeros first."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.labels import Mask, Polygon

Bits: TypeAlias = npt.NDArray[np.bool_]

_FINE = 5
"""COCO draws the outline of a polygon on a grid that is five times as fine as the pixels."""


def encode(bits: Bits) -> Mask:
    """Make a mask of pixels of shape (height, width)."""
    height, width = bits.shape
    flat = np.asarray(bits, np.bool_).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], changes, [flat.size]))
    runs = np.diff(edges).tolist() if flat.size else [0]
    return from_runs([0, *runs] if flat.size and flat[0] else runs, width_px=width, height_px=height)


def decode(mask: Mask) -> Bits:
    """Give the pixels of a mask, shape (height, width).

    Raises:
        ValueError: If the runs do not fill the picture.
    """
    runs = np.asarray(runs_of(mask), np.int64)
    total = mask.width_px * mask.height_px
    if runs.sum() != total or (runs < 0).any():
        raise ValueError(f"runs of {runs.sum()} pixels for a picture of {mask.width_px}×{mask.height_px}")
    values = (np.arange(len(runs)) % 2).astype(np.bool_)
    return np.repeat(values, runs).reshape((mask.height_px, mask.width_px), order="F")


def from_runs(runs: Sequence[int], *, width_px: int, height_px: int) -> Mask:
    """Make a mask of runs of zeros and ones by turns, column by column."""
    letters: list[int] = []
    for at, run in enumerate(runs):
        rest = run - runs[at - 2] if at > 2 else run
        more = True
        while more:
            five = rest & 0x1F
            rest >>= 5
            more = rest != (-1 if five & 0x10 else 0)
            letters.append(five + (0x20 if more else 0) + 48)
    return Mask(width_px=width_px, height_px=height_px, counts=bytes(letters).decode("ascii"))


def runs_of(mask: Mask) -> list[int]:
    """Give the runs of zeros and ones by turns, column by column.

    Raises:
        ValueError: If the text ends in the middle of a number, or holds what is no letter of it.
    """
    runs: list[int] = []
    number = shift = 0
    for letter in mask.counts.encode("latin-1", "replace"):
        five = letter - 48
        if not 0 <= five < 64:
            raise ValueError(f"'{chr(letter)}' in the runs of a mask")
        number |= (five & 0x1F) << shift
        shift += 5
        if five & 0x20:
            continue
        if five & 0x10:
            number -= 1 << shift
        runs.append(number + runs[-2] if len(runs) > 2 else number)
        number = shift = 0
    if shift:
        raise ValueError("the runs of a mask end in the middle of a number")
    return runs


def area_px(mask: Mask) -> int:
    """Count the pixels of a mask."""
    return sum(runs_of(mask)[1::2])


def bounds(mask: Mask) -> tuple[float, float, float, float] | None:
    """Give left, top, right and bottom edge of a mask, in pixels from the corner; None for an empty one."""
    bits = decode(mask)
    columns, rows = np.flatnonzero(bits.any(axis=0)), np.flatnonzero(bits.any(axis=1))
    if not len(columns):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def filled(polygon: Polygon, *, width_px: int, height_px: int) -> Mask:
    """Fill a polygon as COCO's own tools do, pixel for pixel; rings are joined, none is a hole."""
    bits = np.zeros((height_px, width_px), np.bool_)
    for ring in polygon.rings:
        bits |= _filled_ring(np.asarray(ring, np.float64), width_px, height_px)
    return encode(bits)


def outlines(mask: Mask) -> tuple[list[tuple[float, ...]], int]:
    """Walk round the pixels of a mask, along their edges.

    Returns:
        The outer rings, each x, y, x, y … clockwise with corners only where the edge bends; filled together they
        give the mask again but for its holes. And how many holes it has. Pixels that touch by a corner only are
        apart.
    """
    ahead = _edges(np.pad(decode(mask), 1))
    rings: list[tuple[float, ...]] = []
    holes = 0
    while ahead:
        start = min(ahead)
        ring = _walk(ahead, start)
        corners = [
            at
            for before, at, after in zip([ring[-1], *ring], ring, [*ring[1:], ring[0]], strict=False)
            if (at[0] - before[0]) * (after[1] - at[1]) != (at[1] - before[1]) * (after[0] - at[0])
        ]
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))
        if area > 0:
            rings.append(tuple(float(x) for corner in corners for x in corner))
        else:
            holes += 1
    return rings, holes


def intersections(first: Sequence[Mask], second: Sequence[Mask]) -> npt.NDArray[np.float64]:
    """Count the pixels that each of the first shares with each of the second; all of one picture."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    one = np.stack([decode(mask).ravel() for mask in first]).astype(np.float32)
    two = np.stack([decode(mask).ravel() for mask in second]).astype(np.float32)
    return np.asarray(one @ two.T, np.float64)


def _filled_ring(ring: npt.NDArray[np.float64], width: int, height: int) -> Bits:
    """Fill one ring: every crossing of the outline with a column's middle turns the pixels below it over."""
    columns, rows = _crossings(ring, width, height)
    turned = np.zeros(width * height + 1, np.int64)
    np.add.at(turned, columns * height + rows, 1)
    inside: Bits = np.cumsum(turned[:-1]) % 2 == 1
    return inside.reshape((height, width), order="F")


def _crossings(
    ring: npt.NDArray[np.float64], width: int, height: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    corners = np.trunc(_FINE * ring.reshape(-1, 2) + 0.5).astype(np.int64)
    along_x: list[npt.NDArray[np.int64]] = []
    along_y: list[npt.NDArray[np.int64]] = []
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        x, y = _fine_line(int(x0), int(y0), int(x1), int(y1))
        along_x.append(x)
        along_y.append(y)
    x, y = np.concatenate(along_x), np.concatenate(along_y)
    stepped = np.flatnonzero(x[1:] != x[:-1]) + 1
    # Of two neighbours the left one names the column; only fine columns in the middle of a pixel count.
    left = np.where(x[stepped] < x[stepped - 1], x[stepped], x[stepped] - 1)
    column = (left + 0.5) / _FINE - 0.5
    kept = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    row = (np.minimum(y[stepped], y[stepped - 1])[kept] + 0.5) / _FINE - 0.5
    return column[kept].astype(np.int64), np.ceil(np.clip(row, 0, height)).astype(np.int64)


def _fine_line(x0: int, y0: int, x1: int, y1: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Walk a line on the fine grid, one step a unit of its longer side, in the direction of its longer side."""
    wide, tall = abs(x1 - x0), abs(y1 - y0)
    steps = max(wide, tall)
    backwards = (wide >= tall and x0 > x1) or (wide < tall and y0 > y1)
    if backwards:
        x0, y0, x1, y1 = x1, y1, x0, y0
    at = np.arange(steps + 1)
    if wide >= tall:
        x, y = x0 + at, np.trunc(y0 + ((y1 - y0) / steps if steps else 0.0) * at + 0.5).astype(np.int64)
    else:
        x, y = np.trunc(x0 + ((x1 - x0) / steps) * at + 0.5).astype(np.int64), y0 + at
    return (x[::-1], y[::-1]) if backwards else (x, y)


_Place: TypeAlias = tuple[int, int]


def _edges(padded: Bits) -> dict[_Place, list[_Place]]:
    """Give the edges between pixels on and off, corner to corner, the pixel that is on at the right hand."""
    ahead: dict[_Place, list[_Place]] = {}
    on = padded.astype(np.int8)
    across, down = np.diff(on, axis=0), np.diff(on, axis=1)
    for (row, column), step in zip(np.argwhere(across).tolist(), across[across != 0].tolist(), strict=True):
        left, right = (column - 1, row), (column, row)
        begin, end = (left, right) if step > 0 else (right, left)
        ahead.setdefault(begin, []).append(end)
    for (row, column), step in zip(np.argwhere(down).tolist(), down[down != 0].tolist(), strict=True):
        upper, lower = (column, row - 1), (column, row)
        begin, end = (lower, upper) if step > 0 else (upper, lower)
        ahead.setdefault(begin, []).append(end)
    return ahead


def _walk(ahead: dict[_Place, list[_Place]], start: _Place) -> list[_Place]:
    """Follow edges from a corner until it is met again, taking them away; where two lead on, turn right."""
    ring, at, came = [start], start, (0, 0)
    while True:
        choices = ahead[at]
        onward = choices[0]
        if len(choices) == 2:
            right = (-came[1], came[0])
            onward = next(c for c in choices if (c[0] - at[0], c[1] - at[1]) == right)
        choices.remove(onward)
        if not choices:
            del ahead[at]
        came, at = (onward[0] - at[0], onward[1] - at[1]), onward
        if at == start:
            return ring
        ring.append(at)
