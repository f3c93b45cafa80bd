"""Clock pairs out of recordings: RealSense metadata, and what a recorder or a person noted as messages."""

import json
import struct
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.writer import Writer

from readers.reading import opened
from rushes.model import ClockPairs, Stream
from rushes.readers._messages import realsense
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.resources import folder

SCHEMA = json.loads((folder("schemas") / "clock_pair.schema.json").read_text())
PAIR = {
    "from_clock": "glove", "to_clock": "log", "from_ns": 5, "to_ns": 7, "relation": "two-way", "source": "lsl",
    "round_trip_ns": 3, "stream": "/glove",
}  # fmt: skip


def recorded(path: Path, messages: list[Any]) -> Path:
    """Write an MCAP file with a channel of clock pairs, and one of something else."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("rushes.ClockPair", "jsonschema", json.dumps(SCHEMA).encode())
        other = writer.register_schema("note", "jsonschema", b"{}")
        pairs = writer.register_channel("/clock_pairs", "json", schema)
        notes = writer.register_channel("/notes", "json", other)
        writer.add_message(notes, 1, b'{"text": "take 1"}', 1)
        for number, message in enumerate(messages):
            data = message if isinstance(message, bytes) else json.dumps(message).encode()
            writer.add_message(pairs, 10 + number, data, 10 + number)
        writer.finish()
    return path


def read(path: Path, reader: str = "mcap", streams: list[str] | None = None):
    with opened(path, reader) as recording:
        batches = list(recording.batches(streams))
        return recording, batches


def by_clocks(pairs: list[ClockPairs]) -> dict[tuple[str, str, str | None], ClockPairs]:
    return {(pair.from_clock, pair.to_clock, pair.stream): pair for pair in pairs}


def test_a_recorded_pair_is_evidence_and_no_row(tmp_path: Path) -> None:
    clap = {
        **PAIR,
        "source": "event",
        "relation": "same",
        "round_trip_ns": None,
        "stream": None,
        "to_clock": "/cam",
    }
    path = recorded(tmp_path / "a.mcap", [PAIR, {**PAIR, "from_ns": 15, "to_ns": 17}, clap])

    recording, batches = read(path)

    live, shared = recording.clock_pairs()
    assert (live.from_clock, live.to_clock, live.relation, live.source) == ("glove", "log", "two-way", "lsl")
    assert (live.from_ns.tolist(), live.to_ns.tolist()) == ([5, 15], [7, 17])
    assert live.round_trip_ns is not None
    assert live.round_trip_ns.tolist() == [3, 3]
    assert (shared.relation, shared.source, shared.round_trip_ns, shared.stream) == ("same", "event", None, None)
    assert {batch.stream for batch in batches} == {"/notes"}
    entry = next(entry for entry in recording.ledger() if entry.stream == "/clock_pairs")
    assert (entry.came_in, entry.out, entry.rows) == (3, 3, 0)
    assert entry.balanced
    assert not recording.losses()


WRONG = [
    b"no JSON", b"[]", b"3", {**PAIR, "from_ns": 1.5}, {**PAIR, "from_ns": True}, {**PAIR, "relation": "maybe"},
    {**PAIR, "from_clock": ""}, {**PAIR, "round_trip_ns": -1}, {**PAIR, "stream": 4},
    {name: value for name, value in PAIR.items() if name != "to_ns"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_no_pair_is_refused_counted_and_named(tmp_path: Path, wrong: Any) -> None:
    path = recorded(tmp_path / "a.mcap", [PAIR, wrong])

    recording, _ = read(path)

    assert sum(len(pairs.from_ns) for pairs in recording.clock_pairs()) == 1
    entry = next(entry for entry in recording.ledger() if entry.stream == "/clock_pairs")
    assert (entry.came_in, entry.out, entry.rejected) == (2, 1, 1)
    assert any("clock_pair.schema.json" in loss.message for loss in recording.losses())


@given(
    st.fixed_dictionaries(
        {name: st.one_of(st.text(max_size=3), st.integers(-3, 3), st.none(), st.just("same")) for name in PAIR}
    )
)
def test_the_reader_and_the_schema_agree_on_what_a_pair_is(tmp_path_factory, message: dict[str, Any]) -> None:
    path = recorded(tmp_path_factory.mktemp("pairs") / "a.mcap", [message])

    recording, _ = read(path)

    assert bool(recording.clock_pairs()) is jsonschema.Draft202012Validator(SCHEMA).is_valid(message)


def test_pairs_are_those_of_the_streams_that_were_read(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.mcap", [PAIR])

    recording, _ = read(path, streams=["/notes"])

    assert not recording.clock_pairs()


def test_realsense_says_when_a_frame_was_taken_and_when_it_arrived(shared_data: Path) -> None:
    (path,) = (shared_data / "rosbag" / "realsense_bag").glob("*.bag")
    recording, _ = read(path, "rosbag")
    depth = "/device_0/sensor_0/Depth_0/image/metadata"

    pairs = by_clocks(list(recording.clock_pairs()))

    taken = pairs["realsense/device_0/sensor_0", "host", depth]
    assert (taken.relation, taken.source) == ("one-way", "device-metadata")
    # The header stamps of the two depth pictures, which another reader gives too; arrival on 14 August 2018.
    assert taken.from_ns.tolist() == [360_815_089_000, 360_981_765_000]
    assert taken.to_ns.tolist() == [1_534_232_519_732_000_000, 1_534_232_519_900_000_000]
    # Both clocks run alike: 166.7 ms between frames at 6 Hz, arrival known to the millisecond.
    assert abs(np.diff(taken.from_ns)[0] - np.diff(taken.to_ns)[0]) < 2_000_000
    logged = pairs["host", "log", depth]
    assert logged.to_ns.tolist() == [1_500, 167_934_700]
    assert abs(np.diff(logged.from_ns)[0] - np.diff(logged.to_ns)[0]) < 1_000_000


def test_realsense_pictures_name_the_hardware_clock_of_their_sensor(shared_data: Path) -> None:
    (path,) = (shared_data / "rosbag" / "realsense_bag").glob("*.bag")
    recording, _ = read(path, "rosbag")

    clocks = {stream.name: stream.clock_id for stream in recording.description.streams if stream.clock_id}
    assert clocks == {
        "/device_0/sensor_0/Depth_0/image/data": "realsense/device_0/sensor_0",
        "/device_0/sensor_1/Color_0/image/data": "realsense/device_0/sensor_1",
    }


def as_text(text: str) -> bytes:
    """A std_msgs/String as CDR."""
    data = text.encode() + b"\0"
    return b"\0\1\0\0" + struct.pack("<I", len(data)) + data


def block_of(payloads: list[bytes], log_ns: list[int]) -> MessageBlock:
    size = np.array([len(payload) for payload in payloads], np.int64)
    start = np.cumsum(size) - size
    return MessageBlock(
        log_ns=np.array(log_ns, np.int64),
        publish_ns=None,
        seq=None,
        buffer=np.frombuffer(b"".join(payloads), np.uint8),
        start=start,
        length=size,
        media_id="a.db3",
        block=None,
        place=start,
    )


def metadata_of(payloads: list[bytes], log_ns: list[int]) -> tuple[Stream, list[ClockPairs], int]:
    channel = Channel(
        topic="/device_0/sensor_0/Depth_0/image/metadata",
        message_type="std_msgs/msg/String",
        encoding="cdr",
        schema=b"string data",
        schema_encoding="ros2msg",
    )
    block = block_of(payloads, log_ns)
    found = realsense.interpreter(channel, block, channel.topic)
    assert found is not None
    rows = sum(batch.rows for batch in [*found.take(block), *found.finish()])
    return found.stream, list(found.clock_pairs()), rows


def test_the_newer_recorder_writes_a_text_a_frame_and_stamps_in_milliseconds() -> None:
    said = "frame_number=7;system_time=1534232519{}.5;timestamp_domain=Hardware Clock;timestamp=1000.25;"
    said += "Time Of Arrival=1534232519{}"

    _, pairs, rows = metadata_of([as_text(said.format(n, n - 100)) for n in (732, 900)], [5, 6])

    taken, logged = pairs
    assert rows == 2
    assert taken.from_ns.tolist() == [1_000_250_000] * 2
    assert taken.to_ns.tolist() == [1_534_232_519_632_000_000, 1_534_232_519_800_000_000]
    assert logged.from_ns.tolist() == [1_534_232_519_732_500_000, 1_534_232_519_900_500_000]
    assert logged.to_ns.tolist() == [5, 6]


def test_frames_in_the_hosts_own_time_say_nothing_of_a_hardware_clock() -> None:
    _, pairs, rows = metadata_of([as_text("timestamp_domain=System Time;timestamp=10;Time Of Arrival=11")], [5])

    assert rows == 1
    assert not pairs


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_damaged_metadata_is_kept_as_rows_and_makes_no_error(payloads: list[bytes]) -> None:
    _, _, rows = metadata_of(payloads, list(range(len(payloads))))

    assert rows == len(payloads)
