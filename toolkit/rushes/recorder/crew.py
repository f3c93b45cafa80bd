"""All sensors of a rig while they are recorded: their threads, their streams, and how each is doing."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from rushes.capturing import HostClock, LiveStream, Source, Trouble
from rushes.errors import CaptureError, RushesError
from rushes.live import State, StreamStatus
from rushes.model import ClockPairs
from rushes.recorder.intake import SensorIntake
from rushes.recorder.sensing import Around, Sensing
from rushes.recorder.telling import Telling
from rushes.recorder.tracks import Gate, Track
from rushes.sensors import Rig, SensorOfRig


class Crew:
    """The sensors of one recording. Safe from any thread.

    Args:
        rig: Its sensors.
        clock: The recorder's.
        gate: Of the recording.
        telling: Of its troubles.
        queue_bytes: How much of a stream may wait to be written.
        sources: Gives the source of a name.
        follow: Called with each new track, before anything is put into it.
        hurry: Called when much waits to be written.
        pair: Takes readings of two clocks.
    """

    def __init__(
        self,
        rig: Rig,
        *,
        clock: HostClock,
        gate: Gate,
        telling: Telling,
        queue_bytes: int,
        sources: Callable[[str], Source],
        follow: Callable[[Track], None],
        hurry: Callable[[], None],
        pair: Callable[[ClockPairs], None],
    ) -> None:
        self._clock, self._gate, self._telling, self._queue_bytes = clock, gate, telling, queue_bytes
        self._follow, self._hurry, self._pair = follow, hurry, pair
        self._stopping, self._go, self._offering = threading.Event(), threading.Event(), threading.Lock()
        self._tracks: dict[str, Track] = {}
        self._went_ns = clock.now_ns()
        around = Around(
            clock=clock,
            stopping=self._stopping,
            go=self._go,
            sources=sources,
            offer=self._offer,
            tell=telling.tell,
        )
        self._sensing = [Sensing(sensor, around) for sensor in rig.sensors]

    def open(self, seconds: float) -> Sequence[RushesError]:
        """Open the sensors; gives what is wrong in the rig.

        Waits until each was tried once, at most for so many seconds.
        """
        for each in self._sensing:
            each.start()
        deadline = time.monotonic() + seconds
        for each in self._sensing:
            each.tried.wait(max(deadline - time.monotonic(), 0.0))
        return [each.mistake for each in self._sensing if each.mistake is not None]

    def go(self) -> None:
        """Want samples from now on."""
        self._went_ns = self._clock.now_ns()
        self._go.set()

    def stop(self, seconds: float) -> Sequence[SensorOfRig]:
        """End the sources, and wait for them, at most for so long; gives those that have not ended."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        return [each.sensor for each in self._sensing if not each.join(max(deadline - time.monotonic(), 0.01))]

    @property
    def tracks(self) -> Sequence[Track]:
        """The streams of all sensors that were opened."""
        return tuple(self._tracks.values())

    @property
    def never_opened(self) -> Mapping[str, str]:
        """Why each sensor that gave no stream did not."""
        there = {track.sensor.name for track in self.tracks}
        return {each.sensor.name: each.said for each in self._sensing if each.sensor.name not in there}

    def track(self, stream: str) -> Track | None:
        """Give the track of a stream; None where there is none of that name."""
        return self._tracks.get(stream)

    def opened_ns(self, track: Track) -> int | None:
        """Since when a stream's sensor is open and samples are wanted; None while it is not."""
        sensing = next(each for each in self._sensing if each.sensor is track.sensor)
        opened = sensing.opened_ns if sensing.state == "live" and self._go.is_set() else None
        return None if opened is None or self._is_away(track) else max(opened, self._went_ns)

    def statuses(
        self, now_ns: int, *, written: Mapping[str, int], is_silent: Callable[[Track], bool]
    ) -> Sequence[StreamStatus]:
        """Say how each stream is doing; a sensor that was never opened has one without a name."""
        found: list[StreamStatus] = []
        for each in self._sensing:
            tracks = [track for track in self.tracks if track.sensor is each.sensor]
            if not tracks:
                name, state = each.sensor.name, each.state
                found.append(StreamStatus(sensor=name, stream="", form="messages", state=state, said=each.said))
            for track in tracks:
                state = self._state(track, each, is_silent)
                found.append(self._status(track, state, each.said, now_ns, written.get(track.stream.name, 0)))
        return found

    def _state(self, track: Track, sensing: Sensing, is_silent: Callable[[Track], bool]) -> State:
        if sensing.state == "live" and self._is_away(track):
            return "absent"
        return "silent" if sensing.state == "live" and is_silent(track) else sensing.state

    def _status(self, track: Track, state: State, said: str, now_ns: int, written: int) -> StreamStatus:
        reading, stream = track.reading(now_ns), track.stream
        return StreamStatus(
            sensor=track.sensor.name,
            stream=stream.name,
            form=stream.form,
            state=state,
            samples=written,
            rate_hz=reading.rate_hz,
            nominal_rate_hz=stream.nominal_rate_hz,
            jitter_ns=reading.jitter_ns,
            dropped=track.dropped + track.holes,
            queue=track.fullness,
            bytes_per_s=reading.bytes_per_s,
            offset_ns=reading.offset_ns,
            last_ns=track.last_ns,
            said=self._telling.said(now_ns, sensor=track.sensor.name, stream=stream.name) or said,
            channel_names=stream.channel_names,
        )

    def _is_away(self, track: Track) -> bool:
        return self._telling.is_away(sensor=track.sensor.name, stream=track.stream.name)

    def _offer(self, sensor: SensorOfRig, streams: Sequence[LiveStream]) -> SensorIntake:
        """Take the streams of a sensor that was opened; gives where its samples go.

        Raises:
            CaptureError: ``recorder.doubled``, if another sensor has a stream of that name.
        """
        with self._offering:
            for stream in streams:
                other = self._tracks.get(stream.name)
                if other is not None:
                    raise CaptureError(
                        f"{stream.name} is a stream of {other.sensor.name} already",
                        code="recorder.doubled",
                        hint="give one of the sensors another name in the rig file",
                    )
            own = {s.name: Track(sensor, s, self._gate, queue_bytes=self._queue_bytes) for s in streams}
            self._tracks |= own
        for track in own.values():
            self._follow(track)
        return SensorIntake(
            clock=self._clock,
            stopping=self._stopping,
            sensor=sensor,
            tracks=own,
            hurry=self._hurry,
            pair=self._pair,
            tell=self._hear,
        )

    def _hear(self, trouble: Trouble) -> None:
        """Take a source's own word; who came back has not been silent before."""
        self._telling.hear_away(trouble)
        if trouble.what == "returned":
            for each in self._sensing:
                if each.sensor.name == trouble.sensor:
                    each.opened_ns = self._clock.now_ns()
        self._telling.tell(trouble)
