"""Cameras: those of this machine through OpenCV, and any URL or file that FFmpeg opens.

``device`` is a number (``0``), a path (``/dev/video0``), a URL (``http://…`` that sends JPEG after JPEG,
``rtsp://…``, ``tcp://…``, ``udp://…``) or a video file, which is given at its own pace. A user and a password in a
URL are used and never shown; but the rig file goes into the recording as it is.

``format``:
    width_px, height_px: Size that is asked for; a URL cannot be asked, and is held to it.
    codec: ``delivered`` (the default): as the camera encodes it, where it does. ``jpeg``: pictures in JPEG, of a
        camera of this machine its own; what a URL sends in another codec is decoded and encoded here. ``raw``:
        asks a camera of this machine for raw pictures, which are encoded here.

``options``:
    encoding, quality: What is encoded here: ``jpeg`` with its quality of 1 to 100 (95), or ``png``.
    any_format: ``true`` takes what comes when a size, rate or codec is not as asked; it is told as a trouble.
    modality: ``color`` or ``infrared``.
    time_meaning: What the camera's stamps mean, if that is known: ``exposure_start``, ``exposure_mid``,
        ``exposure_end``.
    open_within, silent_after: How long to wait for it to open, and for the next picture before it is opened anew
        (``5s``).
    backend: ``v4l2``, ``dshow``, ``msmf`` or ``avfoundation``; the usual one of the system.
    demuxer, ffmpeg: Name of a demuxer, and a mapping of FFmpeg's options, for URLs: ``{rtsp_transport: udp}``.

The clock of the device: V4L2's stamps are of the monotonic clock of this machine, which is held against the
recorder's all along; ``X-Timestamp`` of HTTP and the stamps of packets are of a clock with the sensor's name.
After a reconnection such a clock may begin anew, which is told.
"""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from sys import platform
from urllib.parse import urlsplit

import numpy as np

from rushes.capture._camera_device import MONOTONIC, open_device
from rushes.capture._camera_http import open_http
from rushes.capture._camera_url import is_file, open_url
from rushes.capture._camera_wishes import CameraWishes, camera_wishes
from rushes.capture._mishaps import Absence, Garbage
from rushes.capture._pictures import Feed, FeedFacts, Picture
from rushes.capture._pump import Back, Ended, Lost, Pump
from rushes.capturing import FoundDevice, Intake, LiveStream, OpenSource, Pictures, Samples, Source, Trouble
from rushes.model import ClockPairs
from rushes.sensors import SensorOfRig

PAIR_EVERY_NS = 10_000_000_000
_NODES = Path("/sys/class/video4linux")
_FARTHEST = 4
"""Numbers that are offered where the system does not list its cameras."""


class CameraSource:
    """Opens cameras."""

    name = "camera"
    version = "1"

    def scan(self) -> Sequence[FoundDevice]:
        """List the cameras that the system names; where it names none, the first numbers, unproven.

        A camera is not opened for it: that would switch it on.
        """
        if platform == "linux":
            return found_nodes(_NODES)
        return [
            FoundDevice(
                source=self.name,
                device=str(number),
                title=f"camera {number}, if there are so many",
                facts={"proven": "no"},
            )
            for number in range(_FARTHEST)
        ]

    def open(self, sensor: SensorOfRig) -> OpenSource:
        """Open a camera, and wait for its first picture.

        Raises:
            CaptureError: ``capture.absent`` or ``capture.refused``.
            RecipeError: ``rig.invalid``.
        """
        wishes = camera_wishes(sensor)
        return OpenCamera(sensor, wishes, _opened(wishes))


class OpenCamera:
    """A camera that is open."""

    def __init__(self, sensor: SensorOfRig, wishes: CameraWishes, feed: Feed) -> None:
        self._wishes, self._feed = wishes, feed
        self._facts = feed.facts
        self._begun = False
        self._seq = 0
        self._last_ns: int | None = None
        self._was_back = False
        self.streams: Sequence[LiveStream] = (_stream(sensor, wishes, feed.facts),)

    def run(self, into: Intake) -> None:
        """Give pictures until told to stop, or to the end of a file.

        Raises:
            CaptureError: Never for a camera that goes away: it is waited for.
        """
        self._begun = True
        pump = Pump(self._feed, self._again, name=self._wishes.name)
        garbage = Garbage(into, sensor=self._wishes.name, stream=self._wishes.topic, what="pictures")
        absence = Absence(into, sensor=self._wishes.name)
        if self._facts.unmet:
            self._tell_unmet(into)
        pump.start()
        paired_ns: int | None = None
        try:
            while not into.stopping.is_set():
                happening = pump.next()
                match happening:
                    case Picture():
                        absence.ends()
                        self._give(happening, into, garbage)
                    case Lost():
                        absence.begins(happening.why)
                    case Back():
                        self._was_back = True
                    case Ended():
                        if happening.error is not None:
                            raise happening.error
                        return
                garbage.tell()
                if self._facts.device_clock == MONOTONIC and (
                    paired_ns is None or into.clock.now_ns() - paired_ns >= PAIR_EVERY_NS
                ):
                    paired_ns = _pair(into)
        finally:
            pump.leave(0.3)
            garbage.tell(at_once=True)

    def close(self) -> None:
        """Let go of the camera; once it ran, its thread does that."""
        if not self._begun:
            self._begun = True
            self._feed.close()

    def _again(self) -> Feed:
        """Open it anew; refuses what is no longer the same kind of stream, for the recording has but one."""
        feed = _opened(self._wishes)
        if (feed.facts.codec, feed.facts.device_clock) == (self._facts.codec, self._facts.device_clock):
            return feed
        feed.close()
        raise self._wishes.refused("it came back with another codec or clock", "begin a new recording")

    def _give(self, picture: Picture, into: Intake, garbage: Garbage) -> None:
        self._seq += 1  # also for garbage: a hole in the sequence is a lost sample
        if picture.fault:
            garbage.add(picture.fault)
            return
        if self._was_back:
            self._was_back = False
            self._tell_new_clock(picture, into)
        self._last_ns = picture.device_ns
        into.put(
            Samples(
                stream=self._wishes.topic,
                arrival_ns=np.array([into.clock.of_monotonic(picture.arrived_ns)], np.int64),
                device_ns=None if picture.device_ns is None else np.array([picture.device_ns], np.int64),
                seq=np.array([self._seq - 1], np.int64),
                content=Pictures(data=(picture.data,), width_px=picture.width_px, height_px=picture.height_px),
            )
        )

    def _tell_unmet(self, into: Intake) -> None:
        into.trouble(
            Trouble(
                what="refused",
                message=f"{self._facts.unmet}; it is recorded as it comes",
                at_ns=into.clock.now_ns(),
                sensor=self._wishes.name,
                stream=self._wishes.topic,
            )
        )

    def _tell_new_clock(self, picture: Picture, into: Intake) -> None:
        if picture.device_ns is None or self._last_ns is None or picture.device_ns >= self._last_ns:
            return
        into.trouble(
            Trouble(
                what="clock",
                message=f"the camera's clock began anew: {picture.device_ns / 1e9:.3f} s after "
                f"{self._last_ns / 1e9:.3f} s",
                at_ns=into.clock.now_ns(),
                sensor=self._wishes.name,
                stream=self._wishes.topic,
            )
        )


def found_nodes(folder: Path) -> list[FoundDevice]:
    """List the cameras that Linux knows; nodes that carry only metadata of another are left out.

    Args:
        folder: ``/sys/class/video4linux``.
    """
    found = []
    for node in sorted(folder.glob("video*"), key=lambda each: int(re.sub(r"\D", "", each.name) or 0)):
        try:
            title = (node / "name").read_text(encoding="utf-8", errors="replace").strip()
            index = (node / "index").read_text(encoding="utf-8").strip()
        except OSError:  # it was unplugged just now
            continue
        if index != "0":  # further nodes of the same camera: metadata, or other outputs
            continue
        found.append(
            FoundDevice(
                source="camera", device=f"/dev/{node.name}", title=title or node.name, facts={"node": node.name}
            )
        )
    return found


def _opened(wishes: CameraWishes) -> Feed:
    """Open by what the device looks like."""
    device, scheme = wishes.device, urlsplit(wishes.device).scheme
    if not device:
        raise wishes.absent("the rig names no device", "say device: 0, a path or a URL")
    if device.isdigit() or device.startswith("/dev/"):
        return open_device(wishes)
    if scheme in ("http", "https") and wishes.demuxer is None:
        feed = open_http(wishes)
        if feed is not None:
            return feed
    if "://" in device or is_file(device):
        return open_url(wishes)
    raise wishes.absent("there is no such file", "say a number, a path or a URL")


def _stream(sensor: SensorOfRig, wishes: CameraWishes, facts: FeedFacts) -> LiveStream:
    return LiveStream(
        name=wishes.topic,
        form="pictures",
        modality=wishes.modality,
        nominal_rate_hz=sensor.rate_hz or facts.rate_hz,
        device_clock=facts.device_clock,
        time_meaning="arrival" if facts.device_clock is None else wishes.time_meaning,
        latency_ns=sensor.latency_ns,
        frame_of_reference=sensor.frame_of_reference,
        codec=facts.codec,
    )


def _pair(into: Intake) -> int:
    """Hold this machine's monotonic clock against the recorder's, which runs by it; gives the latter."""
    monotonic_ns = time.monotonic_ns()
    now_ns = into.clock.of_monotonic(monotonic_ns)
    into.pair(
        ClockPairs(
            from_clock=MONOTONIC,
            to_clock="log",
            from_ns=np.array([monotonic_ns], np.int64),
            to_ns=np.array([now_ns], np.int64),
            relation="same",
            source="host-clock",
        )
    )
    return now_ns


PLUGIN: Source = CameraSource()
