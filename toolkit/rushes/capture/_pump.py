"""Keeps a camera open and reads it in a thread of its own, so that who listens can stop without waiting.

Reading and opening block, in OpenCV and FFmpeg for seconds, and cannot be interrupted. So a thread does both,
opens again what went away, and closes what it holds when it is left; who listens only ever waits for the next
event.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeAlias

from rushes.capture._mishaps import waits
from rushes.capture._pictures import Feed, FeedFacts, FeedLost, Picture
from rushes.errors import CaptureError

log = logging.getLogger(__name__)

HELD = 32
"""Pictures that may wait between the two threads; a full queue makes the reading wait."""
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The camera went away."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """It was opened again."""

    facts: FeedFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """There will be no more.

    Args:
        error: What went wrong that a user cannot be told of: a mistake of ours, to be raised; None at a plain end.
    """

    error: Exception | None = None


Happening: TypeAlias = Picture | Lost | Back | Ended


class Pump:
    """Reads a feed until it is left.

    Args:
        feed: Open; closed by the pump.
        reopen: Opens it anew; CaptureError where it is not there.
    """

    def __init__(self, feed: Feed, reopen: Callable[[], Feed], *, name: str) -> None:
        self._feed, self._reopen = feed, reopen
        self._queue: Queue[Happening] = Queue(HELD)
        self._left = Event()
        self._thread = Thread(target=self._run, name=f"camera-{name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def next(self) -> Happening | None:
        """Give what happened next; None where nothing did for a moment."""
        try:
            return self._queue.get(timeout=_LOOK_S)
        except Empty:
            return None

    def leave(self, wait_s: float) -> None:
        """Let the thread end and close what it holds, and wait a little for it."""
        self._left.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        try:
            self._live()
            self._say(Ended())
        except Exception as error:  # noqa: BLE001 - handed to the thread that listens, which raises it
            self._say(Ended(error=error))

    def _live(self) -> None:
        feed: Feed | None = self._feed
        while feed is not None:
            try:
                for picture in feed.pictures():
                    if not self._say(picture):
                        return
                return
            except FeedLost as lost:
                self._say(Lost(why=str(lost)))
            finally:
                feed.close()
            feed = self._again()
            if feed is not None and not self._say(Back(facts=feed.facts)):
                feed.close()
                return

    def _again(self) -> Feed | None:
        """Open it anew, as often as it takes; None when the pump is left meanwhile."""
        for wait_s in waits():
            if self._left.wait(wait_s):
                break
            try:
                return self._reopen()
            except CaptureError as error:
                log.debug("not there yet: %s", error.message)
                if error.code == "capture.refused":  # it is there, and will not do: that should be known
                    self._say(Lost(why=error.message))
        return None

    def _say(self, happening: Happening) -> bool:
        """Hand something over; False when nobody listens any more."""
        while not self._left.is_set():
            try:
                self._queue.put(happening, timeout=_LOOK_S)
            except Full:
                continue
            return True
        return False
