"""The description record: tags of the file and of each stream."""

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

from rushes.errors import ReadError
from rushes.readers._vrs.pieces import Pieces
from rushes.readers._vrs.records import HEADER, header_at

_JSON_FORMAT, _FORMAT = 1, 2
_MOST_BYTES = 256 << 20


@dataclass(slots=True)
class StreamTags:
    """What is said of one stream: by its maker (``user``) and by VRS itself (formats and layouts)."""

    user: dict[str, str] = field(default_factory=dict)
    vrs: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the recorder calls it."""
        return self.vrs.get("VRS_Original_Recordable_Name", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTags:
    """All tags, and the offset behind the record."""

    file: dict[str, str]
    streams: dict[tuple[int, int], StreamTags]
    end: int


def description_at(pieces: Pieces, offset: int, path: Path) -> FileTags:
    """Read the description.

    Raises:
        ReadError: ``read.damaged`` if it does not hold what it should; without it no record can be understood.
    """
    header = header_at(pieces, offset)
    if header is None or not HEADER.itemsize <= header["size"] <= _MOST_BYTES:
        raise _damaged(path, offset, "is cut off")
    data = pieces.read(offset + HEADER.itemsize, int(header["size"]) - HEADER.itemsize)
    reading = _Reading(data)
    try:
        if header["format"] == _FORMAT:
            streams = {
                reading.stream_id(): StreamTags(reading.tags(), reading.tags()) for _ in range(reading.count())
            }
            return FileTags(file=reading.tags(), streams=streams, end=offset + int(header["size"]))
        if header["format"] == _JSON_FORMAT:
            return _legacy(reading, offset + int(header["size"]))
    except (struct.error, ValueError, AttributeError, TypeError) as error:
        raise _damaged(path, offset, f"does not hold what it should ({error})") from error
    raise _damaged(path, offset, f"is of format {header['format']}, which is not known")


class _Reading:
    """Goes through the bytes of a record."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def count(self) -> int:
        (number,) = struct.unpack_from("<I", self._data, self._place)
        self._place += 4
        return int(number)

    def text(self) -> str:
        length = self.count()
        if self._place + length > len(self._data):
            raise ValueError("a text reaches beyond it")
        self._place += length
        return self._data[self._place - length : self._place].decode("utf-8", "replace")

    def tags(self) -> dict[str, str]:
        return {self.text(): self.text() for _ in range(self.count())}

    def stream_id(self) -> tuple[int, int]:
        kind, instance = struct.unpack_from("<iH", self._data, self._place)
        self._place += 6
        return int(kind), int(instance)


def _legacy(reading: _Reading, end: int) -> FileTags:
    streams: dict[tuple[int, int], StreamTags] = {}
    for _ in range(reading.count()):
        stream = reading.stream_id()
        said = json.loads(reading.text())
        user = {str(key): str(value) for key, value in said.get("tags", {}).items()}
        streams[stream] = StreamTags(user, {"VRS_Original_Recordable_Name": str(said.get("name", ""))})
    file = {str(key): str(value) for key, value in json.loads(reading.text()).items()}
    return FileTags(file=file, streams=streams, end=end)


def _damaged(path: Path, offset: int, what: str) -> ReadError:
    return ReadError(
        f"{path}: its description at byte {offset:,} {what}",
        code="read.damaged",
        hint="copy the file anew from where it was made",
        facts={"file": str(path), "offset": offset},
    )
