"""Gives what is known beforehand at its own pace: a rendered take, a recording."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rushes.capturing import Content, Intake, Samples
from rushes.model import Times

FAST_NS = 4_000_000
"""Samples that follow one another more closely are given in handfuls of as long."""
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Samples whose time has come, before they arrive; fields as in ``Samples``."""

    stream: str
    device_ns: Times | None
    seq: Times
    content: Content

    def at(self, arrival_ns: int) -> Samples:
        """Let them arrive."""
        return Samples(
            stream=self.stream,
            arrival_ns=np.full(len(self.seq), arrival_ns, np.int64),
            device_ns=self.device_ns,
            seq=self.seq,
            content=self.content,
        )


class Pace:
    """When the samples of one stream come.

    Args:
        since: Shape (n,), nanoseconds since the start, ascending.
        lasts_ns: After this it begins again.
        laps: How often it is given; None for ever.
    """

    def __init__(self, since: Times, *, lasts_ns: int, laps: int | None) -> None:
        self._since, self._lasts_ns, self._laps = since, lasts_ns, laps
        fast = len(since) > 1 and (int(since[-1]) - int(since[0])) < FAST_NS * (len(since) - 1)
        self._hold_ns = FAST_NS if fast else 0
        self._at = self._lap = 0

    def wait_until(self) -> int | None:
        """Say until when nothing is to be given, since the start; None when it is over."""
        if not len(self._since) or self._lap == self._laps:
            return None
        return int(self._since[self._at]) + self._lap * self._lasts_ns + self._hold_ns

    def due(self, since_ns: int) -> Iterator[tuple[int, slice]]:
        """Give what comes until ``since_ns``: the lap, and which samples of it."""
        while self._lap != self._laps and len(self._since):
            end = int(np.searchsorted(self._since, since_ns - self._lap * self._lasts_ns, side="right"))
            if end <= self._at:
                return
            begin, lap = self._at, self._lap
            self._at = end
            if end == len(self._since):
                self._at, self._lap = 0, lap + 1
            yield lap, slice(begin, end)


class Paced(Protocol):
    """A stream that is given at its pace."""

    @property
    def pace(self) -> Pace:
        """Its own."""
        ...

    def cut(self, lap: int, rows: slice) -> Sequence[Due]:
        """Give some of its samples."""
        ...


def give(tracks: Sequence[Paced], into: Intake, begun_ns: int) -> None:
    """Give all until told to stop, or at the end of all.

    Args:
        begun_ns: The start, by ``time.monotonic_ns``.
    """
    while not into.stopping.is_set():
        waits = [wait for wait in (track.pace.wait_until() for track in tracks) if wait is not None]
        if not waits:
            return
        rest_ns = begun_ns + min(waits) - time.monotonic_ns()
        if rest_ns > 0 and into.stopping.wait(rest_ns / _SECOND):
            return
        since_ns = time.monotonic_ns() - begun_ns
        for track in tracks:
            for lap, rows in track.pace.due(since_ns):
                for due in track.cut(lap, rows):
                    into.put(due.at(into.clock.now_ns()))
