"""What may not be read or written is told by name, and what may be done still works.

Root may read and write everything; a child that gave up its capabilities may not, whoever runs the tests.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.faults import TAKE, Typed, fingerprint

POWERLESS = """
import ctypes, os, sys
if os.geteuid() == 0:
    head, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capset(head, data) == 0
from rushes.cli._main import run
sys.exit(run(sys.argv[1:]))
"""


def powerless(*line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", POWERLESS, *line], capture_output=True, text=True, timeout=60)


@pytest.fixture
def closed(here: Path, typed: Typed) -> Iterator[Path]:
    """A dataset that may be read only, a folder that may not be entered, a file that may not be read."""
    shutil.copy(TAKE, here / "a.mcap")
    assert typed(f"ingest {here / 'a.mcap'} --into ro").code == 0
    for path in (Path("ro"), *Path("ro").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (here / "shut").mkdir()
    shutil.copy(TAKE.with_name("tabletop_s01_take2.mcap"), here / "shut" / "b.mcap")
    (here / "shut").chmod(0)
    shutil.copy(TAKE.with_name("tabletop_s02_take1.mcap"), here / "secret.mcap")
    (here / "secret.mcap").chmod(0)
    Path("still").mkdir(mode=0o555)
    yield here
    (here / "shut").chmod(0o755)
    for path in (Path("ro"), *Path("ro").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_dataset_that_may_only_be_read_is_read_and_refuses_to_change_by_name(closed: Path) -> None:
    before = fingerprint(Path("ro"))
    for line in (["log", "ro"], ["query", "ro", "select count(*) from imu"], ["check", "ro", "--dry-run"]):
        assert powerless(*line).returncode == 0
    verified = powerless("verify", "ro")
    assert verified.returncode == 0
    assert "could not be stored" in verified.stderr
    for line in (["sync", "ro"], ["split", "ro", "--parts", "a:1"], ["tidy", "ro"], ["tag", "ro", "x"]):
        said = powerless(*line)
        assert said.returncode == 1
        assert "ro' may not be written" in said.stderr
        assert "hint:" in said.stderr
        assert "Traceback" not in said.stderr
    assert fingerprint(Path("ro")) == before


def test_what_may_not_be_read_is_named_and_the_rest_is_taken(closed: Path, typed: Typed) -> None:
    for path in (closed / "shut", closed / "secret.mcap", closed / "shut" / "b.mcap"):
        for verb in ("inspect", "look"):
            said = powerless(verb, str(path))
            assert said.returncode == 2
            assert path.name in said.stderr or path.parent.name in said.stderr
            assert "Traceback" not in said.stderr
    said = powerless("ingest", str(closed), "--into", "d")
    assert said.returncode == 0, said.stderr
    assert typed("query d 'select name from recordings' --csv").out.split() == ["name", "a"]


def test_a_place_that_may_not_be_written_is_named_before_anything_is_read(closed: Path) -> None:
    for line in (
        ["ingest", str(closed / "a.mcap"), "--into", "still/d"],
        ["look", str(closed / "a.mcap"), "--out", "still/page.html"],
        ["browse", "ro", "--prove"],
    ):
        said = powerless(*line)
        assert said.returncode in (1, 2)
        assert "still" in said.stderr or "ro/cache" in said.stderr
        assert "hint:" in said.stderr
        assert "Traceback" not in said.stderr
        assert ".part" not in said.stderr
    assert not list(Path("still").iterdir())
