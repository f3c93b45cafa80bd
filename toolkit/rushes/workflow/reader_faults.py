"""Whatever a reader raises, as an error of that one recording; the other recordings are not its victims."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.errors import ReadError, RushesError

log = logging.getLogger(__name__)


@contextmanager
def reading(path: Path, reader: str) -> Iterator[None]:
    """Turn what a reader raises, other than an error of ours, into one that names recording and reader.

    A full disk or a closed folder is no fault of the reader: an error of the operating system keeps its words.

    Raises:
        ReadError: ``read.absent-file`` for a file that cannot be opened, ``read.reader-failed`` for anything else
            that escapes the reader: its own mistake, logged in full at the level debug.
    """
    try:
        yield
    except RushesError:
        raise
    except OSError as error:
        raise ReadError(
            f"{error.filename or path}: cannot be read: {error.strerror or error}",
            code="read.absent-file",
            hint=f"ls -l '{path}' shows whether it is there and who may read it",
            facts={"file": str(error.filename or path), "errno": error.errno},
        ) from error
    except Exception as error:
        log.debug("reader '%s' failed on '%s'", reader, path, exc_info=True)
        raise ReadError(
            f"{path}: the reader '{reader}' failed: {type(error).__name__}: {error}",
            code="read.reader-failed",
            hint=f"a fault of the reader; please report it with the output of: rushes inspect '{path}'",
            facts={"file": str(path), "reader": reader},
        ) from error
