"""One picture as a camera delivers it, and what its first bytes say."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

EOI = b"\xff\xd9"
_NO_LENGTH = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded picture.

    Args:
        arrived_ns: ``time.monotonic_ns`` when the last of it was here.
        device_ns: By the camera's clock; None where it states none.
        fault: Why it is no picture; empty where it is one.
    """

    data: bytes
    arrived_ns: int
    device_ns: int | None
    width_px: int = 0
    height_px: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """What is known of a camera once it is open.

    Args:
        codec: As in ``LiveStream``.
        device_clock: Name of its clock; None where it states no time.
        rate_hz: As it says itself.
        unmet: What was asked for and is not so, in words; empty where all is as asked.
    """

    codec: str
    device_clock: str | None
    rate_hz: float | None
    width_px: int
    height_px: int
    unmet: str = ""


class FeedLost(Exception):  # noqa: N818 - it is a happening, caught in every case
    """The camera went away; the reason is its message."""


class Feed(Protocol):
    """A camera that is open. Used by one thread at a time."""

    facts: FeedFacts

    def pictures(self) -> Iterator[Picture]:
        """Give pictures as they come; ends where there will be no more.

        Raises:
            FeedLost: If it went away.
        """
        ...

    def close(self) -> None:
        """Let go of it; can be called twice."""
        ...


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Read width and height from the headers of a JPEG (ITU T.81, B.2.2); None where they do not hold."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # any number of these may stand before a marker
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:
            if at + 9 > len(data):
                return None
            height, width = struct.unpack_from(">HH", data, at + 5)
            return (width, height) if width and height else None
        elif marker in (0xD9, 0xDA):  # the picture begins or ends, and no size was stated
            return None
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def jpeg_picture(data: bytes, *, arrived_ns: int, device_ns: int | None) -> Picture:
    """Make a picture of what should be a JPEG; one whose headers do not hold has a fault."""
    size = jpeg_size(data)
    if size is None:
        return Picture(
            data=data,
            arrived_ns=arrived_ns,
            device_ns=device_ns,
            fault=f"{len(data)} bytes that begin {data[:8].hex(' ') or 'nowhere'} and have no header of a JPEG",
        )
    return Picture(data=data, arrived_ns=arrived_ns, device_ns=device_ns, width_px=size[0], height_px=size[1])


def without_padding(data: bytes) -> bytes:
    """Cut off the zeros with which a driver fills its buffer behind a JPEG."""
    bare = data.rstrip(b"\0")
    return bare if bare.endswith(EOI) else data
