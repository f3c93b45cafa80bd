"""Images without times as a recording: their natural order is all that is known."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rushes.contracts import OpenRecording
from rushes.errors import ReadError
from rushes.model import Modality, Stream
from rushes.readers._files.images import ImageList, image_head, images_in, is_image, natural
from rushes.readers._files.left_unread import left_unread
from rushes.readers._files.parts import PartsRecording
from rushes.readers._files.streams_of_names import Named, streams_of_names

STREAM = "images"


def count_in(folder: Path) -> int:
    """Count the images that lie directly in a folder."""
    return len(images_in(folder))


def named_as_image(path: Path) -> bool:
    """Tell by the ending whether a file should be an image."""
    return is_image(path.name)


def open_images(path: Path, *, reader: str) -> OpenRecording:
    """List the images of a folder, or take the one; names can tell several cameras apart.

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
    several = streams_of_names(root, names) if path.is_dir() else ()
    return PartsRecording(path, reader, list(_parts(root, names, several)), left_unread(path))


def _parts(root: Path, names: Sequence[str], several: Sequence[Named]) -> Iterator[ImageList]:
    """Give a part for each stream; images of several streams that share their numbers have the same place."""
    if not several:
        yield ImageList(
            root, _stream(STREAM, "color"), names, np.arange(len(names), dtype=np.int64), one_size=False
        )
        return
    keys = sorted({key for named in several for key in named.keys}, key=lambda key: tuple(map(natural, key)))
    places = {key: place for place, key in enumerate(keys)}
    for named in several:
        order = np.array([places[key] for key in named.keys], np.int64)
        yield ImageList(root, _stream(named.stream, named.modality), named.files, order, one_size=False)


def _stream(name: str, modality: Modality) -> Stream:
    return Stream(name=name, modality=modality, table="frames", clock="none", time_meaning="order")
