"""Pictures out of packets that lie one by one, as in message recordings: decoded from their key frame on.

Each stream keeps its decoder behind the last packet, so that reading on in order decodes each packet once. Packets
are numbered, and the decoder hands the number on to the picture that it makes of it, in whatever order they show.
No picture is given that leans on one that was lost or does not decode: FFmpeg would show something like it.
"""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import av

from rushes import packets
from rushes.decoders._file_version import version_of
from rushes.errors import ReadError
from rushes.model import FrameRequest, PacketRun

OPEN_STREAMS = 8
FURTHEST = 20
"""So many packets may follow before a picture is shown: sixteen in H.264 and H.265, and some for good measure."""
_FFMPEG = {"h264": "h264", "h265": "hevc", "hevc": "hevc", "vp9": "vp9", "av1": "libdav1d"}
_NONE_CAME = "no picture comes out of it"
_Result = TypeVar("_Result")
_Key: TypeAlias = tuple[str, str, Path, tuple[int, int, int]]


class PacketStreams:
    """Streams that are being decoded; safe to share between threads, not over a fork."""

    def __init__(self) -> None:
        self._streams: OrderedDict[_Key, _PacketStream] = OrderedDict()
        self._lock = Lock()

    def at(self, request: FrameRequest, use: Callable[[Any], _Result]) -> _Result:
        """Decode the picture of ``request.at`` in ``request.run`` and give what is made of it.

        Raises:
            ReadError: ``read.undecodable``, with the packet that it leans on and that is lost or damaged.
        """
        stream = self._stream(request)
        with stream.lock:
            return use(stream.picture(request))

    def clear(self) -> None:
        """Let all of them go."""
        with self._lock:
            self._streams.clear()

    def _stream(self, request: FrameRequest) -> "_PacketStream":
        if request.run is None:
            raise undecodable(request, "no key frame is known before it, and a packet by itself is no picture")
        path = request.location.path
        key = (request.codec, request.run.stream, path, version_of(path))
        with self._lock:
            stream = self._streams.get(key)
            if stream is None:
                stream = self._streams[key] = _PacketStream(request.codec)
                if len(self._streams) > OPEN_STREAMS:
                    self._streams.popitem(last=False)
            self._streams.move_to_end(key)
        return stream


class _PacketStream:
    """A decoder and the run of packets that it is in; hold ``lock`` while using it."""

    def __init__(self, codec: str) -> None:
        self.lock = Lock()
        self._codec = codec
        self._context: Any = av.CodecContext.create(_FFMPEG[codec], "r")
        self._context.options = {"err_detect": "explode"}
        if codec == "av1":  # else it looks ahead by as many packets as it has threads
            self._context.options["max_frame_delay"] = "1"
        self._first: int | None = None
        self._anew()

    def _anew(self) -> None:
        self._fed = 0
        self._ended = False
        self._pictures: dict[int, Any] = {}
        self._before = b""  # parameters that wait for their picture
        self._numbers = packets.FrameNumbers()
        self._broken: tuple[int, str] | None = None

    def picture(self, request: FrameRequest) -> Any:
        run, at = request.run, request.at
        assert run is not None
        if run.first != self._first or (at < self._fed and at not in self._pictures and not self._is_lost(at)):
            self._restart(run)
        while at not in self._pictures:
            if self._is_lost(at):
                raise undecodable(request, self._why(run, at))
            if self._ended or self._fed > at + FURTHEST:
                self._broken = (at, _NONE_CAME)
            else:
                self._advance(run, at)
        return self._pictures[at]

    def _is_lost(self, at: int) -> bool:
        return self._broken is not None and at >= self._broken[0]

    def _why(self, run: PacketRun, at: int) -> str:
        assert self._broken is not None
        place, why = self._broken
        return why if place == at else f"it leans on packet {run.first + place}: {why}"

    def _restart(self, run: PacketRun) -> None:
        if self._context.is_open:
            self._context.flush_buffers()
        self._anew()
        self._first = run.first

    def _advance(self, run: PacketRun, at: int) -> None:
        """Decode the next packet of the run, or what the decoder still holds at its end."""
        if self._fed == len(run.packets):
            self._end()
            return
        place = self._fed
        self._fed += 1
        try:
            data = (
                packets.annex_b(run.packets[place]) if self._codec in packets.UNIT_CODECS else run.packets[place]
            )
        except ReadError as error:
            self._break(place, f"its bytes cannot be read: {error.message}")
            return
        facts = packets.facts_of(data, self._codec)
        if facts is None:
            self._break(place, f"its bytes are no {self._codec}")
            return
        if not facts.picture:
            self._before += data
            return
        gap = self._numbers.gap_before(self._before + data) if self._codec == "h264" else None
        if gap is not None:
            self._break(place, f"what was sent before it is lost: pictures are numbered {gap[0]}, {gap[1]}")
            return
        packet = av.Packet(self._before + data)
        packet.pts = packet.dts = place
        self._before = b""
        try:
            frames = self._context.decode(packet)
        except (av.FFmpegError, ValueError) as error:
            self._break(place, str(error))
            return
        self._take(frames, at)
        in_order = self._codec not in packets.UNIT_CODECS or self._context.has_b_frames == 0
        if in_order and all(frame.pts != place for frame in frames):
            self._break(place, _NONE_CAME)

    def _take(self, frames: list[Any], at: int) -> None:
        for frame in frames:
            if frame.pts is None:
                continue
            if frame.is_corrupt:
                self._broken = self._broken or (frame.pts, "the decoder says that it is damaged")
            elif not self._is_lost(frame.pts):
                self._pictures[frame.pts] = frame
        for place in [place for place in self._pictures if place < at]:
            del self._pictures[place]

    def _break(self, place: int, why: str) -> None:
        """Note that from a packet on nothing can be trusted; what was sent before it still comes out."""
        self._broken = (place, why)
        self._end()

    def _end(self) -> None:
        self._ended = True
        try:
            self._take(self._context.decode(None), -1)
        except (av.FFmpegError, ValueError):
            return


def undecodable(request: FrameRequest, why: str) -> ReadError:
    """Give the error of a packet of which no picture is made."""
    path = request.location.path
    number = None if request.run is None else request.run.first + request.at
    what = f"a packet of {request.codec}" if number is None else f"packet {number} of {request.codec}"
    return ReadError(
        f"{path}: {what} cannot be decoded: {why}",
        code="read.undecodable",
        hint="the frame keeps its row and time; the pictures from the next key frame on are good",
        facts={"file": str(path), "packet": number},
    )
