"""How a source tells what goes wrong: often enough to be heard, and never so often that it drowns the rest."""

from collections.abc import Iterator

from rushes.capturing import Intake, Mishap, Trouble

TOLD_EVERY_NS = 1_000_000_000
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 4.0


class Garbage:
    """Counts what could not be understood, and tells it once a second at most, with an example.

    Args:
        what: Its noun for the message: ``pictures``, ``lines``.
    """

    def __init__(self, into: Intake, *, sensor: str, stream: str | None, what: str) -> None:
        self._into, self._sensor, self._stream, self._what = into, sensor, stream, what
        self._count, self._example, self._since = 0, "", 0
        self._told_ns: int | None = None

    def add(self, example: str) -> None:
        """Count one."""
        if not self._count:
            self._example, self._since = example, self._into.clock.now_ns()
        self._count += 1

    def tell(self, *, at_once: bool = False) -> None:
        """Tell what was counted since the last time, if that is a second ago or more."""
        if not self._count:
            return
        now = self._into.clock.now_ns()
        if not at_once and self._told_ns is not None and now - self._told_ns < TOLD_EVERY_NS:
            return
        self._into.trouble(
            Trouble(
                what="garbage",
                message=f"{self._count} {self._what} could not be understood, such as {self._example}",
                at_ns=now,
                from_ns=self._since,
                sensor=self._sensor,
                stream=self._stream,
                count=self._count,
            )
        )
        self._count, self._told_ns = 0, now


class Absence:
    """Tells that a sensor, or one stream of it, went away, and that it is back."""

    def __init__(self, into: Intake, *, sensor: str, stream: str | None = None) -> None:
        self._into, self._sensor, self._stream = into, sensor, stream
        self._since: int | None = None
        self._why = ""

    def begins(self, why: str) -> None:
        """Tell that it stopped; the same again, while it is away, is not told."""
        now = self._into.clock.now_ns()
        if self._since is None or why != self._why:
            self._since = self._since or now
            self._why = why
            self._tell("stopped", f"{why}; it is tried again until it is back", now, None)

    def ends(self) -> None:
        """Tell that it is back, and for how long it was away."""
        if self._since is not None:
            now = self._into.clock.now_ns()
            self._tell("returned", f"it is back after {(now - self._since) / 1e9:.1f} s", now, self._since)
            self._since = None

    def _tell(self, what: Mishap, message: str, at_ns: int, from_ns: int | None) -> None:
        self._into.trouble(
            Trouble(
                what=what,
                message=message,
                at_ns=at_ns,
                sensor=self._sensor,
                stream=self._stream,
                from_ns=from_ns,
            )
        )


def waits() -> Iterator[float]:
    """Give how many seconds to wait before each new attempt to open what went away: longer each time."""
    wait = FIRST_WAIT_S
    while True:
        yield wait
        wait = min(2 * wait, LONGEST_WAIT_S)
