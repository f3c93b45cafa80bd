"""Sync brings streams to one time as well as the evidence allows, says how well, and rewrites no sample."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rushes.errors import TimingError, UsageError
from rushes.resources import folder
from rushes.store import Store
from rushes.timing.crosscheck.verdict import Crosscheck
from rushes.virtual.recording import write_recording
from rushes.virtual.spec import BUS, USB_QUIET, ClockSpec
from rushes.virtual.takes import tiny_spec
from rushes.workflow import sync as syncing
from rushes.workflow.certificate import certificate
from rushes.workflow.clock_maps import newest_maps
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.sync import Settings, Synced, sync

QUIET = Settings(crosscheck=False)


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sync") / "d"
    ingest(place, Request(paths=[folder("data_samples") / "tabletop"]))
    return place


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Synced]:
    """Sync one of the real recordings."""
    places: dict[str, Path] = {}

    def take(path: str, settings: Settings = QUIET) -> Synced:
        if path not in places:
            places[path] = tmp_path_factory.mktemp("real") / "d"
            ingest(places[path], Request(paths=[shared_data / path]))
        done, _ = sync(places[path], settings)
        return done[0]

    return take


def test_each_clock_of_the_sample_rig_is_found_but_for_its_smallest_latency(takes: Path) -> None:
    done, _ = sync(takes, QUIET)
    truth = json.loads((folder("data_samples") / "truth.json").read_text())["recordings"]
    for item in done:
        assert item.common
        assert (item.common.time, item.common.verdict) == ("mapped", "estimated")
        for name, facts in truth[f"{item.name}.mcap"]["streams"].items():
            if name not in item.common.streams:
                continue
            (segment,) = item.common.streams[name].applied.segments
            expected = facts["minimum_latency_ns"] - facts["clock_offset_ns"]
            assert segment.offset_ns == pytest.approx(expected, abs=500_000)
            assert segment.offset_ci95_ns is not None
            if name == "/imu":
                off = abs(segment.drift_ppm + facts["clock_drift_ppm"])
                assert off <= 2 * segment.drift_ci95_ppm


def test_running_again_rewrites_no_sample_and_makes_no_new_map(takes: Path) -> None:
    sync(takes, QUIET)
    before = Store.open(takes)
    maps = before.table("clock_maps").num_rows
    samples = {name: before._places()[name] for name in ("frames", "imu", "audio", "clock_pairs")}
    done, _ = sync(takes, replace(QUIET, within_ns=5_000_000))
    after = Store.open(takes)
    assert {name: after._places()[name] for name in samples} == samples
    assert after.table("clock_maps").num_rows == maps
    assert {item.map_version for item in done} == set(after.table("moments")["map_version"].to_pylist())
    sync(takes, replace(QUIET, time="log"))
    assert set(Store.open(takes).table("moments")["map_version"].to_pylist()) == {None}
    assert Store.open(takes).table("clock_maps").num_rows == maps


def test_other_evidence_makes_a_new_version_and_keeps_the_old_one(takes: Path) -> None:
    sync(takes, QUIET)
    known = Store.open(takes).table("clock_maps").to_pylist()
    cameras = ["/cam0/image/compressed", "/cam1/image/compressed"]
    done, _ = sync(takes, replace(QUIET, streams=cameras))
    after = Store.open(takes).table("clock_maps").to_pylist()
    assert all(row in after for row in known)
    assert {item.map_version for item in done} == {max(row["map_version"] for row in known) + 1}


def test_members_carry_the_uncertainty_of_both_clocks(takes: Path) -> None:
    sync(takes, QUIET)
    store = Store.open(takes)
    members = store.table("moment_members").to_pylist()
    widths = {row["from_clock"]: row["offset_ci95_ns"] for row in store.table("clock_maps").to_pylist()}
    assert widths
    assert all(row["uncertainty_ns"] > 0 for row in members if row["method"] != "reference")
    assert {row["method"] for row in members} == {"reference", "nearest"}


def test_fast_streams_join_as_all_their_samples_from_moment_to_moment(takes: Path) -> None:
    done, _ = sync(takes, QUIET)
    store = Store.open(takes)
    for item in done:
        spans = store.table("moment_spans", where={"recording_id": item.recording_id, "stream": "/imu"})
        times = np.sort(item.common.times["/imu"])
        moments = np.asarray(item.alignment.moments["t_ns"])
        expected = np.searchsorted(times, moments[1:]) - np.searchsorted(times, moments[:-1])
        assert spans.sort_by("moment")["count"].to_numpy().tolist() == [*expected.tolist(), 0]


def test_a_grid_with_interpolation_takes_pictures_by_the_nearest_and_poses_between_two(takes: Path) -> None:
    done, _ = sync(takes, replace(QUIET, rate_hz="30000/1001", method="interpolate"))
    members = Store.open(takes).table("moment_members", where={"recording_id": done[0].recording_id}).to_pylist()
    methods = {row["stream"]: row["method"] for row in members}
    assert methods["/imu"] == "interpolate"
    assert methods["/cam0/image/compressed"] == "nearest"
    steps = np.diff(np.asarray(done[0].alignment.moments["t_ns"]))
    assert set(steps.tolist()) <= {33_366_666, 33_366_667}


@pytest.mark.parametrize("rate", ["x", "0", "-5"])
def test_a_rate_that_is_none_is_refused(takes: Path, rate: str) -> None:
    with pytest.raises(TimingError, match="cannot set the moments"):
        sync(takes, replace(QUIET, rate_hz=rate))


def test_an_offset_from_the_content_moves_a_stream_only_when_asked_and_is_recorded(
    takes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Crosscheck(
        kind="clap",
        first="/imu",
        second="/audio",
        verdict="differs",
        offset_ns=-12_000_000,
        ci95_ns=1_000_000,
        drift_ppm=None,
        score=0.9,
        peak_ratio=3.0,
        reason="the clap is heard 12 ms late",
        start_ns=None,
        end_ns=None,
    )
    monkeypatch.setattr(syncing, "crosscheck", lambda *_, **__: [seen])
    asked_not, _ = sync(takes, Settings())
    assert set(Store.open(takes).table("crosschecks")["applied"].to_pylist()) == {False}
    asked, _ = sync(takes, Settings(apply=["clap"]))
    assert set(Store.open(takes).table("crosschecks")["applied"].to_pylist()) == {True}
    for before, after in zip(asked_not, asked, strict=True):
        moved = after.common.times["/audio"] - before.common.times["/audio"]
        assert set(moved.tolist()) == {-12_000_000}
        assert np.array_equal(after.common.times["/imu"], before.common.times["/imu"])
        assert "as asked" in after.common.streams["/audio"].reason


def test_the_certificate_says_of_every_stream_what_is_known_and_what_is_not(takes: Path) -> None:
    done, revision = sync(takes, QUIET)
    page = certificate(done, dataset=takes, revision=revision)
    for item in done:
        assert item.name in page
    for words in ("estimated", "smallest latency", "/depth/image/compressedDepth", "Not known", "log-header"):
        assert words in page
    done, revision = sync(takes, replace(QUIET, time="log"))
    page = certificate(done, dataset=takes, revision=revision)
    assert "Nothing proves how the clocks of" in page


def test_a_rig_with_drift_and_offset_comes_out_right_over_a_minute(tmp_path: Path) -> None:
    rig = tiny_spec()
    camera, imu = (
        replace(
            sensor,
            clock=ClockSpec(offset_ns=-3_000_000_000, drift_ppm=80.0)
            if sensor.kind == "color"
            else ClockSpec(offset_ns=900_000_000, drift_ppm=-40.0),
            latency=USB_QUIET if sensor.kind == "color" else BUS,
        )
        for sensor in [next(s for s in rig.sensors if s.kind == kind) for kind in ("color", "imu")]
    )
    rig = replace(rig, sensors=(camera, imu), seconds=20.0)
    write_recording(rig, tmp_path / "rig.mcap")
    ingest(tmp_path / "d", Request(paths=[tmp_path / "rig.mcap"]))
    (item,), _ = sync(tmp_path / "d", QUIET)
    assert item.common.time == "mapped"
    for sensor in (camera, imu):
        (segment,) = item.common.streams[sensor.stream].applied.segments
        wide = 3 * segment.drift_ci95_ppm + 0.5
        assert segment.drift_ppm == pytest.approx(-sensor.clock.drift_ppm, abs=wide)


def test_tum_mode_gives_the_pairs_of_the_official_list(real: Callable[..., Synced], shared_data: Path) -> None:
    tum = Settings(reference="rgb", method="tum", within_ns=20_000_000, streams=["rgb", "depth"], crosscheck=False)
    item = real("rgbd/tum_fr1_rpy", tum)
    assert item.common.verdict == "unproven"
    rgb, depth = item.common.times["rgb"], item.common.times["depth"]
    members = item.alignment.members["depth"]
    moments = np.asarray(item.alignment.moments["t_ns"])[np.asarray(members["moment"])]
    found = {(int(a), int(depth[i])) for a, i in zip(moments, np.asarray(members["index"]), strict=True)}
    listed = [line.split() for line in (shared_data / "rgbd/tum_fr1_rpy/rgbd_assoc.txt").read_text().splitlines()]
    official = {(_ns(words[0]), _ns(words[2])) for words in listed if words}
    assert len(official) == 694
    assert found == official
    assert len(rgb) == 723


def _ns(text: str) -> int:
    seconds, _, rest = text.partition(".")
    return int(seconds) * 10**9 + int(rest.ljust(9, "0")[:9])


def test_aria_streams_share_the_clock_that_the_recording_declares(real: Callable[..., Synced]) -> None:
    item = real("devices/aria_aea")
    assert item.common.verdict == "declared"
    assert len({stream.clock for stream in item.common.streams.values()}) == 1
    slam = next(p for p in item.alignment.pairings if p.stream == "camera-slam-left")
    assert (slam.matched, slam.skew_max_ns < 20_000) == (4, True)


def test_clocks_that_were_reset_are_mapped_stretch_by_stretch(real: Callable[..., Synced]) -> None:
    item = real("devices/xdf/clock_resets.xdf")
    assert item.common.time == "mapped"
    for stream in item.common.streams.values():
        assert len(stream.applied.segments) == 2
        assert stream.applied.latency_known
        assert (np.diff(stream.times) > 0).all(), "raw times go back at the reset, mapped ones do not"


@pytest.mark.parametrize(
    ("path", "time"), [("mcap/lichtblick_camera", "log"), ("video/asl_gestures/brother.mkv", "pts")]
)
def test_recordings_without_evidence_are_unproven(real: Callable[..., Synced], path: str, time: str) -> None:
    item = real(path)
    assert item.common is None or (item.common.verdict, item.common.time) == ("unproven", time)
    assert item.alignment is None


def test_a_dataset_gives_times_in_the_recorders_clock_and_maps_come_back_as_they_were(takes: Path) -> None:
    done, _ = sync(takes, QUIET)
    with Dataset.open(takes) as dataset:
        for item in done:
            assert newest_maps(dataset.store, item.recording_id) == item.common.maps
            for name, stream in item.common.streams.items():
                assert np.array_equal(dataset.times(item.name, name), stream.times)
        with pytest.raises(UsageError, match="/imv") as caught:
            dataset.times(done[0].name, "/imv")
        assert "/imu" in caught.value.hint
