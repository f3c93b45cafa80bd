"""Rows of pictures → a few small JPEGs, evenly spread, decoded one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import FrameFlag, FrameRequest, Location, MediaFile, PacketRun, Stream
from rushes.packets import CODECS
from rushes.report import amounts
from rushes.report.page import Picture
from rushes.workflow._look.gather import Gathered
from rushes.workflow.packet_runs import Runs
from rushes.workflow.pictures import decoder_for, spread

MOST = 7
LONG_SIDE_PX = 200
QUALITY = 70
KEYFRAME_REACH = 300
"""To show one picture of a video, so many are decoded before it at most; else a keyframe stands for it."""
UNUSABLE = int(FrameFlag.MISSING | FrameFlag.CORRUPT | FrameFlag.NO_PICTURE)


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
        runs = self._runs(kept)
        for index in choose(kept):
            row = kept.row(index)
            try:
                pixels = self._pixels(kept.stream, row, runs, index)
            except ReadError as error:
                trouble = trouble or f"frame {index}: {error.message}"
                continue
            span = span or _span(pixels, kept.stream)
            pictures.append(_picture(kept, index, row, pixels, span, origin_ns))
        return pictures, trouble

    def _runs(self, kept: Gathered) -> Runs | None:
        """Tell which packets decode together; None where each picture stands for itself."""
        if kept.stream.codec not in CODECS or any(file.container == "video" for file in self._media.values()):
            return None

        def payload(index: int) -> bytes:
            row = kept.row(index)
            return self._reader.read(_location(kept.stream, row, self._file(row)))

        return Runs.of_stream(
            f"{id(self)} {kept.stream.name}",
            kept.stream.codec,
            payload,
            keyframes=None if kept.numbers("keyframe") is None else kept.filled("keyframe", 0).tolist(),
            flags=kept.filled("flags", 0),
        )

    def _file(self, row: Mapping[str, Any]) -> MediaFile:
        file = self._media.get(row["media_id"])
        if file is None:
            raise ReadError("its bytes are absent", code="read.absent-file")
        return file

    def _pixels(self, stream: Stream, row: Mapping[str, Any], runs: Runs | None, index: int) -> npt.NDArray[Any]:
        run = None if runs is None else runs.of(index)
        request = _request(stream, row, self._file(row), run, 0 if run is None else index - run.first)
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
    within = max(len(usable) // max(most - 1, 1), 1) // 2
    chosen = {_near_keyframe(index, keys, within=within) for index in wanted[:-1]}
    return sorted(chosen | {_near_keyframe(wanted[-1], keys, within=0)})


def _near_keyframe(index: int, keys: npt.NDArray[np.int64], *, within: int) -> int:
    """Give the nearest keyframe where it is near, or where too much would have to be decoded for the picture."""
    nearest = int(keys[np.argmin(np.abs(keys - index))])
    before = int(keys[max(int(np.searchsorted(keys, index, side="right")) - 1, 0)])
    return nearest if abs(nearest - index) <= within or index - before > KEYFRAME_REACH else index


def _picture(
    kept: Gathered,
    index: int,
    row: Mapping[str, Any],
    pixels: npt.NDArray[Any],
    span: tuple[float, float] | None,
    origin_ns: int | None,
) -> Picture:
    stream = kept.stream
    shown = upright(pixels, stream.rotation_deg)
    height, width = shown.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    render = registry.late("rushes.decoders._render")
    when = None if origin_ns is None or stream.clock == "none" else amounts.seconds(row["t_ns"] - origin_ns)
    place = f"{stream.name}, frame {index} of {kept.rows}"
    return Picture(
        jpeg=render.to_jpeg(shown, stream.modality, span=span, long_side_px=LONG_SIDE_PX, quality=QUALITY),
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        alt=f"{place} at {when}" if when else place,
        caption=f"{index} · {when}" if when else str(index),
    )


def upright(pixels: npt.NDArray[Any], rotation_deg: int | None) -> npt.NDArray[Any]:
    """Turn a picture clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(pixels, k=-((rotation_deg or 0) // 90)))


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


def _location(stream: Stream, row: Mapping[str, Any], file: MediaFile) -> Location:
    return Location(
        path=file.path,
        container=file.container,
        offset=row["offset"],
        length=row["length"],
        block=row["block"],
        packing=stream.packing,
    )


def _request(
    stream: Stream, row: Mapping[str, Any], file: MediaFile, run: PacketRun | None, at: int
) -> FrameRequest:
    return FrameRequest(
        location=_location(stream, row, file),
        codec=stream.codec or "",
        pixel_format=stream.pixel_format,
        width=row["width"] or stream.width,
        height=row["height"] or stream.height,
        stride=row["stride"],
        container_index=stream.container_index,
        pts=row["pts"],
        rotation_deg=stream.rotation_deg,
        run=run,
        at=at,
    )
