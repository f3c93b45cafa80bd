"""Pictures out of media containers, by exact presentation time, through FFmpeg.

A container stays open with its decoder at the last picture, so that reading on in order never seeks; a few are
kept. To reach another picture it seeks to a keyframe at or before it and decodes on until the picture with exactly
that pts. Codecs go by FFmpeg's names; those that are also image files are called ``png-track`` and so on.
Packets that lie one by one in a message recording are decoded as well, by ``_packets``.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias, TypeVar
from weakref import WeakMethod

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.reformatter import ColorRange

from rushes.contracts import Decoder
from rushes.decoders._file_version import version_of
from rushes.decoders._grey import shrink, small, to_8_bits
from rushes.decoders._headers import Head
from rushes.decoders._packets import PacketStreams
from rushes.errors import ReadError
from rushes.fragments import open_container
from rushes.model import FrameRequest, SmallPicture

OPEN_TRACKS = 8
NEAR_SECONDS = 1.0
"""Without a keyframe known between, decoding on is cheaper than seeking up to this distance."""

_LUMA_FIRST = ("yuv420p", "yuv422p", "yuv444p", "yuvj4", "nv12", "nv21")
_FULL_RANGE = np.clip((np.arange(256) - 16) * (255 / 219), 0, 255).round().astype(np.uint8)
"""Luma of video, black at 16 and white at 235, brought to 0 and 255."""

_FULL_CHROMA = np.clip((np.arange(256) - 128) * (255 / 224) + 128, 0, 255).round().astype(np.uint8)
"""The same for chroma, which runs from 16 to 240."""
_THREE_PLANES = ("yuv420p", "yuv422p", "yuv444p", "yuvj4")

_Result = TypeVar("_Result")
_Key: TypeAlias = tuple[Path, int, tuple[int, int, int]]
_BACK_STEPS_S = (0.0, 2.0, 10.0, 60.0)  # how much further back to seek when a keyframe turns out to be too late


class VideoDecoder:
    """Decodes one picture of a container's track; safe to share between threads and to use after a fork."""

    name = "video"
    codecs = frozenset(
        {
            *("h264", "hevc", "vvc", "av1", "vp8", "vp9", "mpeg4", "mpeg1video", "mpeg2video", "mjpeg", "theora"),
            *("ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210", "prores", "dnxhd", "cfhd", "dvvideo"),
            *("h263", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "vc1", "flv1", "svq3", "qtrle", "gif"),
            *("cinepak", "jpeg2000", "magicyuv", "apng", "h265"),
            *("png-track", "bmp-track", "tiff-track", "webp-track", "pgm-track", "ppm-track"),
        }
    )
    reads_container = True

    def __init__(self) -> None:
        self._tracks: OrderedDict[_Key, _Track] = OrderedDict()
        self._packets = PacketStreams()
        self._lock = Lock()
        self._inherited: list[object] = []
        after_fork = WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (method := after_fork()) and method())

    def decode(
        self,
        request: FrameRequest,
        payload: bytes | memoryview | None,  # noqa: ARG002 - the container is read instead
    ) -> npt.NDArray[Any]:
        """Decode the picture whose time stamp is exactly ``request.pts``, or that of a packet of ``request.run``.

        A payload is not looked at.

        Raises:
            ReadError: ``read.undecodable`` if there is no such picture or it does not decode; for packets also
                where one that it leans on is lost or damaged.
        """
        return self._at(request, _pixels)

    def decode_grey(
        self,
        request: FrameRequest,
        payload: bytes | memoryview | None,  # noqa: ARG002 - the container is read instead
        long_side_px: int,
    ) -> npt.NDArray[np.uint8]:
        """Decode, and shrink the luma alone."""
        return self._at(request, lambda frame: _small_grey(frame, long_side_px))

    def decode_small(
        self,
        request: FrameRequest,
        payload: bytes | memoryview | None,  # noqa: ARG002 - the container is read instead
        long_side_px: int,
    ) -> SmallPicture:
        """Decode, and shrink luma and colour each where they lie."""
        return self._at(request, lambda frame: _small(frame, long_side_px))

    def close(self) -> None:
        """Close every container that was left open."""
        with self._lock:
            tracks = list(self._tracks.values())
            self._tracks.clear()
        self._packets.clear()
        for track in tracks:
            track.close()

    def _start_anew(self) -> None:
        """Forget what a fork inherited: it shares file positions with the parent, and its threads are not here.

        The containers are kept, as closing them would wait for those threads for ever.
        """
        self._inherited += [self._tracks, self._packets]
        self._tracks = OrderedDict()
        self._packets = PacketStreams()
        self._lock = Lock()

    def _at(self, request: FrameRequest, use: Callable[[av.VideoFrame], _Result]) -> _Result:
        if request.location.container != "video":
            return self._packets.at(request, use)
        if request.pts is None:
            raise _undecodable(request, "its time stamp is not known")
        while True:
            track = self._track(request)
            with track.lock:
                if track.closed:  # put out by another thread between the two lines above
                    continue
                try:
                    frame = track.frame_at(request.pts)
                    if frame is not None:
                        return use(frame)
                except (av.FFmpegError, ValueError) as error:
                    track.forget()
                    raise _undecodable(request, str(error)) from error
            raise _undecodable(request, f"no picture has the time stamp {request.pts}")

    def _track(self, request: FrameRequest) -> "_Track":
        path = request.location.path
        key = (path, request.container_index or 0, version_of(path))
        put_out: _Track | None = None
        with self._lock:
            track = self._tracks.get(key)
            if track is None:
                track = self._tracks[key] = _open(request)
                if len(self._tracks) > OPEN_TRACKS:
                    put_out = self._tracks.popitem(last=False)[1]
            self._tracks.move_to_end(key)
        if put_out is not None:
            put_out.close()
        return track


class _Track:
    """One track of an open container and the picture that was decoded last; hold ``lock`` while using it."""

    def __init__(self, path: Path, index: int) -> None:
        self.lock = Lock()
        self.closed = False
        self._path = path
        self._index = index
        self._container: InputContainer = open_container(path)
        if index >= len(self._container.streams) or self._container.streams[index].type != "video":
            self._container.close()
            raise ValueError(f"track {index} is no video")
        self._stream: Any = self._container.streams[index]
        self._second = max(1, round(1 / (self._stream.time_base or 1)))
        self._frames: Iterator[av.VideoFrame] | None = None
        self._last: av.VideoFrame | None = None

    def close(self) -> None:
        """Close the container once nobody uses it."""
        with self.lock:
            self.closed = True
            self.forget()
            self._container.close()

    def forget(self) -> None:
        """Do not go on from here; the next picture is sought anew."""
        self._frames = self._last = None

    def frame_at(self, pts: int) -> av.VideoFrame | None:
        """Give the picture of exactly that time stamp; None if there is none."""
        if self._last is not None and self._last.pts == pts:
            return self._last
        if self._goes_on_to(pts):
            found = self._decode_on(pts)
            if found is not None:
                return found
        for back in _BACK_STEPS_S:
            if self._seek(pts, round(back * self._second)):
                return self._decode_on(pts)
        self._from_the_start()
        return self._decode_on(pts)

    def _goes_on_to(self, pts: int) -> bool:
        if self._frames is None or self._last is None or self._last.pts is None or pts <= self._last.pts:
            return False
        if pts - self._last.pts <= self._second * NEAR_SECONDS:
            return True
        entries = self._stream.index_entries
        place = entries.search_timestamp(pts, backward=True) if len(entries) else -1
        return place >= 0 and int(entries[place].timestamp) <= self._last.pts

    def _decode_on(self, pts: int) -> av.VideoFrame | None:
        assert self._frames is not None
        for frame in self._frames:
            if frame.pts is None:
                continue
            self._last = frame
            if frame.pts == pts:
                return frame
            if frame.pts > pts:
                return None
        self.forget()
        return None

    def _seek(self, pts: int, back: int) -> bool:
        """Go to a keyframe at or before; False if the one that was reached is shown later."""
        self.forget()
        target = pts - back
        if target <= (self._stream.start_time or 0):
            return False
        self._container.seek(target, stream=self._stream, backward=True)
        packets = self._container.demux(self._stream)
        first = next(packets, None)
        if first is None or not first.is_keyframe or first.pts is None or first.pts > pts:
            return False
        self._frames = _shown(chain([first], packets), first.pts)
        return True

    def _from_the_start(self) -> None:
        """Open anew: not every demuxer can seek to its very first packet, whose pts may be late."""
        self.forget()
        self._container.close()
        self._container = open_container(self._path)
        self._stream = self._container.streams[self._index]
        self._frames = _shown(self._container.demux(self._stream), None)


def _shown(packets: Iterable[Any], least: int | None) -> Iterator[av.VideoFrame]:
    """Decode packets in turn; a damaged one costs its own picture, not those after it.

    Args:
        packets: In decoding order.
        least: Time stamp of the keyframe that decoding starts with; pictures shown before it lean on what was not
            decoded and are left out.
    """
    for packet in packets:
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            if least is None or frame.pts is None or frame.pts >= least:
                yield frame


def _open(request: FrameRequest) -> _Track:
    path, index = request.location.path, request.container_index or 0
    try:
        return _Track(path, index)
    except FileNotFoundError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="bring the recording back to where it was, or ingest it again from its new place",
            facts={"file": str(path)},
        ) from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _undecodable(request, str(error)) from error


def _pixels(frame: av.VideoFrame) -> npt.NDArray[Any]:
    if _is_grey(frame):
        return _grey(frame)
    return np.asarray(frame.to_ndarray(format="rgb24"))


def _grey(frame: av.VideoFrame) -> npt.NDArray[Any]:
    """Give the luma: uint16 counts for deep grey pictures, else uint8 of full range."""
    if _is_grey(frame) and frame.format.components[0].bits > 8:
        exact = "gray16le" if frame.format.name.startswith("gray16") else frame.format.name
        return np.asarray(frame.to_ndarray(format=exact)).astype(np.uint16, copy=False)
    return np.asarray(frame.to_ndarray(format="gray"))


def _small(frame: av.VideoFrame, long_side_px: int) -> SmallPicture:
    """Shrink the planes of luma and chroma apart, then make RGB of what is left."""
    name = frame.format.name
    if not name.startswith(_THREE_PLANES) or frame.format.components[0].bits > 8:
        return small(_pixels(frame), long_side_px)
    luma = _small_grey(frame, long_side_px)
    size = (luma.shape[1], luma.shape[0])
    chroma = [cv2.resize(_plane(frame, at), size, interpolation=cv2.INTER_AREA) for at in (1, 2)]
    if not _is_full_range(frame):
        chroma = [cv2.LUT(plane, _FULL_CHROMA) for plane in chroma]
    joined = cv2.merge([luma, chroma[1], chroma[0]])
    head = Head(width=frame.width, height=frame.height, channels=3, bits=8)
    return small(np.asarray(cv2.cvtColor(joined, cv2.COLOR_YCrCb2RGB)), long_side_px, head)


def _plane(frame: av.VideoFrame, at: int) -> npt.NDArray[np.uint8]:
    plane: Any = frame.planes[at]
    rows: npt.NDArray[np.uint8] = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def _is_full_range(frame: av.VideoFrame) -> bool:
    return frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG


def _small_grey(frame: av.VideoFrame, long_side_px: int) -> npt.NDArray[np.uint8]:
    """Shrink 8-bit luma where it lies: converting the whole picture first costs as much as decoding it."""
    if not frame.format.name.startswith(_LUMA_FIRST) or frame.format.components[0].bits > 8:
        return shrink(to_8_bits(_grey(frame)), long_side_px)
    luma = shrink(_plane(frame, 0), long_side_px)
    return luma.copy() if _is_full_range(frame) else np.asarray(cv2.LUT(luma, _FULL_RANGE), np.uint8)


def _is_grey(frame: av.VideoFrame) -> bool:
    return frame.format.name.startswith("gray")


def _undecodable(request: FrameRequest, why: str) -> ReadError:
    path = request.location.path
    return ReadError(
        f"{path}: track {request.container_index or 0} cannot be decoded at time stamp {request.pts}: {why}",
        code="read.undecodable",
        hint="the frame keeps its row and time; look whether the file is whole with rushes verify",
        facts={"file": str(path), "track": request.container_index, "pts": request.pts},
    )


PLUGIN: Decoder = VideoDecoder()
