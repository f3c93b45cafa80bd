"""Many small files of a table gathered into few, rows and their order kept."""

import time
from collections.abc import Sequence
from pathlib import Path

from rushes.store import deltalog, rows
from rushes.store.briefs import SMALL_BYTES
from rushes.store.parts import PartWriter, time_of
from rushes.store.schemas import TableSchema

MOST_SMALL_FILES = 100
"""With more of them than this, a commit gathers the small files of the table that has most."""


def small_files(state: deltalog.TableState) -> list[deltalog.LiveFile]:
    """Give the files of a version that are worth gathering."""
    return [file for file in state.files if file.bytes < SMALL_BYTES]


def gathered(
    table: Path, schema: TableSchema, files: Sequence[deltalog.LiveFile], *, token: str
) -> list[deltalog.Action]:
    """Write the rows of some files into new ones and give the actions that put these in their place.

    The actions change no data, in Delta's words: readers of changes need not look at them.
    """
    # The new name must sort behind the old ones even where a clock has gone back: a large file of the same
    # transaction may stand before a small one.
    after = max(time_of(file.name) for file in files) + 1
    writer = PartWriter(table, schema, token=token, time_ns=max(time.time_ns(), after))
    try:
        for file in files:
            for group in rows.row_groups(table / file.name, schema):
                writer.add(group)
        parts = writer.close()
    except BaseException:
        writer.discard()
        raise
    return [
        *(deltalog.remove_action(file, data_change=False) for file in files),
        *(deltalog.add_action(part, data_change=False) for part in parts),
    ]
