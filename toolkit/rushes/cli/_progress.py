"""Progress bars on stderr, with rate and time left, only where a person watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rushes import registry
from rushes.cli import _output

Progress = Callable[[str, int, int], None]


@contextmanager
def bar(title: str, *, unit: str) -> Iterator[Progress | None]:
    """Show a bar while the block runs; gives the function to call with (what, done, total), or None."""
    if not _output.on_terminal():
        yield None
        return
    with registry.late("rushes.cli._bar").shown(title, unit) as update:
        yield update
