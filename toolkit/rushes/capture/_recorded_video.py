"""Pictures and sound inside media containers, as a recording is given live: packets as they are, or made anew.

H.264 and H.265 pass in Annex B, with their parameter sets before every key frame, where pictures are sent in the
order in which they are shown. Whatever FFmpeg decodes can be made anew: pictures as JPEG, sound in 16 bits.
Tracks are read on in order; going back begins anew.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import av
import cv2
import numpy as np
import numpy.typing as npt

from rushes.capture._annex_b import annex_b, packet_with_sets
from rushes.errors import ReadError
from rushes.fragments import open_container

if TYPE_CHECKING:
    from av.container import InputContainer

JPEG_QUALITY = 92
_Found = TypeVar("_Found")


def in_shown_order(path: Path, track: int) -> bool:
    """Tell whether the packets of a track come in the order in which their pictures are shown; reads the file.

    Raises:
        ReadError: If it cannot be read.
    """
    last: int | None = None
    with _opened(path) as container:
        for packet in _packets(container, track, path):
            if packet.pts is None or (last is not None and packet.pts <= last):
                return False
            last = packet.pts
    return last is not None


class Track(Generic[_Found]):
    """What one track holds, by presentation time, in its ticks.

    Args:
        path: The container.
        track: Number of the track in it.
        read: Gives times and content in order, from the beginning: :func:`packets`, :func:`jpegs`, :func:`waves`.
    """

    def __init__(
        self, path: Path, track: int, read: Callable[["InputContainer", int, Path], Iterator[tuple[int, _Found]]]
    ) -> None:
        self._path, self._track, self._read = path, track, read
        self._container: Any = None
        self._coming: Iterator[tuple[int, _Found]] = iter(())
        self._last: tuple[int, _Found] | None = None

    def at(self, pts: int) -> _Found | None:
        """Give what begins at a time; None where the track has nothing that begins there.

        Raises:
            ReadError: If the file cannot be read.
        """
        if self._container is None or (self._last is not None and self._last[0] > pts):
            self.close()
            self._container = _opened(self._path)
            self._coming, self._last = self._read(self._container, self._track, self._path), None
        while self._last is None or self._last[0] < pts:
            self._last = next(self._coming, None)
            if self._last is None:
                self.close()
                return None
        return self._last[1] if self._last[0] == pts else None

    def close(self) -> None:
        """Close the file; it is opened again when it is wanted."""
        if self._container is not None:
            self._container.close()
            self._container = None
            self._last = None


def packets(container: "InputContainer", track: int, path: Path) -> Iterator[tuple[int, bytes]]:
    """Give the pictures as they were encoded."""
    stream: Any = container.streams[track]
    plain, sets = annex_b(stream)
    for packet in _packets(container, track, path):
        for made in plain.filter(packet) if plain is not None else [packet]:
            if made.pts is not None:
                yield made.pts, packet_with_sets(made, sets, stream.codec_context.name)


def jpegs(container: "InputContainer", track: int, path: Path) -> Iterator[tuple[int, bytes]]:
    """Decode the pictures, and encode them as JPEG."""
    how = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    yield from _encoded(container, track, path, pixels="bgr24", ending=".jpg", how=how)


def pngs(container: "InputContainer", track: int, path: Path) -> Iterator[tuple[int, bytes]]:
    """Decode the pictures, and encode them as PNG in 16 bits."""
    yield from _encoded(container, track, path, pixels="gray16le", ending=".png", how=[])


def _encoded(
    container: "InputContainer", track: int, path: Path, *, pixels: str, ending: str, how: list[int]
) -> Iterator[tuple[int, bytes]]:
    for frame in _decoded(container, track, path):
        if frame.pts is not None:
            made, data = cv2.imencode(ending, frame.to_ndarray(format=pixels), how)
            if made:
                yield frame.pts, data.tobytes()


def waves(container: "InputContainer", track: int, path: Path) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
    """Decode the sound, block by block, shape (samples, channels)."""
    stream: Any = container.streams[track]
    to_16_bits = av.AudioResampler(
        format="s16", layout=stream.codec_context.layout, rate=stream.codec_context.rate
    )
    for frame in _decoded(container, track, path):
        if frame.pts is not None:
            begins = frame.pts
            parts = [np.asarray(part.to_ndarray(), np.int16) for part in to_16_bits.resample(frame)]
            yield begins, np.concatenate(parts, axis=1).reshape(-1, stream.codec_context.channels)


def _opened(path: Path) -> "InputContainer":
    try:
        return open_container(path)
    except (av.FFmpegError, OSError) as error:
        raise ReadError(f"{path}: {error}", code="read.absent-file", hint="is the file still there?") from error


def _packets(container: "InputContainer", track: int, path: Path) -> Iterator[Any]:
    try:
        for packet in container.demux(container.streams[track]):
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        raise _torn(path, error) from error


def _decoded(container: "InputContainer", track: int, path: Path) -> Iterator[Any]:
    try:
        for packet in container.demux(container.streams[track]):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue  # its row finds nothing, which is counted there
    except av.FFmpegError as error:
        raise _torn(path, error) from error


def _torn(path: Path, error: Exception) -> ReadError:
    return ReadError(f"{path}: {error}", code="read.undecodable", hint="rushes check names what does not decode")
