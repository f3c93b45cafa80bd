"""A camera at this machine, through OpenCV: V4L2 on Linux, DirectShow or Media Foundation, AVFoundation.

A camera that makes JPEG itself is asked for that, and the bytes are passed on as they came; V4L2 alone lets OpenCV
hand them over undecoded. Any other picture is encoded here. V4L2 stamps each picture with the monotonic clock of
this machine when its first bytes come in; that stamp is the time of the device.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from sys import platform
from typing import Any

import cv2
import numpy as np

from rushes.capture._camera_wishes import CameraWishes
from rushes.capture._pictures import FeedFacts, FeedLost, Picture, jpeg_picture, without_padding

MONOTONIC = "monotonic"
"""Name of the clock of V4L2's stamps: the monotonic clock of this machine, which all its cameras share."""
_MJPG = cv2.VideoWriter.fourcc(*"MJPG")
_BACKENDS = {
    "v4l2": cv2.CAP_V4L2,
    "dshow": cv2.CAP_DSHOW,
    "msmf": cv2.CAP_MSMF,
    "avfoundation": cv2.CAP_AVFOUNDATION,
}
_USUAL = {"linux": "v4l2", "win32": "dshow", "darwin": "avfoundation"}
_STALE_MS = 5_000
_RATE_SLACK = 0.1
_TRIES = 10
"""Pictures that a camera may fail to give when it is started, before it counts as absent."""


def open_device(wishes: CameraWishes) -> "DeviceFeed":
    """Open a camera of this machine by its number or path.

    Raises:
        CaptureError: ``capture.absent`` or ``capture.refused``.
    """
    backend = wishes.backend or _USUAL.get(platform, "")
    device: int | str = int(wishes.device) if wishes.device.isdigit() else wishes.device
    node = Path(f"/dev/video{device}") if isinstance(device, int) else Path(device)
    if backend == "v4l2" and not node.exists():  # asked first, as OpenCV writes its own complaint to the terminal
        raise wishes.absent(f"there is no {node}")
    capture = cv2.VideoCapture(device, _BACKENDS.get(backend, cv2.CAP_ANY))
    if not capture.isOpened():
        raise wishes.absent(
            "OpenCV cannot open it", "another program may hold it; close that one, or look at rights"
        )
    try:
        return DeviceFeed(wishes, capture, v4l2=backend == "v4l2")
    except BaseException:
        capture.release()
        raise


class DeviceFeed:
    """A camera that OpenCV holds open.

    Args:
        capture: A ``cv2.VideoCapture``, or what behaves like one.
        v4l2: Whether its stamps and its undecoded bytes can be had.
    """

    def __init__(self, wishes: CameraWishes, capture: Any, *, v4l2: bool) -> None:
        self._wishes, self._capture, self._v4l2 = wishes, capture, v4l2
        self._as_delivered = self._ask()
        self._clock: str | None = None
        first = self._first()
        self._clock = self._clock_of(first.arrived_ns)
        rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
        self.facts = FeedFacts(
            codec="jpeg" if self._as_delivered else wishes.encoding,
            device_clock=self._clock,
            rate_hz=rate_hz if rate_hz > 0 else None,
            width_px=first.width_px,
            height_px=first.height_px,
            unmet=self._unmet(first, rate_hz),
        )

    def pictures(self) -> Iterator[Picture]:
        """Give pictures as they come.

        Raises:
            FeedLost: If the camera gives no more.
        """
        while True:
            picture = self._read()
            if picture is None:
                raise FeedLost("the camera gives no more pictures")
            yield picture

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def _ask(self) -> bool:
        """Ask for the format; True where pictures will come as the camera encoded them."""
        wishes, capture = self._wishes, self._capture
        if wishes.codec != "raw":
            capture.set(cv2.CAP_PROP_FOURCC, _MJPG)
        if wishes.width_px:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, wishes.width_px)
        if wishes.height_px:
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wishes.height_px)
        if wishes.rate_hz:
            capture.set(cv2.CAP_PROP_FPS, wishes.rate_hz)
        encoded = wishes.codec != "raw" and self._v4l2 and int(capture.get(cv2.CAP_PROP_FOURCC)) == _MJPG
        return encoded and bool(capture.set(cv2.CAP_PROP_CONVERT_RGB, 0))

    def _first(self) -> Picture:
        """Read until a picture comes that is one: the first after the start may be cut."""
        for _ in range(_TRIES):
            picture = self._read()
            if picture is not None and not picture.fault:
                return picture
        raise self._wishes.absent("it gives no picture", "unplug it and plug it in again; close what else uses it")

    def _read(self) -> Picture | None:
        if not self._capture.grab():
            return None
        arrived_ns = time.monotonic_ns()
        whole, pixels = self._capture.retrieve()
        if not whole or pixels is None:
            return None
        device_ns = None if self._clock is None else self._stamp_ns()
        if self._as_delivered:
            data = without_padding(np.ascontiguousarray(pixels).tobytes())
            return jpeg_picture(data, arrived_ns=arrived_ns, device_ns=device_ns)
        return Picture(
            data=encoded(pixels, self._wishes),
            arrived_ns=arrived_ns,
            device_ns=device_ns,
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
        )

    def _stamp_ns(self) -> int:
        return round(float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) * 1e6)

    def _clock_of(self, arrived_ns: int) -> str | None:
        """Name the clock of its stamps: this machine's where they fit it, else one of its own."""
        stamp_ms = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) if self._v4l2 else 0.0
        if stamp_ms <= 0:
            return None
        return MONOTONIC if 0 <= arrived_ns / 1e6 - stamp_ms < _STALE_MS else self._wishes.name

    def _unmet(self, first: Picture, rate_hz: float) -> str:
        """Say what is not as it was asked for; refuse it unless the rig takes any format."""
        wishes = self._wishes
        unmet = [wishes.unmet(first.width_px, first.height_px)]
        if wishes.codec == "jpeg" and not self._as_delivered:
            unmet.append("asked for its own JPEG, it gives raw pictures")
        if wishes.rate_hz and rate_hz > 0 and abs(rate_hz / wishes.rate_hz - 1) > _RATE_SLACK:
            unmet.append(f"asked for {wishes.rate_hz:g} pictures a second, it gives {rate_hz:g}")
        said = "; ".join(part for part in unmet if part)
        if said and not wishes.any_format:
            raise wishes.refused(said)
        return said


def encoded(pixels: Any, wishes: CameraWishes) -> bytes:
    """Encode a picture, BGR or grey, as the rig asks."""
    jpeg = wishes.encoding == "jpeg"
    how = [cv2.IMWRITE_JPEG_QUALITY, wishes.quality] if jpeg else [cv2.IMWRITE_PNG_COMPRESSION, 1]
    done, data = cv2.imencode(".jpg" if jpeg else ".png", pixels, how)
    assert done
    return data.tobytes()
