"""A dataset's streams are held against each other by their content, and nothing is written."""

from dataclasses import replace

import numpy as np
import pytest

from rushes.virtual.recording import write_recording
from rushes.virtual.spec import ClockSpec, FaultSpec
from rushes.virtual.takes import AUDIO, CAM0, CAM1, IMU, tabletop_spec
from rushes.workflow.crosscheck import Budget, crosscheck
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

MS = 1_000_000
LATE_MS = 80
CAMERA = "/cam0/image/compressed"


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """Five seconds with a clap near the end; the first camera's stamps are 80 ms late, two pictures are broken."""
    place = tmp_path_factory.mktemp("crosscheck")
    small = {"width_px": 160, "height_px": 120}
    late = replace(
        CAM0,
        **small,
        focal_px=140.0,
        clock=ClockSpec(offset_ns=LATE_MS * MS),
        faults=FaultSpec(truncated=(30, 31)),
    )
    second = replace(CAM1, **small, focal_px=127.0, clock=ClockSpec())
    sensors = (late, second, replace(IMU, rate_hz=200.0, clock=ClockSpec()), replace(AUDIO, clock=ClockSpec()))
    rig = tabletop_spec("late", seed=2, seconds=5.0, clap_s=4.5)
    write_recording(replace(rig, sensors=sensors), place / "late.mcap")
    ingest(place / "d", Request(paths=[place / "late.mcap"]))
    with Dataset.open(place / "d") as dataset:
        yield dataset


def stamps(dataset):
    times = {}
    for row in dataset.arrow("streams").to_pylist():
        if row["table"] in ("frames", "imu", "audio"):
            table = dataset.arrow(row["table"], columns=["index", "t_header_ns"], where={"stream": row["stream"]})
            times[row["stream"]] = table.sort_by("index")["t_header_ns"].to_numpy()
    return times


@pytest.fixture(scope="module")
def found(taken):
    shown = []
    verdicts = crosscheck(taken, taken.recording_id("late"), stamps(taken), tell=shown.append)
    assert sum(shown) >= 100 + 50
    return {(v.kind, v.first, v.second): v for v in verdicts}


def test_every_pair_that_can_be_compared_has_one_verdict(found):
    cameras = (CAMERA, "/cam1/image/compressed")
    assert set(found) == {
        *(("gyro-vision", "/imu", camera) for camera in cameras),
        ("motion-energy", *cameras),
        ("clap", "/audio", "/imu"),
        *(("clap", "/audio", camera) for camera in cameras),
    }
    assert all(v.reason for v in found.values())


def test_a_clap_finds_the_late_camera_within_its_frame(found):
    clap = found["clap", "/audio", CAMERA]
    assert abs(clap.offset_ns + LATE_MS * MS) <= clap.ci95_ns
    assert clap.ci95_ns <= 26 * MS


def test_no_answer_is_wrong(found):
    for (_, first, second), verdict in found.items():
        true = (LATE_MS * (first == CAMERA) - LATE_MS * (second == CAMERA)) * MS
        if verdict.offset_ns is not None:
            assert abs(verdict.offset_ns - true) <= max(verdict.ci95_ns, 25 * MS), verdict
        else:
            assert verdict.verdict == "not observable"


def test_broken_pictures_are_counted(found):
    assert "2 broken pictures were left out" in found["gyro-vision", "/imu", CAMERA].reason


def test_a_microphone_and_an_imu_that_felt_nothing_are_not_observable(found):
    assert found["clap", "/audio", "/imu"].verdict == "not observable"


def test_the_budget_bounds_the_pictures(taken):
    shown = []
    crosscheck(taken, taken.recording_id("late"), stamps(taken), budget=Budget(stretch_s=2.0), tell=shown.append)
    assert sum(shown) <= 2 * (20 + 10) + 3 * (20 + 10) + 64


def test_streams_without_times_take_no_part(taken):
    assert crosscheck(taken, taken.recording_id("late"), {}) == []
    one = {"/imu": stamps(taken)["/imu"]}
    assert crosscheck(taken, taken.recording_id("late"), one) == []


def test_streams_that_do_not_overlap_are_not_observable(taken):
    times = stamps(taken)
    times["/imu"] = times["/imu"] + 3_600_000 * MS
    for verdict in crosscheck(taken, taken.recording_id("late"), times):
        if "/imu" in (verdict.first, verdict.second):
            assert verdict.verdict == "not observable"


def test_times_are_ascending_or_not_as_they_are_given(taken):
    times = {name: np.flip(t) for name, t in stamps(taken).items()}
    assert all(
        v.offset_ns is None or v.score is not None or v.kind == "clap"
        for v in crosscheck(taken, taken.recording_id("late"), times, budget=Budget(stretch_s=3.0))
    )
