"""The slate: a page that flashes and clicks at one instant, and what it said of every flash.

Black for long, then white for as long as six frames of a camera of 30 Hz: the search for claps looks for a rise of
the mean brightness from one picture to the next, whatever the exposure. The click peaks at its first sample. The
page never flashes more than once a second, as faster flashes can harm people.
"""

import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rushes.loopback.site import Asked, Reply, Site

FLASH_NS = 200_000_000
LEAST_EVERY_NS = 1_000_000_000
CLICK = {"long_s": 0.012, "decay_s": 0.0015, "hz": 2000}
"""A decaying cosine; its first sample is its peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """A flash as the page saw it, in Unix time of the machine that showed it.

    Args:
        number: From 1.
        frame: Frame counter of the page, as it stands on the screen in the first white frame.
        flash_ns: When the white frame was due on the screen.
        click_ns: When the click was due at the output of sound, as the browser knows it; None without sound.
        frame_ns: Length of a frame of the screen: a flash is known no better.
    """

    number: int
    frame: int
    flash_ns: int
    click_ns: int | None
    frame_ns: int


class Slate:
    """Keeps what the page tells. Safe from many threads.

    Args:
        told: Called with every flash.
    """

    def __init__(self, told: Callable[[Flash], None]) -> None:
        self._told = told
        self._flashes: list[Flash] = []
        self._lock = threading.Lock()

    @property
    def flashes(self) -> Sequence[Flash]:
        """Those so far, in the order in which they came."""
        with self._lock:
            return list(self._flashes)

    def answer(self, asked: Asked) -> Reply | None:
        """Take one flash at ``/flash``."""
        if asked.path != "/flash" or asked.method != "POST":
            return None
        flash = read_flash(asked.body)
        if flash is None:
            return None
        with self._lock:
            self._flashes.append(flash)
            self._told(flash)
        return Reply(body=b"{}")


def site(slate: Slate, *, every_ns: int, at_once: bool = False, port: int = 0) -> Site:
    """Give the page; it is served while it is held open with ``with``.

    Args:
        slate: Gets what the page tells.
        every_ns: From flash to flash, at least :data:`LEAST_EVERY_NS`; 0 to flash when asked only.
        at_once: Begin without a click; a browser then may stay silent.
        port: 0 for any that is free.
    """
    assert every_ns == 0 or every_ns >= LEAST_EVERY_NS
    text = (
        _document()
        .replace("{{every_ms}}", str(every_ns // 1_000_000))
        .replace("{{flash_ms}}", str(FLASH_NS // 1_000_000))
        .replace("{{click}}", json.dumps(CLICK))
        .replace("{{at_once}}", "true" if at_once else "false")
    )
    return Site(text, slate.answer, port=port)


def read_flash(body: bytes) -> Flash | None:
    """Read what the page told; None where it is not that."""
    try:
        told: Any = json.loads(body)
        assert isinstance(told, Mapping)
        return Flash(
            number=int(told["number"]),
            frame=int(told["frame"]),
            flash_ns=_ns(told["flash_unix_ms"]),
            click_ns=None if told["click_unix_ms"] is None else _ns(told["click_unix_ms"]),
            frame_ns=_ns(told["frame_ms"]),
        )
    except (ValueError, KeyError, TypeError, AssertionError, OverflowError):
        return None


def _ns(milliseconds: Any) -> int:
    value = float(milliseconds)
    if not math.isfinite(value):
        raise ValueError("not a time")
    return round(value * 1000) * 1000  # a page knows no more than microseconds


@cache
def _document() -> str:
    return Path(__file__).with_name("slate.html").read_text(encoding="utf-8")
