"""The verbs that a person types, one file a verb: parse, call the workflow, render."""

import os
import signal
from importlib import import_module
from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave the process; Ctrl-C leaves it with 130 at any time.

    A second Ctrl-C ends the process at once, wherever it is: that is as safe as a kill, and a library that is
    busy with the first one cannot hold it up.
    """
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        # Imported in here, so that Ctrl-C while the rest loads is answered too.
        import_module("rushes.cli._main").main()
    except KeyboardInterrupt:
        os.write(2, b"interrupted; what was committed stays, and running the same command again goes on\n")
        os._exit(130)


def _interrupt_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's signature
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt
