"""The one look at each picture: all measures that any check needs, from one reduced grey picture.

Pictures come as 8-bit grey with a long side of about 512 px; larger ones are shrunk first, by area. OpenCV runs on
one thread where the caller said so; nothing here sets it.
"""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from rushes.checks._measures import PICTURE_MEASURES

LONG_SIDE_PX = 512
PERCENTILES = np.array([0.01, 0.5, 0.99])

Grey = npt.NDArray[np.uint8]


def measure(pictures: Iterable[tuple[int, Grey | None]], count: int) -> dict[str, npt.NDArray[np.float64]]:
    """Measure the pictures of one stream.

    Args:
        pictures: Position in the stream and grey picture, ascending; None where the bytes do not decode. Pictures
            that are missing or passed over are left out.
        count: Frames in the stream.

    Returns:
        Each of ``PICTURE_MEASURES`` as an array of shape (count,); NaN where not measured. ``difference`` is
        measured between neighbouring frames of one size only.
    """
    measures: dict[str, npt.NDArray[np.float64]] = {name: np.full(count, np.nan) for name in PICTURE_MEASURES}
    before: tuple[int, Grey] | None = None
    for position, picture in pictures:
        measures["unreadable"][position] = picture is None or picture.size == 0
        if picture is None or picture.size == 0:
            continue
        grey = shrink(picture)
        for name, value in measure_one(grey).items():
            measures[name][position] = value
        if before is not None and before[0] == position - 1 and before[1].shape == grey.shape:
            measures["difference"][position] = cv2.norm(grey, before[1], cv2.NORM_L1) / grey.size
        before = (position, grey)
    return measures


def measure_one(grey: Grey) -> dict[str, float]:
    """Measure one reduced grey picture by itself."""
    mean, std = cv2.meanStdDev(grey)
    share = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel() / grey.size
    filled = share[share > 0]
    p01, p50, p99 = np.searchsorted(np.cumsum(share), PERCENTILES - 1e-6).tolist()
    _, edge = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return {
        "mean": float(mean[0, 0]),
        "std": float(std[0, 0]),
        "p01": p01,
        "p50": p50,
        "p99": p99,
        "dark_share": float(share[:4].sum()),
        "bright_share": float(share[252:].sum()),
        "entropy": max(0.0, -float((filled * np.log2(filled)).sum())),
        "sharpness": float(edge[0, 0]) ** 2,
    }


def shrink(picture: Grey) -> Grey:
    """Bring the long side to 512 px at most."""
    scale = LONG_SIDE_PX / max(picture.shape)
    if scale >= 1:
        return np.ascontiguousarray(picture)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
