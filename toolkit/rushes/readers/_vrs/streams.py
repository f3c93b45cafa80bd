"""Which stream a VRS stream becomes: its name, table, codec and size, by what its tags and configuration say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from rushes.errors import ReadError
from rushes.model import Loss, Modality, Stream
from rushes.readers._vrs import aria
from rushes.readers._vrs.content import (
    PIXEL_FORMATS,
    SAMPLE_FORMATS,
    Block,
    blocks_of,
    named,
    picture_of,
    sound_of,
)
from rushes.readers._vrs.description import FileTags, StreamTags
from rushes.readers._vrs.meanings import (
    ARRIVAL,
    CAPTURE_TIMES,
    SEQUENCES,
    Channels,
    Inertial,
    Meaning,
    Messages,
    Pictures,
    Sound,
)
from rushes.readers._vrs.pieces import Pieces
from rushes.readers._vrs.records import CONFIGURATION, Found, Records, header_at, payload_of

_DEPTH_KINDS, _INFRARED_KINDS, _TRUE_DEPTH = (209, 345), (210, 211), 345
_DEPTH_IN_MM = 0.001
_CHANNELS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "pressure": (
        ("pressure", "temperature", "altitude"),
        ("pressure", "temperature", "altitude"),
        ("Pa", "degC", "m"),
    ),
    "magnetometer": (("magnetometer",), ("x", "y", "z"), ("uT", "uT", "uT")),
}
"""By the field that tells them: the fields, and the names and units of their channels, as Aria records them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configurations:
    """What the configuration records of a stream say, with the offset of each, in the order of the file."""

    values: Sequence[tuple[int, Mapping[str, Any]]] = ()

    def first(self, name: str) -> Any:
        """Give what the first one that names it says."""
        return next((said[name] for _, said in self.values if name in said), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A stream and what its records mean."""

    stream: Stream
    meaning: Meaning


def clock_of(tags: Mapping[str, str]) -> str:
    """Name the one clock of all streams of a file."""
    kind, serial = tags.get("device_type", "vrs").lower(), tags.get("device_serial", "")
    return f"{kind}-{serial}" if serial and "<" not in serial else kind


def formats(tags: StreamTags, kind: str) -> Callable[[int], Sequence[Block]]:
    """Give the blocks of a kind of record by format version; none where they are not described or understood."""

    @cache
    def of(version: int) -> Sequence[Block]:
        try:
            return blocks_of(tags.vrs, kind, version)
        except (ValueError, KeyError, TypeError, AttributeError):
            return ()

    return of


def configurations(pieces: Pieces, records: Records, stream: tuple[int, int], tags: FileTags) -> Configurations:
    """Read the configuration records of a stream; those that cannot be read are left out."""
    of = formats(tags.streams.get(stream, StreamTags()), "Configuration")
    found: list[tuple[int, Mapping[str, Any]]] = []
    for offset in records.offset[records.of(stream, CONFIGURATION)].tolist():
        head = header_at(pieces, offset)
        blocks = of(int(head["format"])) if head is not None else ()
        if head is None or not blocks or blocks[0].layout is None:
            continue
        try:
            found.append((offset, blocks[0].layout.values(payload_of(pieces, offset, head))))
        except (ReadError, ValueError):
            continue
    return Configurations(values=found)


def version_of(stream: tuple[int, int], tags: FileTags, found: Found, configured: Configurations) -> int:  # noqa: ARG001
    """Give the newest format version of data records that the tags describe."""
    said = tags.streams.get(stream, StreamTags()).vrs
    versions = [int(tag[8:]) for tag in said if tag.startswith("RF:Data:") and tag[8:].isdecimal()]
    return max(versions, default=0)


def stream_of(
    stream: tuple[int, int],
    tags: FileTags,
    configured: Configurations,
    version: int,
    *,
    count: int,
    losses: list[Loss],
) -> Made:
    """Tell what a stream is.

    Args:
        stream: Type and instance.
        tags: Of the file.
        configured: What its configuration records say.
        version: Format version of its data records.
        count: Data records that there should be.
        losses: Takes what cannot be understood.
    """
    said = tags.streams.get(stream, StreamTags())
    name = aria.name_of(stream, tags.file) or f"{stream[0]}-{stream[1]}"
    of = formats(said, "Data")
    blocks = of(version)
    if not blocks and said.vrs.get(f"RF:Data:{version}"):
        message = "its record format cannot be understood; records are kept as places in the file"
        losses.append(Loss(code="read.damaged", message=message, stream=name))
    common: dict[str, Any] = {
        "name": name,
        "message_type": said.name or None,
        "declared_count": count,
        "clock": "header",
        "clock_id": clock_of(tags.file),
        "nominal_rate_hz": _rate(configured),
        "frame_of_reference": name if aria.is_aria(tags.file) else None,
    }
    fields = blocks[0].layout.fixed.names or () if blocks and blocks[0].layout is not None else ()
    image = next((block for block in blocks if block.kind == "image"), None)
    sound = next((block for block in blocks if block.kind == "audio"), None)
    simple = all(block.layout is None or not block.layout.varying for block in blocks)
    at_once = simple and sum(block.kind == "data_layout" for block in blocks) <= 1
    if image is not None and at_once:
        return _pictures(stream, common, image, of, configured, fields, aria_times=aria.is_aria(tags.file))
    if sound is not None:
        return _sound(common, sound, of, configured)
    if at_once and {"accelerometer", "gyroscope"} <= set(fields) and _has_inertial(configured):
        used = {"accelerometer", "gyroscope", "accelerometer_valid", "gyroscope_valid"}
        meaning: Meaning = Inertial(blocks=of)
        return Made(
            stream=Stream(**common, modality="imu", table="imu", notes=_left(fields, used)), meaning=meaning
        )
    for mark, (names, channels, units) in _CHANNELS.items():
        if at_once and mark in fields and set(names) <= set(fields):
            inner = Stream(
                **common, modality="signal", table="signals", channels=len(channels), channel_names=channels,
                channel_units=units, notes=_left(fields, set(names)),
            )  # fmt: skip
            return Made(stream=inner, meaning=Channels(blocks=of, fields=names))
    return Made(stream=Stream(**common, modality="message", table="messages"), meaning=Messages(blocks=of))


def _pictures(
    stream: tuple[int, int],
    common: Mapping[str, Any],
    image: Block,
    of: Callable[[int], Sequence[Block]],
    configured: Configurations,
    fields: Sequence[str],
    *,
    aria_times: bool,
) -> Made:
    pixel = named(PIXEL_FORMATS, configured.first("image_pixel_format"))
    picture = picture_of(image, pixel, configured.first("image_codec_name"))
    depth = stream[0] in _DEPTH_KINDS or (picture.pixel_format == "32FC1")
    modality: Modality = "depth" if depth else "infrared" if stream[0] in _INFRARED_KINDS else "color"
    form = "16UC1" if depth and picture.pixel_format == "mono16" else picture.pixel_format
    size = {side: int(image.settings.get(side) or configured.first(f"image_{side}") or 0) for side in _SIDES}
    made = Stream(
        **common,
        modality=modality,
        table="frames",
        codec=picture.codec,
        pixel_format=form,
        width=size["width"] or None,
        height=size["height"] or None,
        depth_unit_m=_DEPTH_IN_MM if stream[0] == _TRUE_DEPTH and form == "16UC1" else None,
        time_meaning="exposure_mid" if aria_times else "unknown",
        notes=_left(fields, set()),
    )
    return Made(stream=made, meaning=Pictures(blocks=of, configured=configured.values))


def _sound(
    common: Mapping[str, Any], block: Block, of: Callable[[int], Sequence[Block]], configured: Configurations
) -> Made:
    sample = named(SAMPLE_FORMATS, configured.first("audio_sample_format"))
    codec, sample_bytes = sound_of(block, sample)
    channels = int(block.settings.get("channels") or configured.first("audio_channel_count") or 0)
    rate = float(block.settings.get("rate") or configured.first("audio_sample_rate") or 0)
    made = Stream(
        **{**common, "nominal_rate_hz": None},
        modality="audio",
        table="audio",
        codec=codec,
        sample_rate_hz=rate or None,
        channels=channels or None,
        notes="t_ns is that of a block's first sample; times of single samples, where recorded, stay in the file",
    )
    stride = int(block.settings.get("stride") or 0)
    return Made(stream=made, meaning=Sound(blocks=of, frame_bytes=stride or sample_bytes * channels))


_SIDES = ("width", "height")


def _rate(configured: Configurations) -> float | None:
    for name in ("nominal_rate", "sample_rate", "sample_rate_hz"):
        rate = configured.first(name)
        if isinstance(rate, int | float) and np.isfinite(rate) and rate > 0:
            return float(rate)
    return None


def _has_inertial(configured: Configurations) -> bool:
    """Whether the device says that it has an accelerometer or a gyroscope; it has where it says nothing."""
    said = [configured.first("has_accelerometer"), configured.first("has_gyroscope")]
    return any(answer is None or answer for answer in said)


def _left(fields: Sequence[str], used: set[str]) -> str | None:
    known = {*CAPTURE_TIMES, ARRIVAL, *SEQUENCES, *used}
    left = [name for name in fields if name not in known]
    return f"fields left unread: {', '.join(left)}" if left else None
