"""Recordings whose truth others wrote down, bags written with known content, and what the reader claims."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import yaml

from contracts.readers import ReaderContract
from readers.bag_writing import DEPTH, HEIGHT, IMU, START_NS, WIDTH, WORDS, write_bag1, write_bag2
from readers.reading import assert_books_balance, opened, payloads, tables, without_places
from rushes.errors import ReadError
from rushes.registry import load

READER = load("readers", "rosbag")
EXPECTED = {IMU: 300, DEPTH: 30, WORDS: 3}
FOXGLOVE = "rosbag/foxglove_example"
REALSENSE = "rosbag/realsense_bag/single_depth_color_640x480.bag"
DB3, MCAP = "rosbag/ros2_rosbag2_db3", "mcap/ros2_rosbag2_mcap"
FOLDERS = (
    f"{DB3}/talker",
    f"{DB3}/wbag",
    f"{DB3}/convert_a",
    f"{DB3}/convert_b",
    f"{DB3}/rosbag2_tests/resources/sqlite3/cdr_test",
    f"{DB3}/ros2bag/test/resources/empty_bag",
    f"{MCAP}/talker",
    f"{MCAP}/wbag",
    f"{MCAP}/convert_a",
    f"{MCAP}/convert_b",
    f"{MCAP}/rosbag2_tests/resources/mcap/cdr_test",
)


def probe(path: Path):
    return READER.probe(path, b"" if path.is_dir() else path.read_bytes()[:4096])


class TestBag1Contract(ReaderContract):
    reader = READER
    expected = EXPECTED

    @pytest.fixture
    def recording(self, tmp_path):
        return write_bag1(tmp_path / "walk.bag", compression="lz4").path


class TestSqliteContract(ReaderContract):
    reader = READER
    expected = EXPECTED

    @pytest.fixture(params=["none", "message", "file"])
    def recording(self, tmp_path, request):
        return write_bag2(tmp_path / "walk", storage="sqlite3", packed=request.param).path


class TestMcapFolderContract(ReaderContract):
    reader = READER
    expected = EXPECTED

    @pytest.fixture(params=["none", "message", "file"])
    def recording(self, tmp_path, request):
        return write_bag2(tmp_path / "walk", storage="mcap", packed=request.param).path


def counts(found) -> dict[str, int]:
    return {stream: len(columns["index"]) for stream, columns in found.items()}


@pytest.fixture(scope="module")
def plain(shared_data):
    with opened(shared_data / FOXGLOVE / "example.bag") as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        assert not recording.losses()
    return found


@pytest.mark.parametrize("name", ["example-bz2.bag", "example-lz4.bag"])
def test_the_compression_of_a_bag_changes_no_value(shared_data, plain, name):
    with opened(shared_data / FOXGLOVE / name) as recording:
        assert without_places(tables(recording)) == without_places(plain)


def test_the_example_bag_holds_what_its_makers_say(plain):
    assert sum(counts(plain).values()) == 8647
    assert len(plain["/turtle1/color_sensor"]["index"]) == 1351
    assert len(plain["/turtle1/color_sensor"]["index"]) + len(plain["/turtle2/color_sensor"]["index"]) == 2695
    times = [time for columns in plain.values() for time in columns["t_log_ns"]]
    assert max(times) + 1 - min(times) == 21_700_086_257  # they count to the end of the last nanosecond


def test_publishers_of_one_topic_are_one_stream_in_recorded_order(shared_data, plain):
    with opened(shared_data / FOXGLOVE / "example.bag") as recording:
        publishers = recording.description.metadata["connections"]
    assert len([one for one in publishers if one["topic"] == "/rosout"]) > 1
    assert plain["/rosout"]["index"] == list(range(len(plain["/rosout"]["index"])))
    assert plain["/rosout"]["offset"] == sorted(plain["/rosout"]["offset"])


def test_a_bag_without_messages_is_a_recording_without_streams(shared_data):
    with opened(shared_data / FOXGLOVE / "no-messages.bag") as recording:
        assert tables(recording) == {}
        assert recording.description.streams == ()
        assert not recording.losses()


def test_an_empty_file_is_named_as_such(shared_data):
    path = shared_data / FOXGLOVE / "empty-file.bag"
    assert probe(path).confidence == 0.3
    with pytest.raises(ReadError) as raised:
        opened(path)
    assert raised.value.code == "read.empty"


def test_the_realsense_bag_keeps_both_its_times_and_its_pictures(shared_data):
    with opened(shared_data / REALSENSE) as recording:
        found = tables(recording)
        assert sum(entry.came_in for entry in recording.ledger()) == 135
        assert_books_balance(recording, found)
        depth = found["/device_0/sensor_0/Depth_0/image/data"]
        colour = found["/device_0/sensor_1/Color_0/image/data"]
        pictures = [np.frombuffer(data, "<u2") for data in payloads(recording, depth)]
        described = recording.description.stream("/device_0/sensor_0/Depth_0/image/data")
        colour_form = recording.description.stream("/device_0/sensor_1/Color_0/image/data").pixel_format
        span = recording.description.start_ns, recording.description.end_ns
    assert [round(float(picture.mean()), 1) for picture in pictures] == [1163.9, 1165.6]
    assert (described.pixel_format, described.width, described.height) == ("mono16", 640, 480)
    assert (depth["width"], depth["height"]) == ([640, 640], [480, 480])
    assert len(colour["index"]) == 1
    assert colour_form == "rgb8"
    assert span == (1, 167_934_700)  # the bag counts from its own start …
    assert all(360e9 < time < 361e9 for time in depth["t_header_ns"])  # … the device from when it was plugged in
    assert all(time < 1e9 for time in depth["t_log_ns"])


def test_the_realsense_calibrations_are_as_measured(shared_data):
    with opened(shared_data / REALSENSE) as recording:
        found = tables(recording)
    focal = [
        round(value, 2) for columns in found.values() for value in columns.get("fx_px", columns.get("fx", []))
    ] or [
        round(json.loads(value)["K"][0], 2)
        for stream, columns in found.items()
        if stream.endswith("camera_info")
        for value in columns["value"]
    ]
    assert sorted(set(focal)) == [390.43, 613.2]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_ros2_bag_holds_what_its_metadata_declares(shared_data, name):
    stated = yaml.safe_load((shared_data / name / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    declared = {t["topic_metadata"]["name"]: t["message_count"] for t in stated["topics_with_message_count"]}
    with opened(shared_data / name) as recording:
        found = tables(recording)
        entries = {entry.stream: entry for entry in recording.ledger() if entry.step == "read"}
        losses = recording.losses()
        assert_books_balance(recording, found)
    assert {stream: entry.came_in for stream, entry in entries.items()} == declared
    assert {stream: entry.declared for stream, entry in entries.items()} == declared
    assert sum(entry.out for entry in entries.values()) == stated["message_count"]
    assert not losses


def test_a_bag_whose_recorded_definition_is_wrong_is_read_by_that_of_ros2(shared_data):
    with opened(shared_data / "rosbag/ros2_rosbag2_db3/talker") as recording:
        rows = tables(recording)["/rosout"]
        notes = recording.description.stream("/rosout").notes
    said = [json.loads(value)["msg"] for value in rows["value"]]
    assert said == [f"Publishing: 'Hello, world! {i}'" for i in range(10)]
    assert "does not fit" in notes


@pytest.mark.parametrize(("name", "stream"), [("convert_a", "b_basictypes"), ("convert_b", "c_strings")])
def test_values_without_a_definition_are_told_in_the_ledger_and_are_no_loss(shared_data, name, stream):
    with opened(shared_data / "rosbag/ros2_rosbag2_db3" / name) as recording:
        rows = tables(recording)[stream]
        (entry,) = [entry for entry in recording.ledger() if entry.step == "decode"]
        assert not recording.losses()
    assert rows["value"] == [None] * 50
    assert all(length > 4 for length in rows["length"])
    assert (entry.stream, entry.unread) == (stream, 50)
    assert "no definition" in next(iter(entry.reasons))


def timeless(column, values):
    """Leave out what was asked of a clock, in columns of times and inside decoded messages."""
    if column.endswith("_ns") or column == "seq":
        return None
    strip = lambda fields: {key: one for key, one in fields.items() if key not in {"sec", "nanosec"}}  # noqa: E731
    return [json.loads(one, object_hook=strip) for one in values] if column == "value" else values


def test_the_sqlite_twin_holds_the_same_as_the_mcap(shared_data):
    with opened(shared_data / "rosbag/rosbags_rs_alltypes_db3") as recording:
        rows = without_places(tables(recording))
    with opened(next((shared_data / "mcap/rosbags_rs_alltypes").rglob("*.mcap")), "mcap") as recording:
        twin = without_places(tables(recording))
    assert len(rows) == 94
    assert counts(rows) == counts(twin)
    later = {
        after - before
        for stream in rows
        for before, after in zip(rows[stream].get("t_log_ns", ()), twin[stream].get("t_log_ns", ()), strict=True)
    }
    assert len(later) == 1  # the twins were written one after the other by the same script
    for stream, columns in rows.items():
        mine = {name: timeless(name, values) for name, values in columns.items()}
        assert mine == {name: timeless(name, values) for name, values in twin[stream].items()}, stream


@pytest.mark.parametrize("storage", ["bag", "sqlite3", "mcap"])
def test_written_samples_come_back_as_they_were(tmp_path, storage):
    written = (
        write_bag1(tmp_path / "walk.bag", compression="lz4")
        if storage == "bag"
        else write_bag2(tmp_path / "walk", storage=storage)
    )
    with opened(written.path) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        assert not recording.losses()
    imu = found[IMU]
    gyro = np.column_stack([imu[f"gyro_{axis}_rad_s"] for axis in "xyz"])
    np.testing.assert_array_equal(gyro, written.gyro)
    assert imu["t_log_ns"] == [START_NS + i * 1_000_000 for i in range(300)]
    assert imu["t_header_ns"] == [time - 5_000_000 for time in imu["t_log_ns"]]
    assert [json.loads(value)["data"] for value in found[WORDS]["value"]] == ["word 99", "word 199", "word 299"]


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("packed", ["none", "message", "file"])
def test_the_bytes_of_a_picture_are_found_however_the_bag_is_packed(tmp_path, storage, packed):
    written = write_bag2(tmp_path / "walk", storage=storage, packed=packed)
    with opened(written.path) as recording:
        found = tables(recording)
        pictures = payloads(recording, found[DEPTH])
    assert len(pictures) == 30
    for data, picture in zip(pictures, written.pictures, strict=True):
        np.testing.assert_array_equal(np.frombuffer(data, "<u2").reshape(HEIGHT, WIDTH), picture)


def test_only_the_streams_asked_for_are_read_and_accounted_for(tmp_path):
    written = write_bag2(tmp_path / "walk", storage="sqlite3")
    with opened(written.path) as recording:
        batches = list(recording.batches([DEPTH]))
        assert {batch.stream for batch in batches} == {DEPTH}
        assert [(entry.stream, entry.out) for entry in recording.ledger()] == [(DEPTH, 30)]
        with pytest.raises(ReadError, match="no stream"):
            list(recording.batches(["/nothing"]))


def test_fewer_rows_than_declared_are_a_loss_by_topic(tmp_path):
    written = write_bag2(tmp_path / "walk", storage="sqlite3")
    database = sqlite3.connect(written.path / "walk.db3")
    database.execute("DELETE FROM messages WHERE id IN (5, 6)")
    database.commit()
    database.close()
    with opened(written.path) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        losses = recording.losses()
    assert [(loss.code, loss.stream, loss.count) for loss in losses] == [("read.count-mismatch", IMU, 2)]
    assert len(found[IMU]["index"]) == 298


def test_what_an_absent_split_held_is_unread_in_the_ledger(shared_data, tmp_path):
    for path in (shared_data / DB3 / "wbag").iterdir():
        if path.name != "wbag_2.db3":
            shutil.copyfile(path, tmp_path / path.name)
    with opened(tmp_path) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        ledger = recording.ledger()
        assert {loss.code for loss in recording.losses()} == {"read.absent-file"}
    assert sum(entry.unread for entry in ledger) == 1240
    assert sum(entry.out for entry in ledger) == 6074 - 1240
    assert {reason for entry in ledger for reason in entry.reasons} == {"read.absent-file"}


def test_metadata_that_cannot_be_parsed_is_a_loss_and_the_files_are_read(tmp_path):
    written = write_bag2(tmp_path / "walk", storage="mcap")
    (written.path / "metadata.yaml").write_text("rosbag2_bagfile_information: [")
    with opened(written.path) as recording:
        assert counts(tables(recording)) == {topic: len(rows) for topic, rows in written.messages.items()}
        assert [loss.file for loss in recording.losses()] == ["metadata.yaml"]


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"#ROSBAG V1.2\n", "read.old-version"),
        (b"#ROSRECORD V1.1\n", "read.old-version"),
        (b"x" * 50, "read.damaged"),
    ],
)
def test_what_is_no_bag_of_version_2_is_refused_with_its_reason(tmp_path, head, code):
    path = tmp_path / "old.bag"
    path.write_bytes(head + bytes(5000))
    assert probe(path).confidence <= 0.3
    with pytest.raises(ReadError) as raised:
        opened(path)
    assert raised.value.code == code


def test_an_encrypted_bag_is_refused_with_the_name_of_its_encryptor(tmp_path):
    written = write_bag1(tmp_path / "walk.bag")
    data = written.path.read_bytes()
    length = int.from_bytes(data[13:17], "little")
    name = b"encryptor=rosbag/AesCbcEncryptor"
    header = data[17 : 17 + length] + len(name).to_bytes(4, "little") + name
    written.path.write_bytes(data[:13] + len(header).to_bytes(4, "little") + header + data[17 + length :])
    with pytest.raises(ReadError, match="AesCbcEncryptor") as raised:
        opened(written.path)
    assert raised.value.code == "read.encrypted"


def test_claims_grow_with_the_evidence(shared_data, tmp_path):
    written = write_bag2(tmp_path / "walk", storage="sqlite3")
    packed = write_bag2(tmp_path / "packed", storage="mcap", packed="file")
    assert probe(shared_data / REALSENSE).confidence == 1.0
    assert probe(written.path).confidence == 0.95
    assert probe(packed.path).confidence == 0.95
    assert probe(written.path / "walk.db3").confidence == 0.9
    assert probe(packed.path / "packed.mcap.zstd").confidence == 0.9
    (written.path / "metadata.yaml").unlink()
    assert probe(written.path).confidence == 0.7
    assert probe(shared_data / MCAP / "wbag").confidence == 0.95
    other = tmp_path / "other.db3"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE songs(id INTEGER)")
    database.commit()
    database.close()
    assert probe(other).confidence == 0.0
    assert probe(tmp_path).confidence == 0.0  # its only .db3 file is no bag
    assert probe(shared_data / "rgbd").confidence == 0.0


def test_a_folder_of_two_bags_is_not_one(tmp_path):
    written = write_bag2(tmp_path / "walk", storage="sqlite3")
    (written.path / "metadata.yaml").unlink()
    shutil.copy(written.path / "walk.db3", written.path / "run.db3")
    claim = probe(written.path)
    assert claim.confidence == 0.0
    assert "several bags" in claim.reason
