"""What is measured of each picture, by name with its unit; grey values run from 0 to 255.

The measures of a picture are a row of ``pictures``; each stands in its column as it is called here.
"""

PICTURE_MEASURES_VERSION = "2"
"""Raised whenever the measures of the same picture change."""

UNREADABLE = {0: "", 1: "empty", 2: "cut", 3: "no-picture", 4: "too-large", 5: "undecodable"}
"""What ``unreadable`` says; 0 where the picture decodes."""

PICTURE_MEASURES = {
    "unreadable": "1",  # a key of UNREADABLE
    "width": "px",  # as the bytes state; frames has what the recording states
    "height": "px",
    "channels": "1",  # as the bytes state: 1 grey, 3 colour, 4 CMYK
    "bits": "bit",  # of a channel
    "orientation": "1",  # EXIF's, 1 to 8
    "mean": "grey",
    "std": "grey",
    "p01": "grey",
    "p50": "grey",
    "p95": "grey",
    "p99": "grey",
    "dark_share": "1",  # pixels at 3 or below
    "bright_share": "1",  # pixels at 252 or above
    "entropy": "bit",
    "sharpness": "grey2",  # variance of the Laplacian
    "flat_top": "1",  # share of the height, from the top, whose rows are all of one grey value
    "flat_bottom": "1",  # the same from the bottom
    "flat_grey": "grey",  # of the longer of the two
    "spread": "grey",  # largest less smallest channel, mean over the pixels; absent where there is one channel
    "red_shift": "grey",  # mean of red less mean of green
    "blue_shift": "grey",  # mean of blue less mean of green
    "difference": "grey",  # mean absolute difference from the picture before; absent for the first
    "holes": "1",  # depth: share of pixels without a value
    "levels": "1",  # depth: how many values occur among those looked at
    "unchanged": "1",  # depth: share of pixels with a value that is that of the picture before
}
