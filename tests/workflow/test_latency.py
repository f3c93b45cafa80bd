"""A latency that was calibrated before the recording is taken off wherever a stream's times are given."""

import numpy as np
import pytest

from readers import captured
from readers.captured import CLOCKED, FACTS, PERIOD_NS
from readers.mcap_recordings import CAM, IMU
from rushes.store import Store
from rushes.workflow._browse.clocks_of import clocks_of
from rushes.workflow._browse.compared_times import compared_times
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.sync import Settings, sync
from rushes.workflow.timelines import Timelines

FRAMES = 60
LATENCY_NS = int(CLOCKED["rushes.latency_ns"])
ARRIVED = {**FACTS, "rushes.latency_ns": str(LATENCY_NS)}


def readings():
    """The camera's clock beside the recorder's, each time with a delay that is a little more than the least."""
    for frame in range(FRAMES):
        late_ns = captured.DELAY_NS + (frame * 37 % 20) * 10_000
        read_ns = captured.at(frame) - captured.OFFSET_NS
        said = {
            "from_clock": "cam-clock",
            "to_clock": "log",
            "from_ns": read_ns,
            "to_ns": captured.at(frame) + late_ns,
        }
        yield "rushes.ClockPair", captured.at(frame), {**said, "relation": "one-way", "source": "bench"}


@pytest.mark.parametrize(("facts", "noted"), [(CLOCKED, readings()), (ARRIVED, ())], ids=["stamped", "by-arrival"])
def test_it_is_taken_off_for_moments_panels_players_and_whoever_reads_times(tmp_path, facts, noted):
    captured.write(tmp_path / "r.mcap", frames=FRAMES, facts=facts, noted=noted)
    ingest(tmp_path / "d", Request(paths=[tmp_path / "r.mcap"]))
    ((item,), _) = sync(tmp_path / "d", Settings(crosscheck=False))
    instants = np.array([captured.at(frame) for frame in range(FRAMES)]) - LATENCY_NS
    with Dataset.open(tmp_path / "d") as dataset:
        row = next(row for row in dataset.arrow("streams").to_pylist() if row["stream"] == CAM.topic)
        given = {
            "sync": item.common.times[CAM.topic],
            "dataset": dataset.times("r", CAM.topic),
            "panels": compared_times(dataset, row),
            "player": next(
                lane.t_ns
                for lane in Timelines(dataset).of(item.recording_id).frames
                if lane.stream.name == CAM.topic
            ),
        }
        told = next(one for one in clocks_of(dataset, item.recording_id).clocks if one.stream == CAM.topic)
    for where, times in given.items():
        assert np.abs(times - instants).max() < 100_000, where
    assert "7 ms of calibrated latency taken off" in told.reason
    maps = {row["from_clock"]: row for row in Store.open(tmp_path / "d").table("clock_maps").to_pylist()}
    assert maps[row["clock_id"] or CAM.topic]["source"].endswith("calibration")


def test_moments_join_what_was_at_one_instant_and_not_what_arrived_at_once(tmp_path):
    captured.write(tmp_path / "r.mcap", frames=FRAMES, facts={**ARRIVED, "rushes.latency_ns": str(PERIOD_NS)})
    ingest(tmp_path / "d", Request(paths=[tmp_path / "r.mcap"]))
    sync(tmp_path / "d", Settings(crosscheck=False, reference=CAM.topic, within_ns=1_000_000))
    members = Store.open(tmp_path / "d").table("moment_members").to_pylist()
    pairs = {}
    for each in members:
        pairs.setdefault(each["moment"], {})[each["stream"]] = each["index"]
    both = [one for one in pairs.values() if len(one) == 2]
    assert len(both) == FRAMES - 1
    assert {one[CAM.topic] - one[IMU.topic] for one in both} == {1}
