"""A terminal that gives every key at once, and is put back as it was whatever happens."""

import codecs
import os
import select
import termios
import threading
import tty
from collections.abc import Callable
from types import TracebackType
from typing import IO


def can_ask(stream: IO[str]) -> bool:
    """Tell whether keys can be read: a terminal, in whose foreground this is, as it would be stopped else."""
    try:
        return stream.isatty() and os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


class KeyByKey:
    """Hands every key to a function, in a thread, while the ``with`` block lasts.

    Ctrl-C stays a signal. Ctrl-Z is switched off: a recording that is suspended would lose all that arrives.

    Args:
        stream: The terminal.
        press: Gets what was typed at once.
    """

    def __init__(self, stream: IO[str], press: Callable[[str], None]) -> None:
        self._terminal, self._press = stream.fileno(), press
        self._before: list[int | list[bytes | int]] | None = None
        self._ending = os.pipe()
        self._thread = threading.Thread(target=self._read, name="keys", daemon=True)

    def __enter__(self) -> "KeyByKey":
        self._before = termios.tcgetattr(self._terminal)
        tty.setcbreak(self._terminal, termios.TCSANOW)
        mode = termios.tcgetattr(self._terminal)
        mode[6][termios.VSUSP] = os.fpathconf(self._terminal, "PC_VDISABLE").to_bytes(1, "little")
        termios.tcsetattr(self._terminal, termios.TCSANOW, mode)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._ending[1], b"x")
        self._thread.join(1.0)
        self.restore()
        for end in self._ending:
            os.close(end)

    def restore(self) -> None:
        """Put the terminal back; for those that leave without ending the block. Can be called twice."""
        if self._before is not None:
            termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            ready, _, _ = select.select([self._terminal, self._ending[0]], [], [])
            if self._ending[0] in ready:
                return
            try:
                typed = os.read(self._terminal, 256)
            except OSError:  # the terminal has gone
                return
            if not typed:
                return
            self._press(decoder.decode(typed))
