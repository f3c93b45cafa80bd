"""The making of a revision: under the lock, over all tables, seen whole or not at all."""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa

import rushes
from rushes.errors import ConflictError
from rushes.registry import late
from rushes.store import briefs, deltalog, revisions
from rushes.store.columns import to_arrow
from rushes.store.gathering import gathered, small_files
from rushes.store.layout import Layout, WriterSign, commit_lock
from rushes.store.mishaps import damaged, disk_errors_named
from rushes.store.parts import PartWriter
from rushes.store.revisions import RevisionInfo
from rushes.store.schemas import TableSchema, table_names, table_schema

log = logging.getLogger(__name__)

CHECKPOINT_EVERY = 50
"""Versions of a table between two checkpoints, which spare readers the log files before them."""

_ATTEMPTS = 8
_PAUSE_S = 0.02

Answer = TypeVar("Answer")


class OvertakenError(Exception):
    """A writer that does not hold our lock has put the version in place first."""


class Publication:
    """One revision in the making. What it puts in place shows only once ``finish`` has named it.

    Args:
        sign: Of the writer; its token names new files.
    """

    def __init__(self, layout: Layout, sign: WriterSign) -> None:
        self._layout = layout
        self._sign = sign
        self._last = revisions.newest(layout)
        self._states: dict[str, deltalog.TableState] = {}
        self._briefs: dict[str, briefs.Brief] = {}
        self.number = self._last.revision + 1 if self._last else 1
        self.versions: dict[str, int] = dict(self._last.tables) if self._last else {}
        self.touched: set[str] = set()
        self._restored: dict[str, Any] = {}
        # Dying between the gathering of revisions and the next row leaves it ahead, with the same rows.
        log_of_all = layout.table("revisions")
        self.versions["revisions"] = deltalog.head(
            log_of_all, known=self.versions.get("revisions", deltalog.NOTHING)
        )
        self._take_back_leftovers()

    def state(self, table: str) -> deltalog.TableState:
        """Give what the table is made of now, this publication's changes included."""
        if table not in self._states:
            version = self.versions.get(table, deltalog.NOTHING)
            self._states[table] = deltalog.load(self._layout.table(table), version)
        return self._states[table]

    def put(self, table: str, actions: Sequence[deltalog.Action], operation: str) -> None:
        """Put a new version of a table in place; the table is made when it is not there.

        Raises:
            OvertakenError: If another writer was faster.
        """
        folder, version = self._layout.table(table), self.versions.get(table, deltalog.NOTHING) + 1
        whole = [*self._opening(table), *actions]
        brief = briefs.after(self._brief(table), whole)
        info = deltalog.info_action(
            operation, release=rushes.__version__, revision=self.number, brief=briefs.as_json(brief)
        )
        try:
            deltalog.put(folder, version, [info, *whole], scratch=self._sign.scratch)
        except FileExistsError as error:
            raise OvertakenError(table) from error
        if table in self._states:
            self._states[table] = deltalog.advanced(folder, self._states[table], version, whole)
        self.versions[table], self._briefs[table] = version, brief
        self.touched.add(table)

    def gather(self, table: str, *, above: int) -> bool:
        """Gather a table's small files when there are more than ``above``; tell whether that was so."""
        if self._brief(table).small_files <= above:
            return False
        schema, files = table_schema(table), small_files(self.state(table))
        actions = gathered(self._layout.table(table), schema, files, token=self._sign.token)
        self.put(table, actions, "OPTIMIZE")
        return True

    def gather_fullest(self, *, above: int) -> None:
        """Gather the small files of the table that has most, of those that this publication changes.

        Only of one: all tables of an ingest grow alike, and one commit should not pay for all of them.
        """
        tables = sorted({*self.touched, "revisions"})
        self.gather(max(tables, key=lambda table: self._brief(table).small_files), above=above)

    def finish(
        self, command: str, *, argv: Sequence[str], recipe_digest: str | None, summary: Mapping[str, Any]
    ) -> RevisionInfo:
        """Write the row that makes the revision."""
        info = RevisionInfo(
            revision=self.number,
            parent=self._last.revision if self._last else None,
            created_ns=time.time_ns(),
            command=command,
            argv=tuple(argv),
            recipe_digest=recipe_digest,
            rushes_version=rushes.__version__,
            tables={**self.versions, "revisions": self.versions["revisions"] + 1},
            summary={**summary, **({"restored": self._restored} if self._restored else {})},
        )
        schema = table_schema("revisions")
        writer = PartWriter(
            self._layout.table("revisions"), schema, token=self._sign.token, time_ns=info.created_ns
        )
        writer.add(record_batch(schema, 1, info.columns()))
        self.put("revisions", [deltalog.add_action(part) for part in writer.close()], "WRITE")
        return info

    def _brief(self, table: str) -> briefs.Brief:
        if table not in self._briefs:
            version = self.versions.get(table, deltalog.NOTHING)
            stored = (
                None if version == deltalog.NOTHING else briefs.stored_brief(self._layout.table(table), version)
            )
            self._briefs[table] = stored or briefs.brief_of(self.state(table))
        return self._briefs[table]

    def _opening(self, table: str) -> list[deltalog.Action]:
        schema = table_schema(table)
        if self.versions.get(table, deltalog.NOTHING) == deltalog.NOTHING:
            return deltalog.opening_actions(schema)
        if self._brief(table).columns >= len(schema.kinds):
            return []
        metadata = self.state(table).metadata
        assert metadata is not None, "a table that exists states its schema"
        return deltalog.schema_actions(schema, metadata)

    def _take_back_leftovers(self) -> None:
        """Bring every table that a dead process left ahead of the newest revision back to it."""
        for table in table_names():
            if table == "revisions":  # it is the truth itself, and nothing in it is ever half
                continue
            folder, known = self._layout.table(table), self.versions.get(table, deltalog.NOTHING)
            ahead = deltalog.head(folder, known=known)
            if known > deltalog.NOTHING and not deltalog.exists(folder, known):
                raise damaged(folder / "_delta_log", f"revision {self.number - 1} needs version {known}")
            if ahead > known:
                self._take_back(table, known, ahead)

    def _take_back(self, table: str, known: int, ahead: int) -> None:
        folder = self._layout.table(table)
        wanted, found = deltalog.load(folder, known), deltalog.load(folder, ahead)
        ours = all(deltalog.is_ours(deltalog.entry(folder, v)) for v in range(known + 1, ahead + 1))
        if not ours:
            log.warning(
                "another program wrote versions %d to %d of table '%s'; the table goes back to version %d",
                known + 1,
                ahead,
                table,
                known,
            )
        self.versions[table], self._states[table] = ahead, found
        back = {file.name for file in wanted.files}
        there = {file.name for file in found.files}
        actions = [deltalog.remove_action(file) for file in found.files if file.name not in back]
        actions += [deltalog.return_action(file) for file in wanted.files if file.name not in there]
        if actions:
            self.put(table, actions, "RESTORE")
        self._restored[table] = {"from": ahead, "to": known, "by": "a dead process" if ours else "another program"}


def publish(layout: Layout, sign: WriterSign, work: Callable[[Publication], Answer]) -> Answer:
    """Run ``work`` under the lock; when a foreign writer gets in between, run it again.

    Raises:
        ConflictError: ``store.contended`` when that does not end.
        StoreError: When the disk is full or closed, or the dataset damaged.
    """
    with disk_errors_named(layout.root):
        with commit_lock(layout):
            for attempt in range(_ATTEMPTS):
                try:
                    publication = Publication(layout, sign)
                    answer = work(publication)
                    break
                except OvertakenError as error:
                    log.info("another program wrote table '%s'; trying again", error)
                    time.sleep(_PAUSE_S * (attempt + random.random()))  # noqa: S311 - not a secret
            else:
                raise ConflictError(
                    f"another program keeps writing to '{layout.root}'; gave up after {_ATTEMPTS} tries",
                    code="store.contended",
                    hint="stop what writes there, then run the same command again",
                    facts={"dataset": str(layout.root), "tries": _ATTEMPTS},
                )
        _make_checkpoints(layout, publication)
    return answer


def record_batch(schema: TableSchema, count: int, columns: Mapping[str, Any]) -> Any:
    """Build an Arrow record batch with all columns of a table; those left out are null.

    Raises:
        KeyError, TypeError, ValueError: If a column is unknown, or its values are not what the schema says;
            the message names table and column.
    """
    unknown = columns.keys() - schema.kinds.keys()
    if unknown:
        raise KeyError(f"table {schema.name} has no column {', '.join(sorted(unknown))}")
    arrays = []
    for field in schema.arrow:
        label = f"{schema.name}.{field.name}"
        array = to_arrow(columns.get(field.name), count, schema.kinds[field.name], label=label)
        if array.null_count and not field.nullable:
            raise ValueError(f"{label}: {array.null_count} of {count} values are absent, and none may be")
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema.arrow)


def _make_checkpoints(layout: Layout, publication: Publication) -> None:
    due = [table for table in publication.touched if publication.versions[table] % CHECKPOINT_EVERY == 0]
    for table in due:
        if publication.versions[table]:
            late("rushes.store.checkpoint").write(layout.table(table), publication.versions[table])
