"""What an MCAP file holds and where, from its summary; whatever the summary leaves out is found by walking.

The summary's chunk indexes are checked against the chunks. The stretches of the data section that they
do not cover are walked record by record: next to nothing of a whole file, everything of one without a summary.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from isal.isal_zlib import crc32

from rushes.model import Loss
from rushes.readers._mcap import records
from rushes.readers._mcap.records import BrokenError, Bytes, ChunkHead, Cursor, Definitions, Span, Statistics
from rushes.readers._mcap.resync import chunk_at, next_chunk

_DATA_END_SIZE = 4
RUN_BYTES = 8 << 20
"""Messages outside chunks are taken in runs of about so many bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A chunk, or a run of messages outside chunks (``head`` is None).

    Args:
        at: First byte of its record or of the run's first record, in the file.
        end: One past its last byte.
        indexes: Where the message index of each channel stands; None where there is none to trust.
        cut: Whether the file ends inside.
    """

    at: int
    end: int
    head: ChunkHead | None
    indexes: dict[int, int] | None
    cut: bool = False

    @property
    def plain(self) -> bool:
        """Whether its records lie uncompressed in the file."""
        return self.head is None or self.head.compression in {"", "none"}

    @property
    def body(self) -> int:
        """Where its records start in the file, packed or not."""
        return self.at if self.head is None else self.head.body

    @property
    def body_end(self) -> int:
        """One past the last byte of its records in the file."""
        return self.end if self.head is None or self.cut else self.head.body + self.head.packed_size

    @property
    def size(self) -> int:
        """Bytes of its records once unpacked."""
        return self.body_end - self.body if self.head is None or self.plain else self.head.size


@dataclass(slots=True)
class Catalogue:
    """All that is known of a file before its messages are read; ``complete`` if no channel can be unknown."""

    profile: str = ""
    library: str = ""
    definitions: Definitions = field(default_factory=Definitions)
    statistics: Statistics | None = None
    segments: list[Segment] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    complete: bool = False


def catalogue(data: Bytes, name: str) -> Catalogue:
    """Find everything in the file.

    Args:
        data: Its bytes; they start with the magic.
        name: Of the file, for losses.
    """
    found = Catalogue()
    size = len(data)
    end, summary = _summary_place(data)
    indexed: list[Segment] = []
    if end is not None and summary:
        try:
            indexed = _read_summary(data, summary, found)
        except BrokenError as broken:
            found.definitions, found.statistics = Definitions(), None
            found.losses.append(
                _loss("read.damaged", name, summary, size, f"the summary is damaged: {broken.reason}")
            )
            summary = 0
    stop = summary or end or size
    complete = _walk_gaps(data, indexed, stop, found, name)
    found.segments.sort(key=lambda segment: segment.at)
    if end is None and not complete:
        return found
    if end is None:
        found.losses.append(
            _loss("read.truncated", name, size, None, f"it ends without its end mark after {size} bytes")
        )
    channels = len(found.definitions.channels)
    found.complete = found.statistics is not None and found.statistics.channels <= channels
    return found


def _summary_place(data: Bytes) -> tuple[int | None, int]:
    """Give where the footer starts (None where the file has no end) and where the summary does (0: none)."""
    size = len(data)
    end = size - len(records.MAGIC) - records.FOOTER_SIZE
    if end < len(records.MAGIC) or bytes(data[size - 8 :]) != records.MAGIC:
        return None, 0
    cursor = Cursor(data, end, size)
    opcode, length, summary, _, _ = cursor.take("BQQQI")
    if opcode != records.FOOTER or length != records.FOOTER_SIZE - records.PREFIX:
        return None, 0
    return end, summary


def _read_summary(data: Bytes, summary: int, found: Catalogue) -> list[Segment]:
    end = len(data) - len(records.MAGIC) - records.FOOTER_SIZE
    if not len(records.MAGIC) <= summary <= end:
        raise BrokenError(summary, "it is said to start outside the file")
    crc = Cursor(data, len(data) - 12, len(data)).take("I")[0]
    if crc and crc32(data[summary : len(data) - 12].data) != crc:
        raise BrokenError(summary, "its checksum fails")
    segments = []
    for span in records.walk(data, summary, end):
        if span.opcode in {records.SCHEMA, records.CHANNEL}:
            found.definitions.add(data, span)
        elif span.opcode == records.STATISTICS:
            found.statistics = records.statistics(data, span)
        elif span.opcode == records.CHUNK_INDEX:
            segment = _indexed(data, records.chunk_index(data, span), summary)
            if segment:
                segments.append(segment)
    segments.sort(key=lambda segment: segment.at)
    return segments


def _indexed(data: Bytes, index: records.ChunkIndex, summary: int) -> Segment | None:
    """Give the chunk that an index names; None where there is no such chunk, so that it is looked for."""
    after = index.at + index.length
    if index.at < len(records.MAGIC) or after + index.index_length > summary or index.length < records.PREFIX:
        return None
    opcode, length = Cursor(data, index.at, after).take("BQ")
    if opcode != records.CHUNK or length + records.PREFIX != index.length:
        return None
    try:
        head = records.chunk_head(data, Span(records.CHUNK, index.at, index.at + records.PREFIX, after))
    except BrokenError:
        return None
    if head.body + head.packed_size != after:
        return None
    inside = all(after <= place < after + index.index_length for place in index.indexes.values())
    return Segment(
        at=index.at,
        end=after + index.index_length,
        head=head,
        indexes=index.indexes if inside and index.index_length else None,
    )


def _walk_gaps(data: Bytes, indexed: list[Segment], stop: int, found: Catalogue, name: str) -> bool:
    """Walk what no chunk index covers; tell whether the last stretch could be walked to its end."""
    place = len(records.MAGIC)
    complete = True
    for segment in [*indexed, None]:
        upto = segment.at if segment else stop
        if upto < place:  # two indexes claim the same bytes: the first holds
            continue
        complete = _Gap(data, found, name).walk(place, upto)
        if segment:
            found.segments.append(segment)
            place = segment.end
    return complete


class _Gap:
    """Collects the records of one stretch."""

    def __init__(self, data: Bytes, found: Catalogue, name: str) -> None:
        self.data, self.found, self.name = data, found, name
        self.chunk: tuple[Span, ChunkHead, dict[int, int]] | None = None
        self.run: tuple[int, int] | None = None
        self.reached = 0
        self.latest: Span | None = None

    def walk(self, begin: int, end: int) -> bool:
        """Walk to the end; over damage on to the next whole chunk. False where the last stretch is lost."""
        at: int | None = begin
        while at is not None:
            self.reached, self.latest = at, None
            try:
                self.each(at, end)
            except BrokenError as broken:
                at = self.over(broken, end)
                if at is None:
                    self.close()
                    self.lost(broken, end)
                    return False
                continue
            self.close()
            at = None
        return True

    def each(self, begin: int, end: int) -> None:
        for span in records.walk(self.data, begin, end):
            if span.opcode == records.DATA_END and span.end - span.start == _DATA_END_SIZE:
                return
            if span.opcode not in records.IN_DATA:
                chunk = chunk_at(self.data, span.at, end)
                span = chunk if chunk and chunk.end == span.end else span  # the kind alone is damaged
            self.take(span)
            self.reached = span.end
            if span.opcode in records.IN_DATA:
                self.latest = span

    def over(self, broken: BrokenError, end: int) -> int | None:
        """Give where the next whole chunk starts behind a damaged record, and name what lies between.

        The record that led there may be the damaged one: it is kept only if it is a chunk whose lengths agree.
        """
        latest, known = self.latest, bool(self.data[broken.at] in records.IN_DATA)
        sound = latest is not None and chunk_at(self.data, latest.at, end) == latest
        lost_from = broken.at if latest is None else latest.end if sound else latest.at
        found = next_chunk(self.data, lost_from if sound else lost_from + 1, end)
        if found is None:
            return None
        if known and found.at > broken.at:
            lost_from, sound = max(lost_from, broken.at), True
        if latest is not None and not sound:
            self.forget(latest)
        self.close()
        message = f"nothing can be read from byte {lost_from} to {found.at}: {broken.reason}"
        self.found.losses.append(_loss("read.damaged", self.name, lost_from, found.at, message))
        return found.at

    def forget(self, latest: Span) -> None:
        """Leave out a record that was taken and whose length is damaged."""
        if self.chunk and self.chunk[0].at == latest.at:
            self.chunk = None
        elif self.run:
            self.run = (self.run[0], latest.at) if self.run[0] < latest.at else None

    def take(self, span: Span) -> None:
        if span.opcode == records.MESSAGE:
            self.message(span)
            return
        if span.opcode == records.MESSAGE_INDEX:
            if self.chunk and span.end - span.start >= 6:
                self.chunk[2][Cursor(self.data, span.start, span.end).take("H")[0]] = span.at
            return
        self.close()
        if span.opcode == records.CHUNK:
            head = records.chunk_head(self.data, span)
            # The record's own length led to the next record, so it is the one to believe.
            self.chunk = (span, replace(head, packed_size=span.end - head.body), {})
        elif span.opcode in {records.SCHEMA, records.CHANNEL}:
            self.found.definitions.add(self.data, span)
        elif span.opcode == records.HEADER:
            cursor = Cursor(self.data, span.start, span.end)
            self.found.profile, self.found.library = cursor.text(), cursor.text()
        elif span.opcode == records.ATTACHMENT:
            self.attachment(span)
        elif span.opcode == records.METADATA:
            cursor = Cursor(self.data, span.start, span.end)
            self.found.metadata.append({"name": cursor.text(), "metadata": cursor.texts()})
        elif span.opcode in records.RESERVED or span.opcode in records.IN_SUMMARY:
            self.found.losses.append(
                _loss(
                    "read.damaged",
                    self.name,
                    span.at,
                    span.end,
                    f"a record of unknown kind {span.opcode} is skipped"
                    if span.opcode in records.RESERVED
                    else f"a record of kind {span.opcode} is skipped, which has no place among the data",
                )
            )

    def message(self, span: Span) -> None:
        if self.chunk:
            self.close()
        begin = self.run[0] if self.run else span.at
        self.run = (begin, span.end)
        if span.end - begin > RUN_BYTES:
            self.close()

    def attachment(self, span: Span) -> None:
        cursor = Cursor(self.data, span.start, span.end)
        log_ns, create_ns = cursor.take("QQ")
        name, media_type = cursor.text(), cursor.text()
        (size,) = cursor.take("Q")
        self.found.attachments.append(
            {
                "name": name,
                "media_type": media_type,
                "bytes": size,
                "offset": cursor.place,
                "log_ns": log_ns,
                "create_ns": create_ns,
            }
        )

    def close(self) -> None:
        """Note the chunk or the run that has come to its end."""
        if self.run:
            self.found.segments.append(Segment(at=self.run[0], end=self.run[1], head=None, indexes=None))
            self.run = None
        if self.chunk:
            span, head, indexes = self.chunk
            self.found.segments.append(
                Segment(at=span.at, end=max(span.end, self.reached), head=head, indexes=indexes or None)
            )
            self.chunk = None

    def lost(self, broken: BrokenError, end: int) -> None:
        """Name what cannot be walked; the readable front of a cut plain chunk is kept."""
        cut = end == len(self.data)
        at, reason = broken.at, broken.reason
        head = _head_at(self.data, at) if cut else None
        if head:
            segment = Segment(at=at, end=end, head=head, indexes=None, cut=True)
            if segment.plain:
                at, reason = _reach(self.data, head.body, end), "a chunk is cut"
                self.found.segments.append(replace(segment, end=at))
            else:
                reason = "a compressed chunk is cut"
        code = "read.truncated" if cut else "read.damaged"
        message = f"nothing can be read from byte {at} to {end}: {reason}"
        self.found.losses.append(_loss(code, self.name, at, end, message))


def _head_at(data: Bytes, at: int) -> ChunkHead | None:
    """Give the head of the chunk that starts at a byte, if one does."""
    try:
        opcode, length = Cursor(data, at, len(data)).take("BQ")
        if opcode != records.CHUNK:
            return None
        return records.chunk_head(data, Span(opcode, at, at + records.PREFIX, at + records.PREFIX + length))
    except BrokenError:
        return None


def _reach(data: Bytes, begin: int, end: int) -> int:
    """Give one past the last whole record."""
    reached = begin
    try:
        for span in records.walk(data, begin, end):
            reached = span.end
    except BrokenError:
        pass
    return reached


def _loss(code: str, name: str, byte_from: int, byte_to: int | None, message: str) -> Loss:
    return Loss(code=code, message=f"{name}: {message}", file=name, byte_from=byte_from, byte_to=byte_to)
