"""Recording from the command line: what is said, which keys do what, and how it ends."""

import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fcntl import ioctl
from io import StringIO
from pathlib import Path

import pytest
from mcap.exceptions import EndOfFile
from mcap.reader import NonSeekingReader, make_reader
from rich.console import Console

from cli.conftest import hold_to_schema
from live_rig import RIG
from rushes.capturing import Trouble
from rushes.cli._record_keys import HELP, Keys
from rushes.cli._record_lines import Lines, line
from rushes.cli._record_screen import board, chosen, say_short
from rushes.live import Status, StreamStatus, Take

TESTS = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "toolkit"), str(TESTS)])}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a rig of sensors that run at their true rates."""
    (tmp_path / "bench.yaml").write_text(RIG, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "live_rig", *words]


def record(*words: str) -> subprocess.CompletedProcess[str]:
    line = command("record", "bench.yaml", *words)
    return subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def notes(path: Path, topic: str) -> list[dict]:
    """Read the messages of a topic as far as the file goes."""
    found = []
    with path.open("rb") as file, suppress(EndOfFile):
        for _, channel, message in NonSeekingReader(file).iter_messages(log_time_order=False):
            if channel.topic == topic:
                found.append(json.loads(message.data) | {"log_ns": message.log_time})
    return found


def test_a_recording_is_made_described_and_taken_into_a_dataset(bench: Path) -> None:
    done = record("--for", "2s", "--subject", "s07", "--out", "a.mcap", "--into", "d", "--json")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    hold_to_schema("record", body)
    result = body["result"]
    assert (result["sound"], result["ending"], result["lacking"], result["dropped"]) == (True, "time", [], 0)
    rates = {stream["stream"]: stream["samples"] for stream in result["streams"]}
    assert 350 <= rates["/imu"] <= 450
    assert result["ingested"]["recordings"][0]["state"] == "added"
    assert body["revision"] is not None
    with Path("a.mcap").open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary
    assert rates["/imu"] == next(
        summary.statistics.channel_message_counts[number]
        for number, channel in summary.channels.items()
        if channel.topic == "/imu"
    )


def test_facts_that_the_rig_requires_are_demanded_where_nobody_can_be_asked(bench: Path) -> None:
    done = record("--for", "1s", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "rig.session"
    wrong = record("--for", "1s", "--subject", "Anna", "--json")
    assert json.loads(wrong.stdout)["error"]["code"] == "rig.session"
    assert list(bench.glob("*.mcap")) == []


def test_nothing_is_overwritten(bench: Path) -> None:
    Path("a.mcap").write_bytes(b"mine")
    done = record("--for", "1s", "--subject", "s07", "--out", "a.mcap")
    assert done.returncode == 1
    assert "a.mcap is there already" in done.stderr
    assert Path("a.mcap").read_bytes() == b"mine"


def test_a_dry_run_says_what_would_be_recorded_and_makes_nothing(bench: Path) -> None:
    done = record("--subject", "s07", "--out", "a.mcap", "--dry-run", "--json")
    assert done.returncode == 0
    hold_to_schema("record", json.loads(done.stdout))
    assert json.loads(done.stdout)["result"]["path"] == "a.mcap"
    assert not Path("a.mcap").exists()


def test_an_absent_sensor_makes_the_recording_not_sound_and_the_others_are_recorded(bench: Path) -> None:
    with Path("bench.yaml").open("a") as rig:
        rig.write("  - {name: gaze, source: paced, device: absent}\n")
    done = record("--for", "2s", "--subject", "s07", "--out", "a.mcap", "--json")
    assert done.returncode == 3
    result = json.loads(done.stdout)["result"]
    assert result["lacking"] == ["gaze"]
    assert all(stream["samples"] for stream in result["streams"])
    assert "gaze is not there" in done.stderr


def test_a_check_of_a_rig_tells_each_sensor_and_ends_with_3_where_one_is_absent(bench: Path) -> None:
    line = command("rig", "check", "bench.yaml", "--json")
    good = subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    hold_to_schema("rig", json.loads(good.stdout))
    with Path("bench.yaml").open("a") as rig:
        rig.write("  - {name: gaze, source: paced, device: absent}\n")
    said = subprocess.run(line[:-1], env=ENVIRONMENT, capture_output=True, text=True)
    assert said.returncode == 3
    assert re.search(r"^gaze +failed", said.stdout, re.MULTILINE)
    assert re.search(r"^cam_left +ok +/cam_left/image/compressed +jpeg 640 × 480", said.stdout, re.MULTILINE)
    assert "gaze is not there; plug it in" in said.stderr
    assert list(bench.glob("*.mcap")) == []


def test_a_scan_tells_what_every_kind_of_source_found(bench: Path) -> None:
    line = command("rig", "scan", "--source", "paced", "--json")
    done = subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    hold_to_schema("rig", body)
    assert [device["title"] for device in body["result"]["devices"]] == ["a made-up camera"]


@contextmanager
def going(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Start a recording and wait until it writes."""
    line = command("record", "bench.yaml", "--subject", "s07", "--out", "a.mcap", *words)
    process = subprocess.Popen(
        line, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(1500):
            if Path("a.mcap").exists() and Path("a.mcap").stat().st_size > 200_000:
                break
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [((), signal.SIGINT, 0), (("--for", "1min"), signal.SIGINT, 130), ((), signal.SIGTERM, 0)],
    ids=["Ctrl-C", "Ctrl-C before --for is over", "SIGTERM"],
)
def test_ctrl_c_ends_a_recording_whole_and_with_a_verdict(
    bench: Path, words: tuple[str, ...], number: int, code: int
) -> None:
    with going("--json", *words) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    result = json.loads(out)["result"]
    assert (result["whole"], result["ending"], result["short"]) == (True, "interrupted", code == 130)
    with Path("a.mcap").open("rb") as file:
        assert make_reader(file).get_summary()


def test_ctrl_c_twice_leaves_at_once_and_the_file_can_be_read(bench: Path) -> None:
    with going() as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode in (0, 130), err  # the first may have been enough
    assert "Traceback" not in err
    assert len(notes(Path("a.mcap"), "/rushes/takes")) >= 1


class Terminal:
    """A recording in a pseudo-terminal of 80 columns."""

    def __init__(self, *words: str) -> None:
        self.ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.process = subprocess.Popen(
            command("record", "bench.yaml", *words),
            env={**ENVIRONMENT, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.seen = ""
        os.set_blocking(self.ours, False)

    def until(self, text: str, seconds: float = 20.0) -> None:
        """Read what is drawn until it holds some text since the last time that it was asked."""
        for _ in range(round(seconds / 0.02)):
            try:
                self.seen += os.read(self.ours, 1 << 16).decode("utf-8", "replace")
            except BlockingIOError:
                time.sleep(0.02)
            found = plain(self.seen).find(text)
            if found >= 0:
                self.seen = self.seen[-200:] if text not in plain(self.seen[-200:]) else ""
                return
        raise AssertionError(f"'{text}' never showed: {plain(self.seen)[-2000:]}")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.ours, keys.encode())

    def end(self) -> str:
        """Wait for its end; gives what it answered."""
        for _ in range(1000):
            try:
                self.seen += os.read(self.ours, 1 << 16).decode("utf-8", "replace")
            except BlockingIOError:
                time.sleep(0.02)
            if self.process.poll() is not None:
                break
        return self.process.communicate(timeout=5)[0]

    def close(self) -> None:
        """Let go of it, however far it came."""
        self.process.kill()
        self.process.communicate()
        os.close(self.ours)
        os.close(self.theirs)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


@pytest.fixture
def terminal(bench: Path) -> Iterator[type[Terminal]]:
    made: list[Terminal] = []

    def start(*words: str) -> Terminal:
        made.append(Terminal(*words))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_keys_mark_pause_judge_and_stop_and_the_terminal_is_put_back(terminal) -> None:
    shown = terminal("--out", "a.mcap", "--json")
    shown.until("subject")
    shown.type("Anna\n")
    shown.until("match")
    shown.type("s07\n")
    shown.until("/imu")
    shown.until("200.0 / 200")
    shown.type("m")
    shown.until("marker:")
    pressed = time.time_ns()
    time.sleep(0.5)
    shown.type("cup dwn\x7f\x7f\x7fdown\n")
    shown.until("marked: cup down")
    shown.type("\x1b[A")  # an arrow is no key of ours
    shown.type("7")
    shown.until("marked: 7")
    shown.type(" ")
    shown.until("paused: what arrives is left out")
    shown.type(" ")
    shown.until("goes on")
    shown.type("r")
    shown.until("take 2 repeats it")
    shown.type("n")
    shown.until("take 3 goes on")
    shown.type("d")
    shown.until("take 3: discard")
    shown.type("q")
    result = json.loads(shown.end())["result"]
    assert shown.process.returncode == 0
    assert result["ending"] == "asked"
    assert [(take["verdict"], take["retake_of"]) for take in result["takes"]] == [
        ("discard", None), ("keep", 1), ("discard", None),
    ]  # fmt: skip
    assert result["facts"]["subject"] == "s07"
    marks = notes(Path("a.mcap"), "/rushes/markers")
    assert [(mark["text"], mark["key"]) for mark in marks] == [("cup down", "m"), ("7", "7")]
    assert marks[0]["log_ns"] < pressed + 400_000_000  # when m was pressed, not when Enter was
    assert sum(stream["left_out"] for stream in result["streams"]) > 0
    assert termios.tcgetattr(shown.theirs) == shown.before


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_puts_the_terminal_back(terminal, times: int) -> None:
    shown = terminal("--subject", "s07", "--out", "a.mcap")
    shown.until("200.0 / 200")
    for _ in range(times):
        shown.type("\x03")
    shown.end()
    assert shown.process.returncode in ((0,) if times == 1 else (0, 130))
    assert termios.tcgetattr(shown.theirs) == shown.before


# ── What the screen shows ─────────────────────────────────────────────────────────────────────────────────


def stream(name: str, **more) -> StreamStatus:
    return StreamStatus(sensor=name, stream=f"/{name}", form="numbers", state="live", **more)


def status(*streams: StreamStatus, **more) -> Status:
    settled = {
        "now_ns": 10**18, "elapsed_ns": 65 * 10**9, "paused": False, "written_bytes": 12_000_000,
        "free_bytes": 10**12, "take": Take(number=1, start_ns=0),
    }  # fmt: skip
    return Status(**settled | {"streams": streams} | more)


FULL = stream(
    "a_sensor_whose_name_is_far_too_long_for_any_terminal/image/compressed",
    samples=10**7,
    rate_hz=1000.0,
    nominal_rate_hz=1000.0,
    jitter_ns=123_456,
    dropped=1_234_567,
    queue=0.97,
    bytes_per_s=123_456_789.0,
    offset_ns=-987_654_321,
)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_screen_fits_its_terminal(width: int) -> None:
    troubles = [
        Trouble(what="lost", message="word " * 60, at_ns=10**18 - k * 10**9, sensor="[bold]cam[/]")
        for k in range(9)
    ]
    many = status(FULL, *(stream(f"s{k}") for k in range(40)), troubles=troubles)
    lines = drawn(many, width, 24)
    assert len(lines) <= 23  # the cursor has a line of its own
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "more streams, all of them well" in text
    assert "1.2M" in text
    assert "[bold]cam[/]" in text
    assert "01:05" in text
    assert ("123 µs" in text) == (width >= 80)
    assert HELP[:40] in text


def drawn(now: Status, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, file=StringIO(), color_system=None)
    console.print(board(now, title="bench → a.mcap", keys=HELP, width=width, height=height))
    return console.file.getvalue().rstrip("\n").split("\n")


def test_streams_with_something_to_say_are_shown_before_those_that_are_well() -> None:
    streams = [stream(f"s{k}") for k in range(10)]
    streams[8] = replace(streams[8], state="silent")
    streams[9] = replace(streams[9], dropped=1)
    shown, rest = chosen(streams, 4)
    assert [one.sensor for one in shown] == ["s0", "s8", "s9"]
    assert rest == 7


@pytest.mark.parametrize(
    ("nanoseconds", "said"),
    [(None, "–"), (0, "0 ns"), (1500, "1.5 µs"), (-987_654_321, "-988 ms"), (86_400 * 10**9 * 3, "3 d"),
     (10**18, "11574 d"), (10**19, "> 1e5 d")],
)  # fmt: skip
def test_a_length_of_time_is_said_in_nine_characters(nanoseconds: int | None, said: str) -> None:
    assert say_short(nanoseconds) == said
    assert len(said) <= 9


def test_without_a_terminal_a_line_comes_every_five_seconds_and_each_trouble_once() -> None:
    said: list[str] = []
    lines = Lines(said.append)
    trouble = Trouble(what="stopped", message="it fell silent", at_ns=5, sensor="imu")
    for second in range(12):
        lines.shown(status(stream("imu"), elapsed_ns=second * 10**9, troubles=[trouble] if second > 2 else []))
    assert [line.partition(" ")[0] for line in said] == ["stopped:", "00:05", "00:10"]
    assert said[0] == "stopped: imu: it fell silent"


class Asked:
    """Notes what is asked of a recording."""

    def __init__(self) -> None:
        self.marks: list[tuple[str, str | None, int | None]] = []

    def mark(self, text: str, key: str | None = None, *, at_ns: int | None = None) -> None:
        self.marks.append((text, key, at_ns))


def test_a_line_names_the_sensors_that_are_still_being_opened() -> None:
    waiting = replace(stream("rig"), stream="", state="opening")
    assert "opening rig, 1 of 2 streams live" in line(status(waiting, stream("imu")))


def test_a_marker_that_is_forgotten_is_not_written_and_its_keys_do_nothing_else() -> None:
    asked, stopped = Asked(), []
    times = iter(range(100))
    keys = Keys(asked, lambda: stopped.append(True), lambda: next(times))  # type: ignore[arg-type]
    for typed in ("m", "q", "\x1b", "m", "n q\n", "5", "\x1b", "q"):
        keys.press(typed)
    assert asked.marks == [("n q", "m", 1), ("5", "5", 2)]
    assert stopped == [True]
