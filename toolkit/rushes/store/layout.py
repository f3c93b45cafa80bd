"""Where everything of a dataset is, its marker file and its locks.

DATASET/rushes.json (the marker), tables/, media/, cache/, tags.json; .lock is held while a revision is committed,
and .writers/TOKEN for as long as a transaction lives. Locks are advisory (``flock``): the kernel lets go of them
when their process ends, however it ends.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rushes
from rushes.errors import StoreError
from rushes.store.deltalog import link_new, sync_folder, write_durably
from rushes.store.mishaps import damaged, disk_errors_named

FORMAT = 1
"""The format version that this release writes, and the newest that it reads."""

_OWN = frozenset({"tables", "media", "cache", "tags.json", "ontology.yaml", ".lock", ".writers"})


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one dataset."""

    root: Path

    @property
    def marker(self) -> Path:
        """The file that makes a folder a dataset."""
        return self.root / "rushes.json"

    @property
    def tags(self) -> Path:
        """Names of revisions, as JSON."""
        return self.root / "tags.json"

    @property
    def writers(self) -> Path:
        """A file for each living transaction."""
        return self.root / ".writers"

    def table(self, name: str) -> Path:
        """The folder of a table, whether it is there or not."""
        return self.root / "tables" / name


def at(path: Path) -> Layout:
    """Give the layout of the dataset at a path.

    Raises:
        StoreError: ``store.path-encoding``, if its bytes are not UTF-8, as Arrow and Delta take no others.
    """
    place = path.resolve()
    try:
        str(place).encode()
    except UnicodeEncodeError as error:
        raise StoreError(
            f"'{place}' cannot be a dataset: the path is not UTF-8",
            code="store.path-encoding",
            hint="name another folder, or set the locale to UTF-8, such as LC_ALL=C.UTF-8",
            facts={"path": str(place)},
        ) from error
    return Layout(place)


def make(layout: Layout, name: str) -> None:
    """Lay out an empty dataset; the marker comes last.

    Raises:
        StoreError: ``store.exists`` or ``store.occupied``.
    """
    _refuse_occupied(layout)
    marker = {
        "rushes": "dataset",
        "format": FORMAT,
        "name": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "created_by": rushes.__version__,
    }
    with disk_errors_named(layout.root):
        for folder in ("tables", "media", "cache", ".writers"):
            (layout.root / folder).mkdir(parents=True, exist_ok=True)
        scratch = layout.writers / f"{secrets.token_hex(8)}.tmp"
        try:
            write_durably(scratch, json.dumps(marker, indent=2, ensure_ascii=False).encode() + b"\n")
            link_new(scratch, layout.marker)
        except FileExistsError as error:
            raise _exists(layout) from error
        finally:
            scratch.unlink(missing_ok=True)
        sync_folder(layout.root)


def read_marker(layout: Layout) -> dict[str, Any]:
    """Read the marker.

    Raises:
        StoreError: ``store.absent``, ``store.newer-format`` or ``store.damaged``.
    """
    try:
        text = layout.marker.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        why = "it is a file" if layout.root.is_file() else "it holds no rushes.json"
        raise StoreError(
            f"'{layout.root}' is not a dataset: {why if layout.root.exists() else 'there is no such folder'}",
            code="store.absent",
            hint="look whether the path is meant; rushes ingest RECORDING --into DATASET makes a folder"
            if layout.root.is_file()
            else f"rushes ingest RECORDING --into {layout.root} makes one, or look whether the path is meant",
            facts={"dataset": str(layout.root)},
        ) from error
    try:
        marker = json.loads(text)
        version, _ = int(marker["format"]), str(marker["name"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(layout.marker, f"format or name cannot be read ({error})") from error
    if version > FORMAT:
        maker = marker.get("created_by", "unknown")
        raise StoreError(
            f"'{layout.root}' has dataset format {version} (made by rushes {maker}); this release, "
            f"{rushes.__version__}, reads up to format {FORMAT}",
            code="store.newer-format",
            hint="pip install --upgrade rushes",
            facts={"dataset": str(layout.root), "format": version, "newest_known": FORMAT},
        )
    return dict(marker)


@contextmanager
def commit_lock(layout: Layout) -> Iterator[None]:
    """Hold the one lock under which revisions are made; waits for its turn."""
    handle = os.open(layout.root / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # Explicitly, because a forked child may hold a copy of the handle.
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


class WriterSign:
    """The sign that a transaction lives: a locked file named by its token."""

    def __init__(self, layout: Layout) -> None:
        self.token = secrets.token_hex(8)
        self._path = layout.writers / self.token
        layout.writers.mkdir(exist_ok=True)
        self._handle: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    @property
    def scratch(self) -> Path:
        """A file name that is this writer's alone."""
        return self._path.with_suffix(".tmp")

    def take_down(self) -> None:
        """Say that the transaction is over; can be called again."""
        if self._handle is None:
            return
        self._path.unlink(missing_ok=True)
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        os.close(self._handle)
        self._handle = None


def living_writers(layout: Layout) -> set[str]:
    """Give the tokens of the transactions that live, and clear away the signs of those that do not."""
    living = set()
    for path in layout.writers.iterdir() if layout.writers.is_dir() else ():
        if path.suffix:
            continue
        try:
            handle = os.open(path, os.O_RDWR)
        except FileNotFoundError:  # its transaction has just ended
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            living.add(path.name)
        else:
            path.with_suffix(".tmp").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        finally:
            os.close(handle)
    return living


def _refuse_occupied(layout: Layout) -> None:
    if layout.marker.exists():
        raise _exists(layout)
    if layout.root.exists() and not layout.root.is_dir():
        raise _occupied(layout, "it is a file")
    foreign = sorted(p.name for p in layout.root.iterdir() if p.name not in _OWN) if layout.root.is_dir() else []
    if foreign:
        raise _occupied(layout, f"it holds '{foreign[0]}'" + (" and more" if len(foreign) > 1 else ""))


def _exists(layout: Layout) -> StoreError:
    return StoreError(
        f"there is a dataset at '{layout.root}' already",
        code="store.exists",
        hint=f"rushes ingest RECORDING --into {layout.root} adds to it",
        facts={"dataset": str(layout.root)},
    )


def _occupied(layout: Layout, why: str) -> StoreError:
    return StoreError(
        f"'{layout.root}' cannot become a dataset: {why}",
        code="store.occupied",
        hint="name an empty folder, or one that does not exist yet",
        facts={"dataset": str(layout.root)},
    )
