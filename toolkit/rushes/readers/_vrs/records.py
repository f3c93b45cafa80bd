"""Which records a VRS recording holds and where: by its index, or by walking the record headers.

Stamps of records are seconds as doubles in the file; here nanoseconds, rounded. At uptimes below a hundred days
that is exact to the nanosecond.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import zstandard

from rushes.errors import ReadError
from rushes.media import unpack
from rushes.model import Loss
from rushes.readers._vrs.pieces import Pieces

CONFIGURATION, STATE, DATA = 2, 1, 3
COMPRESSIONS = {0: "", 1: "lz4", 2: "zstd"}
HEADER = np.dtype(
    [
        ("size", "<u4"), ("previous", "<u4"), ("type", "<i4"), ("format", "<u4"), ("stamp", "<f8"),
        ("instance", "<u2"), ("kind", "u1"), ("compression", "u1"), ("unpacked", "<u4"),
    ]
)  # fmt: skip
"""The head of every record; ``unpacked`` is the size of its payload where it is compressed, else 0."""

_FILE = struct.Struct("<8sQIIqqqQQQ4sI")
_ENTRY = np.dtype([("stamp", "<f8"), ("size", "<u4"), ("kind", "u1"), ("type", "<i4"), ("instance", "<u2")])
_CLASSIC_INDEX, _SPLIT_INDEX = 2, 3
_MAGIC, _MAGIC_END = b"VisionRe", b"cord"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHead:
    """What the first bytes of a recording say; offsets count through all its files, 0 for none."""

    creation_id: int
    index_at: int
    description_at: int
    first_record_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All records in the order of the file, as columns of equal length; indexes and descriptions are left out."""

    offset: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    kind: npt.NDArray[np.uint8]
    type: npt.NDArray[np.int32]
    instance: npt.NDArray[np.uint16]
    stamp_s: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.offset)

    def of(self, stream: tuple[int, int], kind: int) -> npt.NDArray[np.intp]:
        """Give which rows are a stream's records of one kind."""
        return np.flatnonzero((self.type == stream[0]) & (self.instance == stream[1]) & (self.kind == kind))


def head_of(pieces: Pieces, path: Path) -> FileHead:
    """Read the head of a recording.

    Raises:
        ReadError: ``read.damaged`` if it is not VRS or cut inside its head, ``read.old-version`` if its records
            have heads of another size than the one that is known.
    """
    head = pieces.read(0, _FILE.size)
    if len(head) < _FILE.size or head[:8] != _MAGIC or _FILE.unpack(head)[10] != _MAGIC_END:
        raise ReadError(
            f"{path}: not a VRS recording, or cut inside its first {_FILE.size} bytes",
            code="read.damaged",
            hint="copy the file anew from where it was made",
            facts={"file": str(path)},
        )
    _, creation, head_size, record_head, index_at, description_at, first_at, *_ = _FILE.unpack(head)
    if record_head != HEADER.itemsize:
        raise ReadError(
            f"{path}: its records have heads of {record_head} bytes; {HEADER.itemsize} are known",
            code="read.old-version",
            hint="convert it with `vrs copy` of the VRS tools",
            facts={"file": str(path), "record_header_bytes": record_head},
        )
    return FileHead(
        creation_id=creation,
        index_at=index_at,
        description_at=description_at or head_size,
        first_record_at=first_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The records that are there; those that the index names and the file does not reach; what was lost."""

    records: Records
    absent: Records
    losses: tuple[Loss, ...] = ()


def records_of(pieces: Pieces, head: FileHead, first: int, name: str) -> Found:
    """Find all records; where the index is missing or wrong, by their heads, which is a loss that is named.

    Args:
        pieces: The bytes.
        head: Of the recording.
        first: Offset of the first record of a stream.
        name: Of the file, for messages.
    """
    entries, why = _index(pieces, head)
    if entries is not None:
        records = _placed(entries, first)
        if _plausible(pieces, records):
            there = records.offset + records.size <= pieces.size
            losses = () if there.all() else (_cut(records, int((~there).sum()), pieces.size, name),)
            return Found(records=_chosen(records, there), absent=_chosen(records, ~there), losses=losses)
        why = "the index names places that hold no records"
    records, stop = _walk(pieces, head, first)
    message = f"{name}: {why}; {len(records):,} records were found by their heads"
    code = "read.damaged" if head.index_at and head.index_at < pieces.size else "read.truncated"
    named = [Loss(code=code, message=message, file=name)]
    if stop is not None:
        message = f"{name}: no whole record starts at byte {stop:,}; nothing behind it is read"
        named.append(Loss(code=code, message=message, file=name, byte_from=stop, byte_to=pieces.size))
    return Found(records=records, absent=_chosen(records, np.zeros(len(records), np.bool_)), losses=tuple(named))


def _cut(records: Records, missing: int, size: int, name: str) -> Loss:
    end = int(records.offset[-1] + records.size[-1])
    message = f"{name} ends at byte {size:,}; {missing:,} records of its index lie up to byte {end:,}"
    return Loss(code="read.truncated", message=message, count=missing, file=name, byte_from=size, byte_to=end)


def payload_of(pieces: Pieces, offset: int, header: np.void, most: int | None = None) -> bytes:
    """Give the payload of a record, unpacked.

    Args:
        pieces: The bytes.
        offset: Of the record.
        header: Its head.
        most: Give no more than this many bytes; a plain payload is then read no further.

    Raises:
        ReadError: ``read.damaged``, ``read.compression``, ``read.short``.
    """
    length = int(header["size"]) - HEADER.itemsize
    compression = int(header["compression"])
    if compression == 0 and most is not None:
        length = min(length, most)
    data = pieces.read(offset + HEADER.itemsize, length)
    if len(data) < length:
        raise ReadError(f"{length} bytes wanted at byte {offset}, {len(data)} are there", code="read.short")
    if compression == 0:
        return data
    if compression not in COMPRESSIONS:
        raise ReadError(f"the record at byte {offset} is of compression {compression}", code="read.compression")
    if most is not None and COMPRESSIONS[compression] == "zstd":
        return _start_of(data, most)
    unpacked = unpack(COMPRESSIONS[compression], data, int(header["unpacked"]))
    return unpacked if most is None else unpacked[:most]


def _start_of(data: bytes, most: int) -> bytes:
    """Unpack no more than is wanted: pictures are large and their heads small."""
    try:
        with zstandard.ZstdDecompressor().stream_reader(data) as reader:
            return reader.read(most)
    except zstandard.ZstdError as error:
        raise ReadError(f"a zstd block does not unpack: {error}", code="read.damaged") from error


def header_at(pieces: Pieces, offset: int) -> np.void | None:
    """Read the head of a record; None where the recording ends before it does."""
    data = pieces.read(offset, HEADER.itemsize)
    return np.frombuffer(data, HEADER)[0] if len(data) == HEADER.itemsize else None


def headers(pieces: Pieces, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
    """Read the heads of many records."""
    found: npt.NDArray[np.void] = pieces.gather(offsets, HEADER.itemsize).view(HEADER).reshape(-1)
    return found


def _index(pieces: Pieces, head: FileHead) -> tuple[npt.NDArray[np.void] | None, str]:
    if not head.index_at:
        return None, "it has no index, as after a crash of the recorder"
    header = header_at(pieces, head.index_at)
    if header is None:
        return None, f"its index at byte {head.index_at:,} is cut off"
    try:
        if header["format"] == _CLASSIC_INDEX:
            return _classic(pieces, head.index_at, header)
        if header["format"] == _SPLIT_INDEX:
            return _split(pieces, head, header)
    except (ReadError, ValueError, struct.error) as error:
        return None, f"its index cannot be read ({error})"
    return None, f"its index is of format {header['format']}, which is not known"


def _classic(pieces: Pieces, at: int, header: np.void) -> tuple[npt.NDArray[np.void] | None, str]:
    body = pieces.read(at + HEADER.itemsize, int(header["size"]) - HEADER.itemsize)
    (streams,) = struct.unpack_from("<I", body)
    place = 4 + 6 * streams
    (count,) = struct.unpack_from("<I", body, place)
    place += 4
    wanted = count * _ENTRY.itemsize
    data = body[place:]
    if header["unpacked"]:
        data = unpack("zstd", data, wanted)
    if len(data) < wanted:
        return None, f"its index names {count:,} records and holds {len(data) // _ENTRY.itemsize:,}"
    return np.frombuffer(data, _ENTRY, count), ""


def _split(pieces: Pieces, head: FileHead, header: np.void) -> tuple[npt.NDArray[np.void] | None, str]:
    length = int(header["size"]) - HEADER.itemsize
    if length <= 0 or head.first_record_at == 0:
        return None, "its index was not finished, as after a crash of the recorder"
    data = pieces.read(head.index_at + HEADER.itemsize, length)
    if header["unpacked"]:
        return None, "its index is compressed in parts, which is not read"
    return np.frombuffer(data, _ENTRY, len(data) // _ENTRY.itemsize), ""


def _placed(entries: npt.NDArray[np.void], first: int) -> Records:
    """Records lie one behind the other, in the order of the index."""
    size = entries["size"].astype(np.int64)
    return Records(
        offset=first + np.cumsum(size) - size,
        size=size,
        kind=entries["kind"].astype(np.uint8),
        type=entries["type"].astype(np.int32),
        instance=entries["instance"].astype(np.uint16),
        stamp_s=entries["stamp"].astype(np.float64),
    )


def _plausible(pieces: Pieces, records: Records) -> bool:
    """Look at the first records that should be there, and at the last: an index that is shifted shows at once."""
    there = np.flatnonzero(records.offset + HEADER.itemsize <= pieces.size)
    looked = sorted({*there[:4].tolist(), *there[-2:].tolist()})
    if (records.size < HEADER.itemsize).any():
        return False
    found = headers(pieces, records.offset[looked])
    return bool(
        np.array_equal(found["size"], records.size[looked]) and (found["type"] == records.type[looked]).all()
    )


def _walk(pieces: Pieces, head: FileHead, first: int) -> tuple[Records, int | None]:
    """Follow the sizes in the heads of records; give also the byte where that ends before the file does."""
    found: list[np.void] = []
    offsets: list[int] = []
    place, stop = first, None
    while (header := header_at(pieces, place)) is not None:
        size = int(header["size"])
        if place == head.index_at:
            break
        if size < HEADER.itemsize or not 1 <= header["kind"] <= DATA or header["compression"] not in COMPRESSIONS:
            stop = place
            break
        if place + size > pieces.size:
            stop = place
            break
        found.append(header)
        offsets.append(place)
        place += size
    if stop is None and place < pieces.size and place != head.index_at:
        stop = place
    heads = np.array(found, HEADER) if found else np.zeros(0, HEADER)
    records = Records(
        offset=np.array(offsets, np.int64),
        size=heads["size"].astype(np.int64),
        kind=heads["kind"].astype(np.uint8),
        type=heads["type"].astype(np.int32),
        instance=heads["instance"].astype(np.uint16),
        stamp_s=heads["stamp"].astype(np.float64),
    )
    return records, stop


def _chosen(records: Records, rows: npt.NDArray[np.bool_]) -> Records:
    return Records(
        offset=records.offset[rows],
        size=records.size[rows],
        kind=records.kind[rows],
        type=records.type[rows],
        instance=records.instance[rows],
        stamp_s=records.stamp_s[rows],
    )
