"""The sources below the ROS bag reader: every payload, in order, and readable again where it is said to lie."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import Reader as Reader2

from readers.bag_writing import DEPTH, IMU, write_bag1, write_bag2
from rushes.media import MediaReader
from rushes.model import Location
from rushes.readers._messages.bags import open_source
from rushes.readers._messages.recording import Source

BAGS1 = ("example.bag", "example-lz4.bag", "example-bz2.bag", "no-messages.bag")
FOLDERS2 = ("talker", "wbag", "convert_a", "convert_b", "rosbag2_tests/resources/sqlite3/cdr_test")


def payloads(source: Source) -> dict[str, list[tuple[int, bytes]]]:
    """Log time and payload of every message, by topic in the order given."""
    found: dict[str, list[tuple[int, bytes]]] = {}
    for channel, block in source.blocks(range(len(source.channels))):
        rows = found.setdefault(source.channels[channel].topic, [])
        rows += [(int(time), bytes(block.payload(i))) for i, time in enumerate(block.log_ns)]
    return found


def locations(source: Source) -> Iterator[tuple[Location, bytes]]:
    media = {file.media_id: file for file in source.media}
    for _, block in source.blocks(range(len(source.channels))):
        file = media[block.media_id]
        for i in range(len(block)):
            place = block.block if block.block is None or isinstance(block.block, int) else int(block.block[i])
            yield (
                Location(
                    path=file.path,
                    container=file.container,
                    offset=int(block.place[i]),
                    length=int(block.length[i]),
                    block=place,
                ),
                bytes(block.payload(i)),
            )


def assert_readable_where_they_lie(source: Source, every: int = 1) -> None:
    with MediaReader() as reader:
        for number, (location, payload) in enumerate(locations(source)):
            if number % every == 0:
                assert reader.read(location) == payload


def of_rosbags(reader) -> dict[str, list[tuple[int, bytes]]]:
    found: dict[str, list[tuple[int, bytes]]] = {}
    with reader:
        for connection, time, data in reader.messages():
            found.setdefault(connection.topic, []).append((time, bytes(data)))
    return found


def files_below(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def opened():
    sources = []

    def open_it(path: Path) -> Source:
        sources.append(open_source(path, ""))
        return sources[-1]

    yield open_it
    for source in sources:
        source.close()


@pytest.mark.parametrize("name", BAGS1)
def test_a_ros1_bag_gives_what_rosbags_gives(shared_data, opened, name):
    path = shared_data / "rosbag/foxglove_example" / name
    source = opened(path)
    assert payloads(source) == of_rosbags(Reader1(path))
    assert source.losses() == ()
    assert_readable_where_they_lie(source, every=97)


def test_a_realsense_bag_gives_what_rosbags_gives(shared_data, opened):
    path = shared_data / "rosbag/realsense_bag/single_depth_color_640x480.bag"
    source = opened(path)
    assert payloads(source) == of_rosbags(Reader1(path))
    assert_readable_where_they_lie(source)


@pytest.mark.parametrize("name", FOLDERS2)
def test_a_sqlite_bag_gives_every_row_of_its_tables(shared_data, opened, name):
    path = shared_data / "rosbag/ros2_rosbag2_db3" / name
    source = opened(path)
    rows: dict[str, list[tuple[int, bytes]]] = {}
    for file in source.media:
        database = sqlite3.connect(f"{file.path.resolve().as_uri()}?immutable=1", uri=True)
        query = (
            "SELECT name, timestamp, data FROM messages JOIN topics ON topic_id = topics.id ORDER BY messages.id"
        )
        for topic, time, data in database.execute(query):
            rows.setdefault(topic, []).append((time, data))
        database.close()
    assert payloads(source) == rows
    assert not source.losses()
    assert_readable_where_they_lie(source, every=13)


@pytest.mark.parametrize("name", ["wbag", "rosbag2_tests/resources/sqlite3/cdr_test"])
def test_a_sqlite_bag_gives_what_rosbags_gives(shared_data, opened, name):
    path = shared_data / "rosbag/ros2_rosbag2_db3" / name
    ours, theirs = payloads(opened(path)), of_rosbags(Reader2(path))
    assert {t: sorted(rows) for t, rows in ours.items()} == {t: sorted(rows) for t, rows in theirs.items()}


@pytest.mark.parametrize("compression", ["none", "bz2", "lz4"])
def test_a_written_ros1_bag_of_many_chunks_comes_back(tmp_path, opened, compression):
    written = write_bag1(tmp_path / "walk.bag", compression=compression)
    source = opened(written.path)
    assert payloads(source) == written.messages
    assert len(source.layout.chunks) > 5
    assert {c.topic: c.declared_count for c in source.channels} == {t: len(m) for t, m in written.messages.items()}
    assert_readable_where_they_lie(source)


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("packed", ["none", "message", "file"])
def test_a_written_ros2_bag_comes_back_however_it_is_packed(tmp_path, opened, storage, packed):
    written = write_bag2(tmp_path / "walk", storage=storage, packed=packed)
    source = opened(written.path)
    assert payloads(source) == written.messages
    assert not source.losses()
    assert_readable_where_they_lie(source)


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("packed", ["none", "message", "file"])
def test_a_bag_without_its_metadata_is_the_same(tmp_path, opened, storage, packed):
    written = write_bag2(tmp_path / "walk", storage=storage, packed=packed)
    (written.path / "metadata.yaml").unlink()
    assert payloads(opened(written.path)) == written.messages


@pytest.mark.parametrize("compression", ["none", "lz4"])
def test_one_topic_by_itself_is_the_same_as_among_all(tmp_path, opened, compression):
    written = write_bag1(tmp_path / "walk.bag", compression=compression)
    source = opened(written.path)
    depth = next(place for place, channel in enumerate(source.channels) if channel.topic == DEPTH)
    found = [bytes(block.payload(i)) for _, block in source.blocks([depth]) for i in range(len(block))]
    assert found == [payload for _, payload in written.messages[DEPTH]]


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("packed", ["none", "message", "file"])
def test_nothing_is_written_beside_a_recording(tmp_path, storage, packed):
    written = write_bag2(tmp_path / "walk", storage=storage, packed=packed)
    before = files_below(tmp_path)
    source = open_source(written.path, "")
    payloads(source)
    assert_readable_where_they_lie(source)
    source.close()
    assert files_below(tmp_path) == before


def test_rows_in_the_write_ahead_log_are_read_and_nothing_is_written(tmp_path, opened):
    written = write_bag2(tmp_path / "live", storage="sqlite3")
    live = written.path / "live.db3"
    database = sqlite3.connect(live)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA wal_autocheckpoint=0")
    extra = written.messages[IMU][0][1]
    database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (1, ?, ?)", (1, extra))
    database.commit()
    taken = tmp_path / "taken"  # as copied while the recorder runs, or left by one that died
    taken.mkdir()
    for path in written.path.iterdir():
        if not path.name.endswith("-shm"):
            shutil.copy(path, taken)
    database.close()

    before = sorted(taken.iterdir())
    source = opened(taken)
    assert payloads(source)[IMU] == [*written.messages[IMU], (1, extra)]
    assert_readable_where_they_lie(source, every=50)
    assert sorted(taken.iterdir()) == before
    assert {file.media_id for file in source.media} == {"live.db3", "live.db3-wal"}


def test_splits_are_one_recording_in_the_order_of_the_metadata(shared_data, opened):
    source = opened(shared_data / "rosbag/ros2_rosbag2_db3/wbag")
    assert [file.media_id for file in source.media] == [f"wbag_{n}.db3" for n in range(5)]
    counts = {channel.topic: channel.declared_count for channel in source.channels}
    assert counts == {t: len(rows) for t, rows in payloads(source).items()}
    assert sum(counts.values()) == 6074


def test_the_tenth_split_follows_the_ninth_without_metadata(tmp_path, opened):
    part = write_bag2(tmp_path / "one", storage="sqlite3", count=10)
    bag = tmp_path / "bag"
    bag.mkdir()
    for number in range(11):
        shutil.copy(part.path / "one.db3", bag / f"walk_{number}.db3")
    assert [file.media_id for file in opened(bag).media] == [f"walk_{n}.db3" for n in range(11)]


def test_a_listed_file_that_is_absent_is_a_loss(shared_data, opened, tmp_path):
    bag = tmp_path / "wbag"
    bag.mkdir()
    for path in (shared_data / "rosbag/ros2_rosbag2_db3/wbag").iterdir():
        if path.name != "wbag_2.db3":
            shutil.copyfile(path, bag / path.name)
    source = opened(bag)
    assert [(loss.code, loss.file) for loss in source.losses()] == [("read.absent-file", "wbag_2.db3")]
    assert sum(map(len, payloads(source).values())) == 6074 - 1240


def test_a_cut_packed_file_gives_its_beginning(tmp_path, opened):
    written = write_bag2(tmp_path / "walk", storage="sqlite3", packed="file", count=4000)
    packed = next(written.path.glob("*.zstd"))
    whole = zstandard.ZstdDecompressor().decompressobj().decompress(packed.read_bytes())
    frames = b"".join(zstandard.compress(whole[at : at + 65536]) for at in range(0, len(whole), 65536))
    packed.write_bytes(frames[: len(frames) * 2 // 3])
    source = opened(written.path)
    found = payloads(source)
    assert 0 < len(found[IMU]) < 4000
    assert set(found[IMU]) <= set(written.messages[IMU])
    assert {loss.code for loss in source.losses()} == {"read.truncated", "read.damaged"}


def test_packed_messages_in_packed_chunks_are_found_again(tmp_path, opened):
    folder = tmp_path / "twice"
    folder.mkdir()
    written: dict[str, list[tuple[int, bytes]]] = {"/a": [], "/b": []}
    with (folder / "twice_0.mcap").open("wb") as stream:
        writer = McapWriter(stream, chunk_size=2000, compression=CompressionType.ZSTD)
        writer.start("ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channels = {topic: writer.register_channel(topic, "cdr", schema) for topic in written}
        for i in range(200):
            topic = "/a" if i % 3 else "/b"
            text = b"word %d " % i * (i % 17)
            payload = b"\0\1\0\0" + (len(text) + 1).to_bytes(4, "little") + text + b"\0"
            writer.add_message(channels[topic], i, zstandard.compress(payload), i)
            written[topic].append((i, payload))
        writer.finish()
    source = opened(folder)
    assert payloads(source) == written
    assert {file.container for file in source.media} == {"mcap+zstd"}
    assert_readable_where_they_lie(source)
