"""Every real recording goes through the whole tool, and what its makers wrote down comes out of the dataset.

Each folder is ingested, synchronised and checked once; every number here is a truth of the data's own README, of a
file beside the recording, or of the recording's own lists.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import rushes
from rushes.errors import ReadError
from rushes.workflow import sync as syncing
from rushes.workflow.check import Checked, Settings, check
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Ingested, Request, ingest

SAMPLES = ("frames", "imu", "audio", "poses", "calibrations", "transforms", "messages")
PLACES = ("recording_id", "media_id", "block", "offset", "length")
CLIPS = ["again", "bird", "book", "eat", "help", "hungry", "learn", "milk", "night", "no", "please", "school"]


ALIKE = "image.near_duplicate"


@dataclass(frozen=True)
class Real:
    """One folder of recordings as a dataset, and what each stage said."""

    dataset: Dataset
    ingested: Ingested
    synced: dict[str, Any]
    checked: Checked

    def streams(self, recording: str) -> dict[str, dict[str, Any]]:
        """Give the rows of ``streams`` by stream."""
        return {row["stream"]: row for row in self.rows("streams", recording)}

    def rows(self, table: str, recording: str, **where: Any) -> list[dict[str, Any]]:
        """Give the rows of a recording in a table."""
        where = {"recording_id": self.dataset.recording_id(recording), **where}
        return self.dataset.arrow(table, where=where).to_pylist()

    def read(self, recording: str) -> dict[str, dict[str, Any]]:
        """Give the ledger's entries of the step read, by stream."""
        return {row["stream"]: row for row in self.rows("ledger", recording, step="read")}

    def findings(self, recording: str) -> list[Any]:
        """Give what was found in a recording, but for likeness to others: no fault, and tested by itself."""
        return [f for f in self._found(recording) if f.check != ALIKE]

    def alike(self, recording: str) -> list[Any]:
        """Give what was found of likeness to pictures elsewhere."""
        return [f for f in self._found(recording) if f.check == ALIKE]

    def _found(self, recording: str) -> list[Any]:
        recording_id = self.dataset.recording_id(recording)
        return [item.finding for item in self.checked.found if item.recording_id == recording_id]

    def state(self, name: str) -> str:
        """Say what became of a recording, by the name of its file."""
        (state,) = [taken.state for taken in self.ingested.taken if taken.path.name == name]
        return state


@pytest.fixture(scope="session")
def taken_in(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Real]:
    """Ingest, synchronise and check some folders of the real data, each set once."""
    done: dict[tuple[str, ...], Real] = {}

    def take(*folders: str) -> Real:
        if folders not in done:
            place = tmp_path_factory.mktemp("real") / "dataset"
            ingested = ingest(place, Request(paths=[shared_data / folder for folder in folders]))
            synced, _ = syncing.sync(place, syncing.Settings())
            checked = check(place, Settings())
            done[folders] = Real(rushes.open_dataset(place), ingested, {s.name: s for s in synced}, checked)
        return done[folders]

    return take


@pytest.fixture(scope="session")
def rgbd(taken_in: Callable[..., Real]) -> Real:
    return taken_in("rgbd")


@pytest.fixture(scope="session")
def mcap(taken_in: Callable[..., Real]) -> Real:
    return taken_in("mcap/lichtblick_camera", "mcap/rosbags_rs_alltypes", "mcap/ros2_rosbag2_mcap")


@pytest.fixture(scope="session")
def bags(taken_in: Callable[..., Real]) -> Real:
    return taken_in("rosbag")


@pytest.fixture(scope="session")
def clips(taken_in: Callable[..., Real]) -> Real:
    return taken_in("video/asl_gestures", "video/decord_rotated", "video/torchcodec_nasa")


def test_tum_has_all_that_its_lists_name(rgbd: Real) -> None:
    counts = {name: row["count"] for name, row in rgbd.streams("tum_fr1_rpy").items()}
    assert counts == {"rgb": 723, "depth": 722, "accelerometer": 14_070, "groundtruth": 2_742}
    rate = rgbd.streams("tum_fr1_rpy")["accelerometer"]["effective_rate_hz"]
    assert rate == pytest.approx(504.5, abs=5)  # 24.069 s are those of the pictures


def test_tum_reports_the_images_that_its_list_names_and_the_folder_lacks(rgbd: Real) -> None:
    assert rgbd.state("tum_fr1_rpy") == "partial"
    absent = {f.stream: f.count for f in rgbd.findings("tum_fr1_rpy") if f.check == "recording.loss"}
    assert absent == {"rgb": 703, "depth": 702}
    books = {row["stream"]: row for row in rgbd.rows("ledger", "tum_fr1_rpy", step="bytes")}
    assert {name: (row["n_in"], row["n_out"]) for name, row in books.items()} == {
        "rgb": (723, 20),
        "depth": (722, 20),
    }


def test_tum_pictures_that_are_there_can_be_read_and_depth_is_in_metres(rgbd: Real) -> None:
    depths = []
    for name in ("rgb", "depth"):
        frames = rgbd.dataset.frames("tum_fr1_rpy", name)
        there = [i for i in range(len(frames)) if not frames.missing(i)]
        assert len(there) == 20
        pictures = [frames.image(i) for i in there]
        assert {p.shape[:2] for p in pictures} == {(480, 640)}
        depths = pictures
        with pytest.raises(ReadError):
            frames.bytes(next(i for i in range(len(frames)) if frames.missing(i)))
    unit = rgbd.streams("tum_fr1_rpy")["depth"]["depth_unit_m"]
    assert unit == pytest.approx(1 / 5000)
    counts = np.stack(depths)
    assert counts.dtype == np.uint16
    first = counts[0]
    assert np.median(first[first > 0] * unit) == pytest.approx(1.397, abs=0.001)
    assert (first == 0).mean() == pytest.approx(0.209, abs=0.001)


def test_tum_pairs_are_no_fewer_than_those_of_the_official_script(rgbd: Real, shared_data: Path) -> None:
    """It pairs greedily, and leaves some alone that have a free partner; here no pair is lost to that."""
    official = (shared_data / "rgbd/tum_fr1_rpy/rgbd_assoc.txt").read_text().splitlines()
    assert len([line for line in official if line.strip()]) == 694
    within = syncing.Settings(reference="rgb", within_ns=20_000_000, streams=["rgb", "depth"])
    done, _ = syncing.sync(rgbd.dataset.path, within, dry_run=True)
    (tum,) = [item for item in done if item.name == "tum_fr1_rpy"]
    assert tum.alignment is not None
    (pair,) = tum.alignment.pairings
    assert pair.matched >= 694
    members = tum.alignment.members["depth"]
    assert len(np.unique(np.asarray(members["index"]))) == pair.matched
    assert np.abs(np.asarray(members["skew_ns"])).max() <= 20_000_000


def test_euroc_has_all_that_its_lists_name(rgbd: Real) -> None:
    streams = rgbd.streams("euroc_micro")
    assert (streams["cam0"]["count"], streams["cam1"]["count"]) == (95, 99)
    assert streams["imu0"]["count"] == 29_120
    assert streams["imu0"]["effective_rate_hz"] == pytest.approx(200.0, abs=0.01)
    assert streams["cam0"]["nominal_rate_hz"] == pytest.approx(20)
    for name in ("cam0", "cam1"):
        frames = rgbd.dataset.frames("euroc_micro", name)
        there = [i for i in range(len(frames)) if not frames.missing(i)]
        assert len(there) == 10
        assert all(frames.image(i).shape == (480, 752) for i in there)


@pytest.mark.parametrize("name", ["slambook_pgm", "slambook2_rgbd"])
def test_slambook_folders_have_five_pictures_and_poses(rgbd: Real, name: str) -> None:
    assert {row["count"] for row in rgbd.streams(name).values()} == {5}
    assert rgbd.state(name) == "added"


def test_one_bag_in_three_compressions_makes_equal_tables(bags: Real) -> None:
    for table in SAMPLES:
        held = []
        for name in ("example", "example-bz2", "example-lz4"):
            rows = bags.dataset.arrow(table, where={"recording_id": bags.dataset.recording_id(name)})
            order = [(key, "ascending") for key in ("stream", "index")]
            held.append(rows.sort_by(order).drop_columns([c for c in PLACES if c in rows.column_names]))
        assert held[0].equals(held[1]), table
        assert held[0].equals(held[2]), table


def test_the_foxglove_example_has_all_its_messages(bags: Real) -> None:
    for name in ("example", "example-bz2", "example-lz4"):
        counts = {stream: entry["n_in"] for stream, entry in bags.read(name).items()}
        assert sum(counts.values()) == 8_647
        assert counts["/turtle1/color_sensor"] == 1_351
        assert counts["/turtle1/color_sensor"] + counts["/turtle2/color_sensor"] == 2_695
        logged = [row["t_log_ns"] for table in ("messages", "transforms") for row in bags.rows(table, name)]
        assert max(logged) + 1 - min(logged) == 21_700_086_257  # an end that is not itself included


def test_an_empty_file_is_an_error_and_a_bag_without_messages_is_none(bags: Real) -> None:
    assert bags.state("empty-file.bag") == "failed"
    assert bags.state("no-messages.bag") == "added"


def twins(mcap: Real, bags: Real) -> tuple[dict[str, Any], dict[str, Any]]:
    return mcap.streams("rosbags_rs_alltypes"), bags.streams("rosbags_rs_alltypes_db3")


def test_a_bag_and_its_twin_of_another_storage_hold_the_same_streams(mcap: Real, bags: Real) -> None:
    one, two = twins(mcap, bags)
    assert len(one) == 94
    kinds = ("modality", "table", "message_type", "encoding", "codec", "pixel_format", "width", "height")
    facts = [{name: [row[kind] for kind in kinds] for name, row in each.items()} for each in (one, two)]
    assert facts[0] == facts[1]
    books = (mcap.read("rosbags_rs_alltypes"), bags.read("rosbags_rs_alltypes_db3"))
    assert {entry["n_in"] for book in books for entry in book.values()} == {2}


def test_a_bag_and_its_twin_of_another_storage_hold_equal_values(mcap: Real, bags: Real) -> None:
    """They were recorded one after the other: times differ, and nothing else does."""

    def timeless(column: str, value: Any) -> Any:
        if column.endswith("_ns") or column in (*PLACES, "seq"):
            return None
        if column != "value" or value is None:
            return value
        strip = lambda fields: {k: v for k, v in fields.items() if k not in {"sec", "nanosec"}}  # noqa: E731
        return json.loads(value, object_hook=strip)

    for table in SAMPLES:
        held = []
        for real, name in ((mcap, "rosbags_rs_alltypes"), (bags, "rosbags_rs_alltypes_db3")):
            rows = sorted(real.rows(table, name), key=lambda row: (row["stream"], row["index"]))
            held.append([{column: timeless(column, value) for column, value in row.items()} for row in rows])
        assert held[0] == held[1], table


@pytest.mark.parametrize("name", ["talker", "convert_a", "convert_b", "wbag", "cdr_test"])
@pytest.mark.parametrize("storage", ["mcap", "db3"])
def test_a_ros2_bag_has_the_counts_of_its_metadata(
    mcap: Real, bags: Real, shared_data: Path, storage: str, name: str
) -> None:
    real, folder = (mcap, "mcap/ros2_rosbag2_mcap") if storage == "mcap" else (bags, "rosbag/ros2_rosbag2_db3")
    (listing,) = (shared_data / folder).rglob(f"{name}/metadata.yaml")
    stated = yaml.safe_load(listing.read_text())["rosbag2_bagfile_information"]
    declared = {t["topic_metadata"]["name"]: t["message_count"] for t in stated["topics_with_message_count"]}
    assert {stream: entry["n_in"] for stream, entry in real.read(name).items()} == declared
    assert {stream: entry["n_out"] for stream, entry in real.read(name).items()} == declared
    assert {stream: row["count"] for stream, row in real.streams(name).items()} == declared
    assert real.state(name) == "added"
    assert not [f for f in real.findings(name) if f.severity != "info"]


def test_a_bag_that_a_well_known_library_reads_as_empty_is_read_whole(mcap: Real) -> None:
    said = [json.loads(row["value"])["data"] for row in mcap.rows("messages", "talker", stream="/topic")]
    assert said == [f"Hello, world! {i}" for i in range(10)]
    recording = mcap.rows("recordings", "talker")[0]
    assert recording["end_ns"] - recording["start_ns"] == 4_531_096_768


@pytest.mark.parametrize(("name", "stream"), [("convert_a", "b_basictypes"), ("convert_b", "c_strings")])
def test_values_that_no_definition_reads_are_one_word_and_no_loss(bags: Real, name: str, stream: str) -> None:
    (finding,) = bags.findings(name)
    assert (finding.check, finding.severity, finding.stream, finding.count) == (
        "recording.loss",
        "info",
        stream,
        50,
    )
    assert finding.message.count(stream) == 1
    assert "no definition" in finding.message


def test_lichtblick_has_ten_images_and_twenty_calibrations(mcap: Real) -> None:
    counts = {stream: entry["n_in"] for stream, entry in mcap.read("custom-camera-model").items()}
    kinds = {row["modality"]: stream for stream, row in mcap.streams("custom-camera-model").items()}
    assert counts[kinds["color"]] == 10
    calibrations = [s for s, r in mcap.streams("custom-camera-model").items() if r["modality"] == "calibration"]
    assert sum(counts[stream] for stream in calibrations) == 20
    frames = mcap.dataset.frames("custom-camera-model", kinds["color"])
    assert {frames.image(i).shape for i in range(10)} == {(360, 520, 3)}


def test_the_milliseconds_in_a_nanosecond_field_are_found(mcap: Real) -> None:
    found = [f for f in mcap.findings("custom-camera-model") if f.severity == "error"]
    assert [f.check for f in found] == ["stream.time"]
    assert "milliseconds in a nanosecond field" in found[0].message
    assert found[0].value == 1_747_930_377_103


def test_realsense_keeps_both_time_bases(bags: Real) -> None:
    name = "single_depth_color_640x480"
    streams = bags.streams(name)
    assert len(streams) == 70
    assert sum(entry["n_in"] for entry in bags.read(name).values()) == 135
    frames = {row["modality"]: row for row in streams.values() if row["table"] == "frames"}
    assert (frames["depth"]["count"], frames["color"]["count"]) == (2, 1)
    for row in bags.rows("frames", name):
        assert row["t_log_ns"] < 1_000_000_000  # the bag counts from its own start …
        assert 360_000_000_000 < row["t_header_ns"] < 361_000_000_000  # … the device from when it was plugged in
    depth = bags.dataset.frames(name, frames["depth"]["stream"])
    assert [round(float(depth.image(i).mean()), 1) for i in range(2)] == [1163.9, 1165.6]


def test_the_conformance_files_have_the_records_of_their_json(shared_data: Path, tmp_path: Path) -> None:
    done = ingest(tmp_path / "d", Request(paths=[shared_data / "mcap" / "mcap_conformance"]))
    assert {taken.state for taken in done.taken} == {"added"}
    names = ("log_time", "publish_time", "sequence")
    with rushes.open_dataset(tmp_path / "d") as dataset:
        held = dataset.arrow("messages").to_pylist()
    for taken in done.taken:
        said = json.loads(taken.path.with_suffix(".json").read_text())["records"]
        messages = [dict(record["fields"]) for record in said if record["type"] == "Message"]
        rows = [row for row in held if row["recording_id"] == taken.recording_id]
        expected = [(*(int(m[name]) for name in names), len(m["data"])) for m in messages]
        assert [(r["t_log_ns"], r["t_publish_ns"], r["seq"], r["length"]) for r in rows] == expected


def test_the_one_dropped_frame_of_the_gesture_clips_is_found(clips: Real) -> None:
    gaps = [f for f in clips.findings("brother") if f.check == "stream.gap"]
    assert [(f.count, f.value) for f in gaps] == [(1, 67_000_000)]
    assert {f.check for f in clips.findings("brother")} == {"stream.gap", "stream.drops"}


@pytest.mark.parametrize("clip", CLIPS)
def test_clean_gesture_clips_stay_clean(clips: Real, clip: str) -> None:
    assert clips.state(f"{clip}.mkv") == "added"
    assert clips.findings(clip) == []
    frames = clips.dataset.frames(clip, "video")
    assert frames.image(len(frames) - 1).shape == (480, 640, 3)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_rotated_clips_say_how_far_to_turn_them(clips: Real, turn: int) -> None:
    row = clips.streams(f"video_{turn}")["video"]
    assert row["count"] == 3
    assert (row["rotation_deg"] or 0) % 360 in (turn, (360 - turn) % 360)


def test_the_pts_of_the_nasa_clip_are_those_of_its_json(clips: Real, shared_data: Path) -> None:
    folder = shared_data / "video" / "torchcodec_nasa"
    streams = {row["container_index"]: row for row in clips.streams("nasa_13013").values()}
    assert len(streams) == 6
    for track, count in ((0, 325), (3, 390)):
        truth = json.loads((folder / f"nasa_13013.mp4.stream{track}.all_frames_info.json").read_text())
        frames = clips.dataset.frames("nasa_13013", streams[track]["stream"])
        assert len(frames) == len(truth) == count
        expected = [round(Fraction(one["pts_time"]) * 10**9) for one in truth]
        assert np.abs(frames.t_ns - np.array(expected)).max() <= 1_000  # the JSON has six digits
    assert clips.state("nasa_13013.mp4") == "added"
    # The smaller rendition shows each picture one or two frames earlier: matching pictures one by one says 50 ms.
    # It is an edited film: another shot has other colours, which image.cast says that it cannot tell from a cast.
    (late,) = (f for f in clips.findings("nasa_13013") if f.check != "image.cast")
    assert late.check == "clock.content"
    assert late.value == pytest.approx(50e6, abs=35e6)


def test_renditions_of_one_film_and_clips_of_one_scene_are_alike_and_that_is_no_fault(clips: Real) -> None:
    for recording in ("nasa_13013", "milk"):
        found = clips.alike(recording)
        assert found, recording
        assert {f.severity for f in found} == {"info"}


def test_the_two_clocks_of_realsense_are_found(bags: Real) -> None:
    found = [f for f in bags.findings("single_depth_color_640x480") if f.check == "stream.time"]
    assert {f.stream for f in found} == {
        "/device_0/sensor_0/Depth_0/image/data",
        "/device_0/sensor_1/Color_0/image/data",
    }
    for finding in found:
        assert finding.value == pytest.approx(360.8e9, rel=1e-3)
        assert "two clocks" in finding.message


def test_aria_and_kinect_state_one_clock_each_and_their_pairs_are_kept(shared_data: Path, tmp_path: Path) -> None:
    devices = shared_data / "devices"
    ingest(tmp_path / "d", Request(paths=[devices / "aria_aea" / "recording.vrs", devices / "azure_kinect"]))
    with rushes.open_dataset(tmp_path / "d") as dataset:
        clocks = dataset.sql("SELECT DISTINCT clock_id FROM streams WHERE clock_id IS NOT NULL ORDER BY clock_id")
        assert clocks.fetchall() == [("aria-1WM093701M1276",), ("azure-kinect-001514394512",)]
        pairs = dataset.sql("SELECT from_ns, to_ns FROM clock_pairs WHERE source = 'start-offset'")
        assert pairs.fetchall() == [(0, 336_277_000)]
        ((aria,),) = dataset.sql("SELECT recording_id FROM recordings WHERE reader = 'vrs'").fetchall()
        rgb = dataset.frames(aria, "camera-rgb")
        assert (len(rgb), rgb.image(7).shape) == (8, (1408, 1408, 3))
        assert rgb.image(0).std() > 10  # a picture, not a grey field


def test_an_azure_kinect_recording_opens_with_its_tracks(shared_data: Path, tmp_path: Path) -> None:
    ingest(tmp_path / "d", Request(paths=[shared_data / "devices" / "azure_kinect"]))
    with rushes.open_dataset(tmp_path / "d") as dataset:
        tracks = {row["stream"]: row for row in dataset.arrow("streams").to_pylist()}
        sizes = {row["modality"]: (row["width"], row["height"], row["count"]) for row in tracks.values()}
        assert sizes["color"] == (1280, 720, 1)
        assert sizes["depth"] == sizes["infrared"] == (640, 576, 1)
        for name, row in tracks.items():
            if row["modality"] in ("depth", "infrared"):
                picture = dataset.frames("recording", name).image(0)
                assert (picture.shape, picture.dtype) == ((576, 640), np.uint16)
        colour = next(name for name, row in tracks.items() if row["modality"] == "color")
        assert dataset.frames("recording", colour).image(0).shape == (720, 1280, 3)


@pytest.mark.parametrize(
    ("folder", "count"),
    [
        ("coco128_people/images/train2017", 30),
        ("gestures_hagrid/call", 10),
        ("gestures_hagrid/four", 10),
        ("gestures_hagrid/none", 10),
        ("coco_wholebody_mmpose", 4),
    ],
)
def test_labelled_image_sets_are_image_folders(shared_data: Path, tmp_path: Path, folder: str, count: int) -> None:
    done = ingest(tmp_path / "d", Request(paths=[shared_data / "labels" / folder]))
    assert [(taken.reader, taken.state) for taken in done.taken] == [("image_folder", "added")]
    with rushes.open_dataset(tmp_path / "d") as dataset:
        (frames,) = dataset.picture_streams(done.taken[0].path.name)
        assert len(frames) == count
        assert frames.stream["clock"] == "none"
        assert frames.image(count - 1).shape[2] == 3
