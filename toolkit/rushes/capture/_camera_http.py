"""A camera that sends JPEG after JPEG over HTTP (``multipart/x-mixed-replace``): the bytes stay as they were sent.

Read here and not by FFmpeg, which drops the headers of the parts: ``X-Timestamp``, where a camera sends it, is
when the picture was taken, in seconds of the camera's clock.
"""

import base64
import time
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from http.client import HTTPException, HTTPResponse
from typing import cast
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from rushes.capture._camera_wishes import CameraWishes, without_password
from rushes.capture._multipart import PartSplitter, boundary_of
from rushes.capture._pictures import FeedFacts, FeedLost, Picture, jpeg_picture

STAMP = "x-timestamp"
_AT_ONCE = 65_536


def open_http(wishes: CameraWishes) -> "HttpFeed | None":
    """Open a camera by its URL; None where what it sends is no multipart, but a stream that FFmpeg may know.

    Raises:
        CaptureError: ``capture.absent`` or ``capture.refused``.
    """
    try:
        answer = urlopen(_request(wishes.device), timeout=wishes.open_s)  # noqa: S310 - http and https alone come here
    except HTTPError as error:
        error.close()  # it is the server's answer too, and holds the connection
        raise wishes.absent(f"the server answers {error}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise wishes.absent(str(error)) from error
    boundary = boundary_of(answer.headers.get("Content-Type", ""))
    if boundary is None:
        answer.close()
        return None
    try:
        return HttpFeed(wishes, cast("HTTPResponse", answer), boundary)
    except BaseException:
        answer.close()
        raise


class HttpFeed:
    """A camera whose answer goes on and on."""

    def __init__(self, wishes: CameraWishes, answer: HTTPResponse, boundary: str) -> None:
        self._answer, self._name = answer, wishes.name
        self._parts = PartSplitter(boundary)
        self._clock: str | None = None
        try:
            first = next((each for each in self._read() if not each.fault), None)
        except FeedLost as lost:
            raise wishes.absent(str(lost)) from lost
        if first is None:
            raise wishes.absent("it ends before the first picture")
        unmet = wishes.unmet(first.width_px, first.height_px)
        if unmet and not wishes.any_format:
            raise wishes.refused(unmet)
        self._clock = wishes.name if first.device_ns is not None else None
        self._first: Picture | None = first
        self.facts = FeedFacts(
            codec="jpeg",
            device_clock=self._clock,
            rate_hz=None,
            width_px=first.width_px,
            height_px=first.height_px,
            unmet=unmet,
        )

    def pictures(self) -> Iterator[Picture]:
        """Give pictures as they come, from the first that was sent.

        Raises:
            FeedLost: If the connection breaks or ends, or a picture comes without the stamp that others had.
        """
        first, self._first = self._first, None
        if first is not None:
            yield first
        for picture in self._read():
            if (picture.device_ns is None) == (self._clock is None) or picture.fault:
                yield picture
            elif self._clock is None:
                yield jpeg_picture(picture.data, arrived_ns=picture.arrived_ns, device_ns=None)
            else:
                raise FeedLost(f"the camera no longer states {STAMP}")
        raise FeedLost("the camera ended its answer")

    def close(self) -> None:
        """End the connection."""
        self._answer.close()

    def _read(self) -> Iterator[Picture]:
        try:
            while data := self._answer.read1(_AT_ONCE):
                arrived_ns = time.monotonic_ns()
                for part in self._parts.feed(data):
                    yield jpeg_picture(
                        part.body, arrived_ns=arrived_ns, device_ns=_stamp_ns(part.headers.get(STAMP, ""))
                    )
        except TimeoutError as error:
            raise FeedLost("the camera sends nothing any more") from error
        except (OSError, HTTPException, ValueError) as error:
            raise FeedLost(without_password(str(error) or type(error).__name__)) from error


def _request(url: str) -> Request:
    """Ask for a URL; a user and password in it go into a header, as browsers do."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    request = Request(urlunsplit(parts._replace(netloc=place)))  # noqa: S310 - http and https alone come here
    if at:
        told = base64.b64encode(unquote(user).encode()).decode()
        request.add_header("Authorization", f"Basic {told}")
    return request


def _stamp_ns(text: str) -> int | None:
    """Read seconds with their decimals, exactly."""
    try:
        stamp = Decimal(text)
    except InvalidOperation:
        return None
    return int(stamp * 1_000_000_000) if stamp.is_finite() and 0 < stamp < 2**33 else None
