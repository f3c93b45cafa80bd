"""A picture → its fingerprints: hash of the bytes, perceptual hash, that of its mirror image, a few small values.

The perceptual hash is the one that checks keep of every picture. A picture with next to no contrast has none
here: its hash would be that of noise.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from rushes.checks._pixels import perceptual_hashes

FLAT = 2.0
"""Standard deviation of the 32 × 32 grey values up to which a picture has no hash."""
SIDE = 8
"""Of the grey values that ``small`` holds."""
BINS = 8
"""Of the histogram of each colour that ``small`` holds."""


class Print(NamedTuple):
    """What stands for one picture.

    Args:
        phash, mirrored: 64 bits each; None for a picture without contrast.
        small: Shape (SIDE² + 3 · BINS,), grey values and colour histogram, for a small classifier.
    """

    phash: int | None
    mirrored: int | None
    small: npt.NDArray[np.float32]


def print_of(pixels: npt.NDArray[np.uint8]) -> Print:
    """Take the fingerprints of a decoded picture, RGB or grey."""
    grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    tiny = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    coloured = pixels if pixels.ndim == 3 else pixels[:, :, None]
    histograms = [
        np.bincount(coloured[::4, ::4, c].ravel() >> 5, minlength=BINS) for c in range(coloured.shape[2])
    ]
    while len(histograms) < 3:
        histograms.append(histograms[0])
    mean = cv2.resize(tiny, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel() / 255
    shares = np.concatenate([h / max(int(h.sum()), 1) for h in histograms])
    small = np.concatenate([mean, shares]).astype(np.float32)
    if float(tiny.std()) <= FLAT:
        return Print(None, None, small)
    return Print(*perceptual_hashes(grey), small)


def read_small(data: bytes) -> npt.NDArray[np.uint8] | None:
    """Decode an encoded picture at a quarter of its size or less, RGB; None where it does not decode."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_4) if data else None
    if pixels is None or min(pixels.shape[:2]) < 32:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    return None if pixels is None else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def content_of(data: bytes) -> str:
    """Name encoded bytes: sha256, 32 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()[:32]


def file_bytes(path: Path) -> bytes | None:
    """Read a file; None where it is absent or cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
