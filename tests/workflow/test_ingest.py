"""Ingest brings in what is there, once, counts it, and never loses what was good."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

import clips
import rushes
from rushes import resources
from rushes.errors import ReadError, RushesError, UsageError
from rushes.store import Store
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.sync import Settings, sync

TAKES = resources.folder("data_samples") / "tabletop"
TAKE = TAKES / "tabletop_s01_take1.mcap"


def content(dataset: Path) -> dict[str, list[dict[str, Any]]]:
    """Give every row of every table but what a run itself leaves: when, and where."""
    left_out = {"ingested_ns", "mtime_ns", "source", "uri"}
    store = Store.open(dataset)
    found = {}
    for file in sorted((resources.folder("schemas") / "tables" / "v1").glob("*.yaml")):
        if file.stem == "revisions":
            continue
        table = store.table(file.stem)
        table = table.drop_columns([name for name in table.column_names if name in left_out])
        found[file.stem] = sorted(map(json.dumps, table.to_pylist()))
    return found


def test_a_sample_take_has_the_counts_and_times_that_its_truth_foretells(tmp_path: Path) -> None:
    ingest(tmp_path / "d", Request(paths=[TAKES]))
    truth = json.loads((resources.folder("data_samples") / "truth.json").read_text("utf-8"))["recordings"]
    with rushes.open_dataset(tmp_path / "d") as dataset:
        for file, expected in truth.items():
            recording_id = dataset.recording_id(Path(file).stem)
            rows = dataset.arrow("streams", where={"recording_id": recording_id}).to_pylist()
            counts = {row["stream"]: row["count"] for row in rows}
            assert counts.items() >= {name: facts["count"] for name, facts in expected["streams"].items()}.items()
            for name, facts in expected["streams"].items():
                if facts["kind"] not in ("color", "depth"):
                    continue
                where = {"recording_id": recording_id, "stream": name}
                logged = dataset.arrow("frames", columns=["t_log_ns"], where=where)["t_log_ns"].to_numpy()
                assert (logged.min(), logged.max()) == (facts["first_log_ns"], facts["last_log_ns"])


def test_every_book_balances_and_rows_are_what_the_ledger_says(tmp_path: Path, shared_data: Path) -> None:
    places = [shared_data / "mcap", shared_data / "rosbag", shared_data / "rgbd", shared_data / "video"]
    done = ingest(tmp_path / "d", Request(paths=places))
    store = Store.open(tmp_path / "d")
    for row in store.table("ledger").to_pylist():
        assert row["n_in"] == row["n_out"] + row["n_merged"] + row["n_rejected"] + row["n_unread"], row
    for taken in done.taken:
        if taken.state in ("added", "partial"):
            rows = store.table("streams", columns=["count"], where={"recording_id": taken.recording_id})
            assert sum(rows["count"].to_pylist()) == taken.samples
    failed = {taken.path.name: taken.error for taken in done.taken if taken.error}
    assert set(failed) <= {"empty-file.bag"}


def test_running_again_changes_nothing(tmp_path: Path) -> None:
    ingest(tmp_path / "d", Request(paths=[TAKES]))
    before, revision = content(tmp_path / "d"), Store.open(tmp_path / "d").revision
    again = ingest(tmp_path / "d", Request(paths=[TAKES]))
    assert [taken.state for taken in again.taken] == ["present"] * 3
    assert content(tmp_path / "d") == before
    assert Store.open(tmp_path / "d").revision == revision


def test_the_same_bytes_under_another_name_are_the_same_recording(tmp_path: Path) -> None:
    shutil.copy(TAKE, tmp_path / "other.mcap")
    done = ingest(tmp_path / "d", Request(paths=[TAKE, tmp_path / "other.mcap"]))
    assert [taken.state for taken in done.taken] == ["added", "present"]


def test_reference_and_copy_give_the_same_rows_and_bytes(tmp_path: Path) -> None:
    ingest(tmp_path / "by-reference", Request(paths=[TAKE]))
    ingest(tmp_path / "copied", Request(paths=[TAKE], mode="copy"))
    with Dataset.open(tmp_path / "by-reference") as one, Dataset.open(tmp_path / "copied") as two:
        assert one.arrow("frames").equals(two.arrow("frames"))
        assert (two.path / two.arrow("media")["uri"][0].as_py()).is_relative_to(tmp_path / "copied")
        first, second = (d.frames(TAKE.stem, "/cam0/image/compressed") for d in (one, two))
        assert all(first.bytes(i) == second.bytes(i) for i in range(len(first)))


def test_facts_come_from_the_call_and_from_the_path(tmp_path: Path) -> None:
    pattern = r"_(?P<subject>s\d+)_(?P<take>take\d+)"
    ingest(tmp_path / "d", Request(paths=[TAKE], facts={"task": "pour", "subject": "nobody"}, facts_from=pattern))
    row = Store.open(tmp_path / "d").table("recordings").to_pylist()[0]
    assert (row["task"], row["subject"], row["take"]) == ("pour", "s01", "take1")


def test_recordings_that_everybody_calls_take_are_named_after_their_folders(tmp_path: Path) -> None:
    for source, subject in zip(sorted(TAKES.glob("*.mcap")), ("s01", "s02", "s03"), strict=True):
        (tmp_path / "rec" / subject).mkdir(parents=True)
        shutil.copy(source, tmp_path / "rec" / subject / "take.mcap")
    ingest(tmp_path / "d", Request(paths=[tmp_path / "rec" / "s01"]))
    ingest(tmp_path / "d", Request(paths=[tmp_path / "rec"]))
    with rushes.open_dataset(tmp_path / "d") as dataset:
        assert sorted(dataset.arrow("recordings")["name"].to_pylist()) == ["s02_take", "s03_take", "take"]


def test_what_lies_in_a_taken_folder_and_is_not_read_is_named(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    (drive / "image_00" / "data").mkdir(parents=True)
    (drive / "oxts").mkdir()
    assert cv2.imwrite(str(drive / "image_00" / "data" / "0000000000.png"), np.zeros((8, 8, 3), np.uint8))
    (drive / "image_00" / "timestamps.txt").write_text("2011-09-26 13:02:25.594360375\n")
    done = ingest(tmp_path / "d", Request(paths=[drive]))
    assert [taken.unread for taken in done.taken] == [("oxts/",)]


def test_a_manifest_states_its_facts_and_that_a_sensor_is_on_the_clock_of_its_video(tmp_path: Path) -> None:
    take = tmp_path / "take"
    take.mkdir()
    clips.write_clip(take / "phone.mp4", count=12)
    (take / "imu.csv").write_text("t,ax\n" + "".join(f"{1714558272000 + 10 * n},{n}\n" for n in range(40)))
    (take / "recording.yaml").write_text(
        "rushes_manifest: 1\nsubject: s07\ntask: wave\nmedia: [{path: phone.mp4, stream: phone}]\nsensors:\n"
        "- path: imu.csv\n  stream: imu\n  table: imu\n"
        "  time: {column: t, unit: ms, offset_ns: -1714558272000000000}\n  columns: {accel_x_m_s2: ax}\n"
    )
    ingest(tmp_path / "d", Request(paths=[take]))
    sync(tmp_path / "d", Settings(crosscheck=False))
    with rushes.open_dataset(tmp_path / "d") as dataset:
        row = dataset.arrow("recordings").to_pylist()[0]
        assert (row["subject"], row["task"], row["session"]) == ("s07", "wave", None)
        times = dataset.times("take", "phone")
        assert len(dataset.arrow("moments")) == 12
        members = dataset.arrow("moment_members", where={"stream": "imu"}).to_pylist()
        assert {m["index"] for m in members} == {round(t / 1e7) for t in times.tolist()}


def test_nothing_is_written_beside_a_recording(tmp_path: Path) -> None:
    place = tmp_path / "takes"
    shutil.copytree(TAKES, place)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    ingest(tmp_path.parent / f"{tmp_path.name}-d", Request(paths=[place]))
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_a_missing_path_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RushesError) as caught:
        ingest(tmp_path / "d", Request(paths=[TAKE.with_name("tabletop_s01_take9.mcap")]))
    assert "tabletop_s01_take" in caught.value.hint
    assert not (tmp_path / "d").exists()


def test_an_empty_file_and_a_wrong_extension_are_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    (tmp_path / "empty.mcap").touch()
    (tmp_path / "words.mcap").write_text("this is no recording")
    shutil.copy(TAKE, tmp_path / "good.mcap")
    done = ingest(
        tmp_path / "d", Request(paths=[tmp_path / "good.mcap", tmp_path / "empty.mcap", tmp_path / "words.mcap"])
    )
    states = {taken.path.name: taken.state for taken in done.taken}
    assert states["good.mcap"] == "added"
    bad = {path.path.name for path in done.discovery.refused} | {
        t.path.name for t in done.taken if t.state == "failed"
    }
    assert bad == {"empty.mcap", "words.mcap"}


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
def test_a_truncated_recording_is_partial_with_its_loss_named(tmp_path: Path, share: float) -> None:
    whole = TAKE.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole[: int(len(whole) * share)])
    done = ingest(tmp_path / "d", Request(paths=[cut]))
    assert done.taken[0].state == "partial"
    assert any(loss.code == "read.truncated" for loss in done.taken[0].losses)
    row = Store.open(tmp_path / "d").table("recordings").to_pylist()[0]
    assert row["status"] == "partial"
    assert 0 < row["count_read"] < 3367


def test_flipped_bits_never_end_in_a_traceback_and_never_lose_another_recording(tmp_path: Path) -> None:
    dice = random.Random(11)
    whole = TAKE.read_bytes()
    for number in range(25):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        (tmp_path / f"{number}.mcap").write_bytes(damaged)
    done = ingest(tmp_path / "d", Request(paths=[TAKE, *sorted(tmp_path.glob("*.mcap"))]))
    assert done.taken[0].state == "added"
    assert {taken.state for taken in done.taken} <= {"added", "partial", "failed", "present"}


def test_a_recording_that_changed_since_it_was_indexed_is_found(tmp_path: Path) -> None:
    shutil.copy(TAKE, tmp_path / "take.mcap")
    ingest(tmp_path / "d", Request(paths=[tmp_path / "take.mcap"]))
    with (tmp_path / "take.mcap").open("r+b") as stream:
        stream.truncate(5000)
    with Dataset.open(tmp_path / "d") as dataset, pytest.raises(ReadError) as caught:
        dataset.frames("take", "/cam0/image/compressed").bytes(40)
    assert caught.value.code in ("read.short", "read.changed")
    assert "verify" in caught.value.hint


def test_an_unknown_fact_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        ingest(tmp_path / "d", Request(paths=[TAKE], facts={"colour": "red"}))
    assert not (tmp_path / "d").exists()


def test_two_ingests_of_the_same_and_of_different_recordings_at_once_lose_nothing(tmp_path: Path) -> None:
    ingest(tmp_path / "alone", Request(paths=[TAKES]))
    Store.create(tmp_path / "d")
    whole = sorted(map(str, TAKES.glob("*.mcap")))
    orders = [whole, whole[::-1], whole[1:], [whole[0]]]
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "rushes", "ingest", *order, "--into", str(tmp_path / "d"), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for order in orders
    ]
    said = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, said
    states = [taken["state"] for out, _ in said for taken in json.loads(out)["result"]["recordings"]]
    assert sorted(states) == ["added"] * 3 + ["present"] * 6
    assert content(tmp_path / "d") == content(tmp_path / "alone")


def _killed_ingest(dataset: Path, after_s: float) -> int:
    command = [sys.executable, "-m", "rushes", "ingest", str(TAKES), "--into", str(dataset)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    return process.wait()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kill_9_at_a_hundred_random_points_ends_after_a_rerun_in_the_same_content(tmp_path: Path) -> None:
    start = time.perf_counter()
    assert _killed_ingest(tmp_path / "whole", 120) == 0
    length = time.perf_counter() - start
    expected = content(tmp_path / "whole")
    dice = random.Random(5)
    places = [
        (tmp_path / str(number), [dice.uniform(0.35, 1.05) * length for _ in range(2)]) for number in range(50)
    ]

    def kill(place: tuple[Path, list[float]]) -> tuple[Path, int]:
        # Twice, the second time over the leftovers of the first.
        return place[0], sum(_killed_ingest(place[0], after_s) != 0 for after_s in place[1])

    killed = 0
    with ThreadPoolExecutor(2) as pool:
        for dataset, times in pool.map(kill, places):
            killed += times
            ingest(dataset, Request(paths=[TAKES]))
            assert content(dataset) == expected, dataset
            shutil.rmtree(dataset)
    assert killed > 25


def test_a_full_disk_is_said_and_what_was_committed_stays(tmp_path: Path) -> None:
    dataset = tmp_path / "d"
    ingest(dataset, Request(paths=[TAKE]))
    before = content(dataset)
    other = TAKES / "tabletop_s02_take1.mcap"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "from rushes.cli._main import run; sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "ingest", str(other), "--into", str(dataset)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "hint:" in done.stderr
    assert content(dataset) == before
    assert resource.RLIMIT_FSIZE  # the limit was the other process's own
    assert ingest(dataset, Request(paths=[other])).taken[0].state == "added"


def test_frames_of_every_codec_decode_to_their_size(tmp_path: Path) -> None:
    ingest(tmp_path / "d", Request(paths=[TAKE]))
    with rushes.open_dataset(tmp_path / "d") as dataset:
        for frames in dataset.picture_streams(TAKE.stem):
            picture = frames.image(0)
            assert picture.shape[:2] == (frames.stream["height"], frames.stream["width"])
            assert picture.dtype == (np.uint16 if frames.stream["modality"] == "depth" else np.uint8)
            assert frames.rendering(0)[0][:2] == b"\xff\xd8"


def test_tables_are_read_as_arrow_pandas_and_duckdb_alike(tmp_path: Path) -> None:
    ingest(tmp_path / "d", Request(paths=[TAKE]))
    with rushes.open_dataset(tmp_path / "d") as dataset:
        arrow = dataset.arrow("imu", columns=["index", "gyro_x_rad_s"])
        assert isinstance(arrow, pa.Table)
        assert len(arrow) == 3000
        assert dataset.pandas("imu", columns=["index", "gyro_x_rad_s"])["gyro_x_rad_s"].sum() == pytest.approx(
            dataset.sql("select sum(gyro_x_rad_s) from imu").fetchall()[0][0]
        )


def test_ingest_loads_neither_pandas_nor_opencv(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from rushes.workflow.ingest import ingest, Request;"
        "ingest(pathlib.Path(sys.argv[2]), Request(paths=[pathlib.Path(sys.argv[1])]));"
        "print([m for m in ('pandas', 'cv2', 'fiftyone', 'av', 'duckdb', 'rosbags') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(TAKE), str(tmp_path / "d")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
