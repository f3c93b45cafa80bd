"""Starts a program that outlives us: ``python _detach.py LOG PROGRAM ARGUMENT…``; prints its process id and ends.

The program gets a session of its own, no input, and the log for all that it says.
"""

import os
import subprocess
import sys


def main(record: str, command: list[str]) -> None:
    """Start the command and say its process id."""
    handle = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, start_new_session=True
    )
    os.write(1, f"{child.pid}\n".encode())
    os._exit(0)  # without waiting for the child


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
