"""A dataset, opened at one revision."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.errors import StoreError, UsageError
from rushes.registry import late
from rushes.store import deltalog, layout, revisions, upkeep
from rushes.store.layout import Layout
from rushes.store.mishaps import damaged, disk_errors_named
from rushes.store.revisions import RevisionInfo
from rushes.store.rows import Where, read
from rushes.store.schemas import table_names, table_schema
from rushes.store.transaction import Transaction
from rushes.texts import unescaped

if TYPE_CHECKING:
    import duckdb


class Store:
    """A dataset as one revision shows it; later commits do not change what it reads.

    Attributes:
        path: The dataset's folder.
        name: Its name.
        revision: Number of the revision; 0 for a dataset without one.
    """

    def __init__(self, place: Layout, *, name: str, info: RevisionInfo | None, pinned: bool) -> None:
        self.path = place.root
        self.name = name
        self.revision = info.revision if info else 0
        self._layout = place
        self._versions = dict(info.tables) if info else {}
        self._pinned = pinned
        self._states: dict[str, deltalog.TableState] = {}

    @classmethod
    def create(cls, path: Path, *, name: str | None = None) -> "Store":
        """Make an empty dataset.

        Args:
            path: A folder that is empty or does not exist yet.
            name: Of the dataset; the folder's name when None.

        Raises:
            StoreError: ``store.path-encoding``, ``store.exists``, ``store.occupied``, ``store.full`` or
                ``store.read-only``.
        """
        place = layout.at(path)
        layout.make(place, name or place.root.name)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, at: int | str | None = None) -> "Store":
        """Open a dataset.

        Args:
            path: The dataset's folder.
            at: Number or tag of a revision; the newest when None.

        Raises:
            StoreError: ``store.path-encoding``, ``store.absent``, ``store.newer-format``, ``store.damaged`` or
                ``store.no-revision``.
        """
        place = layout.at(path)
        marker = layout.read_marker(place)
        info = revisions.newest(place) if at is None else revisions.find(place, at)
        return cls(place, name=marker["name"], info=info, pinned=at is not None)

    @property
    def identity(self) -> str:
        """Name this dataset among all, wherever it is moved: 16 hexadecimal digits, the same for good."""
        return hashlib.sha256(self._layout.marker.read_bytes()).hexdigest()[:16]

    def refresh(self) -> "Store":
        """Open the newest revision."""
        return Store.open(self.path)

    def table(self, name: str, *, columns: Sequence[str] | None = None, where: Where | None = None) -> Any:
        """Read a table as pyarrow; empty, with its schema, where nothing was written yet.

        Args:
            name: One of ``schemas/tables``.
            columns: Which, and in which order; all when None.
            where: Column → value or values; all conditions hold. None asks for null.

        Returns:
            A pyarrow table. The rows of one stream of one recording are in index order.

        Raises:
            UsageError: If the table or a column is unknown.
            StoreError: ``store.vacuumed`` or ``store.damaged``.
        """
        schema = table_schema(name)
        return read(self._layout.table(name), self._files(name), schema, columns=columns, where=where)

    def place_of(self, uri: str) -> Path:
        """Find the file that a ``uri`` of the table ``media`` names, relative to the dataset or absolute."""
        path = self.path / uri
        return path if path.exists() else self.path / unescaped(uri)

    def sql(self, query: str) -> "duckdb.DuckDBPyRelation":
        """Bind a query that reads; every table is a view. DuckDB runs it when rows are fetched; see :meth:`rows`.

        Raises:
            UsageError: If it does not read only, or names what is not there; with DuckDB's message.
            StoreError: ``store.vacuumed`` or ``store.damaged``.
        """
        relation: duckdb.DuckDBPyRelation = late("rushes.store.query").run(query, self._places())
        return relation

    def rows(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Ask as :meth:`sql` does, and fetch: names of the columns, and the rows.

        Raises:
            UsageError: As :meth:`sql`, and ``store.query`` for what goes wrong while it runs.
            StoreError: As :meth:`sql`.
        """
        answer: tuple[list[str], list[tuple[Any, ...]]] = late("rushes.store.query").fetch(query, self._places())
        return answer

    def _places(self) -> dict[str, list[Path]]:
        return {
            name: [self._layout.table(name) / file.name for file in self._files(name)] for name in table_names()
        }

    def begin(self, command: str, *, argv: Sequence[str] = (), recipe_digest: str | None = None) -> Transaction:
        """Begin a change that becomes one revision.

        Args:
            command: Its name in the log: ingest, sync, check …
            argv: The command line, or the call.
            recipe_digest: sha256 of the recipe that runs, 16 hexadecimal digits.

        Raises:
            UsageError: If the dataset was opened at a revision of the past.
        """
        if self._pinned:
            raise UsageError(
                f"'{self.path}' is open at revision {self.revision}, which cannot be changed",
                code="store.pinned",
                hint="leave out --at to work on the newest revision",
            )
        return Transaction(self._layout, self._versions, command=command, argv=argv, recipe_digest=recipe_digest)

    def log(self) -> list[RevisionInfo]:
        """Give all revisions of the dataset, oldest first."""
        return revisions.every(self._layout)

    def tags(self) -> dict[str, int]:
        """Give the tags of the dataset: revision by name."""
        return revisions.tags(self._layout)

    def tag(self, name: str, revision: int | None = None, *, dry_run: bool = False) -> None:
        """Name a revision, the opened one when None; vacuum spares it from then on. ``dry_run`` only asks whether.

        Raises:
            UsageError: If the name cannot be a tag or names another revision.
            StoreError: ``store.no-revision``; ``store.vacuumed`` if its files are gone already.
        """
        revisions.check_tag_name(name)
        number = self.revision if revision is None else revision
        with disk_errors_named(self.path), layout.commit_lock(self._layout):
            named = revisions.tags(self._layout)
            if named.get(name, number) != number:
                raise UsageError(
                    f"tag '{name}' is revision {named[name]} already",
                    code="store.tag-taken",
                    hint=f"take another name, or remove it first: Store.untag('{name}')",
                )
            tagged = Store.open(self.path, at=number)
            for table in table_names():
                tagged._files(table)
            if not dry_run:
                self._write_tags({**named, name: number})

    def untag(self, name: str) -> None:
        """Remove a tag; KeyError if there is none of that name."""
        with disk_errors_named(self.path), layout.commit_lock(self._layout):
            named = revisions.tags(self._layout)
            del named[name]
            self._write_tags(named)

    def compact(self, *, force: bool = False) -> RevisionInfo | None:
        """Gather small files, rows and order kept, as a revision of its own; None where there is nothing to do.

        Args:
            force: Gather wherever there are two small files, not only beyond a hundred.
        """
        return upkeep.compact(self._layout, **({"above": 1} if force else {}))

    def vacuum(
        self,
        *,
        keep_revisions: int = upkeep.KEEP_REVISIONS,
        min_age_s: float = upkeep.MIN_AGE_S,
        dry_run: bool = False,
    ) -> upkeep.VacuumReport:
        """Delete the data files that no kept revision, tag, reader of the last hour or living writer needs.

        Args:
            keep_revisions: How many of the newest revisions stay readable; at least 1.
            min_age_s: How young a file, or how recent a reader, is left alone; seconds.
            dry_run: Only tell.
        """
        work = upkeep.find_unneeded if dry_run else upkeep.vacuum
        return work(self._layout, keep_revisions=keep_revisions, min_age_s=min_age_s)

    def _files(self, name: str) -> tuple[deltalog.LiveFile, ...]:
        if name not in self._states:
            folder = self._layout.table(name)
            state = deltalog.load(folder, self._versions.get(name, deltalog.NOTHING))
            if gone := upkeep.missing(folder, state.files):
                raise self._gone(folder / gone[0])
            self._states[name] = state
        return self._states[name].files

    def _gone(self, file: Path) -> StoreError:
        last = revisions.newest(self._layout)
        if last is None or last.revision == self.revision:
            return damaged(file, "it is not there")
        return StoreError(
            f"revision {self.revision} of '{self.path}' was vacuumed: '{file.name}' is gone",
            code="store.vacuumed",
            hint=f"rushes log {self.path} lists the revisions; a tag spares one from vacuum",
            facts={"dataset": str(self.path), "revision": self.revision},
        )

    def _write_tags(self, named: dict[str, int]) -> None:
        scratch = self._layout.tags.with_suffix(".tmp")
        deltalog.write_durably(scratch, json.dumps(named, indent=2, sort_keys=True).encode() + b"\n")
        scratch.replace(self._layout.tags)
        deltalog.sync_folder(self.path)
