"""Where one sensor puts what arrives: a ``capturing.Intake`` that knows which streams were announced."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from rushes.capturing import HostClock, Samples, Trouble
from rushes.model import ClockPairs
from rushes.recorder.encoding import slip_in
from rushes.recorder.tracks import Track
from rushes.sensors import SensorOfRig


class SensorIntake:
    """Takes what one sensor gives.

    Args:
        clock: The recorder's.
        stopping: Set when the source shall end.
        sensor: Whose it is.
        tracks: Its streams by name.
        hurry: Called when much waits to be written.
        pair: Takes readings of two clocks.
        tell: Takes what went wrong.
    """

    def __init__(
        self,
        *,
        clock: HostClock,
        stopping: threading.Event,
        sensor: SensorOfRig,
        tracks: Mapping[str, Track],
        hurry: Callable[[], None],
        pair: Callable[[ClockPairs], None],
        tell: Callable[[Trouble], None],
    ) -> None:
        self.clock, self.stopping = clock, stopping
        self._sensor, self._tracks = sensor, tracks
        self._hurry, self._pair, self._tell = hurry, pair, tell

    def put(self, samples: Samples) -> None:
        """Take samples; what does not fit its stream is left out, counted and told."""
        track = self._tracks.get(samples.stream)
        slip = f"it was not announced: {samples.stream}" if track is None else slip_in(track.stream, samples)
        if track is None or slip is not None:
            self._refuse(samples, slip or "")
        elif track.put(samples):
            self._hurry()

    def pair(self, pairs: ClockPairs) -> None:
        """Take readings of two clocks."""
        self._pair(pairs)

    def trouble(self, trouble: Trouble) -> None:
        """Take note of something that went wrong."""
        self._tell(replace(trouble, sensor=trouble.sensor or self._sensor.name))

    def _refuse(self, samples: Samples, why: str) -> None:
        count = len(samples)
        now, stream = self.clock.now_ns(), samples.stream if samples.stream in self._tracks else None
        self.trouble(Trouble(what="garbage", message=why, at_ns=now, stream=stream, count=count))
