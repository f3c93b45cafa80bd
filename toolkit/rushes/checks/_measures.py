"""What is measured of each picture, by name with its unit; grey values run from 0 to 255."""

PICTURE_MEASURES_VERSION = "1"
"""Raised whenever the measures of the same picture change."""

PICTURE_MEASURES = {
    "unreadable": "1",  # 1 where the bytes are there and do not decode, else 0
    "mean": "grey",
    "std": "grey",
    "p01": "grey",
    "p50": "grey",
    "p99": "grey",
    "dark_share": "1",  # pixels at 3 or below
    "bright_share": "1",  # pixels at 252 or above
    "entropy": "bit",
    "sharpness": "grey2",  # variance of the Laplacian
    "difference": "grey",  # mean absolute difference from the picture before; NaN for the first
}
