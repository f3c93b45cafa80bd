"""One MCAP file as a source of messages: channels of one topic, type and encoding are one."""

import mmap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rushes.errors import ReadError
from rushes.model import Loss, MediaFile
from rushes.plain_copies import plain_copy
from rushes.quantities import say_count
from rushes.readers._lost_time import Landmarks
from rushes.readers._mcap import messages
from rushes.readers._mcap.catalogue import Catalogue, catalogue
from rushes.readers._mcap.messages import Group, Lost
from rushes.readers._mcap.records import MAGIC, MESSAGE_HEAD, Bytes, ChannelRecord, Schema
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.peek import FirstMessages
from rushes.readers._messages.recording import Unread, count_mismatch

_NO_SCHEMA = Schema("", "", b"")
_TRIES = 4  # segments that are looked into for a second message of a channel


class McapSource:
    """An open MCAP file; fulfils ``Source``.

    Args:
        path: The file as recorded.
        media_id: Its name within the recording.
        packed_file: Whether it is a zstd stream as a whole.
        verify: ``plain`` has the checksums of plain chunks checked too.

    Raises:
        ReadError: If it cannot be read, is empty, or is no MCAP.
    """

    def __init__(
        self, path: Path, *, media_id: str, packed_file: bool = False, verify: frozenset[str] = frozenset()
    ) -> None:
        self._name, self._media_id, self._verify = path.name, media_id, verify
        self._held = ExitStack()
        try:
            self._data, self._open_losses = self._mapped(path, packed_file)
            self._catalogue = catalogue(self._data, path.name)
            self._contents: dict[int, set[int] | None] = {}
            self._walked: list[int] = []
            self._complete_definitions()
            self.channels, self._numbers = _channels(self._catalogue)
        except BaseException:
            self._held.close()
            raise
        self._channel_of = {number: place for place, own in enumerate(self._numbers) for number in own}
        self._account = _Account(self._name, self._catalogue, self.channels, self._channel_of)
        container = "mcap.zstd" if packed_file else "mcap"
        self.media: Sequence[MediaFile] = (MediaFile(media_id=media_id, path=path, container=container),)

    @property
    def data(self) -> Bytes:
        """The bytes of the file, unpacked where it is packed as a whole."""
        return self._data

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last log time, by the statistics, else by the chunks, else by walking."""
        statistics = self._catalogue.statistics
        if statistics and statistics.messages:
            return statistics.start_ns, statistics.end_ns
        heads = [s.head for s in self._catalogue.segments if s.head and not s.cut and s.head.size]
        times = [time for head in heads if head.end_ns for time in (head.start_ns, head.end_ns)] + self._walked
        return (min(times), max(times)) if times else None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Profile, library, and the attachments and metadata records."""
        found = self._catalogue
        return {
            "profile": found.profile,
            "library": found.library,
            "attachments": found.attachments,
            "metadata": found.metadata,
        }

    def peek(self) -> Mapping[int, MessageBlock]:
        """Give the first few messages of each channel, of few chunks."""
        gathered = FirstMessages(self.channels)
        tries = dict.fromkeys(gathered.pending, _TRIES)
        for i in range(len(self._catalogue.segments)):
            lacking = {place for place in tries if tries[place] and place in gathered.pending}
            if not lacking:
                break
            if not self._may_hold(i, {number for place in lacking for number in self._numbers[place]}):
                continue
            group = self._look_into(i)
            for place in lacking:
                block = next(self._blocks(group, place), None)
                if block is not None:
                    gathered.add(place, block)
                    tries[place] = 0 if gathered.count(place) > 1 else tries[place] - 1
        return gathered.blocks()

    def blocks(self, channels: Collection[int]) -> Iterator[tuple[int, MessageBlock]]:
        """Give the messages of the channels, of only those chunks that hold them where the index tells."""
        wanted = sorted(channels)
        numbers = {number for place in wanted for number in self._numbers[place]}
        everything = len(wanted) == len(self.channels)  # of channels that nothing defines, too: they are told
        segments = [s for i, s in enumerate(self._catalogue.segments) if everything or self._may_hold(i, numbers)]
        self._account = _Account(self._name, self._catalogue, self.channels, self._channel_of)
        for group in messages.groups(self._data, segments, verify=self._verify):
            self._account.note(group)
            for place in wanted:
                for block in self._blocks(group, place):
                    yield place, block
        self._account.close(everything=everything)

    def losses(self) -> Sequence[Loss]:
        """Name what the opening and the latest run could not read."""
        marks = self._account.marks()
        return tuple(marks.dated((*self._open_losses, *self._catalogue.losses, *self._account.losses)))

    def unread(self) -> Unread:
        """Count what the latest run could not reach."""
        return Unread(
            counts=self._account.unread,
            uncounted=self._account.uncounted or bool(self._open_losses or self._catalogue.losses),
        )

    def close(self) -> None:
        """Let go of the file; it is unmapped once no batch refers to it."""
        self._data = np.zeros(0, np.uint8)
        self._held.close()

    def _mapped(self, path: Path, packed_file: bool) -> tuple[Bytes, tuple[Loss, ...]]:
        losses: tuple[Loss, ...] = ()
        plain = path
        if packed_file:
            copy = self._held.enter_context(plain_copy(path, "zstd"))
            plain = copy.path
            if copy.broken:
                size = path.stat().st_size
                message = f"{path.name}: {copy.broken}"
                losses = (
                    Loss(
                        code="read.truncated",
                        message=message,
                        file=path.name,
                        byte_from=copy.broken_at,
                        byte_to=size,
                    ),
                )
        data = _mapped(plain, path)
        if bytes(data[:8]) != MAGIC:
            start = bytes(data[:8]).hex(" ")
            raise ReadError(
                f"{path}: it starts with {start}, not with the magic bytes of MCAP",
                code="read.unknown-format",
                hint="rushes inspect tells which reader claims it",
                facts={"file": str(path)},
            )
        return data, losses

    def _held_by(self, i: int) -> set[int] | None:
        """Give the channels of a segment, None where only reading it would tell."""
        if i not in self._contents:
            indexes = self._catalogue.segments[i].indexes
            self._contents[i] = None if indexes is None else set(indexes)
        return self._contents[i]

    def _may_hold(self, i: int, numbers: set[int]) -> bool:
        held = self._held_by(i)
        return held is None or not held or not held.isdisjoint(numbers)

    def _look_into(self, i: int) -> Group:
        group = messages.load(self._data, [self._catalogue.segments[i]])
        if not group.lost:
            self._contents[i] = set(group.at)
        self._catalogue.definitions.merge(group.found)
        self._believe(group)
        return group

    def _believe(self, group: Group) -> None:
        """Take definitions from damaged chunks where no other has come yet, and say so."""
        known = self._catalogue.definitions
        news = group.doubtful.channels.keys() - known.channels.keys()
        if not news:
            return
        known.merge(group.doubtful)
        lost = group.lost[0]
        message = (
            f"{self._name}: the definitions of {say_count(len(news), 'channel')} are of a chunk whose checksum "
            "fails; what is read by them may be wrong"
        )
        self._catalogue.losses.append(
            Loss(
                code="read.damaged",
                message=message,
                file=self._name,
                byte_from=lost.byte_from,
                byte_to=lost.byte_to,
            )
        )

    def _complete_definitions(self) -> None:
        """Read the chunks that may define channels which the summary does not name."""
        if self._catalogue.complete:
            return
        for i, segment in enumerate(self._catalogue.segments):
            held = self._held_by(i)
            if held is None or not held <= self._catalogue.definitions.channels.keys():
                group = self._look_into(i)
                if segment.head is None or segment.cut:
                    for heads in group.heads.values():
                        self._walked += [int(heads["log_ns"].min()), int(heads["log_ns"].max())]

    def _blocks(self, group: Group, place: int) -> Iterator[MessageBlock]:
        """Give the group's messages of one channel, in file order."""
        own = [number for number in self._numbers[place] if number in group.at]
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
                media_id=self._media_id,
                block=None if plain else chunks[member[part]],
                place=start if plain else start - group.bases[member[part]],
            )


def _mapped(plain: Path, recorded: Path) -> Bytes:
    try:
        with plain.open("rb") as stream:
            return np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except ValueError as error:  # an empty file cannot be mapped
        raise ReadError(
            f"{recorded}: the file is empty",
            code="read.empty",
            hint="look whether the recording or the copy finished",
            facts={"file": str(recorded)},
        ) from error
    except OSError as error:
        raise ReadError(
            f"{recorded}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="give the path of an .mcap file",
            facts={"file": str(recorded)},
        ) from error


def _channels(found: Catalogue) -> tuple[tuple[Channel, ...], list[list[int]]]:
    """Fold channels that carry the same type and encoding on one topic; the file's numbers of each."""
    places: dict[tuple[Any, ...], int] = {}
    channels: list[Channel] = []
    numbers: list[list[int]] = []
    for number, record in sorted(found.definitions.channels.items()):
        schema = found.definitions.schemas.get(record.schema_id, _NO_SCHEMA)
        channel = _channel(record, schema, _declared(found, number))
        place = places.setdefault((record.topic, record.encoding, schema), len(channels))
        if place == len(channels):
            channels.append(channel)
            numbers.append([number])
            continue
        before, more = channels[place].declared_count, channel.declared_count
        both = None if before is None or more is None else before + more
        channels[place] = replace(channels[place], declared_count=both)
        numbers[place].append(number)
    return tuple(channels), numbers


def _declared(found: Catalogue, number: int) -> int | None:
    statistics = found.statistics
    if statistics is None:
        return None
    nothing_means_none = bool(statistics.per_channel) or not statistics.messages
    return statistics.per_channel.get(number, 0 if nothing_means_none else None)


def _channel(record: ChannelRecord, schema: Schema, declared: int | None) -> Channel:
    name = schema.name
    if record.encoding == "ros1" and name.count("/") == 1:  # sensor_msgs/Imu
        name = name.replace("/", "/msg/")
    return Channel(
        topic=record.topic,
        message_type=name,
        encoding=record.encoding,
        schema=schema.data,
        schema_encoding=schema.encoding,
        declared_count=declared,
        metadata=record.metadata,
    )


class _Account:
    """Gathers what a run meets beside its samples."""

    def __init__(
        self, file: str, found: Catalogue, channels: Sequence[Channel], channel_of: Mapping[int, int]
    ) -> None:
        self.losses: list[Loss] = []
        self.unread: dict[int, int] = {}
        self.uncounted = False
        self._file, self._found, self._channels, self._channel_of = file, found, channels, channel_of
        self._nameless: dict[int, int] = {}
        self._nameless_ns: dict[int, list[int]] = {}
        self._total = 0
        self._lost: set[int] = set()
        self._walked: dict[int, tuple[int, int, int]] = {}

    def marks(self) -> Landmarks:
        """Tell where the sound messages lie: by the heads of chunks, or by themselves outside of whole ones."""
        stated = self._found.statistics
        known = Landmarks()
        if stated is not None and stated.messages:
            known = Landmarks(start_ns=stated.start_ns, end_ns=stated.end_ns)
        whole = [
            (segment.at, segment.end, segment.head.start_ns, segment.head.end_ns)
            for segment in self._found.segments
            if segment.head and segment.head.end_ns and not segment.cut and segment.at not in self._lost
        ]
        for at, end, first_ns, last_ns in [*whole, *((at, *rest) for at, rest in self._walked.items())]:
            known.note(at, end, first_ns, last_ns)
        return known

    def note(self, group: Group) -> None:
        for lost in group.lost:
            self.uncounted = self.uncounted or lost.counts is None
            self.losses += self._named(lost)
            self._lost.add(lost.segment.at)
        for i, segment in enumerate(group.segments):
            if segment.head is None or segment.cut:
                own = [heads["log_ns"][group.member[number] == i] for number, heads in group.heads.items()]
                times = np.concatenate([np.zeros(0, np.int64), *own])
                if len(times):
                    self._walked[segment.at] = segment.end, int(times.min()), int(times.max())
        for number, at in group.at.items():
            self._total += len(at)
            if number not in self._channel_of:
                self._nameless[number] = self._nameless.get(number, 0) + len(at)
                log_ns = group.heads[number]["log_ns"]
                self._nameless_ns.setdefault(number, []).extend((int(log_ns.min()), int(log_ns.max())))

    def close(self, *, everything: bool) -> None:
        for number, count in self._nameless.items():
            message = f"{self._file}: {count} messages are of channel {number}, which the file does not define"
            times = self._nameless_ns[number]
            self.losses.append(
                Loss(
                    code="read.damaged",
                    message=message,
                    count=count,
                    file=self._file,
                    start_ns=min(times),
                    end_ns=max(times),
                )
            )
        stated = self._found.statistics
        if everything and stated and not stated.per_channel and stated.messages != self._total:
            self.losses.append(count_mismatch(None, stated.messages, self._total, file=self._file))

    def _named(self, lost: Lost) -> Iterator[Loss]:
        head = lost.segment.head
        topics: dict[str | None, int | None] = {None: None}
        if lost.counts is not None:
            topics = {}
            for number, count in lost.counts.items():
                place = self._channel_of.get(number)
                topic = None if place is None else self._channels[place].topic
                topics[topic] = (topics.get(topic) or 0) + count
                if place is not None:
                    self.unread[place] = self.unread.get(place, 0) + count
        for topic, lost_count in topics.items():
            what = "an unknown number of messages" if lost_count is None else say_count(lost_count, "message")
            where = f"in bytes {lost.byte_from} to {lost.byte_to}"
            yield Loss(
                code="read.damaged",
                stream=topic,
                count=lost_count,
                message=f"{self._file}: {what} {where} lost: {lost.reason}",
                file=self._file,
                byte_from=lost.byte_from,
                byte_to=lost.byte_to,
                start_ns=head.start_ns if head else None,
                end_ns=head.end_ns if head else None,
            )
