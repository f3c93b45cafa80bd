"""The one look at each picture: all measures that any check needs, and its hashes, from one reduced decode.

Pictures come small, in RGB or grey, with a long side of about 512 px. Depth also comes whole in its counts. All of
OpenCV's steps here are short and run on the caller's thread, if :func:`one_thread_each` sees to it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from rushes.checks._measures import UNREADABLE
from rushes.model import SmallPicture

LONG_SIDE_PX = 512
PERCENTILES = np.array([0.01, 0.5, 0.95, 0.99])
ROW_RANGE = 2
"""Grey values between which a row of one value may waver; a JPEG leaves so much."""
DEPTH_STEP = 4
"""Every fourth pixel of every fourth row of a depth picture is looked at."""

Grey = npt.NDArray[np.uint8]

_TURN = np.tile(np.array([1, -1], np.float32), 32)
_VALUES = np.arange(256, dtype=np.float64)
_FAULTS = {fault: code for code, fault in UNREADABLE.items()}


class Look(NamedTuple):
    """What one look at a picture gave.

    Args:
        measures: Of ``PICTURE_MEASURES``, those that it has.
        hashes: 64 bits of the picture and of its mirror image; None where nothing was decoded.
        grey: What the next picture is held against.
        depth: The same for depth, in counts; None where it is none.
    """

    measures: Mapping[str, float]
    hashes: tuple[int, int] | None
    grey: Grey | None
    depth: npt.NDArray[np.float32] | None


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep OpenCV from dealing its steps out to threads of its own, which costs more than pictures so small give.

    Who looks at pictures has a thread for each core already.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def unreadable(fault: str | None) -> Look:
    """Give the look at a picture that does not decode, by the ``fault`` among the facts of the error."""
    code = _FAULTS.get(fault or "undecodable", _FAULTS["undecodable"])
    return Look({"unreadable": code}, None, None, None)


def look(picture: SmallPicture, *, depth: bool = False) -> Look:
    """Measure one picture by itself.

    Args:
        picture: As a decoder gives it; one of no pixels counts as undecodable.
        depth: Whether its values are distances.
    """
    if picture.pixels.size == 0:
        return unreadable("undecodable")
    pixels = _shrunk(picture.pixels)
    grey: Grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    measures: dict[str, float] = {
        "unreadable": 0,
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "bits": picture.bits,
        "orientation": picture.orientation,
        **_brightness(grey),
        **_flat_rows(grey),
    }
    if pixels.ndim == 3:
        measures |= _colour(_halved(pixels))
    counts = _depth_values(picture) if depth else None
    if counts is not None:
        there = np.isfinite(counts) & (counts > 0)
        measures["holes"] = 1 - float(there.mean())
        measures["levels"] = len(np.unique(counts[there]))
    return Look(measures, perceptual_hashes(grey), grey, counts)


def compared(this: Look, before: Look) -> dict[str, float]:
    """Measure a picture against the one before it; nothing where their sizes differ."""
    measures: dict[str, float] = {}
    if this.grey is None or before.grey is None or this.grey.shape != before.grey.shape:
        return measures
    measures["difference"] = cv2.norm(this.grey, before.grey, cv2.NORM_L1) / this.grey.size
    if this.depth is not None and before.depth is not None and this.depth.shape == before.depth.shape:
        there = np.isfinite(this.depth) & (this.depth > 0)
        if there.any():
            measures["unchanged"] = float((this.depth == before.depth)[there].mean())
    return measures


def perceptual_hashes(grey: Grey) -> tuple[int, int]:
    """Give the perceptual hash of a picture and that of its mirror image: signs of 8 x 8 low frequencies.

    Bits are whether a coefficient of the discrete cosine transform of 32 x 32 pixels is above the median of all.
    Mirroring turns the sign of every odd column, so the second hash needs no second transform.
    """
    tiny = cv2.resize(_halved(_halved(grey)), (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low: npt.NDArray[np.float32] = np.asarray(cv2.dct(tiny)[:8, :8], np.float32).ravel()
    turned = low * _TURN
    bits = np.packbits(np.stack([low > _median(low), turned > _median(turned)]))
    first, second = bits.view(">u8").tolist()
    return first, second


def _median(values: npt.NDArray[np.float32]) -> np.float32:
    """Give the median of 64; ``np.median`` takes several times as long."""
    middle = np.partition(values, (31, 32))
    return np.float32((middle[31] + middle[32]) / 2)


def _brightness(grey: Grey) -> dict[str, float]:
    seen = grey[::2] if grey.shape[0] > 1 else grey  # every second row tells the same of the whole
    share = cv2.calcHist([seen], [0], None, [256], [0, 256]).ravel() / np.float32(seen.size)
    mean = float(share @ _VALUES)
    filled = share[share > 0]
    p01, p50, p95, p99 = np.searchsorted(np.cumsum(share), PERCENTILES - 1e-6).tolist()
    return {
        "mean": mean,
        "std": float(share @ np.square(_VALUES - mean)) ** 0.5,
        "p01": p01,
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "dark_share": float(share[:4].sum()),
        "bright_share": float(share[252:].sum()),
        "entropy": max(0.0, -float(filled @ np.log2(filled))),
        # The mean of a Laplacian is next to nothing, so that its mean square is its variance.
        "sharpness": cv2.norm(cv2.Laplacian(grey, cv2.CV_16S), cv2.NORM_L2SQR) / grey.size,
    }


def _flat_rows(grey: Grey) -> dict[str, float]:
    """Measure how much of the picture, from the top and from the bottom, is one grey value and nothing else."""
    # Most pictures end here: neither the first nor the last row is of one value.
    if np.ptp(grey[0]) > ROW_RANGE and np.ptp(grey[-1]) > ROW_RANGE:
        return {"flat_top": 0.0, "flat_bottom": 0.0}
    low, high = grey.min(axis=1).astype(np.int16), grey.max(axis=1).astype(np.int16)
    runs = []
    for lows, highs in ((low, high), (low[::-1], high[::-1])):
        spread = np.maximum.accumulate(highs) - np.minimum.accumulate(lows)
        rows = int(np.searchsorted(spread, ROW_RANGE, side="right"))
        runs.append((rows / len(low), float(lows[0])))
    return {"flat_top": runs[0][0], "flat_bottom": runs[1][0], "flat_grey": max(runs)[1]}


def _colour(pixels: Grey) -> dict[str, float]:
    red, green, blue = cv2.split(pixels)
    widest = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    means = np.asarray(cv2.mean(pixels)).tolist()
    return {
        "spread": float(np.asarray(cv2.mean(widest))[0]),
        "red_shift": means[0] - means[1],
        "blue_shift": means[2] - means[1],
    }


def _depth_values(picture: SmallPicture) -> npt.NDArray[np.float32]:
    counts = picture.pixels if picture.counts is None else picture.counts
    if counts.ndim == 3:
        counts = counts[:, :, 0]
    return counts[::DEPTH_STEP, ::DEPTH_STEP].astype(np.float32)


def _halved(picture: Grey) -> Grey:
    """Halve both sides; the last pixel of an odd side is left out, as OpenCV is quick at exact halves only."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    if height < 64 or width < 64:
        return picture
    return np.asarray(
        cv2.resize(picture[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA), np.uint8
    )


def _shrunk(picture: Grey) -> Grey:
    """Bring the long side to 512 px at most."""
    scale = LONG_SIDE_PX / max(picture.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(picture)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
