"""A stream between its source and the writer: a bounded queue, what was dropped from it, and how it is doing."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rushes.capturing import LiveStream, Samples
from rushes.recorder.encoding import bytes_of
from rushes.recorder.gauges import Gauge, Reading
from rushes.sensors import SensorOfRig

LATEST_SAMPLES, LATEST_PUTS, LATEST_BYTES = 20_000, 5_000, 4 << 20
READ_AGAIN_NS = 200_000_000


@dataclass(slots=True)
class Gate:
    """What holds for every stream: whether what arrives is left out, and whether nothing is taken any more."""

    paused: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Samples that were there and are not in the file."""

    count: int
    from_ns: int
    until_ns: int


@dataclass(slots=True)
class _Missed:
    """How many samples are missing in all, and those that were not told yet."""

    count: int = 0
    untold: int = 0
    from_ns: int = 0
    until_ns: int = 0

    def add(self, samples: Samples) -> None:
        arrival = samples.arrival_ns
        self.add_count(len(samples), from_ns=int(arrival[0]), until_ns=int(arrival[-1]))

    def add_count(self, count: int, *, from_ns: int, until_ns: int) -> None:
        if not self.untold:
            self.from_ns = from_ns
        self.count += count
        self.untold += count
        self.until_ns = until_ns

    def tell(self) -> Missing | None:
        if not self.untold:
            return None
        told = Missing(count=self.untold, from_ns=self.from_ns, until_ns=self.until_ns)
        self.untold = 0
        return told


class Track:
    """One stream of a recording. Safe from any thread.

    Args:
        sensor: That it belongs to; says what happens when the queue is full.
        stream: As its source describes it.
        gate: Of the recording.
        queue_bytes: How much may wait to be written; ``sensor.queue_ns`` is the other bound.
    """

    def __init__(self, sensor: SensorOfRig, stream: LiveStream, gate: Gate, *, queue_bytes: int) -> None:
        self.sensor, self.stream = sensor, stream
        self._gate, self._most_bytes = gate, queue_bytes
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Samples, int]] = deque()
        self._waiting_bytes = 0
        self._latest: deque[tuple[Samples, int]] = deque()
        self._latest_samples = self._latest_bytes = 0
        self._gauge = Gauge(stream.form, stream.nominal_rate_hz)
        self._dropped, self._left_out = _Missed(), _Missed()
        self._read_at_ns, self._reading = 0, Reading()
        self._taken = 0

    def put(self, samples: Samples) -> bool:
        """Take samples, or drop and count them, or wait; tells whether the queue is half full or more."""
        size = bytes_of(samples.content)
        with self._changed:
            self._gauge.observe(samples, size)
            self._keep_latest(samples, size)
            if self._gate.paused:
                self._left_out.add(samples)
                return False
            if self.sensor.when_full == "block":
                while self._too_full(samples, size) and not self._gate.closed:
                    self._changed.wait(0.1)
            if self._gate.closed or self._too_full(samples, size):
                self._dropped.add(samples)
                return True
            self._waiting.append((samples, size))
            self._waiting_bytes += size
            self._taken += len(samples)
            return self._fullness() >= 0.5

    def take_all(self) -> list[Samples]:
        """Take everything that waits to be written, oldest first."""
        with self._changed:
            found = [samples for samples, _ in self._waiting]
            self._waiting.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()
        return found

    def count_lost(self, samples: Samples) -> None:
        """Take note of samples that were taken and could not be written."""
        with self._changed:
            self._taken -= len(samples)
            self._dropped.add(samples)

    def settle(self, written: int, until_ns: int) -> None:
        """Take note, after all, of how many samples are in the file; the others that were taken are lost."""
        with self._changed:
            lost, self._taken = self._taken - written, written
            if lost > 0:
                self._dropped.add_count(lost, from_ns=until_ns, until_ns=until_ns)

    def tell_dropped(self) -> Missing | None:
        """Give what was dropped since this was asked last."""
        with self._changed:
            return self._dropped.tell()

    def tell_left_out(self) -> Missing | None:
        """Give what a pause left out since this was asked last."""
        with self._changed:
            return self._left_out.tell()

    def tell_breaks(self) -> list[int]:
        """Give by how much the device's clock leapt, each time since this was asked last."""
        with self._changed:
            return self._gauge.breaks()

    def latest(self, most: int) -> Sequence[Samples]:
        """Give the latest samples, about ``most``, oldest first."""
        with self._changed:
            found: list[Samples] = []
            count = 0
            for samples, _ in reversed(self._latest):
                if count >= most:
                    break
                found.append(samples)
                count += len(samples)
        return found[::-1]

    def reading(self, now_ns: int) -> Reading:
        """Say how it goes; worked out anew five times a second at most."""
        with self._changed:
            if now_ns - self._read_at_ns >= READ_AGAIN_NS:
                self._read_at_ns, self._reading = now_ns, self._gauge.read(now_ns)
            return self._reading

    def silent_ns(self, now_ns: int, since_ns: int) -> int | None:
        """For how long nothing came that should have; None when all is well.

        Args:
            now_ns: The recorder's clock.
            since_ns: When it was opened.
        """
        with self._changed:
            limit = self._gauge.silent_after_ns()
            quiet = now_ns - max(since_ns, since_ns if self._gauge.last_ns is None else self._gauge.last_ns)
        return quiet if limit is not None and quiet > limit else None

    @property
    def gauge(self) -> Gauge:
        """What its arrivals say; to be read when nothing arrives any more."""
        return self._gauge

    @property
    def last_ns(self) -> int | None:
        """Arrival of the last sample."""
        return self._gauge.last_ns

    @property
    def dropped(self) -> int:
        """Samples that arrived and are not in the file; those of a pause apart."""
        return self._dropped.count

    @property
    def left_out(self) -> int:
        """Samples that a pause left out."""
        return self._left_out.count

    @property
    def holes(self) -> int:
        """Samples that were lost before they arrived, by their numbers."""
        return self._gauge.holes

    @property
    def fullness(self) -> float:
        """How full the queue is, 0 to 1."""
        with self._changed:
            return min(self._fullness(), 1.0)

    def _fullness(self) -> float:
        if not self._waiting:
            return 0.0
        span_ns = int(self._waiting[-1][0].arrival_ns[-1]) - int(self._waiting[0][0].arrival_ns[0])
        return max(span_ns / self.sensor.queue_ns, self._waiting_bytes / self._most_bytes)

    def _too_full(self, samples: Samples, size: int) -> bool:
        if not self._waiting:  # however large, it is better written than never
            return False
        span_ns = int(samples.arrival_ns[-1]) - int(self._waiting[0][0].arrival_ns[0])
        return span_ns > self.sensor.queue_ns or self._waiting_bytes + size > self._most_bytes

    def _keep_latest(self, samples: Samples, size: int) -> None:
        self._latest.append((samples, size))
        self._latest_samples += len(samples)
        self._latest_bytes += size
        while len(self._latest) > 1 and (
            self._latest_samples > LATEST_SAMPLES
            or len(self._latest) > LATEST_PUTS
            or self._latest_bytes > LATEST_BYTES
        ):
            samples, size = self._latest.popleft()
            self._latest_samples -= len(samples)
            self._latest_bytes -= size
