"""Clock pairs that were recorded as messages: JSON of the schema ``rushes.ClockPair``, one pair a message.

A recorder writes what it measures between clocks while it records; a person marks events that two sensors share,
such as a clap, the same way. The form is ``schemas/clock_pair.schema.json``. Such messages become clock pairs and
no rows.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast, get_args, runtime_checkable

import numpy as np

from rushes.model import Batch, ClockPairs, LedgerEntry, Loss, PairRelation, Stream
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.tally import Tally

CLOCK_PAIR = "rushes.ClockPair"
NOT_A_PAIR = "not JSON of the form of schemas/clock_pair.schema.json"
_TEXTS, _TIMES = ("from_clock", "to_clock", "relation", "source"), ("from_ns", "to_ns")
_MOST = np.iinfo(np.int64).max
_Group = tuple[str, str, PairRelation, str, str | None]


@runtime_checkable
class Evidence(Protocol):
    """What an interpreter may offer besides samples."""

    def clock_pairs(self) -> Sequence[ClockPairs]:
        """Give the pairs that this run has met; complete after ``finish``."""
        ...


class PairList:
    """Collects pairs and gives those of the same clocks and source together, in the order taken."""

    def __init__(self) -> None:
        self._rows: dict[_Group, list[tuple[int, int, int | None]]] = {}

    def add(self, group: _Group, from_ns: int, to_ns: int, round_trip_ns: int | None = None) -> None:
        """Take one pair; ``group``: from clock, to clock, relation, source, stream."""
        self._rows.setdefault(group, []).append((from_ns, to_ns, round_trip_ns))

    def given(self) -> list[ClockPairs]:
        """Give all, a group each; pairs with a round trip apart from those without."""
        found: list[ClockPairs] = []
        for (from_clock, to_clock, relation, source, stream), rows in self._rows.items():
            for timed in (True, False):
                chosen = [row for row in rows if (row[2] is not None) is timed]
                if not chosen:
                    continue
                trips = np.array([row[2] for row in chosen], np.int64) if timed else None
                found.append(
                    ClockPairs(
                        from_clock=from_clock,
                        to_clock=to_clock,
                        from_ns=np.array([row[0] for row in chosen], np.int64),
                        to_ns=np.array([row[1] for row in chosen], np.int64),
                        relation=relation,
                        source=source,
                        round_trip_ns=trips,
                        stream=stream,
                    )
                )
        return found


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "RecordedPairs":  # noqa: ARG001
    """Give the interpreter of a channel of clock pairs."""
    stream = Stream(
        name=name,
        modality="message",
        table="messages",
        message_type=channel.message_type,
        encoding=channel.encoding,
        declared_count=channel.declared_count,
        notes="evidence of clocks: its messages are rows of clock_pairs, not of messages",
    )
    return RecordedPairs(stream)


class RecordedPairs:
    """Reads clock pairs; makes no rows."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._tally = Tally(stream)
        self._pairs = PairList()

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Read the next messages."""
        self._tally.came_in += len(block)
        for i in range(len(block)):
            said = _parsed(bytes(block.payload(i)))
            if said is None:
                self._tally.refuse({NOT_A_PAIR: 1})
                continue
            relation = cast("PairRelation", said["relation"])
            group = (said["from_clock"], said["to_clock"], relation, said["source"], said.get("stream"))
            self._pairs.add(group, said["from_ns"], said["to_ns"], said.get("round_trip_ns"))
        return iter(())

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        return iter(())

    def clock_pairs(self) -> Sequence[ClockPairs]:
        """Give the pairs of this run."""
        return self._pairs.given()

    def ledger(self) -> LedgerEntry:
        """Account for all messages: none makes a row of its stream."""
        return self._tally.entry(per_message=False)

    def losses(self) -> Sequence[Loss]:
        """Give none: what was refused is in the ledger."""
        return ()


def _parsed(payload: bytes) -> dict[str, Any] | None:
    """Read one pair; None where it is not of the form of the schema."""
    try:
        said = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("relation") not in get_args(PairRelation):
        return None
    texts = all(isinstance(said.get(name), str) and said[name] for name in _TEXTS)
    times = all(_whole(said.get(name)) for name in _TIMES)
    stream, trip = said.get("stream"), said.get("round_trip_ns")
    rest = (stream is None or isinstance(stream, str)) and (trip is None or (_whole(trip) and trip >= 0))
    return said if texts and times and rest else None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST
