"""What a Matroska file says of itself: tracks, tags and attachments."""

import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rushes.readers._matroska import elements as e

MOST_BYTES = 64 << 20
"""Largest attachment that is read."""


@dataclass(slots=True)
class Track:
    """One track, as its entry states it."""

    number: int = 0
    uid: int = 0
    kind: int = 0
    """1 video, 2 audio, 17 subtitle."""
    codec: str = ""
    name: str = ""
    private: bytes = b""
    frame_ns: int = 0
    """Nominal time between two frames, in nanoseconds; 0 where not stated."""
    width: int = 0
    height: int = 0
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Header:
    """The head of a file; ``scale_ns`` is what one unit of its times lasts."""

    scale_ns: int = 1_000_000
    title: str = ""
    writing_app: str = ""
    tracks: list[Track] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)


def header_of(data: mmap.mmap) -> Header:
    """Read the head of a file, up to its first cluster; what is cut off stays at its default."""
    return _Reading(data).result()


class _Reading:
    """Collects the head while its elements pass by."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._header = Header()
        self._tag_uid = 0
        self._tag_name = ""
        self._attached = ""
        self._by_uid: dict[tuple[int, str], str] = {}
        self._take: Mapping[int, Callable[[e.Element], None]] = {
            e.TRACK: lambda _: self._header.tracks.append(Track()),
            e.TAG: self._new_tag,
            e.TAG_TRACK_UID: self._track_uid,
            e.TAG_NAME: self._name,
            e.TAG_STRING: self._value,
            e.ATTACHED_NAME: self._attachment,
            e.ATTACHED_DATA: self._attachment,
        }

    def result(self) -> Header:
        header = self._header
        for item in e.elements(self._data):
            if isinstance(item, e.Unreadable):
                continue
            if item.kind == e.CLUSTER:
                break
            if item.kind in self._take:
                self._take[item.kind](item)
            else:
                self._field(item)
        for (uid, name), value in self._by_uid.items():
            track = next((track for track in header.tracks if track.uid == uid), None)
            (header.tags if track is None else track.tags)[name] = value
        return header

    def _field(self, item: e.Element) -> None:
        number, text = e.unsigned, e.text
        head: Mapping[int, tuple[str, Callable[[mmap.mmap, e.Element], Any]]] = {
            e.TIME_SCALE: ("scale_ns", number), e.TITLE: ("title", text), e.WRITING_APP: ("writing_app", text),
        }  # fmt: skip
        if item.kind in head:
            name, read = head[item.kind]
            setattr(self._header, name, read(self._data, item))
        elif item.kind in _TRACK_FIELDS and self._header.tracks:
            name, read = _TRACK_FIELDS[item.kind]
            setattr(self._header.tracks[-1], name, read(self._data, item))

    def _new_tag(self, _: e.Element) -> None:
        self._tag_uid = 0

    def _track_uid(self, item: e.Element) -> None:
        self._tag_uid = e.unsigned(self._data, item)

    def _name(self, item: e.Element) -> None:
        self._tag_name = e.text(self._data, item)

    def _value(self, item: e.Element) -> None:
        self._by_uid[(self._tag_uid, self._tag_name)] = e.text(self._data, item)

    def _attachment(self, item: e.Element) -> None:
        if item.kind == e.ATTACHED_NAME:
            self._attached = e.text(self._data, item)
        elif item.end - item.content <= MOST_BYTES:
            self._header.attachments[self._attached] = self._data[item.content : item.end]


def _bytes(data: mmap.mmap, item: e.Element) -> bytes:
    return data[item.content : item.end]


_TRACK_FIELDS: Mapping[int, tuple[str, Callable[[mmap.mmap, e.Element], Any]]] = {
    e.TRACK_NUMBER: ("number", e.unsigned),
    e.TRACK_UID: ("uid", e.unsigned),
    e.TRACK_TYPE: ("kind", e.unsigned),
    e.CODEC_ID: ("codec", e.text),
    e.TRACK_NAME: ("name", e.text),
    e.CODEC_PRIVATE: ("private", _bytes),
    e.DEFAULT_DURATION: ("frame_ns", e.unsigned),
    e.PIXEL_WIDTH: ("width", e.unsigned),
    e.PIXEL_HEIGHT: ("height", e.unsigned),
}
