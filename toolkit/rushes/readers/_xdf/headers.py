"""What the XML of an XDF file says of its streams."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

FORMATS: Mapping[str, str] = {
    "float32": "<f4",
    "double64": "<f8",
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
}
"""Of numbers, with numpy's name; ``string`` is the only other."""
TEXT = "string"
_MOST_CHANNELS = 1_000_000
_DEEPEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHeader:
    """One stream as its header describes it.

    Args:
        number: By which its chunks name it.
        name: As its sender called it; may be empty, and need not be unique.
        kind: XDF's type: EEG, Markers, Gaze …
        channels: Values a sample.
        format: A key of ``FORMATS``, or ``string``.
        rate_hz: Nominal; None where samples come irregularly.
        labels: Name of each channel; None where not all are named.
        units: Unit of each channel, empty where it has none; None where none has one.
        can_drop: Whether the sender may leave samples out; None where it does not say.
        said: What else the header states.
    """

    number: int
    name: str
    kind: str
    channels: int
    format: str
    rate_hz: float | None
    labels: tuple[str, ...] | None
    units: tuple[str, ...] | None
    can_drop: bool | None
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFooter:
    """What the recorder wrote of a stream when it closed the file; None where it does not say."""

    first_s: float | None
    last_s: float | None
    count: int | None


def stream_header(number: int, xml: bytes) -> StreamHeader:
    """Read a header.

    Raises:
        ValueError: If it is no XML, or lacks what is needed to read samples; the message says which.
    """
    info = _parsed(xml)
    layout = _text(info, "channel_format")
    if layout != TEXT and layout not in FORMATS:
        raise ValueError(f"its channel format '{layout}' is not known")
    channels = _number(_text(info, "channel_count"))
    if channels is None or not 1 <= channels <= _MOST_CHANNELS or channels != int(channels):
        raise ValueError(f"it states '{_text(info, 'channel_count')}' channels")
    rate_hz = _number(_text(info, "nominal_srate"))
    labels, units = _channels(info, int(channels))
    return StreamHeader(
        number=number,
        name=_text(info, "name"),
        kind=_text(info, "type"),
        channels=int(channels),
        format=layout,
        rate_hz=rate_hz if rate_hz and rate_hz > 0 else None,
        labels=labels,
        units=units,
        can_drop={"true": True, "false": False}.get(_text(info, "desc/synchronization/can_drop_samples").lower()),
        said=_said(info),
    )


def stream_footer(xml: bytes) -> StreamFooter:
    """Read a footer.

    Raises:
        ValueError: If it is no XML.
    """
    info = _parsed(xml)
    count = _number(_text(info, "sample_count"))
    return StreamFooter(
        first_s=_number(_text(info, "first_timestamp")),
        last_s=_number(_text(info, "last_timestamp")),
        count=None if count is None or count < 0 else int(count),
    )


def file_header(xml: bytes) -> Mapping[str, Any]:
    """Read what the file says of itself; empty where it is no XML."""
    try:
        said = _plain(_parsed(xml))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _parsed(xml: bytes) -> ElementTree.Element:
    text = xml.decode("utf-8", "replace").strip("\0 \r\n\t")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it is XML with a document type, which XDF does not have")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - entities are refused above
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"it is no XML: {error}") from error


def _text(info: ElementTree.Element, path: str) -> str:
    return (info.findtext(path) or "").strip()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _channels(info: ElementTree.Element, count: int) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    described = info.findall("desc/channels/channel")
    if len(described) != count:
        return None, None
    labels = tuple(_text(channel, "label") for channel in described)
    units = tuple(_text(channel, "unit") for channel in described)
    return (labels if all(labels) else None), (units if any(units) else None)


def _said(info: ElementTree.Element) -> dict[str, Any]:
    """Give what has no column of its own."""
    told = {"name", "type", "channel_count", "channel_format", "nominal_srate"}
    said = {child.tag: _plain(child) for child in info if child.tag not in told}
    desc = said.get("desc")
    if isinstance(desc, dict):
        said["desc"] = {name: value for name, value in desc.items() if name != "channels"}
    return {name: value for name, value in said.items() if value not in ("", {})}


def _plain(element: ElementTree.Element, depth: int = 0) -> Any:
    """Turn XML into dicts, lists where a tag repeats, and texts; what is nested too deep is left out."""
    if not len(element) or depth == _DEEPEST:
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in element:
        value = _plain(child, depth + 1)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found
