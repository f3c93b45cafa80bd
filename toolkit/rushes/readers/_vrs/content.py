"""Record formats: what follows what in a record, such as ``data_layout/size=84+image/jpg``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rushes.readers._vrs.layout import Layout, layout_of

ContentKind = Literal["data_layout", "image", "audio", "custom", "empty"]
PIXEL_FORMATS = (
    *("undefined", "grey8", "bgr8", "depth32f", "rgb8", "yuv_i420_split", "rgba8", "rgb10", "rgb12", "grey10"),
    *("grey12", "grey16", "rgb32F", "scalar64F", "yuy2", "rgb_ir_4x4", "rgba32F", "bayer8_rggb", "raw10"),
    *("raw10_bayer_rggb", "raw10_bayer_bggr", "yuv_420_nv21", "yuv_420_nv12", "grey10packed", "bayer8_bggr"),
    *("bayer10_gbrg", "bayer8_gbrg"),
)
"""VRS's names by their number."""

SAMPLE_FORMATS = (
    *("undefined", "int8", "uint8", "uint8alaw", "uint8mulaw", "int16le", "uint16le", "int16be", "uint16be"),
    *("int24le", "uint24le", "int24be", "uint24be", "int32le", "uint32le", "int32be", "uint32be", "float32le"),
    *("float32be", "float64le", "float64be"),
)
_OURS: Mapping[str, str] = {
    "grey8": "mono8", "bgr8": "bgr8", "rgb8": "rgb8", "rgba8": "rgba8", "depth32f": "32FC1", "grey10": "mono16",
    "grey12": "mono16", "grey16": "mono16", "yuv_i420_split": "i420", "yuy2": "yuy2", "yuv_420_nv21": "nv21",
    "yuv_420_nv12": "nv12", "bayer8_rggb": "bayer_rggb8", "bayer8_bggr": "bayer_bggr8",
    "bayer8_gbrg": "bayer_gbrg8", "rgb10": "rgb10", "rgb12": "rgb12", "raw10": "y10p", "grey10packed": "y10l",
    "raw10_bayer_rggb": "bayer_rggb10p", "raw10_bayer_bggr": "bayer_bggr10p", "bayer10_gbrg": "bayer_gbrg10",
}  # fmt: skip
"""Raw pixel formats that are decoded here, by the names that the decoder knows."""

_PCM = {
    **{f"int{bits}{end}": f"pcm_s{bits}{end}" for bits in (16, 24, 32) for end in ("le", "be")},
    **{f"uint{bits}{end}": f"pcm_u{bits}{end}" for bits in (16, 24, 32) for end in ("le", "be")},
    **{f"float{bits}{end}": f"pcm_f{bits}{end}" for bits in (32, 64) for end in ("le", "be")},
    "int8": "pcm_s8",
    "uint8": "pcm_u8",
    "uint8alaw": "pcm_alaw",
    "uint8mulaw": "pcm_mulaw",
}
_STILL = {"jpg": "jpeg", "png": "png", "jxl": "jxl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a record: its kind, the words behind it (``jpg``, ``raw``) and its settings."""

    kind: ContentKind
    words: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    layout: Layout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How pictures are coded: codec, and for raw ones the format of their pixels."""

    codec: str
    pixel_format: str | None = None
    bytes_per_px: float | None = None


def blocks_of(tags: Mapping[str, str], kind: str, version: int) -> tuple[Block, ...]:
    """Give the blocks of a kind of record (Data, Configuration) in one version of its format; none if not told.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: If a layout cannot be understood.
    """
    said = tags.get(f"RF:{kind}:{version}")
    if said is None:
        return ()
    return tuple(
        _block(part, tags.get(f"DL:{kind}:{version}:{place}")) for place, part in enumerate(said.split("+"))
    )


def picture_of(block: Block, pixel: str | None, codec: str | None) -> Picture:
    """Tell how pictures are coded.

    Args:
        block: The image block.
        pixel: VRS's name of the pixel format, where the record or its configuration states it.
        codec: Name of the video or custom codec, where stated.
    """
    form = block.words[0] if block.words else "undefined"
    if form in _STILL:
        return Picture(codec=_STILL[form])
    if form == "raw":
        name = block.settings.get("pixel") or pixel or "undefined"
        return Picture(codec="raw", pixel_format=_OURS[name]) if name in _OURS else Picture(codec=f"raw-{name}")
    name = block.settings.get("codec") or codec or form
    return Picture(codec={"h.264": "h264", "h.265": "hevc"}.get(name.lower(), name.lower()))


def sound_of(block: Block, sample: str | None) -> tuple[str, int]:
    """Give codec and bytes a sample of an audio block; 0 where samples cannot be counted by their bytes."""
    words = block.words
    if words[:1] == ("opus",):
        return "opus", 0
    name = words[1] if len(words) > 1 else sample or "undefined"
    bits = int("".join(c for c in name if c.isdigit()) or 0)
    return _PCM.get(name, f"pcm-{name}"), bits // 8


def named(names: tuple[str, ...], number: object) -> str | None:
    """Give the name behind a number that a configuration states; None if it is none."""
    return names[number] if isinstance(number, int) and 0 < number < len(names) else None


def _block(text: str, layout: str | None) -> Block:
    head, *rest = text.split("/")
    settings = dict(word.split("=", 1) for word in rest if "=" in word)
    words = [word for word in rest if "=" not in word]
    for word in words:
        width, by, height = word.partition("x")
        if by and width.isdecimal() and height.isdecimal():
            settings |= {"width": width, "height": height}
    kind: ContentKind = head if head in ("data_layout", "image", "audio", "empty") else "custom"  # type: ignore[assignment]
    return Block(
        kind=kind,
        words=tuple(words),
        settings=settings,
        layout=layout_of(layout) if kind == "data_layout" and layout is not None else None,
    )
