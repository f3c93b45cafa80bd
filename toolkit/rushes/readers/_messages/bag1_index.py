"""Where everything lies in a ROS 1 bag (format 2.0): from its index, or by walking its records.

A bag is a row of records, each a header (named fields) and data, both with a length before them. Messages lie in
chunks; after each chunk come IndexData records, one a connection, with the time and place of every message. The
index at the end of the file repeats all connections and says where the chunks are. A bag that was not closed has
no index, and may end in the middle of anything: then the records are walked, as far as they make sense.
"""

import contextlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rushes.errors import ReadError
from rushes.media import bag_fields
from rushes.model import Loss

MAGIC = b"#ROSBAG V2.0\n"
MESSAGE, BAG_HEADER, INDEX_DATA, CHUNK, CHUNK_INFO, CONNECTION = range(2, 8)
NEEDED: Mapping[int, Mapping[str, int | None]] = {
    MESSAGE: {"conn": 4, "time": 8},
    BAG_HEADER: {"index_pos": 8},
    INDEX_DATA: {"conn": 4, "count": 4},
    CHUNK: {"compression": None, "size": 4},
    CHUNK_INFO: {"chunk_pos": 8, "start_time": 8, "end_time": 8, "count": 4},
    CONNECTION: {"conn": 4, "topic": None},
}
LONGEST_HEADER = 1 << 20
"""No writer makes a record header near this long; more means that the bytes are not a record."""


class NoRecordError(ValueError):
    """The bytes are no bag record; ``cut`` where they look like one that reaches beyond the end."""

    def __init__(self, *, cut: bool) -> None:
        super().__init__()
        self.cut = cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record: its op code, its fields, and the places of its header's length, its data and its end."""

    op: int
    fields: Mapping[str, bytes]
    at: int
    data_at: int
    end: int

    def number(self, name: str) -> int:
        """Give a field that is an unsigned integer."""
        return int.from_bytes(self.fields[name], "little")

    def text(self, name: str) -> str:
        """Give a field that is text."""
        return self.fields[name].decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One publisher on one topic, as the bag's connection record states it."""

    number: int
    topic: str
    message_type: str
    definition: bytes
    md5sum: str
    callerid: str
    latching: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPlace:
    """Where the messages of one chunk are.

    Args:
        at: Of the chunk record's header length; None for records that lie loose, after a chunk without an end.
        data_at: First byte of the data; ``data_end`` is one past the last that is there.
        packed_bytes: Length of the data as the record states it.
        unpacked_bytes: Size after unpacking, as the record states it.
        counts: Messages of each connection, where the index says so.
    """

    at: int | None
    data_at: int
    data_end: int
    compression: str
    packed_bytes: int
    unpacked_bytes: int
    counts: Mapping[int, int] | None = None

    @property
    def whole(self) -> bool:
        """Whether all its bytes are there."""
        return self.data_end - self.data_at == self.packed_bytes


@dataclass(slots=True, kw_only=True)
class Layout:
    """What a bag holds, and where.

    Args:
        declared: Messages of each connection by the index; None where there is none.
        start_ns, end_ns: First and last message time, where the index says so.
        indexed: Whether the index at the end was whole and true.
    """

    connections: dict[int, Connection] = field(default_factory=dict)
    chunks: list[ChunkPlace] = field(default_factory=list)
    declared: dict[int, int] | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    indexed: bool = False
    losses: list[Loss] = field(default_factory=list)


def read_record(view: memoryview, at: int, limit: int) -> Record:
    """Read the header of the record at a place.

    Raises:
        NoRecordError: If there is no record, or it does not end before ``limit``.
    """
    if at + 4 > limit:
        raise NoRecordError(cut=True)
    header_length = struct.unpack_from("<I", view, at)[0]
    if not 0 < header_length <= LONGEST_HEADER:
        raise NoRecordError(cut=False)
    size_at = at + 4 + header_length
    if size_at + 4 > limit:
        raise NoRecordError(cut=True)
    op, fields = _fields(view[at + 4 : size_at])
    data_at = size_at + 4
    end = data_at + struct.unpack_from("<I", view, size_at)[0]
    if end > limit and op != CHUNK:  # a chunk that is cut can still give what lies before the cut
        raise NoRecordError(cut=True)
    return Record(op=op, fields=fields, at=at, data_at=data_at, end=end)


def _fields(header: memoryview) -> tuple[int, dict[str, bytes]]:
    try:
        fields = bag_fields(header)
    except (struct.error, UnicodeDecodeError) as error:
        raise NoRecordError(cut=False) from error
    op = fields.get("op", b"")
    needed = NEEDED.get(op[0]) if len(op) == 1 else None
    if needed is None or any(len(fields.get(k, b"")) != n for k, n in needed.items() if n is not None):
        raise NoRecordError(cut=False)
    if not all(name in fields for name in needed):
        raise NoRecordError(cut=False)
    return op[0], fields


def records(view: memoryview, at: int, limit: int) -> Iterator[Record]:
    """Give the records from a place on.

    Raises:
        NoRecordError: Where the row of records breaks before ``limit``.
    """
    while at < limit:
        record = read_record(view, at, limit)
        yield record
        at = record.end


def connection(view: memoryview, record: Record) -> Connection:
    """Read a connection record.

    Raises:
        NoRecordError: If its data is not a connection header.
    """
    try:
        fields = bag_fields(view[record.data_at : record.end])
    except (struct.error, UnicodeDecodeError) as error:
        raise NoRecordError(cut=False) from error
    return Connection(
        number=record.number("conn"),
        topic=record.text("topic"),
        message_type=_ros2_spelling(fields.get("type", b"").decode(errors="replace")),
        definition=fields.get("message_definition", b""),
        md5sum=fields.get("md5sum", b"").decode(errors="replace"),
        callerid=fields.get("callerid", b"").decode(errors="replace"),
        latching=fields.get("latching", b"0") == b"1",
    )


def _ros2_spelling(name: str) -> str:
    package, slash, message = name.partition("/")
    return f"{package}/msg/{message}" if slash and "/" not in message else name


def time_ns(field_value: bytes) -> int:
    """Read a time field: seconds and nanoseconds."""
    seconds, nanoseconds = struct.unpack("<II", field_value)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def index_of_chunk(view: memoryview, chunk_end: int) -> tuple[list[Record], int]:
    """Give the IndexData records that follow a chunk, and the place where something else begins."""
    found: list[Record] = []
    at = chunk_end
    try:
        for record in records(view, at, len(view)):
            if record.op != INDEX_DATA:
                break
            found.append(record)
            at = record.end
    except NoRecordError:
        pass  # whoever walks on meets it again and names it
    return found, at


def is_record(view: memoryview, at: int) -> bool:
    """Tell whether a record begins at a place; of one that is cut, or damaged, nobody knows what it was."""
    with contextlib.suppress(NoRecordError):
        read_record(view, at, len(view))
        return True
    return False


def survey(view: memoryview, path: Path) -> Layout:
    """Find the connections and chunks of a bag, by its index where that is whole, else by a walk.

    Raises:
        ReadError: If it is not a bag that can be read: another version, encrypted, no bag header.
    """
    if bytes(view[: len(MAGIC)]) != MAGIC:
        raise _other_version(path, bytes(view[: len(MAGIC)]))
    layout = Layout()
    try:
        header = read_record(view, len(MAGIC), len(view))
        usable = header.op == BAG_HEADER
    except NoRecordError:
        header, usable = None, False
    if header is not None and usable:
        if header.fields.get("encryptor", b""):
            raise ReadError(
                f"{path}: the bag is encrypted by {header.text('encryptor')}",
                code="read.encrypted",
                hint="decrypt it with rosbag decrypt where it was recorded, then read the copy",
                facts={"file": str(path), "encryptor": header.text("encryptor")},
            )
        layout.indexed = _read_index(view, header, layout)
        if layout.indexed:
            return layout
    _walk(view, layout, file=path.name, first=header.end if header and usable else len(MAGIC))
    if not layout.chunks and not layout.connections and not usable:
        raise ReadError(
            f"{path}: the bag header is damaged and no chunk follows",
            code="read.damaged",
            hint="copy the recording anew from where it was made",
            facts={"file": str(path), "offset": len(MAGIC)},
        )
    return layout


def _other_version(path: Path, head: bytes) -> ReadError:
    if head.startswith((b"#ROSBAG V", b"#ROSRECORD V")):
        version = head.split(b"\n")[0].decode(errors="replace")
        return ReadError(
            f"{path}: '{version}' is an older bag format; 2.0 is what is read here",
            code="read.old-version",
            hint=f"rosbag fix {path.name} new.bag, on a machine with ROS 1, brings it to 2.0",
            facts={"file": str(path), "version": version},
        )
    return ReadError(
        f"{path}: does not begin with '#ROSBAG V2.0'",
        code="read.damaged",
        hint="copy the recording anew from where it was made",
        facts={"file": str(path), "offset": 0},
    )


def _read_index(view: memoryview, header: Record, layout: Layout) -> bool:
    """Read the index at the end into ``layout``; whether it is whole and each of its chunks is there."""
    start = header.number("index_pos")
    infos = _chunk_infos(view, start, layout) if header.end <= start <= len(view) else None
    if infos is None or len(infos) != _count(header, "chunk_count"):
        return False
    if len(layout.connections) != _count(header, "conn_count"):
        return False
    counted = [counts for info in infos if (counts := _counts(view, info)) is not None]
    if len(counted) != len(infos) or any(not counts.keys() <= layout.connections.keys() for counts in counted):
        return False
    layout.declared = dict.fromkeys(layout.connections, 0)
    for counts in counted:
        for number, count in counts.items():
            layout.declared[number] += count
    layout.start_ns = min((time_ns(info.fields["start_time"]) for info in infos), default=None)
    layout.end_ns = max((time_ns(info.fields["end_time"]) for info in infos), default=None)
    places = [_chunk(view, info.number("chunk_pos"), n) for info, n in zip(infos, counted, strict=True)]
    chunks = [place for place in places if place is not None and place.whole]
    if len(chunks) != len(infos):
        return False
    layout.chunks = sorted(chunks, key=lambda chunk: chunk.data_at)
    return True


def _chunk_infos(view: memoryview, start: int, layout: Layout) -> list[Record] | None:
    """Read the records of the index: connections into ``layout``; None where their row breaks."""
    infos = []
    try:
        for record in records(view, start, len(view)):
            if record.op == CONNECTION:
                one = connection(view, record)
                layout.connections.setdefault(one.number, one)
            elif record.op == CHUNK_INFO:
                infos.append(record)
    except NoRecordError:
        return None
    return infos


def _count(header: Record, name: str) -> int:
    return header.number(name) if name in header.fields else -1


def _counts(view: memoryview, info: Record) -> dict[int, int] | None:
    count = info.number("count")
    if info.end - info.data_at != 8 * count:
        return None
    pairs = struct.unpack_from(f"<{2 * count}I", view, info.data_at)
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def _chunk(view: memoryview, at: int, counts: Mapping[int, int]) -> ChunkPlace | None:
    """Give the chunk that an index names; None where no chunk is there."""
    try:
        record = read_record(view, at, len(view))
    except NoRecordError:
        return None
    return _place(view, record, counts) if record.op == CHUNK else None


def _place(view: memoryview, record: Record, counts: Mapping[int, int] | None = None) -> ChunkPlace:
    return ChunkPlace(
        at=record.at,
        data_at=record.data_at,
        data_end=min(record.end, len(view)),
        compression=record.text("compression"),
        packed_bytes=record.end - record.data_at,
        unpacked_bytes=record.number("size"),
        counts=counts,
    )


def _walk(view: memoryview, layout: Layout, *, file: str, first: int) -> None:
    """Go through the records one by one; over what is none, on to the next chunk."""
    at, size = first, len(view)
    while at < size:
        try:
            record = read_record(view, at, size)
            one = connection(view, record) if record.op == CONNECTION else None
        except NoRecordError as error:
            at = _over_damage(view, at, layout, file=file, cut=error.cut)
            continue
        if record.op == CHUNK and record.end > size:
            at = _cut_chunk(view, record, layout, file=file)
            continue
        if record.op == CHUNK:
            layout.chunks.append(_place(view, record))
        elif one is not None:
            layout.connections.setdefault(one.number, one)
        elif record.op == MESSAGE:
            _loose(layout, record)
        at = record.end
    if not layout.losses:
        layout.losses.append(
            Loss(
                code="read.truncated",
                message=f"{file}: has no index, or one that is not true: the recorder did not close it",
                file=file,
                byte_from=size,
                byte_to=size,
            )
        )


def _cut_chunk(view: memoryview, record: Record, layout: Layout, *, file: str) -> int:
    """Note a chunk that reaches beyond the file: because the file was cut, or because its length is damaged."""
    size = len(view)
    following = _next_chunk(view, record.data_at)
    end = size if following is None else following
    layout.chunks.append(
        ChunkPlace(
            at=record.at,
            data_at=record.data_at,
            data_end=end,
            compression=record.text("compression"),
            packed_bytes=record.end - record.data_at,
            unpacked_bytes=record.number("size"),
        )
    )
    reached = _reached(view, record.data_at, end) if record.text("compression") == "none" else record.at
    layout.losses.append(truncated(file, reached, size) if following is None else damaged(file, reached, end))
    return end


def _reached(view: memoryview, at: int, limit: int) -> int:
    """Give one past the last whole record from a place on."""
    with contextlib.suppress(NoRecordError):
        for record in records(view, at, limit):
            at = record.end
    return at


def _loose(layout: Layout, record: Record) -> None:
    """Note a message outside of any chunk: one that was being written when the recorder died."""
    last = layout.chunks[-1] if layout.chunks else None
    start = record.at
    if last is not None and last.at is None and last.data_end == record.at:
        layout.chunks.pop()
        start = last.data_at
    layout.chunks.append(
        ChunkPlace(
            at=None,
            data_at=start,
            data_end=record.end,
            compression="none",
            packed_bytes=record.end - start,
            unpacked_bytes=record.end - start,
        )
    )


def _over_damage(view: memoryview, at: int, layout: Layout, *, file: str, cut: bool) -> int:
    following = _next_chunk(view, at + 1)
    if following is None:
        if cut:
            layout.losses.append(truncated(file, at, len(view)))
        else:
            layout.losses.append(damaged(file, at, len(view)))
        return len(view)
    layout.losses.append(damaged(file, at, following))
    return following


def _next_chunk(view: memoryview, after: int) -> int | None:
    """Find the next chunk record by the name of its compression field, in whatever order its fields are."""
    whole = view.obj
    place = after
    while True:
        place = _find(whole, b"compression=", place)
        if place < 0:
            return None
        for at in range(max(after, place - 64), place - 7):
            try:
                record = read_record(view, at, len(view))
            except NoRecordError:
                continue
            if record.op == CHUNK:
                return at
        place += 1


def _find(whole: object, pattern: bytes, start: int) -> int:
    find = getattr(whole, "find")  # noqa: B009 - bytes and mmap both have it, and share no type that says so
    return int(find(pattern, start))


def truncated(file: str, start: int, end: int) -> Loss:
    """Name bytes at the end of a file that are the beginning of something."""
    return Loss(
        code="read.truncated",
        message=f"{file}: ends in the middle of the record at byte {start}",
        file=file,
        byte_from=start,
        byte_to=end,
    )


def damaged(file: str, start: int, end: int, *, count: int | None = None, why: str = "") -> Loss:
    """Name bytes that are not what the format says."""
    return Loss(
        code="read.damaged",
        message=f"{file}: bytes {start} to {end} do not read as a bag{why}",
        file=file,
        count=count,
        byte_from=start,
        byte_to=end,
    )
