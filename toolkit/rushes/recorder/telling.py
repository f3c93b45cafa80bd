"""Troubles as they are told: to the file, to who watches, and to the verdict; garbage is summed up each second."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rushes.capturing import Mishap, Trouble

LATEST, MOST_KEPT = 50, 1000
TELL_NS = 1_000_000_000
SAID_NS = 10_000_000_000
"""How long a stream is said to have lost something, after it has."""
_AWAY: tuple[Mishap, ...] = ("absent", "stopped")


class Telling:
    """What went wrong in one recording. Safe from any thread.

    Args:
        write: Puts one into the file.
    """

    def __init__(self, write: Callable[[Trouble], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._latest: deque[Trouble] = deque(maxlen=LATEST)
        self._kept: deque[Trouble] = deque(maxlen=MOST_KEPT)
        self._counts: Counter[Mishap] = Counter()
        self._said: dict[str, Trouble] = {}
        self._away: dict[str, Mishap] = {}
        self._summed: dict[tuple[str | None, str | None], Trouble] = {}
        self._told_ns: dict[tuple[str | None, str | None], int] = {}

    def tell(self, trouble: Trouble) -> None:
        """Tell of one at once; of garbage that goes on, once a second."""
        if trouble.what == "garbage":
            self._sum_up(trouble)
        else:
            self._pass_on(trouble)

    def tell_summed(self, now_ns: int | None = None) -> None:
        """Tell of the garbage that came since it was told last, where that is a second ago; of all when None."""
        with self._lock:
            due = [key for key in self._summed if now_ns is None or now_ns - self._told_ns[key] >= TELL_NS]
            told = [self._summed.pop(key) for key in due]
            self._told_ns.update({key: trouble.at_ns for key, trouble in zip(due, told, strict=True)})
        for trouble in told:
            self._pass_on(trouble)

    def hear_away(self, trouble: Trouble) -> None:
        """Take note of a source's word that its sensor, or one stream of it, went away or came back."""
        key = trouble.stream or trouble.sensor or ""
        with self._lock:
            if trouble.what in _AWAY:
                self._away[key] = trouble.what
            elif trouble.what == "returned":
                self._away.pop(key, None)

    def is_away(self, *, sensor: str, stream: str) -> bool:
        """Tell whether the source itself has said so."""
        return sensor in self._away or stream in self._away

    def said(self, now_ns: int, *, sensor: str, stream: str) -> str:
        """Give the latest word on a stream; empty when all is well, or has been for some seconds."""
        for trouble in filter(None, (self._said.get(stream), self._said.get(sensor))):
            lasts = trouble.what in _AWAY or now_ns - trouble.at_ns < SAID_NS
            if trouble.what != "returned" and lasts:
                return trouble.message
        return ""

    @property
    def latest(self) -> Sequence[Trouble]:
        """The latest ones, oldest first."""
        with self._lock:
            return tuple(self._latest)

    @property
    def kept(self) -> Sequence[Trouble]:
        """All of them, up to a thousand."""
        with self._lock:
            return tuple(self._kept)

    @property
    def counts(self) -> Mapping[Mishap, int]:
        """How many of each kind were told."""
        with self._lock:
            return dict(self._counts)

    def _sum_up(self, trouble: Trouble) -> None:
        key = (trouble.sensor, trouble.stream)
        with self._lock:
            before = self._summed.get(key)
            first = before is None and trouble.at_ns - self._told_ns.get(key, -TELL_NS) >= TELL_NS
            if first:
                self._told_ns[key] = trouble.at_ns
            elif before is None:
                self._summed[key] = replace(trouble, from_ns=trouble.from_ns or trouble.at_ns)
            else:
                self._summed[key] = replace(trouble, count=before.count + trouble.count, from_ns=before.from_ns)
        if first:
            self._pass_on(trouble)

    def _pass_on(self, trouble: Trouble) -> None:
        with self._lock:
            self._latest.append(trouble)
            self._kept.append(trouble)
            self._counts[trouble.what] += 1
            about = trouble.stream or trouble.sensor
            if about is not None:
                self._said[about] = trouble
        self._write(trouble)
