"""The MCAP reader on files that others wrote, whose content others wrote down."""

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from mcap.reader import NonSeekingReader, make_reader
from mcap_ros2.decoder import DecoderFactory
from PIL import Image
from rosbags.typesys import Stores, get_typestore

from contracts.readers import ReaderContract, locations, rows_of
from rushes.media import MediaReader
from rushes.readers.mcap import PLUGIN


def read(path):
    with PLUGIN.open(path, {}) as opened:
        return opened.description, rows_of(list(opened.batches())), opened.losses()


def stated(path: Path) -> list[dict]:
    """Give the records that the conformance suite expects, as dicts."""
    records = json.loads(path.with_suffix(".json").read_text())["records"]
    return [{"type": record["type"], **dict(record["fields"])} for record in records]


def test_every_conformance_file_holds_what_its_json_says(shared_data):
    files = sorted((shared_data / "mcap" / "mcap_conformance").rglob("*.mcap"))
    assert len(files) > 40
    for path in files:
        records = stated(path)
        channels = {r["id"]: r for r in records if r["type"] == "Channel"}
        expected = [r for r in records if r["type"] == "Message"]

        description, rows, losses = read(path)

        assert losses == (), path
        assert {s.name for s in description.streams} == {c["topic"] for c in channels.values()}, path
        found = [
            (topic, str(log), str(publish), str(seq), list(map(str, payload(path, columns, i))))
            for topic, columns in rows.items()
            for i, (log, publish, seq) in enumerate(
                zip(columns["t_log_ns"], columns["t_publish_ns"], columns["seq"], strict=True)
            )
        ]
        assert found == [
            (channels[m["channel_id"]]["topic"], m["log_time"], m["publish_time"], m["sequence"], m["data"])
            for m in expected
        ], path
        attachments = [(r["name"], r["media_type"], len(r["data"])) for r in records if r["type"] == "Attachment"]
        told = [(a["name"], a["media_type"], a["bytes"]) for a in description.metadata["attachments"]]
        assert told == attachments, path


def payload(path, columns, i):
    """Give the payload that a row locates."""
    from rushes.model import Location

    with MediaReader() as reader:
        place = Location(
            path=path,
            container="mcap",
            offset=columns["offset"][i],
            length=columns["length"][i],
            block=columns["block"][i],
        )
        return reader.read(place)


class TestLichtblickCamera(ReaderContract):
    """Ten JSON pictures and twenty calibrations; the log times are milliseconds in a field of nanoseconds."""

    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {
        "/image/compressed": 10,
        "/camera_calibration": 1,
        "/camera_calibration/custom": 1,
    }

    @pytest.fixture
    def recording(self, shared_data):
        return shared_data / "mcap" / "lichtblick_camera" / "custom-camera-model.mcap"

    def test_pictures_decode_from_their_base64_places(self, opened):
        stream = opened.description.stream("/image/compressed")
        media = {item.media_id: item for item in opened.description.media}
        sizes = []
        with MediaReader() as reader:
            for batch in opened.batches(["/image/compressed"]):
                for location in locations(batch, media, stream.packing):
                    image = Image.open(io.BytesIO(reader.read(location)))
                    image.load()
                    sizes.append(image.size)

        assert set(sizes) == {(520, 360)}
        assert (stream.codec, stream.packing, stream.width, stream.height) == ("jpeg", "base64", 520, 360)

    def test_log_times_are_kept_as_they_are_and_constant_stamps_are_not_a_clock(self, opened):
        (batch,) = opened.batches(["/image/compressed"])

        assert opened.description.stream("/image/compressed").clock == "log"
        assert batch.columns["t_log_ns"][0] == 1747930377103
        assert set(batch.columns["t_header_ns"].tolist()) == {1747930377 * 10**9}

    def test_equal_calibrations_are_merged_and_counted(self, opened):
        rows = rows_of(list(opened.batches()))
        entries = {entry.stream: entry for entry in opened.ledger()}

        assert rows["/camera_calibration"]["messages"] == [10]
        assert (entries["/camera_calibration"].came_in, entries["/camera_calibration"].merged) == (10, 9)


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("lichtblick_logs/example.mcap", [111]),
        ("lichtblick_logs/example_logs.mcap", [111, 1000]),
        ("ros2_rosbag2_mcap/talker/talker.mcap", [10, 0, 10]),
        ("ros2_rosbag2_mcap/convert_a/rewriter_a_0.mcap", [100, 50]),
        ("ros2_rosbag2_mcap/convert_b/rewriter_b_0.mcap", [50, 25]),
        ("ros2_rosbag2_mcap/wbag/wbag_0.mcap", 1246),
        ("ros2_rosbag2_mcap/wbag/wbag_4.mcap", 1108),
        ("ros2_rosbag2_mcap/rosbag2_tests/resources/mcap/cdr_test/cdr_test_0.mcap", 7),
    ],
)
def test_files_hold_as_many_messages_as_their_makers_say(shared_data, file, counts):
    _, rows, losses = read(shared_data / "mcap" / file)

    found = [len(columns["index"]) for columns in rows.values()]

    assert losses == ()
    assert sum(found) == (counts if isinstance(counts, int) else sum(counts))


def plain(value):
    """Give a decoded message of mcap-ros2-support as JSON values."""
    if hasattr(value, "__slots__") or hasattr(value, "__dict__"):
        names = getattr(value, "__slots__", None) or vars(value)
        return {
            name: plain(getattr(value, name)) for name in names if name != "structure_needs_at_least_one_member"
        }
    if isinstance(value, bytes | bytearray | memoryview) or type(value).__name__ == "array":
        return [plain(item) for item in value]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


@pytest.mark.parametrize(
    "file",
    [
        "ros2_rosbag2_mcap/talker/talker.mcap",
        "ros2_rosbag2_mcap/convert_a/rewriter_a_0.mcap",
        "ros2_rosbag2_mcap/convert_b/rewriter_b_0.mcap",
        "ros2_rosbag2_mcap/wbag/wbag_1.mcap",
        "ros2_rosbag2_mcap/rosbag2_tests/resources/mcap/cdr_test/cdr_test_0.mcap",
        "lichtblick_logs/example_logs.mcap",
    ],
)
def test_values_equal_those_of_the_plain_decoder(shared_data, file):
    path = shared_data / "mcap" / file
    expected: dict[str, list] = {}
    with path.open("rb") as stream:
        reader = NonSeekingReader(stream, decoder_factories=[DecoderFactory()])
        for schema, channel, message in reader.iter_messages(log_time_order=False):
            if channel.message_encoding == "json":
                value = json.loads(message.data)
            else:
                value = plain(DecoderFactory().decoder_for("cdr", schema)(message.data))
            expected.setdefault(channel.topic, []).append(value)

    _, rows, _ = read(path)

    assert {topic: [json.loads(v) for v in columns["value"]] for topic, columns in rows.items()} == expected


class TestAllTypes(ReaderContract):
    """94 topics with two messages each, one of them a pair of pictures, Imu, poses and so on."""

    reader = PLUGIN

    @pytest.fixture
    def recording(self, shared_data):
        return shared_data / "mcap" / "rosbags_rs_alltypes" / "test_bag_mcap.mcap"

    @property
    def expected(self):
        return self._expected

    @pytest.fixture(autouse=True)
    def counts(self, shared_data, recording):
        with recording.open("rb") as stream:
            found: dict[str, int] = {}
            for _, channel, _ in make_reader(stream).iter_messages():
                found[channel.topic] = found.get(channel.topic, 0) + 1
        assert len(found) == 94
        assert set(found.values()) == {2}
        found["/test/sensor_msgs/camera_info"] = self.calibrations(recording)
        self._expected = found

    @staticmethod
    def calibrations(recording):
        """Count the different calibrations, whatever their stamps."""
        store = get_typestore(Stores.ROS2_HUMBLE)
        with recording.open("rb") as stream:
            held = []
            for _, _, message in make_reader(stream).iter_messages(topics=["/test/sensor_msgs/camera_info"]):
                info = store.deserialize_cdr(message.data, "sensor_msgs/msg/CameraInfo")
                held.append((info.header.frame_id, info.width, info.height, info.k.tolist(), info.d.tolist()))
        return 1 if held[0] == held[1] else 2

    def test_every_value_equals_that_of_the_plain_decoder(self, opened, recording):
        rows = rows_of(list(opened.batches()))
        seen: dict[str, int] = {}
        compared = 0
        with recording.open("rb") as stream:
            for schema, channel, message in make_reader(stream).iter_messages(log_time_order=False):
                i = seen.get(channel.topic, 0)
                seen[channel.topic] = i + 1
                value = rows[channel.topic].get("value")
                if value is not None and value[i] is not None:
                    decode = DecoderFactory().decoder_for("cdr", schema)
                    assert json.loads(value[i]) == plain(decode(message.data)), channel.topic
                    compared += 1

        assert compared > 150
