"""The frame of the command line: help, exit codes, errors that finish the sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Said, hold_to_schema


def test_help_lists_every_file_of_the_folder_with_its_headline(typed: Callable[[str], Said]) -> None:
    said = typed("--help")
    assert said.code == 0
    for verb in ("ingest", "look", "sync", "check", "split", "browse", "doctor"):
        assert verb in said.out


def test_version(typed: Callable[[str], Said]) -> None:
    assert typed("--version").out.startswith("rushes 0.")


def test_a_mistyped_command_is_answered_with_the_nearest_and_exit_code_2(typed: Callable[[str], Said]) -> None:
    said = typed("ingset x")
    assert said.code == 2
    assert "Did you mean 'rushes ingest'?" in said.err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("ingest nope.mcap --into d", 2, ["nope.mcap"]),
        ("ingest", 2, ["PATHS"]),
        ("query nowhere 'select 1'", 1, ["nowhere"]),
        ("log nowhere", 1, ["nowhere", "rushes ingest"]),
        ("explain read.truncatd", 2, ["read.truncated"]),
        ("schema fraems", 2, ["frames"]),
        ("run tabeltop --into d", 1, ["tabletop"]),
        ("run tabletop --into d --set split.sede=2", 1, ["seed"]),
        ("ingest walk.mcap --into d --reader mcpa", 2, ["mcap"]),
        ("ingest walk.mcap --into d --fact colour=red", 2, ["colour"]),
        ("ingest walk.mcap --into d --facts-from '('", 2, ["regular expression"]),
        ("sync my-dataset --within 10", 2, ["10ms"]),
        ("split my-dataset --parts train", 2, ["train"]),
        ("look nowhere", 2, ["nowhere"]),
        ("inspect nowhere", 2, ["nowhere"]),
    ],
)
def test_a_mistake_is_answered_with_a_sentence_a_hint_and_its_exit_code(
    line: str, code: int, words: list[str], workshop: Path, typed: Callable[[str], Said]
) -> None:
    said = typed(line)
    assert said.code == code, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err
    assert "hint:" in said.err
    as_json = typed(f"{line} --json")
    assert as_json.code == code
    assert as_json.json["error"]["message"]
    hold_to_schema("ingest", as_json.json)


def test_the_dataset_keeps_its_rows_when_a_query_is_wrong(built: Path, typed: Callable[[str], Said]) -> None:
    said = typed(f"query {built}/my-dataset 'select nmae from recordings'")
    assert said.code == 2
    assert "name" in said.err
    assert typed(f"query {built}/my-dataset 'drop table recordings'").code == 2
    assert typed(f"query {built}/my-dataset 'select count(*) from recordings'").code == 0


def test_a_traceback_never_reaches_the_user_when_the_reader_of_the_pipe_goes(built: Path) -> None:
    line = f"{sys.executable} -m rushes query {built}/my-dataset 'select * from imu' --csv | head -n 2"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_ctrl_c_ends_with_130_and_leaves_the_dataset_whole(workshop: Path, typed: Callable[[str], Said]) -> None:
    assert typed("ingest walk.mcap --into d").code == 0
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "rushes", "check", "d"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    time.sleep(0.9)  # somewhere in the middle; if it is done by then, the code says so
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 0, 3), err
    assert "Traceback" not in err
    assert typed("log d").code == 0
    assert typed("check d --fail-on never").code == 0


def test_json_on_standard_output_is_one_object_and_talk_goes_to_standard_error(workshop: Path) -> None:
    command = [sys.executable, "-m", "rushes", "ingest", "takes", "--into", "d", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert json.loads(done.stdout)["result"]["counts"] == {"added": 3}
