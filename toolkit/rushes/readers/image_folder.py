"""Images without times: a folder of them, or one by itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rushes.contracts import OpenRecording, Reader
from rushes.errors import ReadError
from rushes.model import Claim, Stream
from rushes.readers._files.images import ImageList, image_head, images_in, is_image
from rushes.readers._files.parts import PartsRecording

STREAM = "images"
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"P5", b"P6", b"P2", b"P3", b"BM", b"II*\0", b"MM\0*", b"RIFF")


class ImageFolderReader:
    """Reads the images that lie directly in a folder as one stream, in natural order of their names.

    Nothing tells when they were taken: ``t_ns`` is 0, 1, 2 …, the clock ``none``, the meaning ``order``.
    """

    name = "image_folder"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Look for images by their endings; a low confidence, so that readers that find times come first."""
        if path.is_dir():
            count = len(images_in(path))
            if not count:
                return Claim(confidence=0.0, reason="no image lies directly in it")
            return Claim(confidence=0.4, reason=f"{count} images lie in it, without times")
        if not is_image(path.name):
            return Claim(confidence=0.0, reason=f"'{path.suffix}' is not the ending of an image")
        if not head.startswith(_MAGIC):
            return Claim(confidence=0.0, reason="its first bytes are not those of an image")
        return Claim(confidence=0.5, reason="it is one image")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """List the images."""
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
        images = ImageList(root, stream, names, np.arange(len(names), dtype=np.int64))
        return PartsRecording(path, self.name, [images], {})


PLUGIN: Reader = ImageFolderReader()
