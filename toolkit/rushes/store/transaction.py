"""One command's changes to the tables, which become one revision or nothing.

Rows go into data files as they come, outside any lock. ``commit`` takes the lock of the dataset, looks what others
have committed meanwhile, puts a new version of each table in place (``recordings`` last) and then the row in
``revisions`` that names them all. Readers read only versions that a revision names, so a process that dies in
between shows nothing; the next writer takes what it left out of the tables again.
"""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rushes.errors import ConflictError
from rushes.model import Batch, Column
from rushes.store import deltalog
from rushes.store.gathering import MOST_SMALL_FILES
from rushes.store.layout import Layout, WriterSign
from rushes.store.mishaps import disk_errors_named
from rushes.store.parts import Part, PartWriter
from rushes.store.publishing import Publication, publish, record_batch
from rushes.store.replacing import without
from rushes.store.revisions import RevisionInfo
from rushes.store.rows import Condition, Where, read
from rushes.store.schemas import table_schema


class Transaction:
    """Changes of one command; a context manager. Leaving without ``commit``, or by an exception, discards them.

    Args:
        base: Version of every table in the revision that the caller has seen.
        command: Name of the command, for the log.
        argv: Its command line.
        recipe_digest: Of the recipe that ran.
    """

    def __init__(
        self,
        layout: Layout,
        base: Mapping[str, int],
        *,
        command: str,
        argv: Sequence[str] = (),
        recipe_digest: str | None = None,
    ) -> None:
        self._layout = layout
        self._base = base
        self._command = command
        self._argv = argv
        self._recipe_digest = recipe_digest
        self._writers: dict[str, PartWriter] = {}
        self._conditions: dict[str, list[Condition]] = {}
        self._claims: set[str] = set()
        self._time_ns = time.time_ns()
        self._referenced = False  # whether a log may name our files
        self._over = False
        with disk_errors_named(layout.root):
            self._sign = WriterSign(layout)

    def append(self, table: str, rows: int, columns: Mapping[str, Column | Sequence[Any]]) -> None:
        """Add rows to a table.

        Args:
            table: Name of the table.
            rows: How many.
            columns: By name; each an array or sequence of that length, or one scalar for all rows. Columns left
                out are null. A list column takes shape (rows, k) or a sequence of sequences.

        Raises:
            KeyError, TypeError, ValueError: If a column is not what the schema says: a mistake of the caller.
            StoreError: If the disk is full.
        """
        assert not self._over, "the transaction is over"
        schema = table_schema(table)
        batch = record_batch(schema, rows, columns)
        if not rows:
            return
        if table not in self._writers:
            folder = self._layout.table(table)
            self._writers[table] = PartWriter(folder, schema, token=self._sign.token, time_ns=self._time_ns)
        with disk_errors_named(self._layout.root):
            self._writers[table].add(batch)

    def append_batch(self, recording_id: str, batch: Batch) -> None:
        """Add a reader's batch to its table; raises as :meth:`append`."""
        keys = {"recording_id": recording_id, "stream": batch.stream}
        self.append(batch.table, batch.rows, {**batch.columns, **keys})

    def replace(self, table: str, where: Where, rows: int, columns: Mapping[str, Column | Sequence[Any]]) -> None:
        """Delete the rows that meet ``where``, then add these; zero rows only delete.

        What is deleted is what others have committed by the time of ``commit``; rows that this transaction adds
        stay. Raises as :meth:`append`, and UsageError for an unknown column in ``where``.
        """
        self._conditions.setdefault(table, []).append(Condition(table_schema(table), where))
        self.append(table, rows, columns)

    def claim_recording(self, recording_id: str) -> None:
        """Have ``commit`` fail if the recording is there by then, other than as a row that it replaces."""
        self._claims.add(recording_id)

    def commit(self, summary: Mapping[str, Any] | None = None) -> RevisionInfo:
        """Make one revision of all changes.

        Args:
            summary: The command's own figures, JSON values, for the log.

        Raises:
            ConflictError: ``store.recording-exists``, and nothing is written.
            StoreError: If the disk is full or the dataset damaged; nothing shows.
        """
        assert not self._over, "the transaction is over"
        try:
            with disk_errors_named(self._layout.root):
                parts = {table: writer.close() for table, writer in self._writers.items()}
            info = publish(self._layout, self._sign, lambda new: self._publish(new, parts, summary or {}))
        except BaseException:
            self.discard()
            raise
        self._over = True
        self._sign.take_down()
        return info

    def discard(self) -> None:
        """Drop all changes; can be called again, and after ``commit``, when it does nothing."""
        if self._over:
            return
        self._over = True
        if not self._referenced:  # else vacuum takes the files, once no version names them
            for writer in self._writers.values():
                writer.discard()
        self._sign.take_down()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def _publish(
        self, new: Publication, parts: Mapping[str, Sequence[Part]], figures: Mapping[str, Any]
    ) -> RevisionInfo:
        self._check_claims(new)
        self._referenced = True
        added = {table: writer.rows for table, writer in self._writers.items()}
        removed = {}
        # The row in recordings is a recording's own commit: whatever reads the tables alone sees it last.
        for table in sorted({*parts, *self._conditions}, key=lambda name: (name == "recordings", name)):
            actions: list[deltalog.Action] = []
            if table in self._conditions:
                actions, removed[table] = self._removals(new, table)
            actions = [*actions, *(deltalog.add_action(part) for part in parts.get(table, ()))]
            if actions:
                new.put(table, actions, "WRITE")
        new.gather_fullest(above=MOST_SMALL_FILES)
        summary = {"added": added, "removed": {t: n for t, n in removed.items() if n}, "figures": dict(figures)}
        return new.finish(
            self._command,
            argv=self._argv,
            recipe_digest=self._recipe_digest,
            summary={key: value for key, value in summary.items() if value},
        )

    def _removals(self, new: Publication, table: str) -> tuple[list[deltalog.Action], int]:
        return without(
            self._layout.table(table),
            table_schema(table),
            new.state(table).files,
            self._conditions[table],
            token=self._sign.token,
            time_ns=self._time_ns,
        )

    def _check_claims(self, new: Publication) -> None:
        if not self._claims:
            return
        now = self._present(new.state("recordings"))
        if not now:
            return
        base = self._base.get("recordings", deltalog.NOTHING)
        before = self._present(deltalog.load(self._layout.table("recordings"), base))
        replaced = {
            recording_id
            for condition in self._conditions.get("recordings", ())
            for recording_id in condition.wanted("recording_id")
        }
        for recording_id in sorted(now - (before & replaced)):
            raise ConflictError(
                f"recording '{recording_id}' is in '{self._layout.root}' already",
                code="store.recording-exists",
                hint=f"nothing was written; rushes log {self._layout.root} shows who ingested it",
                facts={"recording_id": recording_id, "dataset": str(self._layout.root)},
            )

    def _present(self, state: deltalog.TableState) -> set[str]:
        claimed = Condition(table_schema("recordings"), {"recording_id": sorted(self._claims)})
        files = [file for file in state.files if claimed.share_of_file(file) != "none"]
        folder, schema = self._layout.table("recordings"), table_schema("recordings")
        rows = read(folder, files, schema, columns=["recording_id"])
        return self._claims.intersection(rows["recording_id"].to_pylist())
