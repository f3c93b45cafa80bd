"""What the disk answers, as errors that finish the sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from rushes.errors import StoreError

# EFBIG is what a process with a file size limit gets; for the user it is the same.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def disk_errors_named(dataset: Path) -> Iterator[None]:
    """Turn a full or closed disk below ``dataset`` into a StoreError; anything else passes.

    Raises:
        StoreError: ``store.full`` or ``store.read-only``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(
                f"the disk is full: '{dataset}' could not be written",
                code="store.full",
                hint="free some space, then run the same command again; what was committed before is whole",
                facts={"dataset": str(dataset)},
            ) from error
        if error.errno in _CLOSED:
            raise StoreError(
                f"'{dataset}' may not be written: {error.strerror or error}",
                code="store.read-only",
                hint=f"ls -ld {dataset} shows who may",
                facts={"dataset": str(dataset)},
            ) from error
        raise


@contextmanager
def damage_named(file: Path) -> Iterator[None]:
    """Turn a data file that is absent or does not parse into a StoreError.

    Raises:
        StoreError: ``store.damaged``.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise damaged(file, "it is not there") from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise damaged(file, str(error).partition("\n")[0]) from error
    except OSError as error:
        # Arrow reports pages that do not unpack as an OSError without a number.
        if error.errno is not None:
            raise
        raise damaged(file, str(error).partition("\n")[0]) from error


def damaged(file: Path, why: str) -> StoreError:
    """Build the error for a file of the dataset that cannot be used."""
    return StoreError(
        f"'{file}' is damaged: {why}",
        code="store.damaged",
        hint="bring the file back from a copy, or ingest the recordings into a new dataset",
        facts={"file": str(file)},
    )
