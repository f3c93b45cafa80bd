"""Image files and compressed image messages → pixels, by OpenCV.

Colour comes as RGB, as stored: no EXIF turn is applied. What is deeper than 8 bits stays so. OpenCV 4.12 refuses
most cut files by itself; ends are looked for besides, as other releases paint the missing part grey.
"""

import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.contracts import Decoder
from rushes.decoders._grey import ENOUGH, grey, shrink
from rushes.errors import ReadError
from rushes.model import FrameRequest

COMPRESSED_DEPTH = "compressed-depth"
_DEPTH_HEADER = struct.Struct(
    "<iff"
)  # ROS compressed_depth_image_transport: format, then two quantisation numbers
_PNG = b"\x89PNG\r\n\x1a\n"
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # start-of-frame markers
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length

cv2.setLogLevel(0)  # a picture that does not decode is our error, not a line on stderr


class ImageDecoder:
    """Decodes one still picture from its bytes."""

    name = "image"
    codecs = frozenset({"jpeg", "png", "pgm", "ppm", "bmp", "tiff", "webp", COMPRESSED_DEPTH})
    reads_container = False

    def decode(self, request: FrameRequest, payload: bytes | memoryview | None) -> npt.NDArray[Any]:
        """Decode by what the bytes are, whatever the codec says of them, but for compressed depth."""
        data = _given(request, payload)
        if request.codec == COMPRESSED_DEPTH:
            return _compressed_depth(request, data)
        _whole(request, data)
        if jpeg_channels(data) == 3:  # a quarter faster than turning the channels round afterwards
            return _imdecode(request, data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
        return _as_rgb(_imdecode(request, data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION))

    def decode_grey(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> npt.NDArray[np.uint8]:
        """Decode small and grey; a JPEG is shrunk by 2, 4 or 8 while it is decoded, which saves most work."""
        data = _given(request, payload)
        size = jpeg_size(data)
        if size is None:
            return grey(self.decode(request, data), long_side_px)
        _whole(request, data)
        by = next((by for by in _REDUCED if max(size) / by >= ENOUGH * long_side_px), 1)
        flag = _REDUCED.get(by, cv2.IMREAD_GRAYSCALE)
        picture = _imdecode(request, data, flag | cv2.IMREAD_IGNORE_ORIENTATION)
        return shrink(np.asarray(picture, np.uint8), long_side_px)


def jpeg_size(data: bytes | memoryview) -> tuple[int, int] | None:
    """Read width and height of a JPEG from its headers; None if it is none or they end first."""
    for marker, place in _jpeg_segments(data):
        if marker in _JPEG_SIZES and place + 9 <= len(data):
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
    return None


def jpeg_channels(data: bytes | memoryview) -> int | None:
    """Read the number of channels of a JPEG from its headers; None if it is none or they end first."""
    places = (place for marker, place in _jpeg_segments(data) if marker in _JPEG_SIZES and place + 10 <= len(data))
    return next((int(data[place + 9]) for place in places), None)


def jpeg_is_whole(data: bytes | memoryview) -> bool:
    """Whether a JPEG's end mark follows its picture; the one of an embedded preview does not count."""
    for marker, place in _jpeg_segments(data):
        if marker == 0xDA:
            return bytes(data[place:]).rfind(b"\xff\xd9") >= 0
    return False


def _jpeg_segments(data: bytes | memoryview) -> list[tuple[int, int]]:
    """Give marker and place of each header segment, up to and with the start of scan."""
    found: list[tuple[int, int]] = []
    if bytes(data[:2]) != b"\xff\xd8":
        return found
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF or marker in _JPEG_BARE:  # filling, or a marker by itself
            place += 1 if marker == 0xFF else 2
            continue
        found.append((marker, place))
        if marker == 0xDA:
            break
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return found


def _given(request: FrameRequest, payload: bytes | memoryview | None) -> bytes | memoryview:
    if not payload:
        raise _undecodable(request, "there are no bytes")
    return payload


def _whole(request: FrameRequest, data: bytes | memoryview) -> None:
    head = bytes(data[:8])
    if head.startswith(b"\xff\xd8") and not jpeg_is_whole(data):
        raise _undecodable(request, "the JPEG ends before its end mark")
    if head == _PNG and b"IEND" not in bytes(data[-64:]) and b"IEND" not in bytes(data):
        raise _undecodable(request, "the PNG ends before its end chunk")


def _imdecode(request: FrameRequest, data: bytes | memoryview, flags: int) -> npt.NDArray[Any]:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _undecodable(request, str(error.err)) from error
    if picture is None:
        raise _undecodable(request, f"OpenCV cannot read its {len(data)} bytes as a picture")
    return np.asarray(picture)


def _as_rgb(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if picture.ndim == 2:
        return picture if picture.dtype in (np.uint8, np.uint16, np.float32) else picture.astype(np.float32)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.shape[2] == 1:
        return picture[:, :, 0]
    if picture.shape[2] == 2:  # grey with opacity
        return np.ascontiguousarray(picture[:, :, 0])
    turn = cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(picture, turn))


def _compressed_depth(request: FrameRequest, data: bytes | memoryview) -> npt.NDArray[Any]:
    """Undo ROS's compressed depth: a header of 12 bytes, then a PNG of counts or of quantised inverse depth."""
    start = 0 if bytes(data[:8]) == _PNG else _DEPTH_HEADER.size
    if bytes(data[start : start + 8]) != _PNG:
        raise _undecodable(request, "compressed depth that holds no PNG (RVL is not read)")
    body = data[start:]
    _whole(request, body)
    counts = _imdecode(request, body, cv2.IMREAD_UNCHANGED)
    if not (request.pixel_format or "").startswith("32FC1"):
        return counts
    _, scale, shift = _DEPTH_HEADER.unpack_from(data)
    metres = np.full(counts.shape, np.nan, np.float32)
    there = counts > 0
    metres[there] = scale / (counts[there].astype(np.float32) - shift)
    return metres


def _undecodable(request: FrameRequest, why: str) -> ReadError:
    place = request.location
    at = f" at byte {place.offset}" if place.offset is not None else ""
    return ReadError(
        f"{place.path}{at}: not a {request.codec} picture: {why}",
        code="read.undecodable",
        hint="the frame keeps its row and time; look at its bytes or leave it out",
        facts={"file": str(place.path), "offset": place.offset, "codec": request.codec},
    )


PLUGIN: Decoder = ImageDecoder()
