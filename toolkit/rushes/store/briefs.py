"""What a table is made of, in brief, kept in its log so that an append need not replay the whole of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.store import deltalog

SMALL_BYTES = 4 << 20
"""A file below this is small: worth gathering with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A version of a table in brief.

    Args:
        small_files: How many of its files are small.
        columns: How many columns it has; 0 for a table that does not exist.
    """

    small_files: int
    columns: int


def brief_of(state: deltalog.TableState) -> Brief:
    """Sum up a state."""
    fields = json.loads(state.metadata["schemaString"])["fields"] if state.metadata else ()
    return Brief(small_files=sum(file.bytes < SMALL_BYTES for file in state.files), columns=len(fields))


def stored_brief(table: Path, version: int) -> Brief | None:
    """Read the brief that the log file of a version holds; None where another program wrote it."""
    for action in deltalog.entry(table, version):
        stored = action.get("commitInfo", {}).get("rushesTable")
        if stored is not None:
            return Brief(small_files=stored["smallFiles"], columns=stored["columns"])
    return None


def after(brief: Brief, actions: Sequence[deltalog.Action]) -> Brief:
    """Give the brief of the version that the actions lead to."""
    small, columns = brief.small_files, brief.columns
    for action in actions:
        if "add" in action:
            small += action["add"]["size"] < SMALL_BYTES
        elif "remove" in action:
            small -= action["remove"]["size"] < SMALL_BYTES
        elif "metaData" in action:
            columns = len(json.loads(action["metaData"]["schemaString"])["fields"])
    return Brief(small_files=small, columns=columns)


def as_json(brief: Brief) -> Mapping[str, Any]:
    """Give what the log keeps."""
    return {"smallFiles": brief.small_files, "columns": brief.columns}
