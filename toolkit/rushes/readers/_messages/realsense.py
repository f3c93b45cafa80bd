"""Frame metadata that Intel RealSense records beside its pictures → clock pairs, besides their rows.

The older recorder writes one ``diagnostic_msgs/KeyValue`` for each fact of a frame, all with one log time; the
newer one a text ``key=value;key=value`` for each frame. Where the frame's domain is the hardware clock, its stamp
is in the clock of that sensor, and the time of arrival is the host's system clock, in milliseconds since 1970.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence

from rushes.model import Batch, ClockPairs, LedgerEntry, Loss, Stream
from rushes.readers._messages import plain
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.definition import short
from rushes.readers._messages.evidence import PairList
from rushes.readers._messages.plain import Plain

SOURCE = "device-metadata"
HOST = "host"
_METADATA = re.compile(r"(/device_\d+/sensor_\d+)/[^/]+/(image|imu)/metadata")
_DATA = re.compile(r"(/device_\d+/sensor_\d+)/[^/]+/(image|imu)/data")
_TYPES = ("diagnostic_msgs/KeyValue", "std_msgs/String")
_HARDWARE = "hardware clock"
_LONGEST = 1 << 16


def clock_of(topic: str, pattern: re.Pattern[str] = _DATA) -> str | None:
    """Name the hardware clock of the sensor that a topic belongs to; None for topics of other makers."""
    match = pattern.fullmatch(topic)
    return f"realsense{match[1]}" if match else None


def clock_ids(channels: Sequence[Channel], first: Mapping[int, MessageBlock]) -> dict[str, str]:
    """Tell which data topics are stamped by a hardware clock, as the first metadata of their sensor say."""
    hardware = {
        clock
        for number, channel in enumerate(channels)
        if (clock := clock_of(channel.topic, _METADATA))
        and number in first
        and short(channel.message_type) in _TYPES
        if any(_is_hardware(frame) for _, frame in _frames(channel, first[number]))
    }
    return {
        channel.topic: clock for channel in channels if (clock := clock_of(channel.topic)) in hardware and clock
    }


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "FrameMetadata | None":
    """Give the interpreter for a topic of frame metadata; None for any other."""
    clock = clock_of(channel.topic, _METADATA)
    return None if clock is None else FrameMetadata(plain.interpreter(channel, first, name), channel, clock)


class FrameMetadata:
    """Keeps every message as a row, and collects what they say of clocks."""

    def __init__(self, rows: Plain, channel: Channel, clock: str) -> None:
        self.rows = rows
        self._channel, self._clock = channel, clock
        self._pairs = PairList()
        self._open: tuple[int, dict[str, str]] | None = None

    @property
    def stream(self) -> Stream:
        """As that of any message."""
        return self.rows.stream

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        for log_ns, frame in _frames(self._channel, block):
            if self._open is not None and self._open[0] == log_ns and not frame.keys() & self._open[1].keys():
                self._open[1].update(frame)  # the facts of one frame may be parted by the end of a block
                continue
            self._close()
            self._open = (log_ns, dict(frame))
        yield from self.rows.take(block)

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        self._close()
        return self.rows.finish()

    def clock_pairs(self) -> Sequence[ClockPairs]:
        """Give the pairs of this run."""
        return self._pairs.given()

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self.rows.ledger()

    def losses(self) -> Sequence[Loss]:
        """Name what could not be decoded."""
        return self.rows.losses()

    def _close(self) -> None:
        if self._open is None:
            return
        log_ns, frame = self._open
        self._open = None
        name = self.rows.stream.name
        stamp = _scaled(frame.get("frame timestamp"), 1_000)
        if stamp is None:
            stamp = _scaled(frame.get("timestamp"), 1_000_000)
        arrival = _scaled(frame.get("time of arrival"), 1_000_000)
        received = _scaled(frame.get("system time"), 1_000_000)
        if _is_hardware(frame) and stamp is not None and arrival is not None:
            self._pairs.add((self._clock, HOST, "one-way", SOURCE, name), stamp, arrival)
        if received is not None:
            self._pairs.add((HOST, "log", "one-way", SOURCE, name), received, log_ns)


def _is_hardware(frame: Mapping[str, str]) -> bool:
    return frame.get("timestamp domain", "").lower() == _HARDWARE


def _frames(channel: Channel, block: MessageBlock) -> Iterator[tuple[int, dict[str, str]]]:
    """Give log time and facts of each frame, by their names in small letters; what cannot be read is left out."""
    together: tuple[int, dict[str, str]] | None = None
    for i in range(len(block)):
        texts = _texts(channel, bytes(block.payload(i)[:_LONGEST]))
        log_ns = int(block.log_ns[i])
        if len(texts) == 2:  # a key and its value
            key = _name(texts[0])
            if together is not None and (together[0] != log_ns or key in together[1]):
                yield together
                together = None
            together = together or (log_ns, {})
            together[1][key] = texts[1]
        elif len(texts) == 1:
            yield log_ns, {_name(key): value for key, _, value in (p.partition("=") for p in texts[0].split(";"))}
    if together is not None:
        yield together


def _name(key: str) -> str:
    return key.strip().lower().replace("_", " ")


def _texts(channel: Channel, payload: bytes) -> list[str]:
    """Read the one or two texts that a message holds, in ROS 1 or as CDR."""
    cdr = channel.encoding == "cdr"
    order = "<" if not cdr or payload[1:2] == b"\x01" else ">"
    place = origin = 4 if cdr else 0
    found: list[str] = []
    for _ in range(2 if short(channel.message_type) == _TYPES[0] else 1):
        place += -(place - origin) % 4 if cdr else 0
        if place + 4 > len(payload):
            return []
        (length,) = struct.unpack_from(f"{order}I", payload, place)
        place += 4 + length
        if place > len(payload):
            return []
        found.append(payload[place - length : place].rstrip(b"\0").decode("utf-8", "replace"))
    return found


def _scaled(text: str | None, factor: int) -> int | None:
    """Read a decimal number and give it times the factor, exactly; None if it is none."""
    match = re.fullmatch(r"(\d{1,15})(?:\.(\d+))?", text.strip()) if text else None
    if match is None:
        return None
    digits = len(str(factor)) - 1
    return int(match[1]) * factor + int((match[2] or "").ljust(digits, "0")[:digits] or 0)
