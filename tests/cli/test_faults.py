"""Bad recordings are told by name and reason, and never take a good one with them."""

import os
import shlex
import shutil
import socket
import sqlite3
import struct
import wave
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import Writer
from PIL import Image

from cli.faults import SAMPLES, TAKE, Typed, answered, fingerprint
from readers.bag_writing import write_bag1, write_bag2
from rushes import registry

pytestmark = pytest.mark.timeout(60)


def cut(source: Path, share: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(source.read_bytes()[: int(source.stat().st_size * share)]) and None


def flipped(source: Path, places: int = 40) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        data = bytearray(source.read_bytes())
        for i in range(places):
            data[(i * 7919 + 200) % len(data)] ^= 1 << i % 8
        path.write_bytes(data)

    return make


def wav(path: Path) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    return path


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")


def no_streams(path: Path) -> None:
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        writer.finish()


def no_messages(path: Path) -> None:
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        kind = writer.register_schema(name="sensor_msgs/msg/Imu", encoding="ros2msg", data=b"")
        writer.register_channel(topic="/imu", message_encoding="cdr", schema_id=kind)
        writer.finish()


def one_bag1(folder: Path) -> Path:
    return write_bag1(folder / "one.bag", count=40).path


def one_bag2(folder: Path) -> Path:
    write_bag2(folder / "two", storage="sqlite3", count=40)
    return next((folder / "two").glob("*.db3"))


def picture(path: Path, kind: str) -> Path:
    Image.effect_noise((64, 48), 50).convert("RGB").save(path, kind)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One good file of every kind."""
    place = tmp_path_factory.mktemp("whole")
    return {
        "mcap": TAKE,
        "bag": one_bag1(place),
        "db3": one_bag2(place),
        "mkv": SAMPLES / "gestures" / "pinch_s01.mkv",
        "mp4": SAMPLES / "gestures" / "pinch_s02.mp4",
        "wav": wav(place / "a.wav"),
        "png": picture(place / "a.png", "png"),
        "jpg": picture(place / "a.jpg", "jpeg"),
    }


KINDS = ("mcap", "bag", "db3", "mkv", "mp4", "wav", "png", "jpg")
COMMANDS = ("inspect {}", "ingest {} --into d", "look {} --out page.html")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.6])
def test_a_truncated_file_is_partial_or_refused_by_name(
    kind: str, share: float, command: str, whole: dict[str, Path], here: Path, typed: Typed
) -> None:
    path = here / f"cut.{kind}"
    cut(whole[kind], share)(path)
    before = fingerprint(here)
    answered(typed, command.format(path), codes={1} if share == 0 else {0, 1}, words=("cut",))
    assert fingerprint(here) == before


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits_are_answered_and_the_recording_beside_is_read(
    kind: str, whole: dict[str, Path], here: Path, typed: Typed
) -> None:
    flipped(whole[kind])(here / f"a.{kind}")
    shutil.copy(TAKE.with_name("tabletop_s01_take2.mcap"), here / "b.mcap")
    before = fingerprint(here)
    answered(typed, f"inspect {here}", codes={0, 1}, words=("b.mcap",))
    answered(typed, f"ingest {here} --into d", codes={0, 1}, words=("b.mcap",))
    assert "tabletop" not in typed("log d").err
    assert typed("query d \"select count(*) from recordings where name = 'b'\" --csv").out.split() == [
        "count_star()",
        "1",
    ]
    assert fingerprint(here) == before


STRANGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "text": ("words.mcap", lambda path: path.write_text("these are words\n" * 50)),
    "png as mkv": ("a.mkv", lambda path: picture(path, "png")),
    "zip as bag": ("a.bag", zipped),
    "text as db3": ("a.db3", lambda path: path.write_text("CREATE TABLE")),
    "empty database": (
        "b.db3",
        lambda path: sqlite3.connect(path).execute("CREATE TABLE a (b)").connection.close(),
    ),
    "words as png": ("c.png", lambda path: path.write_text("no picture")),
    "dangling link": ("gone.mcap", lambda path: path.symlink_to("nowhere")),
    "link to itself": ("loop", lambda path: path.symlink_to(path)),
    "fifo": ("pipe.mcap", lambda path: os.mkfifo(path)),
    "empty folder": ("nothing", lambda path: path.mkdir()),
    "folder named as a file": ("folder.mcap", lambda path: path.mkdir()),
    "circle of folders": ("round", lambda path: (path.mkdir(), (path / "back").symlink_to(path))),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", STRANGE)
def test_what_is_no_recording_is_refused_by_name_and_reason(
    fault: str, command: str, here: Path, typed: Typed
) -> None:
    name, make = STRANGE[fault]
    make(here / name)
    before = fingerprint(here)
    answered(typed, command.format(here / name), codes={1}, words=(name if name != "round" else "back",))
    assert fingerprint(here) == before


def test_a_socket_and_a_device_do_not_hang(here: Path, typed: Typed) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind("sock.bag")
    try:
        for path in ("sock.bag", "/dev/null", "/dev/zero", "/dev/tty"):
            for command in COMMANDS:
                answered(typed, command.format(path), codes={1}, words=("neither a file nor a folder",))
    finally:
        server.close()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "path", ["nowhere.mcap", "takes/nowhere/deeper.mcap", "x" * 300, "takes/\x01", "takes/good.mcap/inside"]
)
def test_a_path_that_is_not_there_is_a_mistake_of_use(command: str, path: str, here: Path, typed: Typed) -> None:
    (here / "good.mcap").touch()
    answered(typed, command.format(shlex.quote(path)), codes={2}, words=(path,))
    assert not Path("d").exists()
    assert not Path("page.html").exists()


NAMES = [
    b"na\xfeme \xff.mcap",
    b'it\'s "odd" & so\n on.mcap',
    b"x" * 250 + b".mcap",
    "wélkin 漢字 🎬.mcap".encode(),
    b"-rf.mcap",
    b"\\x41 %s {0}.mcap",
]


@pytest.mark.parametrize(
    ("name", "mode"), [(name, "--copy" if i in (0, 2) else "") for i, name in enumerate(NAMES)]
)
def test_any_file_name_goes_through_every_stage(name: bytes, mode: str, here: Path, typed: Typed) -> None:
    path = here / os.fsdecode(name)
    shutil.copy(TAKE, path)
    quoted = shlex.quote(str(path))
    for line in (
        f"inspect {quoted}",
        f"look {quoted} --out page.html",
        f"ingest {quoted} --into d {mode}",
        "check d --only image.unreadable",
        "verify d",
        "log d",
        "query d 'select name, source from recordings'",
        "tidy d",
    ):
        answered(typed, line, codes={0})
    assert typed("verify d --json").json["result"]["counts"]["same"] == 1
    assert typed("log d --json").json["result"]["revisions"][-1]["summary"]["figures"]["samples"] == 3367


def test_pictures_beside_a_link_to_itself_are_all_there(here: Path, typed: Typed) -> None:
    for number in range(3):
        picture(here / f"{number}.png", "jpeg" if number == 2 else "png")
    (here / "loop.png").symlink_to(here / "loop.png")
    said = answered(typed, f"ingest {here} --into d", codes={0})
    assert "absent" not in said.err
    frames = "select count(*) from frames where media_id is not null"
    assert typed(f"query d '{frames}' --json").json["result"]["rows"] == [[3]]


def test_a_good_path_beside_a_bad_one_is_taken_and_the_bad_one_told(here: Path, typed: Typed) -> None:
    shutil.copy(TAKE, here / "good.mcap")
    (here / "empty.mcap").touch()
    said = answered(
        typed, f"ingest {here / 'good.mcap'} {here / 'empty.mcap'} --into d", codes={1}, words=("empty.mcap",)
    )
    assert "the file is empty" in said.err
    assert typed("query d 'select name from recordings' --csv").out.split() == ["name", "good"]


@pytest.mark.parametrize(("make", "streams"), [(no_streams, 0), (no_messages, 1)])
def test_a_recording_that_holds_nothing_goes_through_every_stage(
    make: Callable[[Path], None], streams: int, here: Path, typed: Typed
) -> None:
    make(here / "hollow.mcap")
    answered(typed, f"inspect {here / 'hollow.mcap'}", codes={0}, words=("hollow.mcap",))
    answered(typed, f"look {here / 'hollow.mcap'} --out page.html", codes={0})
    answered(typed, f"ingest {here / 'hollow.mcap'} --into d", codes={0})
    for line in ("sync d", "check d --fail-on never", "split d --parts all:1", "verify d", "tidy d"):
        answered(typed, line, codes={0})
    answered(typed, "sync d --to /imu", codes={1}, words=("hollow",))
    answered(typed, "browse d --prove", codes={2}, words=("pictures",))
    assert typed("query d 'select count(*) from streams' --csv").out.split()[1] == str(streams)


def test_a_dataset_without_recordings_is_answered_by_every_command(here: Path, typed: Typed) -> None:
    (here / "bad.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(40))
    answered(typed, f"ingest {here / 'bad.mp4'} --into d", codes={1}, words=("bad.mp4",))
    for line in ("sync d", "check d", "verify d", "tidy d", "log d", "query d 'select * from frames'"):
        answered(typed, line, codes={0})
    answered(typed, "split d", codes={2}, words=("no recordings",))
    answered(typed, "tag d t", codes={1, 2}, words=("revision",))
    answered(typed, "browse d --prove", codes={2})


class Growing:
    """A reader's recording that the world appends to while it is read."""

    def __init__(self, recording: object, path: Path) -> None:
        self.recording, self.path = recording, path

    def __getattr__(self, name: str) -> object:
        return getattr(self.recording, name)

    def __enter__(self) -> "Growing":
        return self

    def __exit__(self, *_: object) -> None:
        self.recording.close() if hasattr(self.recording, "close") else None

    def batches(self, streams: object = None) -> Iterator[object]:
        with self.path.open("ab") as stream:
            stream.write(b"more")
        yield from self.recording.batches()  # type: ignore[attr-defined]


def test_a_file_that_grows_while_it_is_read_is_not_stored_and_the_next_is(
    here: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(TAKE, here / "a.mcap")
    shutil.copy(TAKE.with_name("tabletop_s01_take2.mcap"), here / "b.mcap")
    reader = registry.load("readers", "mcap")
    honest = reader.open
    monkeypatch.setattr(
        type(reader),
        "open",
        lambda self, path, options: (
            Growing(honest(path, options), path) if path.name == "a.mcap" else honest(path, options)
        ),
    )
    said = typed(f"ingest {here} --into d")
    assert said.code == 1
    assert "changed while it was being ingested" in said.out
    assert typed("query d 'select name from recordings' --csv").out.split() == ["name", "b"]


class Failing:
    """A reader's recording that fails at one stage."""

    def __init__(self, recording: Any, stage: str) -> None:
        self.recording, self.stage = recording, stage

    def __getattr__(self, name: str) -> object:
        return getattr(self.recording, name)

    def __enter__(self) -> "Failing":
        return self

    def __exit__(self, *_: object) -> None:
        self.recording.__exit__(None, None, None)

    def batches(self) -> Iterator[Any]:
        whole = self.recording.batches()
        yield next(whole)
        yield next(whole)
        if self.stage == "batches":
            raise IndexError("list index out of range")
        if self.stage == "memory":
            raise MemoryError
        if self.stage == "columns":
            yield replace(next(whole), columns={"no_such_column": 1})
        yield from whole

    def ledger(self) -> object:
        if self.stage == "ledger":
            raise ZeroDivisionError("by nought")
        return self.recording.ledger()


@pytest.mark.parametrize("stage", ["probe", "open", "batches", "columns", "ledger", "memory"])
def test_a_mistake_of_one_reader_loses_that_recording_alone(
    stage: str, here: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(TAKE, here / "a.mcap")
    shutil.copy(TAKE.with_name("tabletop_s01_take2.mcap"), here / "b.mcap")
    reader = registry.load("readers", "mcap")
    honest = {"probe": reader.probe, "open": reader.open}

    def probe(_: object, path: Path, head: bytes) -> object:
        if stage == "probe" and path.name == "a.mcap":
            raise AttributeError("no such thing")
        return honest["probe"](path, head)

    def opened(_: object, path: Path, options: object) -> object:
        if stage == "open" and path.name == "a.mcap":
            raise struct.error("unpack requires a buffer of 4 bytes")
        recording = honest["open"](path, options)
        return Failing(recording, stage) if path.name == "a.mcap" else recording

    monkeypatch.setattr(type(reader), "probe", probe)
    monkeypatch.setattr(type(reader), "open", opened)
    said = answered(typed, f"ingest {here} --into d", codes={0} if stage == "probe" else {1})
    if stage != "probe":
        assert "the reader 'mcap' failed" in said.out
        assert "please report" in said.err
    assert typed("query d 'select name from recordings' --csv").out.split() == ["name", "b"]
    rows = typed("query d 'select distinct recording_id from imu' --json").json["result"]["rows"]
    assert len(rows) == 1
