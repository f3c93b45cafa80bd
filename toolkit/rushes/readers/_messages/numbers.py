"""Numbers that Rushes recorded (``rushes_signals``: a header, then a float64 a channel) → rows of ``signals``.

The fields of such a message carry names that its definition allows; what the channels are really called, and their
units, is in the metadata of the MCAP channel. Where that is absent or of another length, the fields' names serve.
"""

import json
from collections.abc import Iterator, Mapping

from rushes.model import Batch, Clock, Stream
from rushes.readers._messages import spans
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import STAMP, chosen, joined, time_columns
from rushes.readers._messages.definition import Many, Number, Record
from rushes.readers._messages.layout import LayoutError, Wire, check, read
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import PerMessage

PACKAGE = "rushes_signals/"
NAMES, UNITS = "rushes.channel_names", "rushes.channel_units"
_DOUBLE = Number("f8", 8)
_VALUES, _FRAME = "values", "header.frame_id"


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "Numbers | None":
    """Give the interpreter, or None where the definition is not a header with doubles behind it."""
    record, wire = layout_of(channel), wire_of(channel)
    if record is None or wire is None:
        return None
    fields = tuple(field for field, kind in record.fields[1:] if kind == _DOUBLE)
    if not fields or len(fields) != len(record.fields) - 1 or record.fields[0][0] != "header":
        return None
    together = Record((record.fields[0], (_VALUES, Many(_DOUBLE, len(fields)))))  # packed alike, and read at once
    clock: Clock = "log"
    frame: str | None = None
    try:
        check(together, [*STAMP, _FRAME, _VALUES], wire=wire)
    except LayoutError:
        return None
    if first is not None:
        found = read(together, first, [*STAMP, _FRAME], wire=wire)
        clock = chosen(joined(*(found.numbers[path] for path in STAMP)), channel.metadata)
        said = spans.texts(first.buffer, found.spans[_FRAME])
        frame = (said if isinstance(said, str) else None) or None
    stream = Stream(
        name=name,
        modality="signal",
        table="signals",
        message_type=channel.message_type,
        encoding=channel.encoding,
        declared_count=channel.declared_count,
        clock=clock,
        frame_of_reference=frame,
        channels=len(fields),
        channel_names=_stated(channel.metadata, NAMES, len(fields)) or fields,
        channel_units=_stated(channel.metadata, UNITS, len(fields)),
    )
    return Numbers(stream, together, wire)


class Numbers(PerMessage):
    """Reads numbers by layout."""

    def __init__(self, stream: Stream, record: Record, wire: Wire) -> None:
        super().__init__(stream)
        self._record, self._wire = record, wire

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        found = read(self._record, block, [*STAMP, _VALUES], wire=self._wire)
        self._tally.refuse(found.refused)
        rows = len(found.rows)
        if not rows:
            return
        stamps = joined(*(found.numbers[path] for path in STAMP))
        columns = time_columns(block, found.rows, stamps, self.stream.clock)
        columns["values"] = found.numbers[_VALUES].reshape(rows, -1)
        yield self._tally.batch(rows, columns)


def _stated(metadata: Mapping[str, str], key: str, count: int) -> tuple[str, ...] | None:
    """Read a list of texts, one a channel; None where it is none."""
    try:
        said = json.loads(metadata.get(key, "null"))
    except ValueError:
        return None
    fits = isinstance(said, list) and len(said) == count and all(isinstance(text, str) for text in said)
    return tuple(said) if fits else None
