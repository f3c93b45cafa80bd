"""A Label Studio server of ours: started once, found again, stopped by its process id.

It serves a home on a port of the loopback address and goes on when the command that started it has ended. The note
in the home says which process it is; a process is taken for it only while its command line names that home.
"""

import fcntl
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx

from rushes.annotate.label_studio import places, program, settings
from rushes.annotate.label_studio.access import Access
from rushes.annotate.label_studio.places import Home
from rushes.errors import ToolError

log = logging.getLogger(__name__)

START_S = 600  # the first start makes the whole database
STOP_S = 30
ANSWER_S = 10
BUSY_S = 60
"""How long to wait for a server that is there and does not answer."""
_DETACH = Path(__file__).with_name("_detach.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers.

    Args:
        url: Its address.
        pid: Its process.
        release: Of Label Studio.
        home: Its home.
        database: ``sqlite`` or ``postgresql``.
        fresh: Whether this call has started it.
    """

    url: str
    pid: int
    release: str
    home: Home
    database: str
    fresh: bool
    account: str = settings.ACCOUNT

    @property
    def access(self) -> Access:
        """Where it is and the token for it."""
        return Access(
            url=self.url, token=self.home.token.read_text(encoding="utf-8").strip(), media=self.home.media
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A process that should be a server; ``alive`` says whether it still is there, without answering."""

    pid: int
    alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    pid: int
    port: int
    database: str


def up(
    home: Home | None = None,
    *,
    port: int | None = None,
    postgres: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Server:
    """Give the server of a home: the one that runs, else a new one, whose program is installed first.

    Args:
        home: The user's own when None.
        port: To listen on; the one it had before, or any free one, when None.
        postgres: URL of a PostgreSQL database in place of the SQLite file; the home keeps it for the next time.
        environment: Ours.

    Raises:
        ToolError: ``labelstudio.install``, ``labelstudio.start``, ``labelstudio.port-taken``,
            ``labelstudio.hangs``.
        UsageError: ``labelstudio.postgres``.
    """
    home = home or places.home(environment)
    home.make()
    with _turn(home):
        if running := find(home) or _busy(home):
            return running
        python = program.install(environment)
        note = _read_note(home)
        free = _free_port(port, before=note.port if note else None)
        token, password = _secret(home.token), _secret(home.password)
        postgres = postgres or _kept(home.postgres)
        told = settings.variables(home, token=token, password=password, postgres=postgres, environment=environment)
        if postgres:
            places.write_secret(home.postgres, postgres + "\n")
        else:
            _lay_out(home, environment)
        pid = _start(python, home, free, told)
        database = "postgresql" if postgres else "sqlite"
        _write_note(home, _Note(pid=pid, port=free, database=database))
        try:
            _await(home, pid, free, token)
        except BaseException:  # Ctrl-C while it starts: nothing half-started stays behind
            _end(pid, home)
            raise
        found = find(home)
        assert found is not None
        return replace(found, fresh=True)


def find(home: Home | None = None, *, environment: Mapping[str, str] = os.environ) -> Server | None:
    """Give the server of a home if it runs and answers; None otherwise."""
    home = home or places.home(environment)
    note = _read_note(home)
    if note is None or not _serves(note.pid, home):
        return None
    url = _url(note.port)
    release = _release(url)
    if release is None:
        return None
    return Server(url=url, pid=note.pid, release=release, home=home, database=note.database, fresh=False)


def lost(home: Home | None = None, *, environment: Mapping[str, str] = os.environ) -> Lost | None:
    """Give the process of a home that was started and not stopped, for when :func:`find` finds no server."""
    home = home or places.home(environment)
    note = _read_note(home)
    return Lost(pid=note.pid, alive=_serves(note.pid, home)) if note and note.pid else None


def down(home: Home | None = None, *, environment: Mapping[str, str] = os.environ) -> int | None:
    """Stop the server of a home, and give the process id that it had; None where none ran."""
    home = home or places.home(environment)
    if not home.root.is_dir():
        return None
    with _turn(home):
        note = _read_note(home)
        if note is None:
            return None
        there = _serves(note.pid, home)
        if there:
            _end(note.pid, home)
        home.note.write_text(json.dumps(asdict(replace(note, pid=0))) + "\n", encoding="utf-8")  # the port stays
        return note.pid if there else None


def _url(port: int) -> str:
    return f"http://{settings.ADDRESS}:{port}"


def _release(url: str) -> str | None:
    try:
        if httpx.get(f"{url}/health", timeout=ANSWER_S, trust_env=False).json().get("status") != "UP":
            return None
        version = httpx.get(f"{url}/api/version", timeout=ANSWER_S, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    return str(version.get("release", "unknown"))


def _busy(home: Home) -> Server | None:
    """Wait for a server that is there and does not answer: there are never two on one database."""
    deadline = time.monotonic() + BUSY_S
    while (process := lost(home)) and process.alive:
        if found := find(home):
            return found
        if time.monotonic() >= deadline:
            raise ToolError(
                f"Label Studio is there as process {process.pid} and does not answer",
                code="labelstudio.hangs",
                hint=f"wait if it may be busy, or stop it: rushes annotate down; its log is {home.log}",
                facts={"pid": process.pid, "log": str(home.log)},
            )
        time.sleep(0.5)
    return None


def _start(python: Path, home: Home, port: int, told: Mapping[str, str]) -> int:
    command = [
        *(sys.executable, "-I", "-S", str(_DETACH), str(home.log)),
        *(str(python.with_name("label-studio")), "start", "--no-browser", "--data-dir", str(home.data)),
        *("--internal-host", settings.ADDRESS, "--port", str(port), "--enable-legacy-api-token"),
    ]
    # The working folder matters: Label Studio serves a folder "mydata" that it finds there.
    said = subprocess.run(command, cwd=home.root, env=dict(told), stdout=subprocess.PIPE, check=True)
    return int(said.stdout)


def _lay_out(home: Home, environment: Mapping[str, str]) -> None:
    """Give a new home its database ready made; Label Studio needs minutes for it."""
    place = home.data / program.DATABASE
    if not place.exists():
        partial = place.with_suffix(".partial")
        shutil.copyfile(program.database(environment), partial)
        partial.chmod(0o600)
        partial.replace(place)


def _await(home: Home, pid: int, port: int, token: str) -> None:
    """Wait until the server answers on its port and knows our token: then it is ours and not a stranger's."""
    deadline = time.monotonic() + START_S
    pause = 0.1
    while time.monotonic() < deadline and _serves(pid, home):
        if _release(_url(port)) is not None:
            if _knows(_url(port), token):
                return
            raise ToolError(
                f"what answers on port {port} does not know our token",
                code="labelstudio.start",
                hint=f"another server took the port, or the account of {home.root} was changed: its token is in "
                f"Account & Settings, write it to {home.token}",
                facts={"port": port, "log": str(home.log)},
            )
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)
    alive = _serves(pid, home)
    why = f"did not answer within {START_S} s" if alive else "ended"
    raise ToolError(
        f"Label Studio {why}{_last_words(home.log)}",
        code="labelstudio.start",
        hint=f"its log is {home.log}",
        facts={"log": str(home.log), "pid": pid},
    )


def _knows(url: str, token: str) -> bool:
    try:
        answer = httpx.get(
            f"{url}/api/current-user/whoami",
            headers={"Authorization": f"Token {token}"},
            timeout=60,
            trust_env=False,
        )
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def _end(pid: int, home: Home) -> None:
    """Ask the process to stop, then make it; only while it is the server of this home."""
    for number, patience_s in ((signal.SIGINT, STOP_S / 2), (signal.SIGTERM, STOP_S / 2), (signal.SIGKILL, 10)):
        if not _serves(pid, home):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience_s
        while _serves(pid, home) and time.monotonic() < deadline:
            time.sleep(0.05)


def _serves(pid: int, home: Home) -> bool:
    """Tell whether a process is the server of a home, by its command line; one that has ended is not."""
    if pid <= 0:  # it was stopped
        return False
    listing = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607 - the system's own; -ww: uncut
        capture_output=True,
        text=True,
        check=False,
    )
    return "label-studio" in listing.stdout and str(home.data) in listing.stdout


def _free_port(wanted: int | None, *, before: int | None) -> int:
    """Choose a port: the wanted one, else the one it had before so that bookmarks hold, else any free one."""
    for port in (wanted,) if wanted is not None else (before or 0, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((settings.ADDRESS, port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    raise ToolError(
        f"port {wanted} is taken",
        code="labelstudio.port-taken",
        hint="leave the port out, and a free one is found",
        facts={"port": wanted},
    )


def _secret(path: Path) -> str:
    """Give the secret in a file, making one at first."""
    if kept := _kept(path):
        return kept
    made = secrets.token_hex(20)
    places.write_secret(path, made + "\n")
    return made


def _kept(path: Path) -> str | None:
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").strip() or None
    return None


def _read_note(home: Home) -> _Note | None:
    try:
        content = json.loads(home.note.read_text(encoding="utf-8"))
        return _Note(pid=int(content["pid"]), port=int(content["port"]), database=str(content["database"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _write_note(home: Home, note: _Note) -> None:
    places.write_secret(home.note, json.dumps(asdict(note)) + "\n")


def _last_words(record: Path) -> str:
    with suppress(OSError):
        lines = [
            line for line in record.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
        ]
        return f": {lines[-1].strip()}" if lines else ""
    return ""


@contextmanager
def _turn(home: Home) -> Iterator[None]:
    """Hold the home's lock; of two commands at once the second waits and then finds what the first has done."""
    with home.lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)
