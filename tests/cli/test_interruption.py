"""Ctrl-C, once or twice, leaves the dataset whole and says so; the same command again finishes the work."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.faults import SAMPLES, Typed
from rushes.store import Store
from rushes.store.schemas import table_names

TAKES = SAMPLES / "tabletop"
LONG_QUERY = "select count(*) from range(100000000000) a where a.range % 7 = 8"
LINES = {
    "ingest": ["ingest", str(TAKES), "--into", "d"],
    "check": ["check", "d", "--fail-on", "never"],
    "sync": ["sync", "d"],
    "look": ["look", str(TAKES), "--out", "page.html"],
    "run": ["run", "tabletop", "--into", "d"],
    "query": ["query", "d", LONG_QUERY],
}


def interrupted(verb: str, *, after_s: float, times: int) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "rushes", *LINES[verb]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(after_s)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()  # else a process that does not hear would outlive the test
        process.communicate()
    return process.returncode, err


@pytest.mark.parametrize(
    ("verb", "times"), [*((verb, 1) for verb in LINES), ("ingest", 2), ("check", 2), ("query", 2)]
)
def test_ctrl_c_is_answered_and_the_dataset_stays_whole(
    verb: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    monkeypatch.chdir(tmp_path)
    if verb not in ("run", "look"):
        assert typed(f"ingest {TAKES / 'tabletop_s01_take1.mcap'} --into d").code == 0
    code, err = interrupted(verb, after_s=0.9, times=times)
    # A second signal may end the process itself, which a shell tells as 130 too.
    assert code in ((0, 130) if times == 1 else (0, 130, -signal.SIGINT)), err
    assert "Traceback" not in err
    assert not list(tmp_path.glob(".*.part")) or times == 2
    if verb == "query" and times == 1:
        assert code == 130
    if code == 130:
        assert err.strip().splitlines()[-1].startswith("interrupted; what was committed stays")
    if verb == "query":
        assert typed("query d 'select count(*) from recordings' --csv").out.split()[1] == "1"
    else:
        assert typed(" ".join(LINES[verb])).code == 0


ANSWERED = """
import atexit, os, signal, sys, types
import rushes.cli as cli

def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)

def verb():
    {body}

cli.import_module = lambda name: types.SimpleNamespace(main=verb)
cli.main()
"""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("ctrl_c()", 130),
        ("exec('ctrl_c()')", 130),
        ("try: ctrl_c()\n    except BaseException: raise AttributeError('half imported') from None", 130),
        ("import gc; gc.callbacks.append(lambda *_: ctrl_c()); sys.exit(3)", 3),
        ("atexit.register(ctrl_c); sys.exit(0)", 0),
    ],
    ids=[
        "at work",
        "in code made at run time",
        "in a library that makes another error of it",
        "while Python is taken down",
        "after the answer",
    ],
)
def test_ctrl_c_at_any_moment_ends_with_the_exit_code_that_was_promised(body: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", ANSWERED.format(body=body)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("body", ["try: exec('ctrl_c()')\n    except KeyboardInterrupt: sys.exit(130)"])
def test_ctrl_c_that_a_verb_answers_itself_ends_with_its_exit_code(body: str) -> None:
    done = subprocess.run([sys.executable, "-c", ANSWERED.format(body=body)], capture_output=True, text=True)
    assert done.returncode == 130, done.stderr


def content(dataset: Path) -> dict[str, list[str]]:
    """Give every row of every table but the log; not whether an assignment was made now or found there."""
    store = Store.open(dataset)
    tables = {name: store.table(name) for name in table_names() if name != "revisions"}
    tables["splits"] = tables["splits"].drop_columns(["pinned", "reason"])
    return {name: sorted(map(json.dumps, table.to_pylist())) for name, table in tables.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    ["sync d", "check d --fail-on never", "split d --parts train:0.3,val:0.3,test:0.4"],
    ids=lambda line: line.split()[0],
)
@pytest.mark.parametrize("kills", [8, pytest.param(50, marks=pytest.mark.soak)])
def test_kill_9_at_random_points_ends_after_a_rerun_in_the_same_content(
    line: str, kills: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "rushes", *line.split()]
    assert typed(f"ingest {TAKES} --into base").code == 0
    shutil.copytree("base", "d")
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    length = time.perf_counter() - start
    whole, before = content(Path("d")), content(Path("base"))
    dice, killed = random.Random(3), 0
    for _ in range(kills):
        shutil.rmtree("d")
        shutil.copytree("base", "d")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.3, 1.0) * length)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        assert content(Path("d")) in (before, whole)
        assert typed(line).code == 0
        assert content(Path("d")) == whole
    assert killed > kills // 4
