"""Rows of pictures → a few small JPEGs, evenly spread, decoded one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import FrameFlag, FrameRequest, Location, MediaFile, Stream
from rushes.report import amounts
from rushes.report.page import Picture
from rushes.workflow._gather import Gathered
from rushes.workflow.pictures import decoder_for, spread

MOST = 7
LONG_SIDE_PX = 200
QUALITY = 70
KEYFRAME_REACH = 48
"""To show the last picture of a video, so many are decoded before it at most; else its last keyframe is shown."""
UNUSABLE = int(FrameFlag.MISSING | FrameFlag.CORRUPT)


class Thumbnailer:
    """Makes contact sheets of one recording, whose media it holds open; a context manager."""

    def __init__(self, media: Sequence[MediaFile]) -> None:
        self._media = {file.media_id: file for file in media}
        self._reader = MediaReader()

    def __enter__(self) -> "Thumbnailer":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def sheet(self, kept: Gathered, *, origin_ns: int | None) -> tuple[list[Picture], str | None]:
        """Decode a few pictures of a stream.

        Args:
            kept: The stream with its rows.
            origin_ns: From when the times in the captions count; None to leave times out.

        Returns:
            The pictures, and what was wrong with the first one that could not be decoded.
        """
        pictures: list[Picture] = []
        trouble: str | None = None
        span: tuple[float, float] | None = None
        for index in choose(kept):
            row = kept.row(index)
            try:
                pixels = self._pixels(kept.stream, row)
            except ReadError as error:
                trouble = trouble or f"frame {index}: {error.message}"
                continue
            span = span or _span(pixels, kept.stream)
            pictures.append(_picture(kept, index, row, pixels, span, origin_ns))
        return pictures, trouble

    def _pixels(self, stream: Stream, row: Mapping[str, Any]) -> npt.NDArray[Any]:
        file = self._media.get(row["media_id"])
        if file is None:
            raise ReadError("its bytes are absent", code="read.absent-file")
        request = _request(stream, row, file)
        decoder = decoder_for(request.codec)
        payload = None if decoder.reads_container else self._reader.read(request.location)
        return decoder.decode(request, payload)


def choose(kept: Gathered, *, most: int = MOST) -> list[int]:
    """Choose which pictures to show: the first, the last, and some evenly between.

    Pictures known to be missing are passed over. In a video a keyframe nearby is taken, as it decodes by itself.
    """
    usable = np.flatnonzero((kept.filled("flags", 0) & UNUSABLE) == 0)
    wanted = [int(usable[i]) for i in spread(len(usable), most)]
    keys = np.flatnonzero(kept.filled("keyframe", 0))
    if not len(keys) or not wanted or kept.numbers("keyframe") is None:
        return wanted
    step = max(len(usable) // max(most - 1, 1), 1)
    chosen = {_on_keyframe(index, keys, within=step // 2) for index in wanted[:-1]}
    last = wanted[-1]
    before = int(keys[max(int(np.searchsorted(keys, last, side="right")) - 1, 0)])
    return sorted(chosen | {last if last - before <= KEYFRAME_REACH else before})


def _on_keyframe(index: int, keys: npt.NDArray[np.int64], *, within: int) -> int:
    nearest = int(keys[np.argmin(np.abs(keys - index))])
    return nearest if abs(nearest - index) <= within else index


def _picture(
    kept: Gathered,
    index: int,
    row: Mapping[str, Any],
    pixels: npt.NDArray[Any],
    span: tuple[float, float] | None,
    origin_ns: int | None,
) -> Picture:
    stream = kept.stream
    upright = np.ascontiguousarray(np.rot90(pixels, k=-((stream.rotation_deg or 0) // 90)))
    height, width = upright.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    render = registry.late("rushes.decoders._render")
    when = None if origin_ns is None or stream.clock == "none" else amounts.seconds(row["t_ns"] - origin_ns)
    place = f"{stream.name}, frame {index} of {kept.rows}"
    return Picture(
        jpeg=render.to_jpeg(upright, stream.modality, span=span, long_side_px=LONG_SIDE_PX, quality=QUALITY),
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        alt=f"{place} at {when}" if when else place,
        caption=f"{index} · {when}" if when else str(index),
    )


def _span(pixels: npt.NDArray[Any], stream: Stream) -> tuple[float, float] | None:
    """Give the depth that the first and the last colour stand for, so that the pictures of a sheet compare."""
    if stream.modality != "depth" or pixels.ndim != 2:
        return None
    some = pixels[::4, ::4]
    there = some[np.isfinite(some) & (some > 0)]
    if not len(there):
        return None
    near, far = np.percentile(there, [1, 99])
    return float(near), float(far)


def _request(stream: Stream, row: Mapping[str, Any], file: MediaFile) -> FrameRequest:
    return FrameRequest(
        location=Location(
            path=file.path,
            container=file.container,
            offset=row["offset"],
            length=row["length"],
            block=row["block"],
            packing=stream.packing,
        ),
        codec=stream.codec or "",
        pixel_format=stream.pixel_format,
        width=row["width"] or stream.width,
        height=row["height"] or stream.height,
        stride=row["stride"],
        container_index=stream.container_index,
        pts=row["pts"],
        rotation_deg=stream.rotation_deg,
    )
