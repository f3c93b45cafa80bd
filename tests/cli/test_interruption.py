"""Ctrl-C, once or twice, leaves the dataset whole and says so; the same command again finishes the work."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.faults import SAMPLES, Typed

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
    _, err = process.communicate(timeout=60)
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
    assert not list(tmp_path.glob(".look*")) or times == 2
    if verb == "query" and times == 1:
        assert code == 130
    if code == 130:
        assert err.strip().splitlines()[-1].startswith("interrupted; what was committed stays")
    if verb == "query":
        assert typed("query d 'select count(*) from recordings' --csv").out.split()[1] == "1"
    else:
        assert typed(" ".join(LINES[verb])).code == 0
