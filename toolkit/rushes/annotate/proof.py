"""Digests that tell whether a picture is still the one that was shown."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Times

DIGITS = 16


def pixels_digest(pixels: npt.NDArray[Any]) -> str:
    """Give 16 hexadecimal digits of the sha256 over type, shape and bytes of decoded pixels."""
    digest = hashlib.sha256(f"{pixels.dtype.str} {pixels.shape}\0".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()[:DIGITS]


def times_digest(t_ns: Times, pts: npt.NDArray[np.int64]) -> str:
    """Give 16 hexadecimal digits of the sha256 over times and pts of consecutive samples."""
    digest = hashlib.sha256(np.ascontiguousarray(t_ns, "<i8").data)
    digest.update(np.ascontiguousarray(pts, "<i8").data)
    return digest.hexdigest()[:DIGITS]
