"""Turns: one push, pull or edit of a dataset's labels at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.errors import ToolError


@contextmanager
def turn(dataset: Path) -> Iterator[None]:
    """Hold the dataset for one push, pull or edit.

    Raises:
        ToolError: ``annotate.busy``.
    """
    folder = dataset / "cache"
    folder.mkdir(exist_ok=True)
    with (folder / "annotate.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ToolError(
                f"another push, pull or edit of {dataset} runs",
                code="annotate.busy",
                hint="wait for it to end, and run this again",
            ) from error
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)
