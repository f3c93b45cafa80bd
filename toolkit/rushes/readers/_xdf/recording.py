"""An XDF file as a recording: its chunks are walked once when it is opened, and once more for the samples."""

import mmap
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from rushes.errors import ReadError
from rushes.model import Batch, ClockPairs, Description, LedgerEntry, Loss, MediaFile, Stream
from rushes.quantities import say_count
from rushes.readers._lost_time import Landmarks
from rushes.readers._xdf import chunks as xdf
from rushes.readers._xdf.chunks import Chunk, Data, walk
from rushes.readers._xdf.headers import (
    StreamFooter,
    StreamHeader,
    file_header,
    stream_footer,
    stream_header,
)
from rushes.readers._xdf.kinds import Kind, kind_of
from rushes.readers._xdf.numbers import stated_count
from rushes.readers._xdf.stamps import nanoseconds, usable
from rushes.readers._xdf.track import Track

_WORDS = {
    "cut": ("read.truncated", "the file ends in the middle of a chunk that begins at byte {0}"),
    "no chunk": ("read.damaged", "{1} bytes at byte {0} belong to no chunk: a head or a length is damaged"),
    "length": ("read.damaged", "the chunk at byte {0} states a wrong length; it was read up to the next one"),
}


class XdfRecording:
    """An open XDF file; fulfils ``OpenRecording``."""

    def __init__(self, path: Path, *, reader: str) -> None:
        """Map the file and read all but its samples.

        Raises:
            ReadError: If it cannot be read, is empty, or is no XDF.
        """
        self._file = path.name
        self._data = _mapped(path)
        self._headers: dict[int, StreamHeader] = {}
        self._footers: dict[int, StreamFooter] = {}
        self._offsets: dict[int, list[bytes]] = {}
        self._strangers: Counter[int] = Counter()
        self._about: Mapping[str, Any] = {}
        self._opening: list[Loss] = []
        self._losses: list[Loss] = []
        self._dated: list[Loss] | None = None  # those of the opening, once it is known where samples lie
        self._ledger: tuple[LedgerEntry, ...] = ()
        for chunk in walk(self._data, self._damaged):
            self._look_at(chunk)
        self._names = _unique_names(self._headers.values())
        self._kinds = {number: kind_of(header) for number, header in self._headers.items()}
        self._tell_what_lacks()
        self._pairs = tuple(self._clock_pairs())
        self._description = self._describe(path, reader)

    @property
    def description(self) -> Description:
        """What the headers and footers say."""
        return self._description

    def batches(self, streams: Collection[str] | None = None) -> Iterator[Batch]:
        """Read the samples; streams are interleaved as they were recorded."""
        tracks = {
            number: Track(
                self._headers[number],
                self._description.stream(name),
                self._kinds[number],
                data=self._data,
                file=self._file,
                ends_ns=_ends_ns(self._footers.get(number)),
            )
            for number, name in self._names.items()
            if streams is None or name in streams
        }

        def skipped(start: int, end: int, what: str) -> None:  # noqa: ARG001 - named at the opening
            for track in tracks.values() if what == "no chunk" else ():
                track.skipped()

        self._ledger, self._losses = (), []
        for chunk in walk(self._data, skipped):
            if chunk.tag == xdf.SAMPLES and chunk.stream in tracks:
                yield from tracks[chunk.stream].take(chunk)
        for track in tracks.values():
            yield from track.flush()
        self._ledger = tuple(track.close() for track in tracks.values())
        self._date(tracks)

    def _date(self, tracks: Mapping[int, Track]) -> None:
        """Give every loss the time that its bytes stand for, now that it is known where samples lie."""
        stretches = [(loss.byte_from, loss.byte_to) for loss in self._opening if not loss.stream]
        known = [(first, last) for first, last in stretches if first is not None and last is not None]
        damage = (min(first for first, _ in known), max(last for _, last in known)) if known else None
        self._losses = [loss for track in tracks.values() for loss in track.losses(damage)]
        last_ns = {self._names[n]: span[1] for n, track in tracks.items() if (span := track.marks.whole_ns)}
        opening = [
            replace(loss, start_ns=last_ns.get(loss.stream or "")) if loss.code == "read.no-footer" else loss
            for loss in self._opening
        ]
        common = _in_common([track.marks for track in tracks.values()])
        if common is not None:
            opening = [loss if loss.stream else common.dated([loss])[0] for loss in opening]
        self._dated = opening

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every sample that the chunks state."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Damaged bytes, streams without a header or footer, samples that could not be read."""
        return [*(self._opening if self._dated is None else self._dated), *self._losses]

    def clock_pairs(self) -> Sequence[ClockPairs]:
        """Give the clock offsets of each stream."""
        return self._pairs

    def close(self) -> None:
        """Let go of the file; the mapping ends with its last user."""
        self._data = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _damaged(self, start: int, end: int, what: str) -> None:
        code, words = _WORDS[what]
        self._lost(code, words.format(start, end - start), place=(start, end))

    def _look_at(self, chunk: Chunk) -> None:
        whole = chunk.end == chunk.stated_end or chunk.end < len(self._data)
        if chunk.tag == xdf.SAMPLES:
            if chunk.stream not in self._headers:
                self._strangers[chunk.stream] += stated_count(self._data, chunk)[0] or 0
        elif chunk.tag == xdf.CLOCK_OFFSET:
            if chunk.end - chunk.start == 16:
                self._offsets.setdefault(chunk.stream, []).append(self._content(chunk))
            elif whole:
                message = f"the clock offset at byte {chunk.at} is not two numbers"
                self._lost("read.damaged", message, place=(chunk.at, chunk.end))
        elif chunk.tag == xdf.FILE_HEADER:
            self._about = self._about or file_header(self._content(chunk))
        elif whole and chunk.tag == xdf.STREAM_HEADER:
            self._read_header(chunk)
        elif whole and chunk.tag == xdf.STREAM_FOOTER:
            try:
                self._footers[chunk.stream] = stream_footer(self._content(chunk))
            except ValueError as error:
                message = f"the footer of stream {chunk.stream} cannot be read: {error}"
                self._lost("read.damaged", message, place=(chunk.at, chunk.end))

    def _read_header(self, chunk: Chunk) -> None:
        if chunk.stream in self._headers:
            message = f"a second header of stream {chunk.stream} at byte {chunk.at} was left unread"
            self._lost("read.damaged", message, place=(chunk.at, chunk.end))
            return
        try:
            self._headers[chunk.stream] = stream_header(chunk.stream, self._content(chunk))
        except ValueError as error:
            message = f"the header of stream {chunk.stream} cannot be used: {error}"
            self._lost("read.damaged", message, place=(chunk.at, chunk.end))

    def _content(self, chunk: Chunk) -> bytes:
        return bytes(self._data[chunk.start : chunk.end])

    def _tell_what_lacks(self) -> None:
        for number, count in self._strangers.items():
            if number not in self._headers:
                message = f"{say_count(count, 'sample')} of stream {number}, which has no header that can be read"
                ends_ns = _ends_ns(self._footers.get(number))
                self._lost("read.no-stream-header", message, count=count, ends_ns=ends_ns)
        for number, name in self._names.items():
            if number not in self._footers:
                message = "has no footer: the recording was not closed, or its end is missing"
                self._lost("read.no-footer", message, stream=name)
        if not self._headers and not self._opening:
            self._lost("read.truncated", "the file holds no stream", place=(len(self._data), len(self._data)))

    def _clock_pairs(self) -> Iterator[ClockPairs]:
        """Give sender's time and recorder's time of each measurement.

        The time of collection is in the sender's clock (LabRecorder takes the offset off before it writes it); the
        offset is what must be added to get the recorder's. How long the exchange took is not recorded.
        """
        for number, name in self._names.items():
            measured = np.frombuffer(b"".join(self._offsets.get(number, ())), "<f8").reshape(-1, 2)
            good = usable(measured).all(axis=1)
            if not good.all():
                count = int((~good).sum())
                message = f"{say_count(count, 'clock offset')} hold no number that can be a time"
                self._lost("read.unusable-stamp", message, stream=name, count=count)
            if good.any():
                from_ns = nanoseconds(measured[good, 0])
                yield ClockPairs(
                    from_clock=name,
                    to_clock="log",
                    from_ns=from_ns,
                    to_ns=from_ns + nanoseconds(measured[good, 1]),
                    relation="two-way",
                    source="lsl",
                    stream=name,
                )

    def _describe(self, path: Path, reader: str) -> Description:
        ends = [s for footer in self._footers.values() for s in (footer.first_s, footer.last_s) if s is not None]
        times = np.array(ends, np.float64)
        times_ns = nanoseconds(times[usable(times)])
        said = {self._names[n]: _said(header, self._footers.get(n)) for n, header in self._headers.items()}
        return Description(
            root=path,
            reader=reader,
            streams=tuple(
                _stream(header, self._names[n], self._kinds[n], self._footers.get(n))
                for n, header in self._headers.items()
            ),
            media=(MediaFile(media_id=path.name, path=path, container="xdf"),),
            start_ns=int(times_ns.min()) if len(times_ns) else None,
            end_ns=int(times_ns.max()) if len(times_ns) else None,
            metadata={"xdf_version": str(self._about.get("version", "")), "streams": said},
        )

    def _lost(
        self,
        code: str,
        message: str,
        *,
        stream: str | None = None,
        count: int | None = None,
        place: tuple[int, int] | None = None,
        ends_ns: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self._opening.append(
            Loss(
                code=code,
                message=message,
                stream=stream,
                count=count,
                file=self._file,
                byte_from=place[0] if place else None,
                byte_to=place[1] if place else None,
                start_ns=ends_ns[0],
                end_ns=ends_ns[1],
            )
        )


def _ends_ns(footer: StreamFooter | None) -> tuple[int | None, int | None]:
    """Give the first and last time that a footer states; None where there is none that can be."""
    stated = (footer.first_s, footer.last_s) if footer else (None, None)
    first, last = (
        int(nanoseconds(np.array([s]))[0]) if s is not None and usable(np.array([s]))[0] else None for s in stated
    )
    return first, last


def _in_common(tracks: Collection[Landmarks]) -> Landmarks | None:
    """Give the samples of all streams as one; None where their times never meet: each has a clock of its own."""
    spans = [span for marks in tracks if (span := marks.whole_ns) is not None]
    if not spans or max(first for first, _ in spans) > min(last for _, last in spans):
        return None
    starts = [marks.start_ns for marks in tracks if marks.start_ns is not None]
    ends = [marks.end_ns for marks in tracks if marks.end_ns is not None]
    common = Landmarks(start_ns=min(starts, default=None), end_ns=max(ends, default=None))
    for marks in tracks:
        common.extend(marks)
    return common


def _mapped(path: Path) -> Data:
    try:
        with path.open("rb") as file:
            head = file.read(len(xdf.MAGIC))
            if head == xdf.MAGIC:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="look at the path and its permissions",
            facts={"file": str(path)},
        ) from error
    raise ReadError(
        f"{path}: {'is no XDF file' if head else 'is empty'}",
        code="read.damaged" if head else "read.empty",
        hint="an XDF file starts with the bytes XDF:; copy it anew from where it was made",
        facts={"file": str(path)},
    )


def _unique_names(headers: Collection[StreamHeader]) -> dict[int, str]:
    """Name each stream; those of equal names by their number too."""
    wanted = Counter(header.name for header in headers)
    names: dict[int, str] = {}
    for header in headers:
        name = (
            header.name
            if header.name and wanted[header.name] == 1
            else f"{header.name or 'stream'}/{header.number}"
        )
        while name in names.values():
            name += "'"
        names[header.number] = name
    return names


def _stream(header: StreamHeader, name: str, kind: Kind, footer: StreamFooter | None) -> Stream:
    return Stream(
        name=name,
        modality=kind.modality,
        table=kind.table,
        message_type=header.kind or None,
        encoding=header.format,
        nominal_rate_hz=header.rate_hz,
        declared_count=footer.count if footer else None,
        clock="header",
        clock_id=name,
        channels=header.channels,
        channel_names=header.labels,
        channel_units=header.units,
        can_drop=header.can_drop,
        notes=kind.note,
    )


def _said(header: StreamHeader, footer: StreamFooter | None) -> dict[str, Any]:
    ends = {"first_timestamp": footer.first_s, "last_timestamp": footer.last_s} if footer else {}
    return {"stream_id": header.number, **header.said, **{k: v for k, v in ends.items() if v is not None}}
