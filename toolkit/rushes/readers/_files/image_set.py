"""Images without times as a recording: their natural order is all that is known."""

from pathlib import Path

import numpy as np

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.model import Stream
from rushes.readers._files.images import ImageList, image_head, images_in, is_image
from rushes.readers._files.parts import PartsRecording

STREAM = "images"


def count_in(folder: Path) -> int:
    """Count the images that lie directly in a folder."""
    return len(images_in(folder))


def named_as_image(path: Path) -> bool:
    """Tell by the ending whether a file should be an image."""
    return is_image(path.name)


def open_images(path: Path, *, reader: str) -> OpenRecording:
    """List the images of a folder, or take the one.

    Raises:
        ReadError: ``read.empty`` or ``read.undecodable``.
    """
    root, names = (path, images_in(path)) if path.is_dir() else (path.parent, [path.name])
    if not names or not path.exists():
        raise ReadError(
            f"{path}: no image is in it",
            code="read.empty",
            hint="images are looked for directly in the folder: jpg, png, pgm, ppm, bmp, tiff, webp",
            facts={"file": str(path)},
        )
    if path.is_file() and image_head(path) is None:
        raise ReadError(
            f"{path}: not readable as an image",
            code="read.undecodable",
            hint="look whether the copy finished, and whether the ending is right",
            facts={"file": str(path)},
        )
    stream = Stream(name=STREAM, modality="color", table="frames", clock="none", time_meaning="order")
    images = ImageList(root, stream, names, np.arange(len(names), dtype=np.int64), one_size=False)
    return PartsRecording(path, reader, [images], {})
