"""Revisions: what each command did, and which version of every table belongs together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rushes.errors import StoreError, UsageError
from rushes.registry import close_to
from rushes.store import deltalog
from rushes.store.layout import Layout
from rushes.store.mishaps import damaged
from rushes.store.rows import read
from rushes.store.schemas import table_schema
from rushes.texts import as_json


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionInfo:
    """One revision: a consistent snapshot over all tables.

    Args:
        revision: Number, from 1.
        parent: The revision it builds on; None for the first.
        created_ns: When it was committed, UTC.
        tables: Version of every table in the snapshot.
        summary: ``added`` and ``removed`` (rows per table), ``restored`` (tables that a dead process had left
            ahead) and ``figures`` (the command's own).
    """

    revision: int
    parent: int | None
    created_ns: int
    command: str
    argv: tuple[str, ...]
    recipe_digest: str | None
    rushes_version: str
    tables: Mapping[str, int]
    summary: Mapping[str, Any]

    def columns(self) -> dict[str, Any]:
        """Give the columns of its row in ``revisions``."""
        return {
            "revision": self.revision,
            "parent": self.parent,
            "created_ns": self.created_ns,
            "command": self.command,
            "argv": [list(self.argv)],
            "recipe_digest": self.recipe_digest,
            "rushes_version": self.rushes_version,
            "tables": json.dumps(self.tables, sort_keys=True),
            "summary": as_json(self.summary),
        }


def newest(layout: Layout) -> RevisionInfo | None:
    """Read the newest revision, without reading the older ones; None for a dataset without any."""
    folder = layout.table("revisions")
    version = deltalog.newest_listed(folder)
    while version > deltalog.NOTHING:
        # The files that the last change added hold the newest row: rows are only ever appended or gathered.
        added = deltalog.advanced(folder, deltalog.NO_TABLE, version, deltalog.entry(folder, version)).files
        if added:
            rows = read(folder, added, table_schema("revisions")).to_pylist()
            return _parsed(layout, max(rows, key=lambda row: row["revision"]))
        version -= 1
    return None


def every(layout: Layout) -> list[RevisionInfo]:
    """Read all revisions, oldest first."""
    folder = layout.table("revisions")
    version = deltalog.newest_listed(folder)
    if version == deltalog.NOTHING:
        return []
    rows = read(folder, deltalog.load(folder, version).files, table_schema("revisions")).to_pylist()
    return [_parsed(layout, row) for row in sorted(rows, key=lambda row: row["revision"])]


def find(layout: Layout, at: int | str) -> RevisionInfo:
    """Read the revision of that number or tag.

    Raises:
        StoreError: ``store.no-revision``.
    """
    named = tags(layout)
    number = named.get(at) if isinstance(at, str) else at
    if number is None and isinstance(at, str) and at.isdecimal():
        number = int(at)
    if number is not None:
        folder = layout.table("revisions")
        version = deltalog.newest_listed(folder)
        files = deltalog.load(folder, version).files if version > deltalog.NOTHING else ()
        rows = read(folder, files, table_schema("revisions"), where={"revision": number}).to_pylist()
        if rows:
            return _parsed(layout, rows[0])
    raise _unknown(layout, at, named)


def tags(layout: Layout) -> dict[str, int]:
    """Read the tags: revision by name."""
    try:
        text = layout.tags.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return {str(name): int(revision) for name, revision in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise damaged(layout.tags, f"it is not a JSON object of revisions ({error})") from error


def check_tag_name(name: str) -> None:
    """Raise a UsageError for a name that could be taken for something else."""
    if not name or name.isdecimal() or not name.replace("-", "").replace(".", "").replace("_", "").isalnum():
        raise UsageError(
            f"'{name}' cannot be a tag: letters, digits, '.', '-' and '_', and not digits alone",
            code="store.tag-name",
            hint="v1.0 or paper-2026 would do",
        )


def _parsed(layout: Layout, row: Mapping[str, Any]) -> RevisionInfo:
    try:
        parsed = {
            "argv": tuple(row["argv"]),
            "tables": json.loads(row["tables"]),
            "summary": json.loads(row["summary"] or "{}"),
        }
        return RevisionInfo(**{**row, **parsed})
    except (ValueError, TypeError) as error:
        raise damaged(layout.table("revisions"), f"revision {row['revision']} does not parse ({error})") from error


def _unknown(layout: Layout, at: int | str, named: Mapping[str, int]) -> StoreError:
    last = newest(layout)
    near = close_to(at, named) if isinstance(at, str) else None
    known = f"revisions 1 to {last.revision}" if last else "no revision yet"
    return StoreError(
        f"'{layout.root}' has no revision '{at}'; it has {known}",
        code="store.no-revision",
        hint=f"did you mean '{near}'?" if near else f"rushes log {layout.root} lists them",
        facts={"dataset": str(layout.root), "at": at},
    )
