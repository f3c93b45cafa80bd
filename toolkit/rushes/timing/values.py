"""Values between two samples: linear for what adds up, slerp for rotations. Pure numpy.

Both take what :func:`rushes.timing.interpolate.interpolate` gives, or the same columns of ``moment_members``:
``index``, ``index_after`` (-1 or masked where one sample serves alone) and ``weight_after``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.timing.matches import Indices

NEARLY_EQUAL = 1e-8
"""Sine of the half angle between two rotations below which slerp is linear: the two agree to the last digit."""

Floats = npt.NDArray[np.float64]


def interpolate_values(
    values: npt.NDArray[Any], index: Indices, index_after: Indices, weight_after: Floats
) -> Floats:
    """Mix samples linearly.

    Args:
        values: Shape (n,) or (n, k), numbers.
        index: Shape (m,), the sample at or before; -1 for no value.
        index_after: Shape (m,), the sample after; -1 or masked where ``index`` serves alone.
        weight_after: Shape (m,), share of the sample after; what stands there where one serves alone is ignored.

    Returns:
        Shape (m,) or (m, k), float64; NaN where ``index`` is -1. A sample that serves alone is given unchanged.
    """
    index, after, weight, absent = _selection(index, index_after, weight_after)
    if len(values) == 0:
        return np.full((len(index), *values.shape[1:]), np.nan)
    first = values[index].astype(np.float64)
    second = values[after].astype(np.float64)
    share = weight.reshape(-1, *[1] * (values.ndim - 1))
    with np.errstate(invalid="ignore"):  # infinite values; they are put back where one serves alone
        mixed = np.where(share == 0, first, first + share * (second - first))
    mixed[absent] = np.nan
    return mixed


def slerp(
    rotations: npt.NDArray[np.floating[Any]], index: Indices, index_after: Indices, weight_after: Floats
) -> Floats:
    """Turn evenly from one rotation to the next, the shorter way round.

    Args:
        rotations: Shape (n, 4), quaternions w, x, y, z in time order; their length does not matter.
        index, index_after, weight_after: As for :func:`interpolate_values`.

    Returns:
        Shape (m, 4), float64, of length 1. Signs are those of the first rotation carried on, so that a recording
        that jumps from q to -q, which is the same rotation, gives a smooth column. NaN where ``index`` is -1 and
        where a rotation that is needed is NaN or all zero.
    """
    index, after, weight, absent = _selection(index, index_after, weight_after)
    if len(rotations) == 0:
        return np.full((len(index), 4), np.nan)
    smooth = without_sign_jumps(rotations)
    first, second = smooth[index], smooth[after]
    # Neighbours are on one side already; any others are brought there.
    second = np.where((first * second).sum(axis=1, keepdims=True) < 0, -second, second)
    # Chord and sum of two unit vectors give the angle without the loss of digits that arccos has near 0.
    chord, total = np.linalg.norm(second - first, axis=1), np.linalg.norm(second + first, axis=1)
    angle = 2 * np.arctan2(chord, total)
    near = chord < 2 * NEARLY_EQUAL
    whole = np.sin(np.where(near, 1.0, angle))
    share_first = np.where(near, 1 - weight, np.sin((1 - weight) * angle) / whole)
    share_second = np.where(near, weight, np.sin(weight * angle) / whole)
    turned = share_first[:, None] * first + share_second[:, None] * second
    turned = np.where((weight == 0)[:, None], first, turned)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    turned[absent] = np.nan
    return turned


def without_sign_jumps(rotations: npt.NDArray[np.floating[Any]]) -> Floats:
    """Give unit quaternions whose signs are chosen so that each lies within a half turn of the one before.

    Args:
        rotations: Shape (n, 4), in time order. Rows that are NaN or all zero become NaN and are passed over.
    """
    unit = np.asarray(rotations, dtype=np.float64).copy()
    length = np.linalg.norm(unit, axis=1)
    sound = np.isfinite(length) & (length > 0)
    unit[~sound] = np.nan
    unit[sound] /= length[sound, None]
    kept = unit[sound]
    turns = np.where((kept[1:] * kept[:-1]).sum(axis=1) < 0, -1.0, 1.0)
    unit[sound] = kept * np.concatenate(([1.0], np.cumprod(turns)))[: len(kept), None]
    return unit


def _selection(
    index: Indices, index_after: Indices, weight_after: Floats
) -> tuple[Indices, Indices, Floats, npt.NDArray[np.bool_]]:
    """Give places that can be looked up: one that serves alone is mixed with itself, at weight 0."""
    after = np.ma.filled(index_after, -1)
    absent = np.asarray(index) < 0
    alone = after < 0
    places = np.where(absent, 0, index)
    return places, np.where(alone, places, after), np.where(alone, 0.0, np.ma.filled(weight_after, 0.0)), absent
