"""audio_common_msgs AudioData and AudioDataStamped → rows of ``audio`` that locate their bytes.

The messages do not say how the sound is coded (AudioInfo on another topic may): codec and sample counts stay open.
"""

from collections.abc import Iterator, Sequence

from rushes.model import Batch, Clock, LedgerEntry, Loss, Stream
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import STAMP, chosen, joined, time_columns
from rushes.readers._messages.definition import Record
from rushes.readers._messages.layout import LayoutError, Wire, check, has, read
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import Tally, location_columns


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "Sound | None":
    """Give the interpreter, or None where the recorded definition is not that of sound."""
    record, wire = layout_of(channel), wire_of(channel)
    if record is None or wire is None:
        return None
    data = "audio.data" if has(record, "audio.data") else "data"
    stamp = STAMP if has(record, STAMP[0]) else ()
    clock: Clock = "log"
    codec = None
    try:
        check(record, [*stamp, data], wire=wire)
    except LayoutError:
        return None
    if first is not None:
        found = read(record, first, [*stamp, data], wire=wire)
        if stamp:
            clock = chosen(joined(*(found.numbers[path] for path in stamp)))
        if len(found.rows):
            start, length = (int(part[0]) for part in found.spans[data])
            codec = _codec(first.buffer[start : start + min(length, 4)].tobytes())
    stream = Stream(
        name=name,
        modality="audio",
        table="audio",
        message_type=channel.message_type,
        encoding=channel.encoding,
        codec=codec,
        declared_count=channel.declared_count,
        clock=clock,
        notes="the messages do not say how many samples they hold",
    )
    return Sound(stream, record, wire, data, stamp)


def _codec(head: bytes) -> str | None:
    """Tell the two codings that show themselves; PCM does not."""
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6):
        return "mp3"
    return "wav" if head == b"RIFF" else None


class Sound:
    """Locates blocks of sound by layout."""

    def __init__(self, stream: Stream, record: Record, wire: Wire, data: str, stamp: Sequence[str]) -> None:
        self.stream = stream
        self._record, self._wire, self._data, self._stamp = record, wire, data, stamp
        self._tally = Tally(stream)

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        found = read(self._record, block, [*self._stamp, self._data], wire=self._wire)
        self._tally.refuse(found.refused)
        if not len(found.rows):
            return
        stamps = joined(*(found.numbers[path] for path in self._stamp)) if self._stamp else None
        columns = {
            **time_columns(block, found.rows, stamps, self.stream.clock),
            **location_columns(block, found.rows, *found.spans[self._data]),
            "samples": None,
        }
        yield self._tally.batch(len(found.rows), columns)

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        return iter(())

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self._tally.entry(per_message=True)

    def losses(self) -> Sequence[Loss]:
        """Give none: what was refused is in the ledger."""
        return ()
