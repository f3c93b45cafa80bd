"""Reads MCAP recordings: one stream a topic, pictures left where they are, thousands of messages at a time.

Checksums of compressed chunks are always checked. Those of plain chunks are checked with the option
``verify_checksums``, because that reads every byte; without it a picture is never touched beyond its first bytes.
Samples come in the order in which the file holds them.
"""

import mmap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from rushes.contracts import OpenRecording, Reader
from rushes.errors import ReadError
from rushes.model import Batch, Claim, Description, LedgerEntry, Loss, MediaFile
from rushes.readers._mcap import messages
from rushes.readers._mcap.catalogue import Catalogue, catalogue
from rushes.readers._mcap.messages import Group, Lost
from rushes.readers._mcap.records import MAGIC, MESSAGE_HEAD, Bytes, Schema
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.interpret import PEEK, Interpreter, interpreter_for, with_unread

_NO_SCHEMA = Schema("", "", b"")
_TRIES = 4  # segments that are looked into for a second message of a channel


class McapReader:
    """The reader of ``.mcap`` files."""

    name = "mcap"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Go by the magic bytes alone."""
        if head.startswith(MAGIC):
            return Claim(confidence=1.0, reason="it starts with the magic bytes of MCAP")
        if head.startswith(MAGIC[:5]):
            return Claim(confidence=0.0, reason="it is MCAP of a version that is not known here")
        if path.is_dir():
            return Claim(confidence=0.0, reason="it is a folder, and an MCAP recording is one file")
        if path.suffix.lower() == ".mcap":
            start = head[:8].hex(" ") or "nothing"
            return Claim(
                confidence=0.0, reason=f"it is named .mcap and starts with {start}, not with the magic bytes"
            )
        return Claim(confidence=0.0, reason="it does not start with the magic bytes of MCAP")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:
        """Open a file and read its index.

        Args:
            path: The file.
            options: ``verify_checksums`` (bool): check plain chunks too.

        Raises:
            ReadError: If it cannot be read, is empty, or is no MCAP.
        """
        data = _mapped(path)
        if bytes(data[:8]) != MAGIC:
            raise ReadError(
                f"{path}: {self.probe(path, bytes(data[:8])).reason}",
                code="read.unknown-format",
                hint="rushes inspect tells which reader claims it",
                facts={"file": str(path)},
            )
        return McapRecording(path, data, verify=frozenset({"plain"} if options.get("verify_checksums") else ()))


def _mapped(path: Path) -> Bytes:
    try:
        with path.open("rb") as stream:
            return np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except ValueError as error:  # an empty file cannot be mapped
        raise ReadError(f"{path}: the file is empty", code="read.empty", facts={"file": str(path)}) from error
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="give the path of an .mcap file",
            facts={"file": str(path)},
        ) from error


@dataclass(slots=True)
class _Track:
    """One stream: its name, what it declares, the channels that feed it, and their first messages."""

    name: str
    channel: Channel
    numbers: list[int]
    peek: MessageBlock | None = None


@dataclass(slots=True)
class _Run:
    """What one run over the samples found."""

    ledger: list[LedgerEntry] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)


class McapRecording:
    """An open MCAP file."""

    def __init__(self, path: Path, data: Bytes, *, verify: frozenset[str]) -> None:
        self._path, self._data, self._verify = path, data, verify
        self._catalogue = catalogue(data, path.name)
        self._contents: dict[int, set[int] | None] = {}
        self._span: list[int] = []
        self._complete_definitions()
        self._tracks = _tracks(self._catalogue)
        self._peek()
        self._description = self._describe()
        self._run = _Run()

    @property
    def description(self) -> Description:
        """What the file says of itself."""
        return self._description

    def batches(self, streams: Collection[str] | None = None) -> Iterator[Batch]:
        """Read the samples of the named streams, of only those chunks that hold them where the index tells."""
        unknown = set(streams or ()) - {track.name for track in self._tracks}
        if unknown:
            raise ReadError(
                f"{self._path}: there is no stream {', '.join(sorted(unknown))}",
                code="read.unknown-stream",
                hint="rushes inspect lists the streams",
            )
        wanted = [track for track in self._tracks if streams is None or track.name in streams]
        interpreters = {t.name: interpreter_for(t.channel, t.peek, name=t.name) for t in wanted}
        numbers = {number for track in wanted for number in track.numbers}
        segments = [s for i, s in enumerate(self._catalogue.segments) if self._may_hold(i, numbers)]
        account = _Account(self._path.name, self._catalogue, self._tracks)
        for group in messages.groups(self._data, segments, verify=self._verify):
            account.note(group)
            for track in wanted:
                for block in _blocks(group, track, self._path.name):
                    yield from interpreters[track.name].take(block)
        for interpreter in interpreters.values():
            yield from interpreter.finish()
        self._run = account.close(interpreters, everything=streams is None)

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for the latest complete run."""
        return tuple(self._run.ledger)

    def losses(self) -> Sequence[Loss]:
        """Name what the opening and the latest run could not read."""
        return (*self._catalogue.losses, *self._run.losses)

    def close(self) -> None:
        """Let go of the file; it is unmapped once no batch refers to it."""
        self._data = np.zeros(0, np.uint8)
        for track in self._tracks:
            track.peek = None

    def __enter__(self) -> Self:
        """Give the recording."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _held(self, i: int) -> set[int] | None:
        """Give the channels of a segment, None where only reading it would tell."""
        if i not in self._contents:
            indexes = self._catalogue.segments[i].indexes
            self._contents[i] = None if indexes is None else set(indexes)
        return self._contents[i]

    def _may_hold(self, i: int, numbers: set[int]) -> bool:
        held = self._held(i)
        return held is None or not held or not held.isdisjoint(numbers)

    def _look_into(self, i: int) -> Group:
        group = messages.load(self._data, [self._catalogue.segments[i]])
        if not group.lost:
            self._contents[i] = set(group.at)
        self._catalogue.definitions.merge(group.found)
        return group

    def _complete_definitions(self) -> None:
        """Read the chunks that may define channels which the summary does not name."""
        if self._catalogue.complete:
            return
        known = self._catalogue.definitions.channels
        for i, segment in enumerate(self._catalogue.segments):
            held = self._held(i)
            if held is None or not held <= known.keys():
                group = self._look_into(i)
                if segment.head is None or segment.cut:
                    for heads in group.heads.values():
                        self._span += [int(heads["log_ns"].min()), int(heads["log_ns"].max())]

    def _peek(self) -> None:
        """Find the first messages of each stream."""
        lacking = {track.name: _TRIES for track in self._tracks if track.channel.declared_count != 0}
        for i in range(len(self._catalogue.segments)):
            if not lacking:
                return
            tracks = [track for track in self._tracks if track.name in lacking]
            if not self._may_hold(i, {number for track in tracks for number in track.numbers}):
                continue
            group = self._look_into(i)
            for track in tracks:
                block = next(_blocks(group, track, self._path.name), None)
                if block is not None:
                    track.peek = _first(track.peek, block)
                    lacking[track.name] -= 1
                    if len(track.peek) > 1 or not lacking[track.name]:
                        del lacking[track.name]

    def _describe(self) -> Description:
        found = self._catalogue
        start, end = _span(found, self._span)
        streams = tuple(interpreter_for(t.channel, t.peek, name=t.name).stream for t in self._tracks)
        return Description(
            root=self._path,
            reader=McapReader.name,
            streams=streams,
            media=(MediaFile(media_id=self._path.name, path=self._path, container="mcap"),),
            start_ns=start,
            end_ns=end,
            metadata={
                "profile": found.profile,
                "library": found.library,
                "attachments": found.attachments,
                "metadata": found.metadata,
            },
        )


def _span(found: Catalogue, walked: list[int]) -> tuple[int | None, int | None]:
    """Give the earliest and the latest log time."""
    if found.statistics and found.statistics.messages:
        return found.statistics.start_ns, found.statistics.end_ns
    heads = [segment.head for segment in found.segments if segment.head and not segment.cut and segment.head.size]
    starts = [head.start_ns for head in heads if head.end_ns] + walked
    ends = [head.end_ns for head in heads if head.end_ns] + walked
    return (min(starts), max(ends)) if starts else (None, None)


def _tracks(found: Catalogue) -> list[_Track]:
    """Make a stream of each topic; channels of one topic share it if they carry the same type and encoding."""
    tracks: dict[tuple[Any, ...], _Track] = {}
    names: set[str] = set()
    for number, record in sorted(found.definitions.channels.items()):
        schema = found.definitions.schemas.get(record.schema_id, _NO_SCHEMA)
        declared = found.statistics.per_channel.get(number) if found.statistics else None
        if (
            declared is None
            and found.statistics
            and (found.statistics.per_channel or not found.statistics.messages)
        ):
            declared = 0
        key = (record.topic, record.encoding, schema)
        if key in tracks:
            track = tracks[key]
            before = track.channel.declared_count
            both = None if before is None or declared is None else before + declared
            track.channel = _channel(record.topic, record.encoding, schema, both)
            track.numbers.append(number)
            continue
        name = record.topic if record.topic not in names else f"{record.topic} ({schema.name})"
        while name in names:
            name += "'"
        names.add(name)
        tracks[key] = _Track(name, _channel(record.topic, record.encoding, schema, declared), [number])
    return list(tracks.values())


def _channel(topic: str, encoding: str, schema: Schema, declared: int | None) -> Channel:
    name = schema.name
    if encoding == "ros1" and name.count("/") == 1:  # sensor_msgs/Imu
        name = name.replace("/", "/msg/")
    return Channel(
        topic=topic,
        message_type=name,
        encoding=encoding,
        schema=schema.data,
        schema_encoding=schema.encoding,
        declared_count=declared,
    )


def _blocks(group: Group, track: _Track, media_id: str) -> Iterator[MessageBlock]:
    """Give the group's messages of one stream, in file order."""
    own = [number for number in track.numbers if number in group.at]
    if not own:
        return
    at, heads, member = group.at[own[0]], group.heads[own[0]], group.member[own[0]]
    if len(own) > 1:
        at = np.concatenate([group.at[number] for number in own])
        order = np.argsort(at, kind="stable")
        at = at[order]
        heads = np.concatenate([group.heads[number] for number in own])[order]
        member = np.concatenate([group.member[number] for number in own])[order]
    plain = group.segments[0].plain
    chunks = np.array([segment.at for segment in group.segments], np.int64)
    for first in range(0, len(at), messages.MESSAGES):
        part = slice(first, first + messages.MESSAGES)
        start = at[part] + MESSAGE_HEAD
        yield MessageBlock(
            log_ns=np.ascontiguousarray(heads["log_ns"][part]),
            publish_ns=np.ascontiguousarray(heads["publish_ns"][part]),
            seq=heads["seq"][part].astype(np.int64),
            buffer=group.buffer,
            start=start,
            length=heads["size"][part].astype(np.int64) - (MESSAGE_HEAD - 9),
            media_id=media_id,
            block=None if plain else chunks[member[part]],
            place=start if plain else start - group.bases[member[part]],
        )


def _first(before: MessageBlock | None, block: MessageBlock) -> MessageBlock:
    """Copy the first few messages, so that they hold no unpacked chunk; add them to those found before."""
    parts = [] if before is None else [before]
    parts.append(block)
    rows = [(part, i) for part in parts for i in range(min(len(part), PEEK))][:PEEK]
    length = np.array([part.length[i] for part, i in rows], np.int64)
    start = np.cumsum(length) - length
    buffer = np.concatenate([np.frombuffer(part.payload(i), np.uint8) for part, i in rows])
    return MessageBlock(
        log_ns=np.array([part.log_ns[i] for part, i in rows], np.int64),
        publish_ns=None,
        seq=None,
        buffer=buffer,
        start=start,
        length=length,
        media_id=block.media_id,
        block=None,
        place=start,
    )


class _Account:
    """Gathers what a run meets beside its samples."""

    def __init__(self, file: str, found: Catalogue, tracks: list[_Track]) -> None:
        self.file, self.found = file, found
        self.name_of = {number: track.name for track in tracks for number in track.numbers}
        self.lost: list[Lost] = []
        self.nameless: dict[int, int] = {}

    def note(self, group: Group) -> None:
        self.lost += group.lost
        for number, at in group.at.items():
            if number not in self.name_of:
                self.nameless[number] = self.nameless.get(number, 0) + len(at)

    def close(self, interpreters: Mapping[str, Interpreter], *, everything: bool) -> _Run:
        run = _Run()
        unread: dict[str, int] = {}
        for lost in self.lost:
            run.losses += self._named(lost, unread)
        for number, count in self.nameless.items():
            message = f"{self.file}: {count} messages are of channel {number}, which the file does not define"
            run.losses.append(Loss(code="read.damaged", message=message, count=count, file=self.file))
        uncounted = any(lost.counts is None for lost in self.lost)
        for name, interpreter in interpreters.items():
            entry = interpreter.ledger()
            missing = unread.get(name, 0)
            if uncounted and entry.declared is not None:
                missing = max(missing, entry.declared - entry.came_in)
            entry = with_unread(entry, {"read.damaged": missing} if missing > 0 else {})
            run.ledger.append(entry)
            run.losses += interpreter.losses()
            if entry.declared is not None and entry.declared != entry.came_in:
                run.losses.append(self._mismatch(name, entry.declared, entry.came_in))
        total = sum(entry.came_in for entry in run.ledger) + sum(self.nameless.values())
        stated = self.found.statistics
        if everything and stated and not stated.per_channel and stated.messages != total:
            run.losses.append(self._mismatch(None, stated.messages, total))
        return run

    def _named(self, lost: Lost, unread: dict[str, int]) -> Iterator[Loss]:
        head = lost.segment.head
        streams: dict[str | None, int | None] = {None: None}
        if lost.counts is not None:
            streams = {}
            for number, count in lost.counts.items():
                name = self.name_of.get(number)
                streams[name] = (streams.get(name) or 0) + count
                if name is not None:
                    unread[name] = unread.get(name, 0) + count
        for name, lost_count in streams.items():
            what = "an unknown number of messages" if lost_count is None else f"{lost_count} messages of {name}"
            yield Loss(
                code="read.damaged",
                stream=name,
                count=lost_count,
                message=f"{self.file}: {what} in bytes {lost.byte_from} to {lost.byte_to} are lost: {lost.reason}",
                file=self.file,
                byte_from=lost.byte_from,
                byte_to=lost.byte_to,
                start_ns=head.start_ns if head else None,
                end_ns=head.end_ns if head else None,
            )

    def _mismatch(self, name: str | None, declared: int, counted: int) -> Loss:
        return Loss(
            code="read.count-mismatch",
            stream=name,
            count=declared - counted,
            message=f"{self.file}: {name or 'the file'} declares {declared} messages and holds {counted}",
            file=self.file,
        )


PLUGIN: Reader = McapReader()
