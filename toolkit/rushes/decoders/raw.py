"""Raw pixels as cameras and ROS write them → pixels.

Pixel formats go by ROS's names (REP 118), with those of V4L2 and Foxglove beside them. ``_be`` behind a name means
that its samples of 16 or 32 bits are big endian; plain names are little endian. 8UC3 is taken as BGR, as
cv_bridge does. Rows may be padded: ``stride`` is honoured, and reckoned from the bytes where it is not given.

Samples of 10 and 12 bits come in 16, in their lowest bits (``y10``, ``rgb10``, ``bayer_rggb10`` …), or packed:
``p`` behind the name is MIPI's way, four samples in five bytes with the lowest bits in the fifth; ``y10l`` is a
stream of bits, lowest first. Grey ones come out in counts, others in 8 bits.
"""

import re
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.contracts import Decoder
from rushes.decoders._grey import grey, small
from rushes.errors import ReadError
from rushes.model import FrameRequest, SmallPicture

# Sample type, channels in memory, and how OpenCV brings it to RGB (None: one channel, or RGB already).
_PACKED: Mapping[str, tuple[str, int, int | None]] = {
    "rgb8": ("u1", 3, None),
    "bgr8": ("u1", 3, cv2.COLOR_BGR2RGB),
    "rgba8": ("u1", 4, cv2.COLOR_RGBA2RGB),
    "bgra8": ("u1", 4, cv2.COLOR_BGRA2RGB),
    "rgb16": ("u2", 3, None),
    "bgr16": ("u2", 3, cv2.COLOR_BGR2RGB),
    "rgba16": ("u2", 4, cv2.COLOR_RGBA2RGB),
    "bgra16": ("u2", 4, cv2.COLOR_BGRA2RGB),
    "mono8": ("u1", 1, None),
    "mono16": ("u2", 1, None),
    "8UC1": ("u1", 1, None),
    "8UC3": ("u1", 3, cv2.COLOR_BGR2RGB),
    "8UC4": ("u1", 4, cv2.COLOR_BGRA2RGB),
    "16UC1": ("u2", 1, None),
    "16SC1": ("i2", 1, None),
    "32FC1": ("f4", 1, None),
    "64FC1": ("f8", 1, None),
}
_BAYER: Mapping[str, int] = {
    # OpenCV's old names tell the second row; these new ones tell the first two pixels, as ROS does.
    "bayer_rggb": cv2.COLOR_BayerRGGB2RGB,
    "bayer_bggr": cv2.COLOR_BayerBGGR2RGB,
    "bayer_gbrg": cv2.COLOR_BayerGBRG2RGB,
    "bayer_grbg": cv2.COLOR_BayerGRBG2RGB,
}
_DEEP = re.compile(r"(y|mono|rgb|bayer_\w{4})(10|12)(p|l)?")
_YUV422: Mapping[str, int] = {
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,  # ROS means UYVY by it
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUYV,
    "yuyv": cv2.COLOR_YUV2RGB_YUYV,
    "yuy2": cv2.COLOR_YUV2RGB_YUYV,
}
_YUV420: Mapping[str, int] = {
    "nv12": cv2.COLOR_YUV2RGB_NV12,
    "nv21": cv2.COLOR_YUV2RGB_NV21,
    "i420": cv2.COLOR_YUV2RGB_I420,
}
_OTHER_NAMES: Mapping[str, str] = {
    "mono": "mono8",
    "y8": "mono8",
    "y16": "mono16",
    "z16": "16UC1",
    "rgb": "rgb8",
    "bgr": "bgr8",
    "8uc1": "8UC1",
    "8uc3": "8UC3",
    "8uc4": "8UC4",
    "16uc1": "16UC1",
    "16sc1": "16SC1",
    "32fc1": "32FC1",
    "64fc1": "64FC1",
}
BIG_ENDIAN = "_be"


class RawDecoder:
    """Turns uncompressed pixels into a picture."""

    name = "raw"
    codecs = frozenset({"raw"})
    reads_container = False

    def decode(self, request: FrameRequest, payload: bytes | memoryview | None) -> npt.NDArray[Any]:
        """Decode by ``pixel_format``, size and ``stride``; signed and double depth become float32."""
        if not payload:
            raise _undecodable(request, "there are no bytes")
        if not request.width or not request.height:
            raise _undecodable(request, "its width and height are not known")
        stated = request.pixel_format or ""
        order = ">" if stated.endswith(BIG_ENDIAN) else "<"
        name = stated.removesuffix(BIG_ENDIAN).lower()
        name = _OTHER_NAMES.get(name, name)
        if name in _PACKED:
            sample, channels, turn = _PACKED[name]
            return _packed(_rows(request, payload, f"{order}{sample}", channels), turn)
        if (deep := _DEEP.fullmatch(name)) is not None:
            return _deep(request, payload, deep[1], int(deep[2]), deep[3])
        if name[:10] in _BAYER and name[10:] in ("8", "16", ""):
            mosaic = _rows(request, payload, f"{order}u2" if name.endswith("16") else "u1", 1)
            if mosaic.dtype.itemsize == 2:
                mosaic = mosaic.astype(np.uint16)
            return _to_8(np.asarray(cv2.cvtColor(np.ascontiguousarray(mosaic), _BAYER[name[:10]])))
        if name in _YUV422:
            pixels = _rows(request, payload, "u1", 2)
            return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), _YUV422[name]))
        if name in _YUV420:
            return _planes(request, payload, _YUV420[name])
        raise _undecodable(request, f"the pixel format '{stated}' is not known")

    def decode_grey(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> npt.NDArray[np.uint8]:
        """Decode, then shrink."""
        return grey(self.decode(request, payload), long_side_px)

    def decode_small(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> SmallPicture:
        """Decode, then shrink."""
        return small(self.decode(request, payload), long_side_px)


def _rows(
    request: FrameRequest, payload: bytes | memoryview, sample: str, channels: int, *, rows: int | None = None
) -> npt.NDArray[Any]:
    """Lay the samples out as (h, w) or (h, w, channels), without the padding of rows; a view where it can be."""
    width, height = request.width or 0, rows or request.height or 0
    kind = np.dtype(sample)
    used = width * channels * kind.itemsize
    stride = request.stride or max(used, len(payload) // height)
    if stride < used or len(payload) < stride * (height - 1) + used:
        facts = f"{len(payload)} bytes for {width} x {height} px of {used} bytes a row, stride {stride}"
        raise _undecodable(request, facts)
    strides = (stride, channels * kind.itemsize, kind.itemsize)
    pixels: npt.NDArray[Any] = np.ndarray((height, width, channels), kind, payload, strides=strides)
    return pixels[:, :, 0] if channels == 1 else pixels


def _packed(pixels: npt.NDArray[Any], turn: int | None) -> npt.NDArray[Any]:
    native = pixels.dtype.newbyteorder("=")
    pixels = np.array(pixels, dtype=native, order="C")  # a copy: the payload may be a view of a mapped file
    if pixels.ndim == 2:
        with np.errstate(over="ignore"):  # a double beyond float32 becomes an infinity, which is no depth
            return pixels.astype(np.float32) if native in (np.int16, np.float64) else pixels
    return _to_8(pixels if turn is None else np.asarray(cv2.cvtColor(pixels, turn)))


def _deep(
    request: FrameRequest, payload: bytes | memoryview, what: str, bits: int, packing: str | None
) -> npt.NDArray[Any]:
    """Give samples of 10 or 12 bits: grey as counts, colour brought to 8 bits."""
    channels = 3 if what == "rgb" else 1
    if packing is None:
        counts = np.array(_rows(request, payload, "<u2", channels), np.uint16)
    elif bits == 10 and channels == 1:
        counts = _unpacked(request, payload, mipi=packing == "p")
    else:
        raise _undecodable(request, f"the pixel format '{request.pixel_format}' is not known")
    if what in ("y", "mono"):
        return counts
    eight = (np.minimum(counts, (1 << bits) - 1) >> (bits - 8)).astype(np.uint8)
    if what == "rgb":
        return eight
    if what not in _BAYER:
        raise _undecodable(request, f"the pixel format '{request.pixel_format}' is not known")
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(eight), _BAYER[what]))


def _unpacked(request: FrameRequest, payload: bytes | memoryview, *, mipi: bool) -> npt.NDArray[np.uint16]:
    """Undo a packing of four samples of 10 bits in five bytes; shape (h, w)."""
    width, height = request.width or 0, request.height or 0
    groups = -(-width // 4)
    used = groups * 5 if mipi else -(-width * 10 // 8)
    stride = request.stride or max(used, len(payload) // height)
    if stride < used or len(payload) < stride * (height - 1) + used:
        raise _undecodable(request, f"{len(payload)} bytes for {width} x {height} px of {used} bytes a row")
    rows = np.zeros((height, groups * 5), np.uint16)
    last = np.frombuffer(payload, np.uint8, used, stride * (height - 1))
    whole = np.frombuffer(payload, np.uint8, stride * (height - 1)).reshape(height - 1, stride)
    rows[:-1, :used], rows[-1, :used] = whole[:, :used], last
    fives = rows.reshape(height, groups, 5)
    if mipi:
        low = np.stack([fives[:, :, 4] >> shift & 3 for shift in (0, 2, 4, 6)], axis=2)
        counts = fives[:, :, :4] << 2 | low
    else:
        pairs = [fives[:, :, i] >> 2 * i | fives[:, :, i + 1] << 8 - 2 * i for i in range(4)]
        counts = np.stack(pairs, axis=2) & 0x3FF
    return np.ascontiguousarray(counts.reshape(height, groups * 4)[:, :width]).astype(np.uint16)


def _planes(request: FrameRequest, payload: bytes | memoryview, turn: int) -> npt.NDArray[Any]:
    if (request.width or 0) % 2 or (request.height or 0) % 2:
        raise _undecodable(request, "4:2:0 wants even width and height")
    rows = (request.height or 0) * 3 // 2
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(_rows(request, payload, "u1", 1, rows=rows)), turn))


def _to_8(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return (picture >> 8).astype(np.uint8) if picture.dtype == np.uint16 else picture


def _undecodable(request: FrameRequest, why: str) -> ReadError:
    place = request.location
    return ReadError(
        f"{place.path}: a raw picture of format '{request.pixel_format}' cannot be made: {why}",
        code="read.undecodable",
        hint="compare the format, width, height and stride that the recording states with its bytes",
        facts={"file": str(place.path), "offset": place.offset, "pixel_format": request.pixel_format},
    )


PLUGIN: Decoder = RawDecoder()
