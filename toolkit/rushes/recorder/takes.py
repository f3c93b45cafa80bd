"""The ledger of takes: which stretches of a recording the person who records wants to keep."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from rushes.errors import UsageError
from rushes.live import Take, Verdict


class Ledger:
    """Takes of one recording, numbered from 1; one of them lasts. Safe from any thread.

    Args:
        start_ns: When the first one begins.
    """

    def __init__(self, start_ns: int) -> None:
        self._lock = threading.Lock()
        self._takes = {1: Take(number=1, start_ns=start_ns)}

    @property
    def current(self) -> Take:
        """The one that lasts, or the last one."""
        with self._lock:
            return self._takes[len(self._takes)]

    @property
    def takes(self) -> Sequence[Take]:
        """All of them, as they stand."""
        with self._lock:
            return tuple(self._takes.values())

    def next(self, now_ns: int) -> tuple[Take, Take]:
        """End the take and begin the next; gives both."""
        with self._lock:
            ended = self._end(now_ns)
            return ended, self._begin(now_ns, retake_of=None)

    def retake(self, now_ns: int) -> tuple[Take, Take]:
        """Discard the take that lasts and begin it anew; gives both."""
        with self._lock:
            ended = self._put(replace(self._end(now_ns), verdict="discard", why="retaken"))
            return ended, self._begin(now_ns, retake_of=ended.number)

    def judge(self, verdict: Verdict, *, number: int | None, why: str) -> Take:
        """Keep or discard a take; gives it.

        Raises:
            UsageError: ``recorder.take``, if there is none of that number.
        """
        with self._lock:
            found = self._takes.get(len(self._takes) if number is None else number)
            if found is None:
                raise UsageError(
                    f"there is no take {number}", code="recorder.take", hint=f"there are {len(self._takes)} so far"
                )
            return self._put(replace(found, verdict=verdict, why=why))

    def end(self, now_ns: int) -> Take:
        """End the last take; gives it."""
        with self._lock:
            return self._end(now_ns)

    def _end(self, now_ns: int) -> Take:
        last = self._takes[len(self._takes)]
        return last if last.end_ns is not None else self._put(replace(last, end_ns=max(now_ns, last.start_ns)))

    def _begin(self, now_ns: int, *, retake_of: int | None) -> Take:
        return self._put(Take(number=len(self._takes) + 1, start_ns=now_ns, retake_of=retake_of))

    def _put(self, take: Take) -> Take:
        self._takes[take.number] = take
        return take
