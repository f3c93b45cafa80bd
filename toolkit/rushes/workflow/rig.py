"""Rig: what this machine offers to record, and whether the sensors of a rig give what they should."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

import numpy as np

from rushes import registry
from rushes.capturing import FoundDevice, HostClock, LiveStream, Pictures, Samples, Source, Trouble
from rushes.errors import PluginError, RushesError
from rushes.model import ClockPairs
from rushes.recorder.encoding import bytes_of
from rushes.sensors import Rig, SensorOfRig

SCAN_S = 20.0
OPEN_S = 60.0
"""Some take long: the virtual rig renders what it will show."""
END_S = 2.0
TROUBLES_KEPT = 5

Sources = Callable[[str], Source]
T = TypeVar("T")


def source_of(name: str) -> Source:
    """Give the capture plugin of a name."""
    source: Source = registry.load("capture", name)
    return source


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What one kind of source found.

    Args:
        error: Why it could not look; None where it could.
    """

    source: str
    devices: Sequence[FoundDevice] = ()
    error: RushesError | None = None


def scan(names: Sequence[str] | None = None, *, sources: Sources = source_of) -> Sequence[Scanned]:
    """Ask every kind of source what this machine offers, all at once; none hides what others found.

    Args:
        names: Of the sources to ask; all when None.
        sources: Gives the source of a name.
    """
    asked = registry.names("capture") if names is None else list(names)
    found = [_aside(partial(_look, sources, name), f"scan {name}") for name in asked]
    deadline = time.monotonic() + SCAN_S
    return [_scanned(name, future, deadline) for name, future in zip(asked, found, strict=True)]


def _look(sources: Sources, name: str) -> tuple[FoundDevice, ...]:
    return tuple(sources(name).scan())


def _scanned(name: str, future: "Future[tuple[FoundDevice, ...]]", deadline: float) -> Scanned:
    try:
        return Scanned(source=name, devices=future.result(max(0.0, deadline - time.monotonic())))
    except RushesError as error:
        return Scanned(source=name, error=error)
    except TimeoutError:
        message = f"{name}: looking for devices took longer than {SCAN_S:g} s"
    except Exception as error:  # noqa: BLE001 - a driver can fail in any way, and must not hide the others
        message = f"{name}: {type(error).__name__}: {error}"
    return Scanned(
        source=name,
        error=PluginError(message, code="rig.source-failed", hint="the other sources are not touched by it"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStream:
    """What a stream gave while it was looked at.

    Args:
        rate_hz: None for fewer than two samples.
        holes: Lost on their way here, by their sequence numbers.
        longest_ns: Longest interval between two samples; None as above.
        width_px, height_px: Of the last picture.
        offset_ns: Host clock less device clock, the least; None without a device clock.
    """

    stream: LiveStream
    samples: int
    rate_hz: float | None = None
    holes: int = 0
    longest_ns: int | None = None
    bytes_per_s: float = 0.0
    width_px: int | None = None
    height_px: int | None = None
    offset_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSensor:
    """What became of one sensor.

    Args:
        state: ``silent``: open, and a stream gave nothing; ``failed``: not opened, or ended by an error.
    """

    sensor: SensorOfRig
    state: Literal["ok", "silent", "failed"]
    streams: Sequence[CheckedStream] = ()
    troubles: Sequence[Trouble] = ()
    error: RushesError | None = None


def check(rig: Rig, *, for_ns: int, sources: Sources = source_of) -> Sequence[CheckedSensor]:
    """Open all sensors of a rig at once, as a recording would, listen for a while, and tell what came.

    Nothing is written. A sensor that fails does not keep the others from being looked at.

    Args:
        rig: Its sensors.
        for_ns: How long to listen once a sensor is open.
        sources: Gives the source of a name.
    """
    listening = [_Listening(sensor, for_ns) for sensor in rig.sensors]
    found = [_aside(partial(one.listen, sources), f"check {one.sensor.name}") for one in listening]
    deadline = time.monotonic() + OPEN_S + for_ns / 1e9 + END_S
    return [_checked(one, future, deadline) for one, future in zip(listening, found, strict=True)]


def _checked(one: "_Listening", future: "Future[None]", deadline: float) -> CheckedSensor:
    error: RushesError | None = None
    try:
        future.result(max(0.0, deadline - time.monotonic()))
    except RushesError as told:
        error = told
    except TimeoutError:
        error = _failed(one.sensor, f"it was not open within {OPEN_S:g} s")
    except Exception as told:  # noqa: BLE001 - a driver can fail in any way, and must not hide the others
        error = _failed(one.sensor, f"{type(told).__name__}: {told}")
    return one.told(error)


def _failed(sensor: SensorOfRig, why: str) -> PluginError:
    return PluginError(
        f"{sensor.name}: {why}", code="rig.source-failed", hint="the other sensors are not touched by it"
    )


@dataclass(slots=True)
class _Heard:
    """What came of one stream."""

    samples: int = 0
    bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    longest_ns: int = 0
    last_seq: int | None = None
    holes: int = 0
    offset_ns: int | None = None
    size_px: tuple[int, int] | None = None

    def take(self, samples: Samples) -> None:
        arrival, content = samples.arrival_ns, samples.content
        before = [self.last_ns] if self.samples else []
        steps = np.diff(np.concatenate([np.array(before, np.int64), arrival]))
        self.longest_ns = max(self.longest_ns, int(steps.max()) if len(steps) else 0)
        self.first_ns = self.first_ns or int(arrival[0])
        self.last_ns = int(arrival[-1])
        last = [] if self.last_seq is None else [self.last_seq]
        jumps = np.diff(np.concatenate([np.array(last, np.int64), samples.seq])) - 1
        self.holes += int(jumps[jumps > 0].sum())
        self.last_seq = int(samples.seq[-1])
        if samples.device_ns is not None:
            least = int((arrival - samples.device_ns).min())
            self.offset_ns = least if self.offset_ns is None else min(self.offset_ns, least)
        if isinstance(content, Pictures):
            self.size_px = content.width_px, content.height_px
        self.samples += len(samples)
        self.bytes += bytes_of(content)


@dataclass(slots=True)
class _Listening:
    """One sensor while it is looked at: takes what its source gives, and counts it."""

    sensor: SensorOfRig
    for_ns: int
    clock: HostClock = field(default_factory=HostClock.started)
    stopping: threading.Event = field(default_factory=threading.Event)
    _streams: Sequence[LiveStream] = ()
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _troubles: list[Trouble] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, samples: Samples) -> None:
        if len(samples):
            with self._lock:
                self._heard.setdefault(samples.stream, _Heard()).take(samples)

    def pair(self, pairs: ClockPairs) -> None:
        """Clocks are no matter of a look."""

    def trouble(self, trouble: Trouble) -> None:
        with self._lock:
            if len(self._troubles) < TROUBLES_KEPT:
                self._troubles.append(trouble)

    def listen(self, sources: Sources) -> None:
        """Open the sensor, listen, and close it.

        Raises:
            RushesError: What its source raised.
        """
        opened = sources(self.sensor.source).open(self.sensor)
        try:
            self._streams = tuple(opened.streams)
            running = _aside(partial(opened.run, self), f"run {self.sensor.name}")
            ended = _ended(running, self.for_ns / 1e9)
            self.stopping.set()
            if not ended:
                running.result(END_S)
        finally:
            self.stopping.set()
            opened.close()

    def told(self, error: RushesError | None) -> CheckedSensor:
        """Say what came."""
        self.stopping.set()
        with self._lock:
            streams = [self._of(stream) for stream in self._streams]
            troubles = tuple(self._troubles)
        silent = [s for s in streams if not s.samples and s.stream.form != "texts"]
        return CheckedSensor(
            sensor=self.sensor,
            state="failed" if error is not None else "silent" if silent else "ok",
            streams=streams,
            troubles=troubles,
            error=error,
        )

    def _of(self, stream: LiveStream) -> CheckedStream:
        heard = self._heard.get(stream.name, _Heard())
        took_ns = heard.last_ns - heard.first_ns
        several = heard.samples > 1 and took_ns > 0
        return CheckedStream(
            stream=stream,
            samples=heard.samples,
            rate_hz=(heard.samples - 1) * 1e9 / took_ns if several else None,
            holes=heard.holes,
            longest_ns=heard.longest_ns if several else None,
            bytes_per_s=heard.bytes * 1e9 / self.for_ns,
            width_px=heard.size_px[0] if heard.size_px else None,
            height_px=heard.size_px[1] if heard.size_px else None,
            offset_ns=heard.offset_ns,
        )


def _ended(running: "Future[None]", seconds: float) -> bool:
    """Wait; tell whether the source ended by itself, such as one that plays a recording."""
    try:
        running.result(seconds)
    except TimeoutError:
        return False
    return True


def _aside(work: Callable[[], T], name: str) -> "Future[T]":
    """Run in a thread that nobody waits for when the process ends, as a driver may never come back."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
