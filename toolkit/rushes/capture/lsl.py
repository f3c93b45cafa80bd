"""Streams of the Lab Streaming Layer, found by query, with raw stamps and two-way readings of their clocks.

``device`` is a query of LSL, such as ``name='EEG'`` or ``type='EEG' and hostname='amp'``, or a plain name; empty
stands for every stream on the network. Each stream that matches is one of the sensor's: ``/SENSOR/NAME``.

``options``:
    outlets: How many must match (any number): the sensor is absent until so many are there.
    clock: ``host`` (the default) or ``stream``: what shares a clock.

Numbers become channels with the names and units of the stream's description; streams of strings are markers.
``device_ns`` is the stamp as it was sent, in the ``local_clock`` of the sending machine: all programs of one
machine read the same one, so that streams of one host share the clock ``lsl:HOST/SENSOR``, unless their first
measured offsets contradict (two machines of one name): then, and with ``clock: stream``, each has its own.

liblsl measures the offset of each sender every two seconds, by eight exchanges of which the fastest counts. That
becomes a two-way pair of clocks: at first as often as it is new, later every five seconds. The recorder's own side
is carried over from liblsl's clock to the monotonic one by the tightest of eight readings.

An outlet that begins again is found by liblsl through its source id; what waited is not lost. One without a source
id is looked for by name, type and host. Samples are fetched every 5 ms: their time of arrival is that of the
fetching. What came before the recording begins is thrown away.
"""

import re
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.capture._mishaps import Absence, Garbage
from rushes.capture._wishes import Wishes
from rushes.capturing import (
    FoundDevice,
    Intake,
    LiveStream,
    Numbers,
    OpenSource,
    Samples,
    Source,
    Texts,
    Trouble,
)
from rushes.errors import CaptureError
from rushes.model import ClockPairs
from rushes.registry import late
from rushes.sensors import SensorOfRig
from rushes.texts import field_names

FETCH_S = 0.005
SETTLE_S = 2.0
"""How long the first offsets are waited for."""
LOOK_NS, PAIR_NS = 500_000_000, 5_000_000_000
SOON = 5
"""So many first pairs are taken as soon as they are there."""
SURE = 2
"""Readings after which an outlet that began again is believed to have the same clock."""
SILENT_NS, SILENT_PERIODS = 1_000_000_000, 10
STEP_S = 0.005
_SECOND = 1_000_000_000
_LATEST_S = 2.0**31


class LslSource:
    """Opens streams of the Lab Streaming Layer."""

    name = "lsl"
    version = "1"

    def scan(self) -> Sequence[FoundDevice]:
        """List the outlets that answer.

        Raises:
            CaptureError: ``capture.missing-library`` without liblsl.
        """
        return [
            FoundDevice(
                source=self.name,
                device=_query_of(each),
                title=f"{each.name} ({each.kind or 'no type'}) at {each.host}",
                facts={
                    "channels": str(each.channels),
                    "rate_hz": "irregular" if each.rate_hz is None else f"{each.rate_hz:g}",
                    "format": each.format,
                    "source id": each.source_id,
                },
            )
            for each in _network().outlets(None)
        ]

    def open(self, sensor: SensorOfRig) -> OpenSource:
        """Open all streams that match; takes up to four seconds.

        Raises:
            CaptureError: ``capture.absent`` or ``capture.missing-library``.
            RecipeError: ``rig.invalid``.
        """
        form, options = Wishes(sensor, "format"), Wishes(sensor, "options")
        expected = options.whole("outlets")
        shared = options.text("clock", "host", among=("host", "stream")) == "host"
        form.finish()
        options.finish()
        network = _network()
        found = network.outlets(network.predicate(sensor.device), expected=expected)
        if len(found) < (expected or 1):
            raise _absent(sensor, network, found, expected)
        inlets, outlets = [], []
        for each in found:
            try:
                inlet, outlet = network.opened(each)
            except (TimeoutError, network.LostStreamError) as error:
                raise _absent(sensor, network, [], expected, f"'{each.name}' does not answer") from error
            inlets.append(inlet)
            outlets.append(outlet)
        clocks = _clocks(sensor.name, outlets, inlets, shared=shared)
        names = field_names([each.name for each in outlets])
        tracks = [
            LslTrack(_stream(sensor, name, outlet, clock), outlet, inlet, network)
            for name, outlet, inlet, clock in zip(names, outlets, inlets, clocks, strict=True)
        ]
        return OpenLsl(sensor, tracks)


class OpenLsl:
    """Some streams that are open."""

    def __init__(self, sensor: SensorOfRig, tracks: "Sequence[LslTrack]") -> None:
        self._name, self._tracks = sensor.name, tracks
        self.streams: Sequence[LiveStream] = tuple(track.stream for track in tracks)

    def run(self, into: Intake) -> None:
        """Give what comes until told to stop."""
        for track in self._tracks:
            track.begin(into, self._name)
        look_ns = 0
        while not into.stopping.is_set():
            for track in self._tracks:
                track.give(into)
            now_ns = time.monotonic_ns()
            if now_ns >= look_ns:
                look_ns = now_ns + LOOK_NS
                for track in self._tracks:
                    track.look(into)
            into.stopping.wait(FETCH_S)
        for track in self._tracks:
            track.end()

    def close(self) -> None:
        """Let go of all."""
        for track in self._tracks:
            track.close()


class LslTrack:
    """One stream: its samples, its clock, and whether it is there."""

    def __init__(self, stream: LiveStream, outlet: Any, inlet: Any, network: ModuleType) -> None:
        self.stream = stream
        self._outlet, self._inlet, self._network = outlet, inlet, network
        self._lookout: Any = None
        self._seq = self._pairs = 0
        self._correction: Any = None
        self._paired_ns = self._heard_ns = 0
        self._restarted = False
        self._former: tuple[Any, ...] = ()  # the reading before it began again, until that is told
        self._readings = 0
        self._sensor = ""
        self._absence: Absence | None = None
        self._garbage: Garbage | None = None

    def begin(self, into: Intake, sensor: str) -> None:
        """Begin to give samples to a recording."""
        self._sensor = sensor
        self._absence = Absence(into, sensor=sensor, stream=self.stream.name)
        self._garbage = Garbage(into, sensor=sensor, stream=self.stream.name, what="stamps")
        self._heard_ns = time.monotonic_ns()
        self._inlet.begin()

    def give(self, into: Intake) -> None:
        """Give what has come since the last time."""
        assert self._absence is not None
        if self._inlet is None:
            return
        try:
            values, stamps = self._inlet.pull()
        except self._network.LostStreamError:
            self._absence.begins("its outlet is gone")
            self._inlet = None
            self._lookout = self._network.Lookout(self._outlet)
            return
        if not len(stamps):
            return
        arrival_ns = into.clock.now_ns()
        self._heard_ns = time.monotonic_ns()
        self._absence.ends()
        values, stamps = self._usable(values, stamps)
        if not len(stamps):
            return
        n = len(stamps)
        into.put(
            Samples(
                stream=self.stream.name,
                arrival_ns=np.full(n, arrival_ns, np.int64),
                device_ns=np.rint(stamps * _SECOND).astype(np.int64),
                seq=np.arange(self._seq, self._seq + n, dtype=np.int64),
                content=Texts(values=values) if self.stream.form == "texts" else Numbers(values=values),
            )
        )
        self._seq += n

    def look(self, into: Intake) -> None:
        """Look after the stream: is it there, did it begin again, what do the clocks say."""
        assert self._absence is not None
        assert self._garbage is not None
        self._garbage.tell()
        if self._inlet is None:
            found = self._lookout.back()
            if found is None:
                return
            self._inlet, self._outlet = found
            self._lookout, self._restarted = None, True
            self._heard_ns = time.monotonic_ns()
            self._absence.ends()
        self._watch_silence()
        self._restarted |= self._inlet.began_again()
        self._pair(into)

    def end(self) -> None:
        """Say what is still to be said."""
        if self._garbage is not None:
            self._garbage.tell(at_once=True)

    def close(self) -> None:
        """Let go of the stream."""
        if self._inlet is not None:
            self._inlet.close()
            self._inlet = None

    def _watch_silence(self) -> None:
        assert self._absence is not None
        rate = self.stream.nominal_rate_hz
        if rate is None or self.stream.form == "texts":
            return  # it speaks when it has something to say
        silent_ns = time.monotonic_ns() - self._heard_ns
        if silent_ns > max(SILENT_NS, SILENT_PERIODS * _SECOND / rate):
            self._absence.begins("nothing comes any more")

    def _usable(self, values: Any, stamps: npt.NDArray[np.float64]) -> tuple[Any, npt.NDArray[np.float64]]:
        """Leave out samples whose stamp is no time; they are counted and told."""
        good = np.abs(stamps) < _LATEST_S  # which NaN is not
        if good.all():
            return values, stamps
        assert self._garbage is not None
        for stamp in stamps[~good].tolist():
            self._garbage.add(f"{stamp} s")
        kept = np.flatnonzero(good)
        chosen = tuple(values[i] for i in kept.tolist()) if isinstance(values, tuple) else values[kept]
        return chosen, stamps[kept]

    def _pair(self, into: Intake) -> None:
        now = self._inlet.correction()
        before = self._correction
        if now is None or (before is not None and now.remote_s == before.remote_s):
            return
        self._correction = now
        if self._restarted:
            self._restarted, self._readings = False, 0
            self._former = (before,)
        if self._former:
            self._readings += 1
            if self._tell_restart(into, self._former[0], now):
                self._former = ()
        mono_ns = time.monotonic_ns()
        if self._pairs >= SOON and mono_ns - self._paired_ns < PAIR_NS:
            return
        self._pairs, self._paired_ns = self._pairs + 1, mono_ns
        here_s, ours_ns, within_ns = self._network.clock_reading()
        then_ns = ours_ns + round((now.remote_s + now.offset_s - here_s) * _SECOND)
        assert self.stream.device_clock is not None
        into.pair(
            ClockPairs(
                from_clock=self.stream.device_clock,
                to_clock="log",
                from_ns=np.array([round(now.remote_s * _SECOND)], np.int64),
                to_ns=np.array([into.clock.of_monotonic(then_ns)], np.int64),
                relation="two-way",
                source="lsl",
                round_trip_ns=np.array([round(now.round_trip_s * _SECOND) + within_ns], np.int64),
                stream=self.stream.name,
            )
        )

    def _tell_restart(self, into: Intake, before: Any, now: Any) -> bool:
        """Tell that the outlet began again, and whether its clock is another since; gives whether that is known.

        The first reading afterwards may still be of the outlet that is gone.
        """
        moved_s = 0.0 if before is None else now.offset_s - before.offset_s
        known_s = STEP_S if before is None else before.round_trip_s + now.round_trip_s + STEP_S
        stepped = abs(moved_s) > known_s
        if not stepped and before is not None and self._readings < SURE:
            return False
        into.trouble(
            Trouble(
                what="clock" if stepped else "returned",
                message="its outlet began again, "
                + (f"with a clock that is {moved_s:+.3f} s off the former" if stepped else "with the same clock"),
                at_ns=into.clock.now_ns(),
                sensor=self._sensor,
                stream=self.stream.name,
            )
        )
        return True


def _clocks(sensor: str, outlets: Sequence[Any], inlets: Sequence[Any], *, shared: bool) -> list[str]:
    """Name the clock of each stream: that of its host, unless the first offsets contradict, or it is asked for."""
    first = [each.correction() for each in inlets]
    deadline = time.monotonic() + SETTLE_S
    while any(each is None for each in first) and time.monotonic() < deadline:
        time.sleep(0.05)
        first = [each or inlet.correction() for each, inlet in zip(first, inlets, strict=True)]
    names = field_names([each.name for each in outlets])
    clocks = []
    for outlet, name in zip(outlets, names, strict=True):
        known = [c for c, other in zip(first, outlets, strict=True) if c is not None and other.host == outlet.host]
        offsets = [c.offset_s for c in known]
        slack_s = STEP_S + 2 * max((c.round_trip_s for c in known), default=0.0)
        agree = shared and (not offsets or max(offsets) - min(offsets) < slack_s)
        host = f"lsl:{outlet.host}/{sensor}"
        clocks.append(host if agree else f"{host}/{name}")
    return clocks


def _stream(sensor: SensorOfRig, name: str, outlet: Any, clock: str) -> LiveStream:
    texts = outlet.format == "string"
    labels = outlet.labels or ("",) * outlet.channels
    return LiveStream(
        name=f"/{sensor.name}/{name}",
        form="texts" if texts else "numbers",
        modality="event" if texts else "signal",
        nominal_rate_hz=None if texts else (sensor.rate_hz or outlet.rate_hz),
        device_clock=clock,
        time_meaning="unknown",
        latency_ns=sensor.latency_ns,
        frame_of_reference=sensor.frame_of_reference,
        channel_names=() if texts else _unique(labels),
        channel_units=() if texts else outlet.units or ("",) * outlet.channels,
    )


def _unique(labels: Sequence[str]) -> tuple[str, ...]:
    """Give each channel a name of its own: its label, its number where it has none."""
    found: list[str] = []
    for place, label in enumerate(labels, start=1):
        wanted, name, count = label or f"channel {place}", label or f"channel {place}", 1
        while name in found:
            count += 1
            name = f"{wanted} {count}"
        found.append(name)
    return tuple(found)


def _query_of(outlet: Any) -> str:
    """Give the query that finds this outlet again, as short as its name allows."""
    plain = re.fullmatch(r"[\w .-]+", outlet.name) is not None
    quote = '"' if "'" in outlet.name else "'"
    return str(outlet.name) if plain else f"name={quote}{outlet.name}{quote}"


def _absent(
    sensor: SensorOfRig, network: ModuleType, found: Sequence[Any], expected: int | None, why: str = ""
) -> CaptureError:
    asked = f"'{sensor.device}'" if sensor.device else "any stream"
    count = f"{len(found)} of {expected} outlets match" if expected else "no outlet matches"
    there = [] if found else network.outlets(None, look_s=1.0)
    offered = f"there are: {network.shown(there)}" if there else "no other outlet answers either"
    return CaptureError(
        f"lsl stream '{sensor.name}': {why or f'{count} {asked}'}",
        code="capture.absent",
        hint=f"{offered}; rushes rig scan lists what is sent",
        facts={"sensor": sensor.name, "device": sensor.device},
    )


def _network() -> ModuleType:
    """Import what needs liblsl.

    Raises:
        CaptureError: ``capture.missing-library``, if it is not there.
    """
    try:
        return late("rushes.capture._lsl_network")
    except (RuntimeError, OSError) as error:
        raise CaptureError(
            f"streams of LSL need the library liblsl: {error}",
            code="capture.missing-library",
            hint="pip install --force-reinstall pylsl, or install liblsl and set PYLSL_LIB",
        ) from error


PLUGIN: Source = LslSource()
