"""The server's program, in an environment of its own: installed once, with pinned packages.

Label Studio pins other releases than Rushes needs (pyarrow, Django's whole world), so it never shares our
environment. What is installed is listed whole in ``constraints.txt`` beside this file, so pip has nothing to work
out and nothing to compile, which halves the time. A folder without its marker is unfinished, and is made anew.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rushes.annotate.label_studio import places, settings
from rushes.errors import ToolError

log = logging.getLogger(__name__)

RELEASE = "1.23.2"
CONSTRAINTS = Path(__file__).with_name("constraints.txt")
INSTALL_S = 3600
DATABASE = "label_studio.sqlite3"
"""What Label Studio calls its SQLite file, in its data folder."""
_MARKER = "complete"
_PASSED_ON = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"}
    | {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "XDG_CACHE_HOME", "NETRC"}
)


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Name the environment that holds this release with these constraints for this Python, there or not."""
    pins = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()[:8]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return places.programs(environment) / f"{RELEASE}-python{python}-{pins}"


def installed(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Give the Python of the installed environment; None where it is absent or unfinished."""
    place = folder(environment)
    return python_of(place) if (place / _MARKER).is_file() else None


def install(environment: Mapping[str, str] = os.environ) -> Path:
    """Give the Python of the environment, installing it first where needed (some minutes, 1 GB).

    Of several processes one installs, the others wait for it. pip's own settings hold, from its files and from
    ``PIP_*`` variables.

    Raises:
        ToolError: ``labelstudio.install``, with pip's last words.
    """
    if found := installed(environment):
        return found
    place = folder(environment)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _turn(place.parent / f"{place.name}.lock"):
        if found := installed(environment):
            return found
        log.info("installing Label Studio %s into %s (once; some minutes, 1 GB)", RELEASE, place)
        if place.exists():
            shutil.rmtree(place)
        venv.create(place, with_pip=True)
        _pip(place, environment)
        (place / _MARKER).write_text(f"label-studio=={RELEASE}\n", encoding="utf-8")
    return python_of(place)


def database(environment: Mapping[str, str] = os.environ) -> Path:
    """Give an empty database whose tables are made, for new homes to start from; made once (some minutes).

    Raises:
        ToolError: ``labelstudio.start``, with the program's last words.
    """
    python = install(environment)
    place = folder(environment)
    made = place / "empty.sqlite3"
    with _turn(place.parent / f"{place.name}.lock"):
        if made.is_file():
            return made
        log.info("laying out the database of Label Studio (once; some minutes)")
        with tempfile.TemporaryDirectory(prefix="rushes-") as scratch:
            root = places.Home(Path(scratch))
            root.make()
            told = settings.variables(root, token="", password="", environment=environment)
            command = [str(python.with_name("label-studio")), "version", "--data-dir", str(root.data)]
            with root.log.open("wb") as talk:
                done = subprocess.run(
                    command, cwd=scratch, env=told, stdin=subprocess.DEVNULL, stdout=talk, stderr=talk, check=False
                )
            laid_out = root.data / DATABASE
            if done.returncode or not laid_out.is_file():
                raise ToolError(
                    f"Label Studio could not lay out its database{_last_words(root.log)}",
                    code="labelstudio.start",
                    hint="see whether the disk is full; rushes annotate up tries again",
                    facts={"exit_code": done.returncode},
                )
            shutil.copyfile(laid_out, made.with_suffix(".partial"))
        made.with_suffix(".partial").replace(made)
    return made


def python_of(place: Path) -> Path:
    """Give the interpreter of an environment."""
    return place / "bin" / "python"


def _pip(place: Path, environment: Mapping[str, str]) -> None:
    """Install the list as it stands; should this machine need more than the list has, let pip work it out."""
    record = place / "install.log"
    quick = ("--no-deps", "-r", str(CONSTRAINTS))
    failed = _run_pip(place, environment, "install", "--no-compile", *quick)
    if not failed and _run_pip(place, environment, "check"):
        failed = _run_pip(place, environment, "install", "-c", str(CONSTRAINTS), f"label-studio=={RELEASE}")
    if failed:
        raise ToolError(
            f"Label Studio {RELEASE} could not be installed: {failed}{_last_words(record)}",
            code="labelstudio.install",
            hint=f"{record} says all; check the network, or set PIP_INDEX_URL or PIP_FIND_LINKS, and run it again",
            facts={"log": str(record), "release": RELEASE},
        )


def _run_pip(place: Path, environment: Mapping[str, str], *step: str) -> str:
    """Run pip, adding what it says to the log; gives why it failed, or nothing."""
    command = [str(python_of(place)), "-m", "pip", "--disable-pip-version-check", "--no-input", *step]
    passed = {k: v for k, v in environment.items() if k in _PASSED_ON or k.startswith("PIP_")}
    with (place / "install.log").open("ab") as talk:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=talk,
                stderr=subprocess.STDOUT,
                env=passed,
                timeout=INSTALL_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"pip did not end within {INSTALL_S} s"
    return f"pip ended with code {done.returncode}" if done.returncode else ""


def _last_words(record: Path) -> str:
    lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("ERROR:")]
    return f": {errors[0] if errors else lines[-1]}" if lines else ""


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Hold a lock file; wait for it."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)
