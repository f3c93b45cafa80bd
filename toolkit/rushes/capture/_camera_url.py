"""A camera at a URL that FFmpeg opens, such as RTSP: its packets are passed on without decoding.

JPEG, PNG, H.264 and H.265 stay as they were sent; the two latter in Annex B, with their parameter sets before
every key frame, so that a player may begin at any of them. Other codecs are decoded and encoded here. The stamps
of the packets are the time of the device, where the format has any: of raw streams FFmpeg makes them up, and
they are not taken. A file is given at the pace of its stamps.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.format import Flags

from rushes.capture._annex_b import annex_b, packet_with_sets
from rushes.capture._camera_device import encoded
from rushes.capture._camera_wishes import CameraWishes, without_password
from rushes.capture._pictures import FeedFacts, FeedLost, Picture, jpeg_picture

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

CODECS = {"mjpeg": "jpeg", "png": "png", "h264": "h264", "hevc": "h265"}
_RAW = frozenset(("mpjpeg", "mjpeg", "h264", "hevc", "image2", "image2pipe", "jpeg_pipe", "png_pipe", "rawvideo"))


def is_file(device: str) -> bool:
    """Tell whether a device is a file of this machine."""
    return device.startswith("file:") or ("://" not in device and Path(device).is_file())


def open_url(wishes: CameraWishes) -> "UrlFeed":
    """Open a camera by its URL, or a file.

    Raises:
        CaptureError: ``capture.absent`` or ``capture.refused``.
    """
    options = {"rtsp_transport": "tcp"} if wishes.device.startswith("rtsp") else {}
    try:
        container = av.open(
            wishes.device,
            format=wishes.demuxer,
            options=options | dict(wishes.ffmpeg),
            timeout=(wishes.open_s, wishes.silent_s),
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise wishes.absent(f"FFmpeg says: {error}") from error
    try:
        return UrlFeed(wishes, container)
    except BaseException:
        container.close()
        raise


class UrlFeed:
    """A stream that FFmpeg holds open."""

    def __init__(self, wishes: CameraWishes, container: "InputContainer") -> None:
        self._wishes, self._container = wishes, container
        if not container.streams.video:
            raise wishes.refused("it has no pictures", "look at the URL; it may name a stream of sound")
        self._track = track = container.streams.video[0]
        self._codec = track.codec_context.name
        self._kept = wishes.codec == "delivered" and self._codec in CODECS
        self._kept = self._kept or (wishes.codec == "jpeg" and self._codec == "mjpeg")
        self._plain, self._sets = annex_b(track) if self._kept else (None, b"")
        self._timed = not (Flags(container.format.flags) & Flags.no_timestamps or container.format.name in _RAW)
        self._paced = is_file(wishes.device)
        self._last_ns = 0
        width_px, height_px = int(track.codec_context.width), int(track.codec_context.height)
        unmet = wishes.unmet(width_px, height_px)
        if unmet and not wishes.any_format:
            raise wishes.refused(unmet)
        rate = track.average_rate
        self.facts = FeedFacts(
            codec=CODECS[self._codec] if self._kept else wishes.encoding,
            device_clock=wishes.name if self._timed else None,
            rate_hz=float(rate) if rate else None,
            width_px=width_px,
            height_px=height_px,
            unmet=unmet,
        )

    def pictures(self) -> Iterator[Picture]:
        """Give pictures as they come, in the order in which they are sent; ends at the end of a file.

        Raises:
            FeedLost: If the stream breaks, ends, or nothing comes for long.
        """
        begun: tuple[int, int] | None = None
        try:
            for packet in self._container.demux(self._track):
                for picture in self._pictures_of(packet):
                    if self._paced and picture.device_ns is not None:
                        begun = begun or (time.monotonic_ns(), picture.device_ns)
                        ahead_ns = begun[0] + picture.device_ns - begun[1] - time.monotonic_ns()
                        time.sleep(max(0, ahead_ns) / 1e9)
                    yield picture
        except av.error.ExitError as error:
            raise FeedLost(f"nothing came for {self._wishes.silent_s:g} s") from error
        except (av.FFmpegError, OSError, ValueError) as error:
            raise FeedLost(without_password(str(error))) from error
        if not self._paced:
            raise FeedLost("the stream ended")

    def close(self) -> None:
        """Close the stream."""
        self._container.close()

    def _pictures_of(self, packet: "Packet[VideoStream]") -> Iterator[Picture]:
        arrived_ns = time.monotonic_ns()
        if not self._kept:
            yield from self._encoded(packet, arrived_ns)
        elif packet.size:
            for made in self._plain.filter(packet) if self._plain is not None else [packet]:
                yield self._delivered(made, arrived_ns)

    def _delivered(self, packet: Any, arrived_ns: int) -> Picture:
        data, device_ns = packet_with_sets(packet, self._sets, self._codec), self._time_ns(packet)
        if self._codec == "mjpeg":
            return jpeg_picture(data, arrived_ns=arrived_ns, device_ns=device_ns)
        context = self._track.codec_context
        return Picture(
            data=data,
            arrived_ns=arrived_ns,
            device_ns=device_ns,
            width_px=int(context.width),
            height_px=int(context.height),
        )

    def _encoded(self, packet: "Packet[VideoStream]", arrived_ns: int) -> Iterator[Picture]:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            yield Picture(
                data=b"", arrived_ns=arrived_ns, device_ns=None, fault=f"a packet that does not decode: {error}"
            )
            return
        for frame in frames:
            yield Picture(
                data=encoded(frame.to_ndarray(format="bgr24"), self._wishes),
                arrived_ns=arrived_ns,
                device_ns=self._time_ns(frame),
                width_px=frame.width,
                height_px=frame.height,
            )

    def _time_ns(self, of: Any) -> int | None:
        """Give the stamp of a packet or frame.

        A packet that holds none, as where one packet of MPEG-TS brings several pictures, takes its decoding time,
        else the stamp before it: a stream has stamps for all or for none. FFmpeg leaves out the first of RTSP,
        from which it counts the others: that is 0.
        """
        if not self._timed:
            return None
        ticks = of.pts if of.pts is not None else of.dts
        if ticks is not None and of.time_base is not None:
            self._last_ns = int(ticks * 1_000_000_000 * of.time_base.numerator // of.time_base.denominator)
        return self._last_ns
