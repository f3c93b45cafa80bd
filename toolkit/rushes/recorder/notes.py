"""What the recorder itself writes into a recording: markers, clock pairs, takes and troubles, as JSON messages.

Their forms are stated in ``schemas/{marker,clock_pair,take,trouble}.schema.json``.
"""

from collections.abc import Iterator
from dataclasses import asdict

from rushes.capturing import Trouble
from rushes.live import Take
from rushes.model import ClockPairs
from rushes.recorder.encoding import CLOCK_PAIRS, MARKERS, TAKES, TROUBLES, Note


def of_marker(text: str, key: str | None, now_ns: int) -> Note:
    """Give a marker of the keyboard."""
    body = {"text": text, "key": key, "source": "keyboard", "device_ns": None}
    return Note(topic=MARKERS, body=body, log_ns=now_ns)


def of_take(take: Take, now_ns: int) -> Note:
    """Give a take as it stands."""
    return Note(topic=TAKES, body=asdict(take), log_ns=now_ns)


def of_trouble(trouble: Trouble, now_ns: int) -> Note:
    """Give something that went wrong."""
    return Note(topic=TROUBLES, body=asdict(trouble), log_ns=now_ns)


def of_pairs(pairs: ClockPairs, now_ns: int) -> Iterator[Note]:
    """Give each reading of two clocks."""
    trips = [None] * len(pairs.from_ns) if pairs.round_trip_ns is None else pairs.round_trip_ns.tolist()
    for from_ns, to_ns, trip in zip(pairs.from_ns.tolist(), pairs.to_ns.tolist(), trips, strict=True):
        body = {
            "from_clock": pairs.from_clock,
            "to_clock": pairs.to_clock,
            "from_ns": from_ns,
            "to_ns": to_ns,
            "relation": pairs.relation,
            "source": pairs.source,
            "round_trip_ns": trip,
            "stream": pairs.stream,
        }
        yield Note(topic=CLOCK_PAIRS, body=body, log_ns=now_ns)
