"""Gaze, signals and events on their way through the house: ingested, looked at, checked."""

import html
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from readers import xdf_writing as xdf
from rushes import open_dataset
from rushes.workflow._look.page import look_page
from rushes.workflow.check import Settings, check
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.look import look


@pytest.fixture
def recordings(shared_data: Path, tmp_path: Path) -> Path:
    """XDF and Neon recordings beside each other."""
    place = tmp_path / "recordings"
    shutil.copytree(shared_data / "devices" / "xdf", place / "xdf", copy_function=shutil.copyfile)
    shutil.copytree(shared_data / "devices" / "neon_demo", place / "neon_demo", copy_function=shutil.copyfile)
    return place


def test_all_rows_arrive_in_their_tables(recordings: Path, tmp_path: Path) -> None:
    done = ingest(tmp_path / "d", Request(paths=[recordings]))

    assert {taken.path.name: taken.state for taken in done.taken} == {
        "clock_resets.xdf": "added",
        "minimal.xdf": "added",
        "neon_demo": "partial",  # its videos are absent
    }
    with open_dataset(tmp_path / "d") as dataset:
        counts = {name: len(dataset.arrow(name)) for name in ("gaze", "signals", "events", "imu", "calibrations")}
        streams = dataset.arrow("streams", where={"stream": "BioSemi"}).to_pylist()
        pairs = dataset.arrow("clock_pairs").to_pylist()
        values = dataset.arrow("signals", where={"stream": "SendDataC"})["values"].to_pylist()
    assert counts == {
        "gaze": 3 * 1788,
        "signals": 27_815 + 9 + 1788,
        "events": 175 + 9 + 45 + 2 + 2,
        "imu": 969,
        "calibrations": 3,
    }
    assert values[:2] == [[192.0, 255.0, 238.0], [12.0, 22.0, 32.0]]
    assert (streams[0]["channels"], streams[0]["count"], streams[0]["declared_count"]) == (8, 27_815, 27_815)
    assert {(p["source"], p["relation"], p["to_clock"], p["round_trip_ns"]) for p in pairs} == {
        ("lsl", "two-way", "log", None)
    }
    assert len(pairs) == 115 + 115 + 2


def test_a_page_shows_what_they_hold(recordings: Path) -> None:
    result = look([recordings])
    page = look_page(result)

    assert [recording.error for recording in result.recordings] == [None] * 3
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    for word in ("BioSemi", "27,815", "8 channels", "MyMarkerStream", "eye_state", "gaze_200hz", "fixations"):
        assert word in text, word


def test_the_clock_reset_and_lost_samples_are_found(tmp_path: Path, shared_data: Path) -> None:
    times = 100 + np.arange(1000) / 100
    kept = np.delete(np.arange(1000), np.arange(500, 520))
    xdf.write(
        tmp_path / "gap.xdf",
        xdf.header(1, "eeg", channels=2),
        *xdf.fast_samples(1, times[kept], np.zeros((len(kept), 2), "<f4"), 50),
        xdf.footer(1, len(kept)),
    )
    reset = shared_data / "devices" / "xdf" / "clock_resets.xdf"
    ingest(tmp_path / "d", Request(paths=[tmp_path / "gap.xdf", reset]))

    checked = check(tmp_path / "d", Settings())

    found = {(f.finding.check, f.finding.stream, f.finding.severity) for f in checked.found}
    assert ("stream.gap", "eeg", "info") in found
    assert ("stream.drops", "eeg", "warning") in found
    assert ("stream.time", "BioSemi", "error") in found
