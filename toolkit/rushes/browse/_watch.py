"""Keeps one child process no longer than its parent lives: ``python _watch.py SOCKET PROGRAM ARGUMENT…``.

Standard input is a pipe that the parent holds. When it closes, because the parent closed it or died in whatever
way, the child is asked to stop, then made to. The first line of output is the child's process id; the exit code
is the child's. ``PR_SET_PDEATHSIG`` would not do: it fires when the *thread* that started the child ends.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 20


def main(socket: str, command: list[str]) -> int:
    """Run the command until it ends or standard input closes, then remove the folder of its socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the pipe decides
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        restore_signals=True,
        preexec_fn=_default_signals,  # no thread runs yet
    )
    os.write(1, f"{child.pid}\n".encode())
    threading.Thread(target=_stop_at_end_of_input, args=(child,), daemon=True).start()
    code = child.wait()
    with suppress(OSError):
        Path(socket).unlink(missing_ok=True)
        Path(socket).parent.rmdir()
    return code


def _default_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # an ignored signal would stay ignored over exec


def _stop_at_end_of_input(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 4096):
        pass
    child.terminate()
    try:
        child.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
