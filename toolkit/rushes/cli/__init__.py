"""The verbs that a person types, one file a verb: parse, call the workflow, render."""

import os
import signal
from importlib import import_module
from types import FrameType
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave the process; Ctrl-C leaves it with 130, or with the answer that stands.

    A second Ctrl-C ends the process at once, wherever it is: that is as safe as a kill, and a library that is
    busy with the first one cannot hold it up.
    """
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        # Imported in here, so that Ctrl-C while the rest loads is answered too.
        import_module("rushes.cli._main").main()
    except KeyboardInterrupt:
        _leave()
    except Exception:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_DFL:
            raise
        _leave()  # compiled modules that are interrupted while they load make another error of it
    finally:
        # What is left is to take the interpreter down, which would put the signal back to "end the process".
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave() -> NoReturn:
    os.write(2, b"interrupted; what was committed stays, and running the same command again goes on\n")
    os._exit(130)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C.

    Of its own class, since Python ends by the signal, whatever the exit code, when a bare KeyboardInterrupt has
    ever left an ``exec``, such as the one that makes a dataclass while modules load.
    """


def _interrupt_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's signature
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise Interrupted
