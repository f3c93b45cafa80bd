"""The MCAP reader against files whose content is known, whole, odd and damaged."""

import io
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import NonSeekingReader, make_reader

from contracts.readers import ReaderContract, rows_of
from readers import mcap_recordings as make
from rushes.errors import ReadError
from rushes.readers._mcap import messages
from rushes.readers._mcap.catalogue import catalogue
from rushes.readers.mcap import PLUGIN


class TestPlainChunks(ReaderContract):
    reader = PLUGIN
    expected = make.RIG

    @pytest.fixture
    def recording(self, tmp_path):
        return make.write(tmp_path / "rig.mcap", *make.rig(), attachment=b"hello")


class TestLz4Chunks(ReaderContract):
    reader = PLUGIN
    expected = make.RIG

    @pytest.fixture
    def recording(self, tmp_path):
        return make.write(tmp_path / "rig.mcap", *make.rig(), compression="lz4")


class TestZstdChunks(ReaderContract):
    reader = PLUGIN
    expected = make.RIG

    @pytest.fixture
    def recording(self, tmp_path):
        return make.write(tmp_path / "rig.mcap", *make.rig(), compression="zstd")


class TestNoChunks(ReaderContract):
    reader = PLUGIN
    expected = make.RIG

    @pytest.fixture
    def recording(self, tmp_path):
        return make.write(tmp_path / "rig.mcap", *make.rig(), use_chunking=False)


def read(path, streams=None, **options):
    """Give rows by stream, losses and ledger."""
    with PLUGIN.open(path, options) as opened:
        rows = rows_of(list(opened.batches(streams)))
        return rows, opened.losses(), opened.ledger()


def raw_messages(path: Path) -> list[tuple[str, int, int, int, bytes]]:
    """Give what the plain library reads, in file order."""
    found = []
    with path.open("rb") as stream:
        for _, channel, message in NonSeekingReader(stream).iter_messages(log_time_order=False):
            found.append((channel.topic, message.log_time, message.publish_time, message.sequence, message.data))
    return found


def our_messages(path: Path) -> list[tuple[int, int, int, int, bytes]]:
    """Give what our groups hold, in file order, by channel number."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    found = catalogue(data, path.name)
    every = []
    for i, group in enumerate(messages.groups(data, found.segments)):
        assert not group.lost
        for number, heads in group.heads.items():
            topic = found.definitions.merge(group.found) or found.definitions.channels[number].topic
            for at, head in zip(group.at[number], heads, strict=True):
                start = int(at) + messages.records.MESSAGE_HEAD
                payload = bytes(group.buffer[start : start + int(head["size"]) - 22])
                every.append(
                    (i, int(at), topic, int(head["log_ns"]), int(head["publish_ns"]), int(head["seq"]), payload)
                )
    return [row[2:] for row in sorted(every, key=lambda row: row[:2])]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1 << 40), st.binary(max_size=60)), max_size=60),
    st.sampled_from(sorted(make.COMPRESSIONS)),
    st.sampled_from(sorted(make.LAYOUTS)),
    st.integers(1, 400),
)
def test_every_good_file_gives_the_messages_that_the_plain_library_gives(rows, compression, layout, chunk_size):
    topics = [make.Topic(topic=name, message_type="", encoding="bytes", schema_encoding="") for name in "abc"]
    with tempfile.TemporaryDirectory() as folder:
        path = make.write(
            Path(folder) / "a.mcap",
            topics,
            rows,
            compression=compression,
            chunk_size=chunk_size,
            publish_offset_ns=7,
            **make.LAYOUTS[layout],
        )

        assert our_messages(path) == raw_messages(path)
        with PLUGIN.open(path, {}) as opened:
            assert sum(batch.rows for batch in opened.batches()) == len(rows)
            assert opened.losses() == ()


@pytest.mark.parametrize("compression", sorted(make.COMPRESSIONS))
@pytest.mark.parametrize("layout", sorted(make.LAYOUTS))
def test_rows_do_not_depend_on_how_the_file_was_indexed(tmp_path, compression, layout):
    whole = make.write(tmp_path / "whole.mcap", *make.rig())
    other = make.write(tmp_path / "other.mcap", *make.rig(), compression=compression, **make.LAYOUTS[layout])

    expected, actual = read(whole)[0], read(other)[0]

    places = {"media_id", "block", "offset"}
    for stream, columns in expected.items():
        for name in columns.keys() - places:
            assert actual[stream][name] == columns[name], (stream, name)


def test_attachments_and_metadata_are_told(tmp_path):
    path = make.write(tmp_path / "rig.mcap", *make.rig(4), attachment=b"hello")

    with PLUGIN.open(path, {}) as opened:
        told = opened.description.metadata

    assert (told["profile"], told["library"][:5]) == ("ros2", "tests")
    (attachment,) = told["attachments"]
    assert (attachment["name"], attachment["media_type"], attachment["bytes"]) == ("notes.txt", "text/plain", 5)
    assert path.read_bytes()[attachment["offset"] :][:5] == b"hello"
    assert told["metadata"] == [{"name": "rig", "metadata": {"name": "bench"}}]


def test_two_channels_of_one_topic_and_type_are_one_stream_in_file_order(tmp_path):
    twin = make.Topic(**make.IMU.__dict__)
    rows = [
        (i % 2, make.START_NS + i, make.imu(make.START_NS + i, [0, 0, 0, 1, i, 0, 0, 0, 0, 0])) for i in range(20)
    ]
    path = tmp_path / "twins.mcap"
    with path.open("wb") as stream:
        writer = make.Writer(stream, chunk_size=1000)
        writer.start()
        schema = writer.register_schema(twin.message_type, twin.schema_encoding, twin.schema)
        channels = [writer.register_channel("/imu", "cdr", schema, {"publisher": str(i)}) for i in range(2)]
        for number, log_ns, payload in rows:
            writer.add_message(channels[number], log_ns, payload, log_ns)
        writer.finish()

    found, losses, (entry,) = read(path)

    assert list(found) == ["/imu"]
    assert found["/imu"]["gyro_x_rad_s"] == list(range(20))
    assert (entry.declared, entry.came_in, losses) == (20, 20, ())


def test_two_types_on_one_topic_are_two_streams(tmp_path):
    other = make.ros2_topic("/imu", "std_msgs/msg/String")
    word = make.serialised(make.ROS2, make.ROS2.types["std_msgs/msg/String"](data="x"))
    rows = [(0, 1, make.imu(1, [0] * 10)), (1, 2, word)]

    found, _, _ = read(make.write(tmp_path / "a.mcap", [make.IMU, other], rows))

    assert set(found) == {"/imu", "/imu (std_msgs/msg/String)"}


def test_a_message_index_that_lies_is_found_out_and_the_chunk_is_walked(tmp_path):
    path = make.write(tmp_path / "rig.mcap", *make.rig())
    expected = read(path)[0]
    data = bytearray(path.read_bytes())
    found = catalogue(np.frombuffer(bytes(data), np.uint8), "rig.mcap")
    lies = 0
    for segment in found.segments:
        for place in segment.indexes.values():
            (size,) = struct.unpack_from("<I", data, place + 11)
            if size >= 32:  # the second entry repeats the first
                data[place + 39 : place + 47] = data[place + 23 : place + 31]
                lies += 1
    path.write_bytes(data)

    rows, losses, _ = read(path)

    assert lies > 5
    assert rows == expected
    assert losses == ()


@given(st.data())
def test_an_index_entry_that_points_anywhere_changes_nothing(data):
    with tempfile.TemporaryDirectory() as folder:
        path = make.write(Path(folder) / "rig.mcap", *make.rig(12), chunk_size=2000)
        expected = read(path)[0]
        raw = bytearray(path.read_bytes())
        found = catalogue(np.frombuffer(bytes(raw), np.uint8), "rig.mcap")
        segment = data.draw(st.sampled_from(found.segments))
        place = data.draw(st.sampled_from(sorted(segment.indexes.values())))
        raw[place + 23 : place + 31] = struct.pack(
            "<Q", data.draw(st.integers(0, (1 << 64) - 1) | st.integers(0, 3000))
        )
        path.write_bytes(raw)

        rows, losses, _ = read(path)

        assert rows == expected
        assert losses == ()


def prefix_holds(found, expected):
    """Tell whether every stream holds the front of what it should."""
    for stream, columns in found.items():
        for name, values in columns.items():
            if name != "t_ns":  # the clock is chosen by the first messages, which may be fewer
                assert values == expected[stream][name][: len(values)], (stream, name)


@given(st.data(), st.sampled_from(sorted(make.COMPRESSIONS)), st.sampled_from(["plain", "without chunks"]))
def test_a_cut_file_gives_all_whole_messages_before_the_cut_and_says_what_is_missing(data, compression, layout):
    with tempfile.TemporaryDirectory() as folder:
        path = make.write(
            Path(folder) / "rig.mcap",
            *make.rig(16),
            compression=compression,
            chunk_size=3000,
            **make.LAYOUTS[layout],
        )
        expected = read(path)[0]
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole) - 1))
        path.write_bytes(whole[:cut])
        if cut < 8:
            with pytest.raises(ReadError):
                PLUGIN.open(path, {})
            return

        rows, losses, ledger = read(path)

        prefix_holds(rows, expected)
        assert "read.truncated" in {loss.code for loss in losses}
        assert all(entry.balanced for entry in ledger)
        assert sum(len(columns["index"]) for columns in rows.values()) >= whole_messages_before(whole[:cut])


def whole_messages_before(front: bytes) -> int:
    """Count what the plain library can read of a cut file: it gives up a chunk that is cut."""
    count = 0
    try:
        for _ in NonSeekingReader(io.BytesIO(front)).iter_messages(log_time_order=False):
            count += 1
    except Exception:  # noqa: BLE001 - the library raises many kinds for cut files
        return count
    return count


@given(st.data(), st.sampled_from(sorted(make.COMPRESSIONS)), st.sampled_from(sorted(make.LAYOUTS)))
def test_a_flipped_bit_never_ends_in_a_traceback(data, compression, layout):
    with tempfile.TemporaryDirectory() as folder:
        path = make.write(
            Path(folder) / "rig.mcap",
            *make.rig(16),
            compression=compression,
            chunk_size=3000,
            **make.LAYOUTS[layout],
        )
        raw = bytearray(path.read_bytes())
        at, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7))
        raw[at] ^= 1 << bit
        path.write_bytes(raw)

        try:
            _, _, ledger = read(path, verify_checksums=True)
        except ReadError:
            assert at < 8
            return

        assert all(entry.balanced for entry in ledger)


@pytest.mark.parametrize("compression", sorted(make.COMPRESSIONS))
def test_a_damaged_chunk_is_skipped_and_named_with_its_streams_and_span(tmp_path, compression):
    path = make.write(tmp_path / "rig.mcap", *make.rig(), compression=compression, chunk_size=3000)
    raw = bytearray(path.read_bytes())
    found = catalogue(np.frombuffer(bytes(raw), np.uint8), "rig.mcap")
    segment = found.segments[2]
    lost = messages.index_counts(np.frombuffer(bytes(raw), np.uint8), segment)
    raw[segment.body + (segment.body_end - segment.body) // 2] ^= 0xFF
    path.write_bytes(raw)

    rows, losses, ledger = read(path, verify_checksums=True)

    assert {loss.code for loss in losses} == {"read.damaged"}
    assert sum(loss.count for loss in losses) == sum(lost.values()) > 0
    assert {(loss.byte_from, loss.byte_to) for loss in losses} == {(segment.at, segment.body_end)}
    assert {(loss.start_ns, loss.end_ns) for loss in losses} == {(segment.head.start_ns, segment.head.end_ns)}
    assert {entry.stream: entry.unread for entry in ledger if entry.unread} == {
        loss.stream: loss.count for loss in losses
    }
    assert all(entry.balanced and entry.came_in == make.RIG[entry.stream] for entry in ledger)
    assert len(rows["/imu"]["index"]) == 40 - next(loss.count for loss in losses if loss.stream == "/imu")


def test_a_wrong_count_in_the_statistics_is_named(tmp_path):
    path = make.write(tmp_path / "rig.mcap", *make.rig(), enable_crcs=False)
    raw = bytearray(path.read_bytes())
    with path.open("rb") as stream:
        numbers = make_reader(stream).get_summary().statistics.channel_message_counts
    entry = struct.pack("<HQ", 1, numbers[1])
    place = raw.rindex(entry)
    raw[place : place + len(entry)] = struct.pack("<HQ", 1, 45)
    path.write_bytes(raw)

    _, (loss,), ledger = read(path)

    assert (loss.code, loss.stream, loss.count) == ("read.count-mismatch", "/imu", 5)
    assert all(entry.balanced for entry in ledger)


def test_only_the_chunks_of_a_chosen_stream_are_unpacked(tmp_path, monkeypatch):
    rows = [(0, i, make.imu(i, [0] * 10)) for i in range(30)]
    rows += [(1, 100 + i, make.compressed(i, "jpeg", make.jpeg(i))) for i in range(10)]
    path = make.write(tmp_path / "a.mcap", [make.IMU, make.CAM], rows, compression="lz4", chunk_size=2000)
    with PLUGIN.open(path, {}) as opened:
        unpacked = []
        original = messages.unpack
        monkeypatch.setattr(messages, "unpack", lambda *given: unpacked.append(1) or original(*given))
        list(opened.batches(["/imu"]))
        few = len(unpacked)
        list(opened.batches())

    assert 0 < few < len(unpacked) - few


def test_a_stream_that_is_not_there_is_a_read_error(tmp_path):
    with (
        PLUGIN.open(make.write(tmp_path / "a.mcap", *make.rig(4)), {}) as opened,
        pytest.raises(ReadError) as caught,
    ):
        list(opened.batches(["/nothing"]))

    assert caught.value.code == "read.unknown-stream"


def test_a_name_without_the_magic_is_refused_with_what_is_there(tmp_path):
    path = tmp_path / "a.mcap"
    path.write_bytes(b"nonsense")

    claim = PLUGIN.probe(path, b"nonsense")

    assert claim.confidence == 0
    assert "6e 6f 6e 73" in claim.reason
