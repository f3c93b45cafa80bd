"""Plain copies of files that cannot be read where they lie; in a folder of this process, removed when it ends.

A file that is compressed as a whole allows no random read; a database whose last rows are still in the log beside
it cannot be read in full without writing there; one that was cut short is refused by SQLite as it is. Nothing is
ever written beside a recording: such a file is unpacked, or copied and mended, once. The copy is kept while
somebody uses it, and the last few for a while longer.
"""

import os
import shutil
import sqlite3
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, TypeAlias

import zstandard

from rushes.errors import ReadError

IDLE_COPIES = 2
"""How many copies that nobody uses are kept for the next who asks."""

Packing = Literal["zstd", "mend"]
SQLITE_MAGIC = b"SQLite format 3\0"
_Key: TypeAlias = tuple[Path, Packing, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCopy:
    """A plain copy on loan.

    Args:
        broken: Why it is only the beginning; empty where it is whole.
        broken_at: The byte of the packed file up to which it was unpacked.
    """

    path: Path
    broken: str = ""
    broken_at: int | None = None


@dataclass(slots=True)
class _Entry:
    path: Path
    users: int = 0
    lock: Lock = field(default_factory=Lock)
    copy: PlainCopy | None = None


class _Copies:
    def __init__(self) -> None:
        self.process = os.getpid()
        self.folder = Path(tempfile.mkdtemp(prefix="rushes-"))
        self.entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self.lock = Lock()
        self.made = 0
        # Unlike atexit it is also called in the children of multiprocessing; there each has a folder of its own.
        Finalize(None, shutil.rmtree, args=(self.folder, True), exitpriority=10)


_of_process: list[_Copies] = []
_first = Lock()


@contextmanager
def plain_copy(path: Path, packing: Packing) -> Iterator[PlainCopy]:
    """Lend a plain copy of a file, made at the first call.

    Args:
        path: The file. It is unpacked again when its size or time of change is another.
        packing: ``zstd``: the file is a zstd stream; one that breaks off gives its beginning. ``mend``: a SQLite
            database with a log or journal beside it, or cut short; the copy is what SQLite makes of them.

    Raises:
        ReadError: ``read.absent-file``, ``read.damaged`` if nothing of it unpacks, ``read.no-space``.
    """
    copies = _here()
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    key: _Key = (path.resolve(), packing, status.st_mtime_ns, status.st_size)
    with copies.lock:
        if key not in copies.entries:
            copies.made += 1
            copies.entries[key] = _Entry(copies.folder / f"{copies.made}-{path.stem}")
        entry = copies.entries[key]
        copies.entries.move_to_end(key)
        entry.users += 1
    try:
        with entry.lock:
            if entry.copy is None:
                entry.copy = _make(path, entry.path, packing)
        yield entry.copy
    finally:
        with copies.lock:
            entry.users -= 1
            _forget_idle(copies)


def _here() -> _Copies:
    with _first:
        if not _of_process or _of_process[-1].process != os.getpid():
            _of_process[:] = [_Copies()]
        return _of_process[-1]


def _forget_idle(copies: _Copies) -> None:
    idle = [key for key, entry in copies.entries.items() if not entry.users]
    failed = [key for key in idle if copies.entries[key].copy is None]
    kept = [key for key in idle if copies.entries[key].copy is not None]
    for key in failed + kept[:-IDLE_COPIES]:
        copies.entries.pop(key).path.unlink(missing_ok=True)


def _make(path: Path, target: Path, packing: Packing) -> PlainCopy:
    try:
        if packing == "mend":
            _mend(path, target)
            return PlainCopy(path=target)
        with path.open("rb") as packed, target.open("wb") as plain:
            why, at = _unpack(packed, plain)
            empty = not plain.tell()
    except OSError as error:
        raise _unreadable(path, error, copying=True) from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _damaged(path, f"it cannot be mended: {error}") from error
    if why and empty:
        raise _damaged(path, why)
    _pad(target)
    return PlainCopy(path=target, broken=why, broken_at=at if why else None)


def _unpack(packed: BinaryIO, plain: BinaryIO) -> tuple[str, int]:
    """Unpack frame after frame. Why it ended before the end, or an empty text; and the bytes that were read."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    inside = False
    try:
        while data := packed.read(1 << 20):
            while data:
                inside = True
                plain.write(unpacker.decompress(data))
                data = b""
                if unpacker.eof:
                    data, inside = unpacker.unused_data, False
                    unpacker = zstandard.ZstdDecompressor().decompressobj()
    except zstandard.ZstdError as error:
        return f"it does not unpack: {error}", packed.tell()
    return ("it ends in the middle" if inside else ""), packed.tell()


def logs_beside(path: Path) -> list[Path]:
    """List the write-ahead log and the rollback journal beside a SQLite database, where they hold anything."""
    beside = (path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-journal"))
    return [log for log in beside if log.is_file() and log.stat().st_size]


def missing_bytes(path: Path) -> int:
    """Count the bytes that a SQLite database lacks at its end by what its header says; 0 for any other file."""
    with path.open("rb") as stream:
        head = stream.read(100)
    if len(head) < 100 or not head.startswith(SQLITE_MAGIC) or head[24:28] != head[92:96]:
        return 0
    return max(0, _page_bytes(head) * int.from_bytes(head[28:32], "big") - path.stat().st_size)


def _page_bytes(head: bytes) -> int:
    stated = int.from_bytes(head[16:18], "big")
    return 65536 if stated == 1 else stated


def _pad(target: Path) -> None:
    """Put empty pages for those that are missing: without them SQLite refuses the whole database.

    A page of which a part is missing is made empty too, so that no row is read with zeros at its end.
    """
    missing = missing_bytes(target)
    if missing:
        size = target.stat().st_size
        with target.open("r+b") as stream:
            stream.truncate(size - size % _page_bytes(stream.read(100)))
            stream.truncate(size + missing)


def _mend(path: Path, target: Path) -> None:
    shutil.copyfile(path, target)
    for log in logs_beside(path):
        shutil.copyfile(log, target.with_name(log.name.replace(path.name, target.name, 1)))
    _pad(target)
    try:
        connection = sqlite3.connect(target)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        finally:
            connection.close()
    finally:
        for suffix in ("-wal", "-shm", "-journal"):
            target.with_name(f"{target.name}{suffix}").unlink(missing_ok=True)


def _damaged(path: Path, why: str) -> ReadError:
    return ReadError(
        f"{path}: {why}",
        code="read.damaged",
        hint="copy the recording anew from where it was made",
        facts={"file": str(path)},
    )


def _unreadable(path: Path, error: OSError, *, copying: bool = False) -> ReadError:
    if copying and error.filename is None:
        return ReadError(
            f"{path}: no room for its plain copy in {tempfile.gettempdir()}: {error.strerror}",
            code="read.no-space",
            hint="set TMPDIR to a folder with room for the unpacked recording",
            facts={"file": str(path), "folder": tempfile.gettempdir()},
        )
    return ReadError(
        f"{path}: cannot be read: {error.strerror}",
        code="read.absent-file",
        hint="bring the recording back to where it was, or ingest it again from its new place",
        facts={"file": str(path)},
    )
