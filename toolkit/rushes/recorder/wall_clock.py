"""The system's clock seen from the recorder's: readings of both, and whether somebody set it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rushes.capturing import HostClock
from rushes.model import ClockPairs

STEP_NS = 10_000_000
"""Between two looks; a clock that is slewed moves by less than a millisecond a second."""
TRIES, SURE_NS = 5, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Both clocks, read together.

    Args:
        utc_ns: The system's clock.
        log_ns: The recorder's, in the middle of the reading.
        round_trip_ns: How long the reading took.
    """

    utc_ns: int
    log_ns: int
    round_trip_ns: int

    @property
    def ahead_ns(self) -> int:
        """By how much the system's clock is ahead of the recorder's."""
        return self.utc_ns - self.log_ns

    @property
    def pair(self) -> ClockPairs:
        """As evidence."""
        return ClockPairs(
            from_clock="utc",
            to_clock="log",
            from_ns=np.array([self.utc_ns], np.int64),
            to_ns=np.array([self.log_ns], np.int64),
            relation="two-way",
            source="system-clock",
            round_trip_ns=np.array([self.round_trip_ns], np.int64),
        )


class WallClock:
    """Watches the system's clock.

    Args:
        clock: The recorder's.
        utc_ns: Reads the system's.
    """

    def __init__(self, clock: HostClock, utc_ns: Callable[[], int] = time.time_ns) -> None:
        self._clock, self._utc_ns = clock, utc_ns
        self.last = self._look()

    def look(self) -> tuple[Look, Look | None]:
        """Read both clocks; gives the reading, and the one before it if the clock was set in between."""
        before, now = self.last, self._look()
        sure = max(before.round_trip_ns, now.round_trip_ns) < SURE_NS
        self.last = now
        return now, before if sure and abs(now.ahead_ns - before.ahead_ns) > STEP_NS else None

    def _look(self) -> Look:
        looks = []
        for _ in range(TRIES):
            start = self._clock.now_ns()
            utc = self._utc_ns()
            end = self._clock.now_ns()
            looks.append(Look(utc_ns=utc, log_ns=(start + end) // 2, round_trip_ns=end - start))
        return min(looks, key=lambda look: look.round_trip_ns)
