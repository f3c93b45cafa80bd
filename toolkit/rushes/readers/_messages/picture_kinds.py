"""What a picture stream is, told from format strings, topics and first bytes: codec, format, modality, size."""

import re
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Modality
from rushes.packets import CODECS, parameters_of
from rushes.readers._messages.layout import Indices, gather

_PNG = b"\x89PNG\r\n\x1a\n"
_DEPTH_ENCODINGS = {"16uc1", "32fc1", "mono16"}
_VIDEO = {"h264": "h264", "h265": "h265", "hevc": "h265", "vp9": "vp9", "av1": "av1"}
_NAMES = ("jpeg", "jpg", "png", "webp", "avif", "tiff", "bmp", *_VIDEO)
_PNG_COLOURS = {
    (0, 8): "mono8",
    (0, 16): "mono16",
    (2, 8): "rgb8",
    (6, 8): "rgba8",
    (2, 16): "rgb16",
    (6, 16): "rgba16",
}
_LONG = re.compile(r"(16|32|64)([USF]C\d)?$")
_BIG_ENDIAN = "_be"
"""How decoders know a format of big-endian samples."""
COMPRESSED_DEPTH_HEADER = 12  # format, then two float32 of the quantiser (compressed_depth_image_transport)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureKind:
    """Facts of a picture stream; ``skip`` bytes stand before each encoded picture."""

    modality: Modality
    codec: str | None
    pixel_format: str | None = None
    width: int | None = None
    height: int | None = None
    depth_unit_m: float | None = None
    skip: int = 0


def compressed(topic: str, stated: str, head: bytes) -> PictureKind:
    """Tell a compressed picture by its format string, such as ``16UC1; compressedDepth png``, and first bytes."""
    raw_format = stated.partition(";")[0].strip() if ";" in stated else None
    depth_transport = "compresseddepth" in stated.lower() or topic.endswith("/compressedDepth")
    skip = 0
    if depth_transport:
        inside = head[COMPRESSED_DEPTH_HEADER:]
        floating = (raw_format or "").lower() == "32fc1"  # needs the quantiser of the header
        if floating or (head and not inside.startswith(_PNG)):
            codec: str | None = "compressed-depth"
        else:
            codec, skip = "png", COMPRESSED_DEPTH_HEADER
    else:
        codec = codec_of_bytes(head) or codec_of_format(stated)
    size = picture_size(head[skip:], codec)
    pixel_format = raw_format or (_png_format(head[skip:]) if codec == "png" else None)
    modality = modality_of(topic, pixel_format)
    if depth_transport:
        modality = "depth"
    if modality == "depth" and pixel_format in (None, "mono16"):
        pixel_format = "16UC1"
    return PictureKind(
        modality=modality,
        codec=codec,
        pixel_format=pixel_format,
        width=size[0] if size else None,
        height=size[1] if size else None,
        depth_unit_m=depth_unit(modality, pixel_format),
        skip=skip,
    )


def raw(topic: str, encoding: str, width: int | None, height: int | None, *, big: bool = False) -> PictureKind:
    """Tell an uncompressed picture by its encoding; ``big``: its samples are big endian, where they are long."""
    modality = modality_of(topic, encoding)
    return PictureKind(
        modality=modality,
        codec="raw",
        pixel_format=(encoding + _BIG_ENDIAN if big and _LONG.search(encoding) else encoding) or None,
        width=width,
        height=height,
        depth_unit_m=depth_unit(modality, encoding),
    )


def modality_of(topic: str, encoding: str | None) -> Modality:
    """Tell depth, infrared and colour apart.

    By REP 118 depth is 16UC1 in millimetres or 32FC1 in metres; mono16 is depth only on a topic that says so.
    """
    lowered = topic.lower()
    if any(word.startswith("infra") or re.fullmatch(r"ir\d*", word) for word in re.split(r"[^a-z0-9]+", lowered)):
        return "infrared"
    known = (encoding or "").lower()
    if known in {"16uc1", "32fc1"} or (known in _DEPTH_ENCODINGS and "depth" in lowered):
        return "depth"
    return "color"


def depth_unit(modality: Modality, encoding: str | None) -> float | None:
    """Give metres per count: REP 118 has millimetres in 16 bits and metres in floats."""
    if modality != "depth":
        return None
    return 1.0 if (encoding or "").lower() == "32fc1" else 0.001


def codec_of_format(stated: str) -> str | None:
    """Give the codec that a format string names."""
    words = re.split(r"[^a-z0-9]+", stated.lower())
    for word in words:
        if word in _NAMES:
            return "jpeg" if word == "jpg" else _VIDEO.get(word, word)
    return None


def codec_of_bytes(head: bytes) -> str | None:
    """Give the codec that the first bytes show."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(_PNG):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return None


def picture_size(head: bytes, codec: str | None = None) -> tuple[int, int] | None:
    """Give width and height of a PNG or JPEG, or of a packet of video that states them."""
    if codec in CODECS:
        stated = parameters_of(head, codec)
        return (stated.width, stated.height) if stated else None
    if head.startswith(_PNG) and len(head) >= 24:
        width, height = struct.unpack_from(">II", head, 16)
        return width, height
    place = jpeg_frame_header(head)
    if place is None:
        return None
    height, width = struct.unpack_from(">HH", head, place + 5)
    return width, height


def jpeg_frame_header(head: bytes) -> int | None:
    """Give where the start-of-frame marker of a JPEG stands (ITU T.81, table B.1)."""
    place = 2
    if not head.startswith(b"\xff\xd8"):
        return None
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return place
        place += 2 + struct.unpack_from(">H", head, place + 2)[0]
    return None


def sizes(
    buffer: npt.NDArray[np.uint8], first: Indices, length: Indices, codec: str | None, sample: bytes
) -> tuple[npt.NDArray[np.bool_], Indices, Indices]:
    """Give width and height of many pictures at once, where their headers lie as in ``sample``.

    Returns:
        Shape (n,) each: whether the size could be told, width, height.
    """
    place = 12 if codec == "png" else jpeg_frame_header(sample)
    told: npt.NDArray[np.bool_] = np.zeros(len(first), np.bool_)
    width, height = np.zeros((2, len(first)), np.int64)
    if place is None or codec not in {"png", "jpeg"}:
        return told, width, height
    span = 12 if codec == "png" else 9
    told = length >= place + span
    held = gather(buffer, first[told] + place, span)
    if codec == "png":
        fields = held.view([("mark", "V4"), ("width", ">u4"), ("height", ">u4")])
    else:
        fields = held.view([("mark", "V5"), ("height", ">u2"), ("width", ">u2")])
    mark = np.frombuffer(sample[place : place + fields.dtype["mark"].itemsize], fields.dtype["mark"])
    if not len(mark):
        return np.zeros(len(first), np.bool_), width, height
    fits = fields["mark"] == mark[0]
    width[told], height[told] = fields["width"], fields["height"]
    told[told] = fits
    return told, width, height


def starts_wrong(
    buffer: npt.NDArray[np.uint8], first: Indices, length: Indices, codec: str | None
) -> npt.NDArray[np.bool_]:
    """Tell which payloads do not start as their codec must; empty ones do not."""
    magic = {"jpeg": b"\xff\xd8\xff", "png": _PNG}.get(codec or "", b"")
    wrong: npt.NDArray[np.bool_] = length < max(len(magic), 1)
    if magic and not wrong.all():
        held = gather(buffer, first[~wrong], len(magic))
        wrong[~wrong] = held != np.frombuffer(magic, held.dtype)[0]
    return wrong


def _png_format(head: bytes) -> str | None:
    return _PNG_COLOURS.get((head[25], head[24])) if len(head) > 25 else None
