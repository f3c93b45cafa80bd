"""A source of messages, opened: its channels as streams, its blocks as batches, everything accounted for.

A source is what a container format gives (``bag1.py``, ``sqlite.py``); this is what all of them share.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from rushes.errors import ReadError
from rushes.model import Batch, ClockPairs, Description, LedgerEntry, Loss, MediaFile, Stream, Times
from rushes.quantities import say_count
from rushes.readers._messages import realsense
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.channel_facts import with_facts
from rushes.readers._messages.evidence import Evidence
from rushes.readers._messages.interpret import Interpreter, interpreter_for, with_unread
from rushes.readers._messages.noted import Takes
from rushes.readers._messages.plain import Plain
from rushes.readers._messages.realsense import FrameMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What a run knew of and could not reach.

    Args:
        counts: Messages of each channel that are known to be lost.
        uncounted: Whether more may be lost than was counted; then what is declared tells how many.
    """

    counts: Mapping[int, int] = field(default_factory=dict)
    uncounted: bool


class Source(Protocol):
    """A container of messages, held open. A channel is known by its place in ``channels``."""

    @property
    def channels(self) -> Sequence[Channel]:
        """All channels, each topic and type once."""
        ...

    @property
    def media(self) -> Sequence[MediaFile]:
        """The files that hold the messages."""
        ...

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last log time as the container states them; None where it holds nothing or does not say."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Whatever else the container states; JSON values."""
        ...

    def peek(self) -> Mapping[int, MessageBlock]:
        """Give the first few messages of each channel that has any, as one block each."""
        ...

    def blocks(self, channels: Collection[int]) -> Iterator[tuple[int, MessageBlock]]:
        """Give the messages of the channels in recorded order, in bounded memory. Can be called again."""
        ...

    def losses(self) -> Sequence[Loss]:
        """Name what the opening and the latest run of :meth:`blocks` could not read."""
        ...

    def unread(self) -> Unread:
        """Count what the opening and the latest run of :meth:`blocks` could not reach."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class _Refused:
    """When the messages of a stream were logged that make no sample, to the block."""

    def __init__(self) -> None:
        self._count = 0
        self._times: list[int] = []

    def note(self, rejected: int, log_ns: Times) -> None:
        if rejected > self._count and len(log_ns):
            self._times += [int(log_ns.min()), int(log_ns.max())]
        self._count = rejected

    def dated(self, loss: Loss) -> Loss:
        if loss.code != "read.undecodable" or loss.start_ns is not None or not self._times:
            return loss
        return replace(loss, start_ns=min(self._times), end_ns=max(self._times))


class MessageRecording:
    """Fulfils :class:`rushes.contracts.OpenRecording` for any source of messages.

    Args:
        root: The path that was opened.
        reader: Name of the reader.
    """

    def __init__(self, source: Source, *, root: Path, reader: str) -> None:
        self._source = source
        self._first = source.peek()
        self._names = stream_names(source.channels)
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._run_losses: tuple[Loss, ...] = ()
        self._pairs: tuple[ClockPairs, ...] = ()
        span = source.span_ns
        clocks = realsense.clock_ids(source.channels, self._first)
        streams = [self._stream(channel, clocks) for channel in range(len(source.channels))]
        self._description = Description(
            root=root,
            reader=reader,
            streams=tuple(streams),
            media=tuple(source.media),
            start_ns=span[0] if span else None,
            end_ns=span[1] if span else None,
            metadata=source.metadata,
        )

    @property
    def description(self) -> Description:
        """What the recording says of itself."""
        return self._description

    def batches(self, streams: Collection[str] | None = None) -> Iterator[Batch]:
        """Read the samples of the named streams, all when None."""
        channels = {name: channel for channel, name in enumerate(self._names)}
        unknown = set(streams or ()) - channels.keys()
        if unknown:
            raise ReadError(
                f"{self._description.root}: there is no stream {', '.join(sorted(unknown))}",
                code="read.unknown-stream",
                hint="rushes inspect lists the streams",
                facts={"file": str(self._description.root)},
            )
        wanted = {channels[name] for name in (self._names if streams is None else streams)}
        interpreters = {channel: self._interpreter(channel) for channel in sorted(wanted)}
        self._ledger, self._pairs = (), ()
        self._run_losses = tuple[Loss, ...]()
        refused: dict[str, _Refused] = {name: _Refused() for name in self._names}
        for channel, block in self._source.blocks(wanted):
            yield from interpreters[channel].take(block)
            refused[self._names[channel]].note(interpreters[channel].ledger().rejected, block.log_ns)
        for interpreter in interpreters.values():
            if isinstance(interpreter, Takes):
                interpreter.last_ns = self._description.end_ns
            yield from interpreter.finish()
        self._settle(interpreters)
        losses: tuple[Loss, ...] = self._run_losses  # as _settle has left them
        self._run_losses = tuple(refused.get(loss.stream or "", _Refused()).dated(loss) for loss in losses)

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for the latest complete run."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Name what the opening or the latest run could not read."""
        return (*self._source.losses(), *self._run_losses)

    def clock_pairs(self) -> Sequence[ClockPairs]:
        """Give what messages of clock evidence said; the times of all others are in their rows."""
        return self._pairs

    def close(self) -> None:
        """Let go of the files."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _interpreter(self, channel: int) -> Interpreter:
        return interpreter_for(self._source.channels[channel], self._first.get(channel), name=self._names[channel])

    def _stream(self, channel: int, clocks: Mapping[str, str]) -> Stream:
        stream = self._interpreter(channel).stream
        stated = self._source.channels[channel]
        clock = clocks.get(stated.topic)
        if clock is not None and stream.clock == "header":
            stream = replace(stream, clock_id=clock)
        return with_facts(stream, stated.metadata)

    def _settle(self, interpreters: Mapping[int, Interpreter]) -> None:
        """Close the books: what is lost is unread; a count that still differs from the declared one is named."""
        unread = self._source.unread()
        reason = next((loss.code for loss in self._source.losses()), "read.damaged")
        ledger: list[LedgerEntry] = []
        losses: list[Loss] = []
        for channel, interpreter in interpreters.items():
            entry = interpreter.ledger()
            missing = unread.counts.get(channel, 0)
            if unread.uncounted and entry.declared is not None:
                missing = max(missing, entry.declared - entry.came_in)
            entry = with_unread(entry, {reason: missing} if missing > 0 else {})
            named = interpreter.losses()
            losses += named if named or not entry.rejected else [rejected(entry)]
            if entry.declared is not None and entry.declared != entry.came_in:
                losses.append(count_mismatch(entry.stream, entry.declared, entry.came_in))
            ledger.append(entry)
            plain = interpreter.rows if isinstance(interpreter, FrameMetadata) else interpreter
            decoding = plain.decoding() if isinstance(plain, Plain) else None
            ledger += [decoding] if decoding is not None else []
        self._ledger, self._run_losses = tuple(ledger), tuple(losses)
        given = [one.clock_pairs() for one in interpreters.values() if isinstance(one, Evidence)]
        self._pairs = tuple(pairs for each in given for pairs in each)


def stream_names(channels: Sequence[Channel]) -> list[str]:
    """Name each channel's stream by its topic; a second type on one topic gets its type behind it."""
    names: list[str] = []
    for channel in channels:
        name = channel.topic if channel.topic not in names else f"{channel.topic} ({channel.message_type})"
        while name in names:
            name += "'"
        names.append(name)
    return names


def unpacked_to_nothing(file: str, count: int) -> Loss:
    """Name messages that are compressed one by one and do not unpack; they go on as empty ones, to be refused."""
    message = f"{file}: {count} messages do not unpack"
    return Loss(code="read.damaged", message=message, count=count, file=file)


def rejected(entry: LedgerEntry) -> Loss:
    """Name the messages that an interpreter refused, where it names none itself."""
    why = ", ".join(f"{count} {reason}" for reason, count in entry.reasons.items())
    return Loss(
        code="read.undecodable",
        stream=entry.stream,
        count=entry.rejected,
        message=f"{entry.rejected} of {entry.came_in} messages make no sample: {why}",
    )


def count_mismatch(stream: str | None, declared: int, read: int, *, file: str | None = None) -> Loss:
    """Name a stream, or the whole where None, that holds fewer or more messages than the recording says."""
    of_all = "" if stream else f"{file or 'the recording'}: "
    return Loss(
        code="read.count-mismatch",
        message=f"{of_all}{say_count(declared, 'message')} declared, {read:,} there",
        stream=stream,
        count=max(0, declared - read),
        file=file,
    )
