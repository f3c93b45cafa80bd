"""Looks after a recording four times a second: silent streams, drops, clocks that were set, room on the disk."""

import threading
from collections.abc import Sequence
from typing import Protocol

from rushes.capturing import HostClock, Mishap, Trouble
from rushes.model import ClockPairs
from rushes.quantities import say_bytes, say_ns
from rushes.recorder.gauges import CLOCK_STEP_NS, WINDOW_NS
from rushes.recorder.tracks import Missing, Track
from rushes.recorder.wall_clock import WallClock

LOOK_S = 0.25
TELL_NS = 1_000_000_000
PAIR_NS = 10_000_000_000
STALLED_NS = 1_000_000_000


class Watched(Protocol):
    """A recording, as far as it is looked after."""

    @property
    def clock(self) -> HostClock:
        """The recorder's."""
        ...

    @property
    def tracks(self) -> Sequence[Track]:
        """All streams."""
        ...

    def opened_ns(self, track: Track) -> int | None:
        """Since when its sensor is open; None while it is not."""
        ...

    def free_bytes(self) -> int:
        """Room on the disk."""
        ...

    def tell(self, trouble: Trouble) -> None:
        """Take note of what is wrong."""
        ...

    def tell_summed(self, now_ns: int) -> None:
        """Tell of what is summed up before it is told."""
        ...

    def stalled_ns(self) -> int:
        """For how long the disk has been at one write."""
        ...

    def say_lost(self, track: Track, missing: Missing) -> None:
        """Tell of samples that were dropped."""
        ...

    def pair(self, pairs: ClockPairs) -> None:
        """Take readings of two clocks."""
        ...

    def end(self, why: str) -> None:
        """Have the recording stopped."""
        ...


class Watching:
    """Watches one recording in a thread of its own.

    Args:
        watched: The recording.
        wall: The system's clock.
        min_free_bytes: The recording is stopped when the disk has less room.
    """

    def __init__(self, watched: Watched, wall: WallClock, *, min_free_bytes: int) -> None:
        self._watched, self._wall, self._min_free = watched, wall, min_free_bytes
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rushes-watch", daemon=True)
        self._silent: dict[str, int] = {}
        self._told_ns: dict[str, int] = {}
        self._paired_ns: int | None = None
        self._stalled = False
        self._offsets: dict[str, tuple[int, int]] = {}
        self.free_bytes = 0

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; can be called before :meth:`start`."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def is_silent(self, track: Track) -> bool:
        """Tell whether nothing comes that should."""
        return track.stream.name in self._silent

    def look(self) -> None:
        """Look once, and tell what is to be told."""
        now = self._watched.clock.now_ns()
        for track in self._watched.tracks:
            self._look_at_silence(track, now)
            self._look_at_clock(track, now)
            self._tell_drops(track, now)
        self._watched.tell_summed(now)
        self._look_at_wall_clock(now)
        self._look_at_speed(now)
        self._look_at_room(now)

    def last_words(self) -> None:
        """Tell of drops that wait to be told; nothing is looked at that may change once sources have ended."""
        for track in self._watched.tracks:
            missing = track.tell_dropped()
            if missing is not None:
                self._watched.say_lost(track, missing)
        self._watched.pair(self._wall.look()[0].pair)

    def _run(self) -> None:
        while not self._done.is_set():
            self.look()
            self._done.wait(LOOK_S)

    def _look_at_silence(self, track: Track, now_ns: int) -> None:
        name, opened = track.stream.name, self._watched.opened_ns(track)
        quiet = None if opened is None else track.silent_ns(now_ns, opened)
        since = self._silent.get(name)
        if quiet is not None and since is None:
            self._silent[name] = now_ns - quiet
            self._tell(track, "stopped", f"nothing came for {say_ns(quiet)}", now_ns, from_ns=now_ns - quiet)
        elif quiet is None and since is not None:
            del self._silent[name]
            if opened is not None:
                self._tell(track, "returned", f"it is back after {say_ns(now_ns - since)}", now_ns, from_ns=since)

    def _look_at_clock(self, track: Track, now_ns: int) -> None:
        if not self._due(f"clock {track.stream.name}", now_ns):
            return
        leaps = track.tell_breaks() or self._lag(track, now_ns)
        if leaps:
            self._told_ns[f"clock {track.stream.name}"] = now_ns
            worst = max(leaps, key=abs)
            offset = self._offsets.get(track.stream.name, (0, 0))[0]
            self._offsets[track.stream.name] = (
                offset,
                now_ns + WINDOW_NS + TELL_NS,
            )  # it shows once more until then
            how = f"its clock {track.stream.device_clock or ''}".rstrip() + f" leapt by {say_ns(worst)}"
            more = f", and {len(leaps) - 1} times more" if len(leaps) > 1 else ""
            self._tell(track, "clock", how + more, now_ns, count=len(leaps))

    def _lag(self, track: Track, now_ns: int) -> list[int]:
        """Find that a device's clock fell behind: no sample of some seconds is in time any more."""
        name, offset = track.stream.name, track.reading(now_ns).offset_ns
        if offset is None:
            return []
        before, until = self._offsets.get(name, (offset, 0))
        self._offsets[name] = offset, until
        return [before - offset] if offset - before > CLOCK_STEP_NS and now_ns >= until else []

    def _tell_drops(self, track: Track, now_ns: int) -> None:
        if not self._due(f"lost {track.stream.name}", now_ns):
            return
        missing = track.tell_dropped()
        if missing is not None:
            self._told_ns[f"lost {track.stream.name}"] = now_ns
            self._watched.say_lost(track, missing)

    def _look_at_wall_clock(self, now_ns: int) -> None:
        look, before = self._wall.look()
        if before is not None:
            message = (
                f"the system's clock was set by {say_ns(look.ahead_ns - before.ahead_ns)}; the recording's was not"
            )
            self._watched.tell(Trouble(what="clock", message=message, at_ns=now_ns, from_ns=before.log_ns))
            self._watched.pair(before.pair)
        if before is not None or self._paired_ns is None or now_ns - self._paired_ns >= PAIR_NS:
            self._paired_ns = now_ns
            self._watched.pair(look.pair)

    def _look_at_speed(self, now_ns: int) -> None:
        stalled = self._watched.stalled_ns()
        if stalled > STALLED_NS and not self._stalled:
            message = f"the disk has been at one write for {say_ns(stalled)}; what comes meanwhile waits"
            self._watched.tell(Trouble(what="disk", message=message, at_ns=now_ns, from_ns=now_ns - stalled))
        self._stalled = stalled > STALLED_NS

    def _look_at_room(self, now_ns: int) -> None:
        try:
            self.free_bytes = self._watched.free_bytes()
        except OSError as error:
            if self._due("disk", now_ns):
                self._told_ns["disk"] = now_ns
                message = f"the room on the disk cannot be told: {error.strerror}"
                self._watched.tell(Trouble(what="disk", message=message, at_ns=now_ns))
            return
        if self.free_bytes < self._min_free and self._due("full", now_ns):
            self._told_ns["full"] = now_ns + 3600 * TELL_NS
            why = f"the disk has {say_bytes(self.free_bytes)} left, less than {say_bytes(self._min_free)}"
            self._watched.tell(Trouble(what="disk", message=f"{why}; the recording is stopped", at_ns=now_ns))
            self._watched.end(why)

    def _due(self, what: str, now_ns: int) -> bool:
        told = self._told_ns.get(what)
        return told is None or now_ns - told >= TELL_NS

    def _tell(
        self, track: Track, what: Mishap, message: str, now_ns: int, *, count: int = 0, from_ns: int | None = None
    ) -> None:
        self._watched.tell(
            Trouble(
                what=what,
                message=message,
                at_ns=now_ns,
                sensor=track.sensor.name,
                stream=track.stream.name,
                count=count,
                from_ns=from_ns,
            )
        )
