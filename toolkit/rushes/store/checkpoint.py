"""Checkpoints of a table's log, written by delta-rs: one file that stands for all log files before it."""

import logging
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

log = logging.getLogger(__name__)


def write(table: Path, version: int) -> None:
    """Write the checkpoint of a version. A failure only costs later readers time, so it is logged, not raised."""
    try:
        DeltaTable(table, version=version).create_checkpoint()
    except (DeltaError, OSError) as error:
        log.warning("no checkpoint of '%s' at version %d: %s", table.name, version, error)
    except BaseException as error:
        # What delta-rs does not foresee, such as a full disk, reaches Python as a BaseException of pyo3.
        if type(error).__name__ != "PanicException":
            raise
        log.warning("no checkpoint of '%s' at version %d: %s", table.name, version, error)
