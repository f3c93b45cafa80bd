"""Images without times: a folder of them, or one by itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.registry import late

IMAGES = "rushes.readers._files.image_set"
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"P5", b"P6", b"P2", b"P3", b"BM", b"II*\0", b"MM\0*", b"RIFF")


class ImageFolderReader:
    """Reads the images that lie directly in a folder as one stream, in natural order of their names.

    Nothing tells when they were taken: ``t_ns`` is 0, 1, 2 …, the clock ``none``, the meaning ``order``. Each row
    has the size of its own picture as stored: EXIF may turn it when it is shown, which changes nothing here.
    """

    name = "image_folder"
    version = "3"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Look for images by their endings; a low confidence, so that readers that find times come first."""
        if path.is_dir():
            count = late(IMAGES).count_in(path)
            if not count:
                return Claim(confidence=0.0, reason="no image lies directly in it")
            return Claim(confidence=0.4, reason=f"{count} images lie in it, without times")
        if not head.startswith(_MAGIC):
            return Claim(confidence=0.0, reason="its first bytes are not those of an image")
        if not late(IMAGES).named_as_image(path):
            return Claim(confidence=0.0, reason=f"'{path.suffix}' is not the ending of an image")
        return Claim(confidence=0.5, reason="it is one image")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:  # noqa: ARG002 - it has none
        """List the images."""
        recording: OpenRecording = late(IMAGES).open_images(path, reader=self.name)
        return recording


PLUGIN: Reader = ImageFolderReader()
