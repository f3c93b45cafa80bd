"""Procedural surfaces: noise, planks, weave, checkers; the same seed gives the same picture.

A texture is an array of shape (h, w, 3), float64, RGB 0–255. It is looked up by (u, v) in [0, 1].
"""

import numpy as np
import numpy.typing as npt

from rushes.virtual.motion import Array
from rushes.virtual.spec import generator

BOARD_SQUARES = (7, 5)
BOARD_SQUARE_M = 0.03


def sample(texture: Array, u: Array, v: Array) -> Array:
    """Look up colours, blending the four nearest texels; shape (n, 3)."""
    height, width = texture.shape[:2]
    x = np.clip(u, 0.0, 1.0) * width - 0.5
    y = np.clip(v, 0.0, 1.0) * height - 0.5
    left, top = np.floor(x), np.floor(y)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    i0, j0 = np.clip(left, 0, width - 1).astype(np.intp), np.clip(top, 0, height - 1).astype(np.intp)
    i1, j1 = np.minimum(i0 + 1, width - 1), np.minimum(j0 + 1, height - 1)
    i1, j1 = np.where(left < 0, 0, i1), np.where(top < 0, 0, j1)
    texels = texture.reshape(-1, 3)
    j0 *= width
    j1 *= width
    upper = texels.take(j0 + i0, axis=0) * (1 - fx) + texels.take(j0 + i1, axis=0) * fx
    lower = texels.take(j1 + i0, axis=0) * (1 - fx) + texels.take(j1 + i1, axis=0) * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def noise(seed: int, name: str, size: tuple[int, int], *, cells: tuple[int, int], octaves: int = 3) -> Array:
    """Draw smooth value noise in [0, 1]: shape ``size`` (h, w), ``cells`` (rows, columns) in the first octave."""
    total = np.zeros(size)
    weight = 0.0
    for octave in range(octaves):
        rows, columns = (c * 2**octave for c in cells)
        grid = generator(seed, name, str(octave)).random((rows + 1, columns + 1))
        total += _stretch(grid, size) / 2**octave
        weight += 1 / 2**octave
    return total / weight


def planks(seed: int, name: str, size: tuple[int, int], *, color: tuple[int, int, int], boards: int) -> Array:
    """Draw wooden boards that run along u."""
    grain = noise(seed, name, size, cells=(boards * 3, 2), octaves=2)
    board = (np.arange(size[0]) * boards // size[0])[:, None]
    tone = generator(seed, name, "boards").uniform(0.9, 1.08, boards)[board]
    seam = ((np.arange(size[0]) * boards / size[0]) % 1.0 < 0.04)[:, None]
    light = (0.82 + 0.30 * grain) * tone * np.where(seam, 0.62, 1.0)
    return _tint(light, color)


def wallpaper(seed: int, name: str, size: tuple[int, int], *, color: tuple[int, int, int], stripes: int) -> Array:
    """Draw a striped, slightly stained wall."""
    stain = noise(seed, name, size, cells=(6, 8), octaves=2)
    band = ((np.arange(size[1]) * stripes / size[1]) % 1.0 < 0.5)[None, :]
    skirting = (np.arange(size[0]) > size[0] * 0.95)[:, None]
    light = (0.84 + 0.26 * stain) * np.where(band, 1.0, 0.92)
    return _tint(np.where(skirting, 0.45, light), color)


def carton(seed: int, name: str, size: tuple[int, int], *, color: tuple[int, int, int]) -> Array:
    """Draw a printed carton: a frame, a disc and lines like writing."""
    picture = _tint(0.9 + 0.15 * noise(seed, name, size, cells=(4, 4)), color)
    v, u = (np.arange(n)[:, None] / n for n in size)
    u = u.T
    picture[(u - 0.5) ** 2 + (v - 0.34) ** 2 < 0.045] = (246, 214, 92)
    picture[(u - 0.5) ** 2 + (v - 0.34) ** 2 < 0.018] = (206, 66, 48)
    lines = (np.abs(u - 0.5) < 0.36) & (v > 0.62) & (v < 0.92) & ((v * 18) % 1.0 < 0.5)
    words = generator(seed, name, "words").random((6, 24)) > 0.22
    row = np.clip(((v - 0.62) * 18).astype(np.intp), 0, 5)
    picture[lines & words[row, np.clip((u * 24).astype(np.intp), 0, 23)]] = (250, 248, 240)
    frame = (np.minimum(u, 1 - u) < 0.05) | (np.minimum(v, 1 - v) < 0.04)
    picture[frame] *= 0.7
    return picture


def checkers() -> Array:
    """Draw the calibration board: 7 × 5 squares of 30 mm with a white border of half a square."""
    texels = 16
    columns, rows = BOARD_SQUARES
    picture = np.full(((rows + 1) * texels, (columns + 1) * texels, 3), 236.0)
    for j in range(rows):
        for i in range(columns):
            if (i + j) % 2 == 0:
                y, x = texels // 2 + j * texels, texels // 2 + i * texels
                picture[y : y + texels, x : x + texels] = 28.0
    return picture


def bands(size: tuple[int, int], *, color: tuple[int, int, int], other: tuple[int, int, int], count: int) -> Array:
    """Draw bands of two colours that follow u."""
    which = ((np.arange(size[1]) * count // size[1]) % 2 == 0)[None, :, None]
    return np.broadcast_to(np.where(which, np.array(color, float), np.array(other, float)), (*size, 3)).copy()


def ringed(size: tuple[int, int], *, color: tuple[int, int, int], ring: tuple[int, int, int]) -> Array:
    """Draw a glazed side with a ring below the rim and dots, for the cup."""
    v, u = (np.arange(n)[:, None] / n for n in size)
    u = u.T
    picture = np.broadcast_to(np.array(color, float), (*size, 3)).copy()
    picture[np.broadcast_to((v > 0.72) & (v < 0.84), size)] = ring
    dots = ((u * 8) % 1.0 - 0.5) ** 2 / 0.36 + ((v - 0.4) / 0.28) ** 2 < 0.09 / 0.36
    picture[dots] = ring
    return picture


def _tint(light: Array, color: tuple[int, int, int]) -> Array:
    return np.clip(light[..., None] * np.array(color, np.float64), 0.0, 255.0)


def _stretch(grid: Array, size: tuple[int, int]) -> Array:
    rows, row_share = _places(grid.shape[0] - 1, size[0])
    columns, column_share = _places(grid.shape[1] - 1, size[1])
    along = grid[:, columns] * (1 - column_share) + grid[:, columns + 1] * column_share
    return np.asarray(along[rows] * (1 - row_share[:, None]) + along[rows + 1] * row_share[:, None])


def _places(cells: int, texels: int) -> tuple[npt.NDArray[np.intp], Array]:
    at = np.arange(texels) * (cells / texels)
    cell = np.minimum(at.astype(np.intp), cells - 1)
    share = at - cell
    return cell, share * share * (3.0 - 2.0 * share)
