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
from rushes.decoders._grey import ENOUGH, grey, shrink, small
from rushes.decoders._headers import MOST_PIXELS, PNG, Head, head_of, jpeg_is_whole, png_is_whole
from rushes.errors import ReadError
from rushes.model import FrameRequest, SmallPicture

COMPRESSED_DEPTH = "compressed-depth"
_DEPTH_HEADER = struct.Struct(
    "<iff"
)  # ROS compressed_depth_image_transport: format, then two quantisation numbers
_REDUCED_RGB = {8: 64 | cv2.IMREAD_COLOR_RGB, 4: 32 | cv2.IMREAD_COLOR_RGB, 2: 16 | cv2.IMREAD_COLOR_RGB}
"""OpenCV's reduced flags without the bit that means BGR."""
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}

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
        head = _sound(request, data)
        if head is not None and head.channels == 3 and _is_jpeg(data):
            # A quarter faster than turning the channels round afterwards.
            return _imdecode(request, data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
        picture = _imdecode(request, data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
        if head is not None and bytes(data[:2]) in (b"II", b"MM"):
            picture = _as_stored(picture, head.orientation)
        return _as_rgb(picture)

    def decode_grey(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> npt.NDArray[np.uint8]:
        """Decode small and grey; a JPEG is shrunk by 2, 4 or 8 while it is decoded, which saves most work."""
        data = _given(request, payload)
        if not _is_jpeg(data):
            return grey(self.decode(request, data), long_side_px)
        head = _sound(request, data)
        flag = _REDUCED.get(_reduction(head, long_side_px), cv2.IMREAD_GRAYSCALE)
        picture = _imdecode(request, data, flag | cv2.IMREAD_IGNORE_ORIENTATION)
        return shrink(np.asarray(picture, np.uint8), long_side_px)

    def decode_small(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> SmallPicture:
        """Decode small, in colour where it has colour; a JPEG as cheaply as in :meth:`decode_grey`."""
        data = _given(request, payload)
        head = None if request.codec == COMPRESSED_DEPTH else _sound(request, data)
        if head is None or not _is_jpeg(data):
            return small(self.decode(request, data), long_side_px, head)
        reduced, whole = (
            (_REDUCED, cv2.IMREAD_GRAYSCALE) if head.channels == 1 else (_REDUCED_RGB, cv2.IMREAD_COLOR_RGB)
        )
        flag = reduced.get(_reduction(head, long_side_px), whole)
        return small(_imdecode(request, data, flag | cv2.IMREAD_IGNORE_ORIENTATION), long_side_px, head)


def _is_jpeg(data: bytes | memoryview) -> bool:
    return bytes(data[:2]) == b"\xff\xd8"


def _reduction(head: Head | None, long_side_px: int) -> int:
    """Say by how much a JPEG can be shrunk while it is decoded; 1 where not at all."""
    if head is None:
        return 1
    long_side = max(head.width, head.height)
    return next((by for by in _REDUCED if long_side / by >= ENOUGH * long_side_px), 1)


def _given(request: FrameRequest, payload: bytes | memoryview | None) -> bytes | memoryview:
    if not payload:
        raise _undecodable(request, "there are no bytes", fault="empty")
    return payload


def _sound(request: FrameRequest, data: bytes | memoryview) -> Head | None:
    """Refuse what is cut, and what is too large, before anything is decoded; give the head where it is known."""
    start = bytes(data[:8])
    if start.startswith(b"\xff\xd8") and not jpeg_is_whole(data):
        raise _undecodable(request, "the JPEG ends before its end mark", fault="cut")
    if start == PNG and not png_is_whole(data):
        raise _undecodable(request, "the PNG ends before its end chunk", fault="cut")
    head = head_of(data)
    if head is not None and head.pixels > MOST_PIXELS:
        size = f"{head.width:,} x {head.height:,} px"
        why = f"it states {size}, more than the {MOST_PIXELS:,} that are decoded"
        raise _undecodable(request, why, fault="too-large")
    return head


def _imdecode(request: FrameRequest, data: bytes | memoryview, flags: int) -> npt.NDArray[Any]:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _undecodable(request, str(error.err)) from error
    if picture is None:
        fault = "no-picture" if head_of(data) is None else "undecodable"
        raise _undecodable(request, f"OpenCV cannot read its {len(data)} bytes as a picture", fault=fault)
    return np.asarray(picture)


def _as_stored(picture: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Undo the turn that OpenCV gives a TIFF whatever it is told."""
    if orientation in (5, 6, 7, 8):
        picture = picture.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 6, 7) else 1
    columns = -1 if orientation in (2, 3, 7, 8) else 1
    return np.ascontiguousarray(picture[::rows, ::columns])


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
    start = 0 if bytes(data[:8]) == PNG else _DEPTH_HEADER.size
    if bytes(data[start : start + 8]) != PNG:
        raise _undecodable(request, "compressed depth that holds no PNG (RVL is not read)")
    body = data[start:]
    _sound(request, body)
    counts = _imdecode(request, body, cv2.IMREAD_UNCHANGED)
    if not (request.pixel_format or "").startswith("32FC1"):
        return counts
    _, scale, shift = _DEPTH_HEADER.unpack_from(data)
    metres = np.full(counts.shape, np.nan, np.float32)
    there = counts > 0
    metres[there] = scale / (counts[there].astype(np.float32) - shift)
    return metres


def _undecodable(request: FrameRequest, why: str, *, fault: str = "undecodable") -> ReadError:
    place = request.location
    at = f" at byte {place.offset}" if place.offset is not None else ""
    return ReadError(
        f"{place.path}{at}: not a {request.codec} picture: {why}",
        code="read.undecodable",
        hint="the frame keeps its row and time; look at its bytes or leave it out",
        facts={"file": str(place.path), "offset": place.offset, "codec": request.codec, "fault": fault},
    )


PLUGIN: Decoder = ImageDecoder()
