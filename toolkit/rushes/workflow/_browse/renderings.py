"""Pictures as a browser shows them: JPEGs as they lie, all else decoded once and kept while there is room."""

import struct
from collections import OrderedDict
from functools import lru_cache
from threading import Lock

from rushes import registry
from rushes.workflow.dataset import Dataset

OPEN_STREAMS = 256
MOST_BYTES = 64 << 20
Rendering = tuple[bytes, str]
Place = tuple[str, str, int]


class Renderings:
    """Gives pictures by recording, stream and index; it may be asked from several threads.

    Args:
        dataset: Opened for as long as this is used.
        most_bytes: Of decoded pictures that are kept, encoded as they are sent; those unused for longest go first.

    Attributes:
        held_bytes: Of them now.
    """

    def __init__(self, dataset: Dataset, *, most_bytes: int = MOST_BYTES) -> None:
        self._frames = lru_cache(maxsize=OPEN_STREAMS)(dataset.frames)
        self._kept: OrderedDict[Place, Rendering] = OrderedDict()
        self._most, self.held_bytes, self._lock = most_bytes, 0, Lock()

    def __call__(self, recording_id: str, stream: str, index: int) -> Rendering:
        """Give the encoded picture and its media type.

        Raises:
            ReadError: As ``Frames.rendering``.
        """
        frames = self._frames(recording_id, stream)
        if frames.stream["codec"] == "jpeg":
            return _as_stored(frames.bytes(index)), "image/jpeg"
        place = (recording_id, stream, index)
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
        made = frames.rendering(index)
        with self._lock:
            if place not in self._kept:
                self.held_bytes += len(made[0])
            self._kept[place] = made
            while self.held_bytes > self._most and self._kept:
                _, (gone, _) = self._kept.popitem(last=False)
                self.held_bytes -= len(gone)
        return made


def _as_stored(jpeg: bytes) -> bytes:
    """Let no browser turn a picture by its EXIF: labels count pixels as they are stored."""
    if jpeg.find(b"Exif\0\0", 0, 1 << 16) < 0:
        return jpeg
    try:
        unturned: bytes = registry.late("rushes.export._pictures").without_turn(jpeg)
    except struct.error:  # cut short; the browser shows what there is
        return jpeg
    return unturned
