"""Messages that no typed table holds → rows of ``messages``: decoded as JSON, with their place and times.

Where the recorded definition does not fit the messages, ROS 2's own is taken if that fits. Where none fits, values
stay null: the messages are there and located, so that it is told in the ledger and is no loss.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rushes import registry
from rushes.model import Batch, Clock, LedgerEntry, Loss, Stream, Times
from rushes.quantities import say_count
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import STAMP, chosen, joined, time_columns
from rushes.readers._messages.definition import Record
from rushes.readers._messages.layout import MISFITS, LayoutError, Wire, check, has, read, read_front
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import Tally, location_columns, masked

LARGEST = 16 << 10
"""Messages with more bytes than this are located, not decoded."""

_GUESTS = {"cdr": "generic_ros", "ros1": "generic_ros", "protobuf": "generic_protobuf"}


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "Plain":
    """Give the interpreter; every channel has this one at least."""
    wire = wire_of(channel)
    known = channel.encoding in _GUESTS or channel.encoding == "json"
    notes = None if known else f"messages of the encoding '{channel.encoding}' are located, not decoded"
    if wire == "cdr" and first is not None and not _fits(channel, first, wire):
        better = _ros2_definition(channel, first, wire)
        if better is not None:
            channel, notes = better, "the recorded definition does not fit; read by that of ROS 2"
    stamped = None if wire is None else _stamped(layout_of(channel), wire)
    clock: Clock = "log"
    if first is not None and stamped is not None and wire is not None:
        found = read_front(stamped, first, STAMP, wire=wire)
        clock = chosen(joined(*(found.numbers[path] for path in STAMP)))
    stream = Stream(
        name=name,
        modality="message",
        table="messages",
        message_type=channel.message_type or None,
        encoding=channel.encoding or None,
        declared_count=channel.declared_count,
        clock=clock,
        notes=notes,
    )
    return Plain(stream, channel, stamped, wire)


def _fits(channel: Channel, first: MessageBlock, wire: Wire) -> bool:
    """Tell whether the recorded definition can be that of the first messages; no if none is as long as it."""
    record = layout_of(channel)
    if record is None or not len(first):
        return True
    try:
        refused = read(record, first, (), wire=wire).refused
    except LayoutError:
        return True
    return sum(refused.get(reason, 0) for reason in MISFITS) < len(first)


def _ros2_definition(channel: Channel, first: MessageBlock, wire: Wire) -> Channel | None:
    """Give the channel with the definition of the first ROS 2 distribution that fits all first messages."""
    guest = registry.late("rushes.readers._messages.ros2_definitions")
    for text in guest.definitions(channel.message_type):
        other = replace(channel, schema=text.encode(), schema_encoding="ros2msg")
        record = layout_of(other)
        try:
            if record is not None and not read(record, first, (), wire=wire).refused:
                return other
        except LayoutError:
            continue
    return None


def _stamped(record: Record | None, wire: Wire) -> Record | None:
    """Give the layout of the std_msgs/Header that the type starts with, if it does."""
    if record is None or not record.fields or record.fields[0][0] != "header":
        return None
    front = Record(record.fields[:1])
    if not all(has(front, path) for path in STAMP):
        return None
    try:
        check(front, STAMP, wire=wire)
    except LayoutError:
        return None
    return front


class Plain:
    """Decodes message by message; what does not decode keeps its row, times and place."""

    def __init__(self, stream: Stream, channel: Channel, stamped: Record | None, wire: Wire | None) -> None:
        self.stream = stream
        self._channel, self._stamped, self._wire = channel, stamped, wire
        self._tally = Tally(stream)
        self._decode: Callable[[bytes], Any] | None = None
        self._decoded = 0
        self._undecoded: dict[str, int] = {}

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        if not len(block):
            return
        rows = np.arange(len(block), dtype=np.int64)
        columns = time_columns(block, rows, None, "log")
        stamps, absent = self._stamps(block)
        if stamps is not None:
            columns["t_header_ns"] = masked(stamps, absent) if absent.any() else stamps
            if self.stream.clock == "header":
                columns["t_ns"] = np.where(absent, block.log_ns, stamps)
        columns.update(location_columns(block, rows, block.start, block.length))
        columns["value"] = [self._value(block.payload(i)) for i in range(len(block))]
        yield self._tally.batch(len(block), columns)

    def _stamps(self, block: MessageBlock) -> tuple[Times | None, Any]:
        """Give the header stamps, and for which messages there is none because they are cut."""
        if self._stamped is None or self._wire is None:
            return None, None
        found = read_front(self._stamped, block, STAMP, wire=self._wire)
        stamps, absent = np.zeros(len(block), np.int64), np.ones(len(block), np.bool_)
        stamps[found.rows] = joined(*(found.numbers[path] for path in STAMP))
        absent[found.rows] = False
        return stamps, absent

    def _value(self, payload: memoryview) -> str | None:
        if len(payload) > LARGEST or (self._channel.encoding not in _GUESTS and self._channel.encoding != "json"):
            return None
        try:
            if self._channel.encoding == "json":
                text = str(payload, "utf-8")
                json.loads(text)
            else:
                if self._decode is None:
                    self._decode = _decoder(self._channel)
                text = json.dumps(self._decode(bytes(payload)), separators=(",", ":"), ensure_ascii=False)
        except Exception as error:  # noqa: BLE001 - guests raise anything for damaged bytes; it is counted and named
            reason = f"{type(error).__name__}: {str(error)[:100]}"
            if reason in self._undecoded or len(self._undecoded) < 8:
                self._undecoded[reason] = self._undecoded.get(reason, 0) + 1
            else:
                self._undecoded["other reasons"] = self._undecoded.get("other reasons", 0) + 1
            return None
        self._decoded += 1
        return text

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        return iter(())

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self._tally.entry(per_message=True)

    def decoding(self) -> LedgerEntry | None:
        """Account for the values where some stayed null: no definition, or bytes that are none of their type."""
        if not self._undecoded:
            return None
        undecoded = sum(self._undecoded.values())
        kind = self._channel.message_type
        if not self._no_definition_fits:
            reasons = dict(self._undecoded)
        elif not self._channel.schema.strip():
            reasons = {f"the recording holds no definition of '{kind}'": undecoded}
        else:
            reasons = {f"the recorded definition of '{kind}' does not fit": undecoded}
        return LedgerEntry(
            stream=self.stream.name,
            step="decode",
            came_in=self._decoded + undecoded,
            out=self._decoded,
            unread=undecoded,
            reasons=reasons,
        )

    def losses(self) -> Sequence[Loss]:
        """Name the messages whose values could not be decoded, though others of their stream could."""
        if self._no_definition_fits:
            return []
        kind = self._channel.message_type
        return [
            Loss(
                code="read.undecodable",
                stream=self.stream.name,
                count=count,
                message=f"{say_count(count, 'message')} cannot be read as '{kind}': {reason}",
            )
            for reason, count in self._undecoded.items()
        ]

    @property
    def _no_definition_fits(self) -> bool:
        """Whether not one message could be decoded; then the definition is wrong or absent, not the messages."""
        return not self._decoded and self._channel.encoding != "json"


def _decoder(channel: Channel) -> Callable[[bytes], Any]:
    """Give what decodes the channel's messages, or what fails for each as making it failed once.

    A damaged definition can take a guest a long time to refuse; once is enough.
    """
    guest = registry.late(f"rushes.readers._messages.{_GUESTS[channel.encoding]}")
    try:
        decode: Callable[[bytes], Any] = guest.decoder(channel)
    except Exception as error:  # noqa: BLE001 - guests raise anything for damaged bytes; it is counted and named
        failure = error

        def refuse(_: bytes) -> Any:
            raise failure.with_traceback(None)

        return refuse
    return decode
