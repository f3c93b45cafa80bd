"""Rows of pictures → a few small JPEGs, evenly spread, decoded one by one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.contracts import Decoder
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import FrameFlag, FrameRequest, Location, MediaFile, Stream
from rushes.report import amounts
from rushes.report.page import Picture
from rushes.workflow._gather import Gathered

MOST = 7
LONG_SIDE_PX = 200
QUALITY = 70
KEYFRAME_REACH = 48
"""To show the last picture of a video, at most so many are decoded before it; else the last keyframe stands for it."""


class Thumbnailer:
    """Makes contact sheets; holds the decoders and the open media of one recording. A context manager."""

    def __init__(self, media: Sequence[MediaFile]) -> None:
        self._media = {file.media_id: file for file in media}
        self._reader = MediaReader()
        self._render = registry.late("rushes.decoders._render")
        self._decoders = _by_codec()

    def __enter__(self) -> "Thumbnailer":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def sheet(self, gathered: Gathered, *, origin_ns: int | None) -> tuple[list[Picture], str | None]:
        """Decode a few pictures of a stream.

        Args:
            origin_ns: From when the times in the captions count; None to leave times out.

        Returns:
            The pictures, and what was wrong with the first one that could not be decoded.
        """
        pictures, trouble = [], None
        for index in choose(gathered):
            try:
                pictures.append(self._picture(gathered, index, origin_ns))
            except ReadError as error:
                trouble = trouble or f"frame {index}: {error.message}"
        return pictures, trouble

    def _picture(self, gathered: Gathered, index: int, origin_ns: int | None) -> Picture:
        stream, row = gathered.stream, gathered.row(index)
        pixels = self._pixels(stream, row)
        jpeg, width, height = self._render.thumbnail(
            pixels,
            modality=stream.modality,
            rotation_deg=stream.rotation_deg,
            long_side_px=LONG_SIDE_PX,
            quality=QUALITY,
        )
        when = None if origin_ns is None or stream.clock == "none" else amounts.seconds(row["t_ns"] - origin_ns)
        place = f"{stream.name}, frame {index} of {gathered.rows}"
        return Picture(
            jpeg=jpeg,
            width=width,
            height=height,
            alt=f"{place} at {when}" if when else place,
            caption=f"{index} · {when}" if when else str(index),
        )

    def _pixels(self, stream: Stream, row: Mapping[str, Any]) -> npt.NDArray[Any]:
        file = self._media.get(row["media_id"])
        decoder = self._decoders.get(stream.codec or "")
        if file is None:
            raise ReadError("its bytes are absent", code="read.absent-file")
        if decoder is None:
            raise ReadError(
                f"no decoder for codec '{stream.codec or 'unknown'}'",
                code="read.undecodable",
                hint="rushes plugins decoders lists what can be decoded",
            )
        request = _request(stream, row, file.path, file.container)
        payload = None if decoder.reads_container else self._reader.read(request.location)
        return decoder.decode(request, payload)


def choose(gathered: Gathered, *, most: int = MOST) -> list[int]:
    """Choose which pictures to show: the first, the last, and some evenly between.

    Pictures known to be missing are passed over. In a video the nearest keyframe is taken, as it decodes by itself.
    """
    flags = gathered.numbers("flags")
    usable = np.arange(gathered.rows)
    if flags is not None:
        usable = usable[(np.ma.filled(flags, 0) & int(FrameFlag.MISSING | FrameFlag.CORRUPT)) == 0]
    if not len(usable):
        return []
    wanted = usable[np.round(np.linspace(0, len(usable) - 1, min(most, len(usable)))).astype(np.int64)]
    keyframe = gathered.numbers("keyframe")
    if keyframe is None or gathered.stream.container_index is None:
        return [int(index) for index in wanted]
    keys = np.flatnonzero(np.ma.filled(keyframe, False))
    if not len(keys):
        return [int(index) for index in wanted]
    step = max(len(usable) // max(most - 1, 1), 1)
    chosen = {_on_keyframe(int(index), keys, within=step // 2) for index in wanted[:-1]}
    last = int(wanted[-1])
    before = int(keys[max(np.searchsorted(keys, last, side="right") - 1, 0)])
    return sorted(chosen | {last if last - before <= KEYFRAME_REACH else before})


def _on_keyframe(index: int, keys: npt.NDArray[np.int64], *, within: int) -> int:
    nearest = int(keys[np.argmin(np.abs(keys - index))])
    return nearest if abs(nearest - index) <= within else index


def _request(stream: Stream, row: Mapping[str, Any], path: Path, container: str) -> FrameRequest:
    return FrameRequest(
        location=Location(
            path=path,
            container=container,
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


def _by_codec() -> dict[str, Decoder]:
    decoders: dict[str, Decoder] = registry.load_all("decoders")
    return {codec: decoder for decoder in decoders.values() for codec in decoder.codecs}
