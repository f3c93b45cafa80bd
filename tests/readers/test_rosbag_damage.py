"""Damaged bags: a clear error, or what is left of the recording with its loss named and its books balanced."""

import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from readers.bag_writing import DEPTH, IMU, Written, write_bag1, write_bag2
from readers.reading import assert_books_balance, opened, payloads, tables
from rushes.errors import ReadError

quick = settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # to explain is to trace every line: far too slow here
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PARTS = 1 << 20
places = st.integers(0, PARTS - 1)  # in parts of the file's length
flips = st.lists(st.tuples(places, st.integers(1, 255)), min_size=1, max_size=4)


class Whole:
    """A bag as it was before the damage. No dataclass: of one hypothesis would print every byte."""

    def __init__(self, written: Written, name: str, data: bytes) -> None:
        self.written, self.name, self.data = written, name, data

    def __repr__(self) -> str:
        return f"<{self.name}>"


def cut_at(whole: bytes, place: int) -> bytes:
    return whole[: len(whole) * place // PARTS]


def flipped(whole: bytes, changes) -> bytes:
    damaged = bytearray(whole)
    for place, change in changes:
        damaged[len(whole) * place // PARTS] ^= change
    return bytes(damaged)


def read_or_refuse(path: Path):
    """Read all that can be read; None for a clear refusal."""
    try:
        with opened(path) as recording:
            found = tables(recording)
            assert_books_balance(recording, found)
            return found, list(recording.losses())
    except ReadError as error:
        code = error.code
    assert code.startswith("read.")
    return None


def rows(found) -> int:
    return sum(len(columns["index"]) for columns in found.values())


@pytest.fixture(scope="module", params=["none", "lz4", "bz2"])
def bag1(request, tmp_path_factory):
    written = write_bag1(tmp_path_factory.mktemp("bag") / "walk.bag", compression=request.param)
    return Whole(written, written.path.name, written.path.read_bytes())


@pytest.fixture(scope="module", params=["none", "message", "file"])
def bag2(request, tmp_path_factory):
    written = write_bag2(tmp_path_factory.mktemp("bag") / "walk", storage="sqlite3", packed=request.param)
    path = next(path for path in written.path.iterdir() if path.name != "metadata.yaml")
    return Whole(written, path.name, path.read_bytes())


@quick
@given(place=places)
def test_a_cut_bag_gives_its_beginning_and_names_the_loss(bag1, tmp_path, place):
    written, whole = bag1.written, bag1.data
    path = tmp_path / "cut.bag"
    path.write_bytes(cut_at(whole, place))
    result = read_or_refuse(path)
    if result is None:
        assert path.stat().st_size < 5000  # within the bag header
        return
    found, losses = result
    assert losses
    for stream, columns in found.items():
        times = [time for time, _ in written.messages[stream]]
        assert columns["t_log_ns"] == times[: len(columns["t_log_ns"])]


@quick
@given(changes=flips)
def test_flipped_bytes_of_a_bag_never_crash_the_reader(bag1, tmp_path, changes):
    written, whole = bag1.written, bag1.data
    path = tmp_path / "flipped.bag"
    path.write_bytes(flipped(whole, changes))
    result = read_or_refuse(path)
    if result is not None and rows(result[0]) < sum(map(len, written.messages.values())):
        assert result[1]


@quick
@given(damage=places | flips)
def test_a_damaged_ros2_bag_gives_what_is_left(bag2, tmp_path, damage):
    written, name, whole = bag2.written, bag2.name, bag2.data
    damaged = cut_at(whole, damage) if isinstance(damage, int) else flipped(whole, damage)
    (tmp_path / "metadata.yaml").write_bytes((written.path / "metadata.yaml").read_bytes())
    (tmp_path / name).write_bytes(damaged)
    result = read_or_refuse(tmp_path)
    if result is not None and rows(result[0]) < sum(map(len, written.messages.values())):
        assert result[1]


@pytest.mark.parametrize("compression", ["none", "lz4"])
def test_one_damaged_chunk_costs_only_its_own_messages(tmp_path, compression):
    written = write_bag1(tmp_path / "walk.bag", compression=compression)
    whole = bytearray(written.path.read_bytes())
    chunks = chunk_places(whole)
    start, end = chunks[2]
    whole[start : start + 64] = bytes(64)  # the beginning of the data of the third chunk
    written.path.write_bytes(whole)
    with opened(written.path) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        losses = recording.losses()
        ledger = recording.ledger()
    lost = sum(map(len, written.messages.values())) - rows(found)
    if compression == "none":  # the index leads past the first message, whose header the zeros are
        assert lost == 1
    assert 0 < lost < 80
    assert sum(entry.unread for entry in ledger) == lost
    damaged = [loss for loss in losses if loss.code == "read.damaged"]
    assert [loss.count for loss in damaged] == [lost]
    assert damaged[0].byte_from < start < damaged[0].byte_to <= end


def chunk_places(whole) -> list[tuple[int, int]]:
    """Data of each chunk of a bag, by a walk of its own."""
    at, found = 13, []
    while at < len(whole):
        length = struct.unpack_from("<I", whole, at)[0]
        header = bytes(whole[at + 4 : at + 4 + length])
        size = struct.unpack_from("<I", whole, at + 4 + length)[0]
        data_at = at + 8 + length
        if b"op=\x05" in header:
            found.append((data_at, data_at + size))
        at = data_at + size
    return found


@pytest.mark.parametrize("compression", ["none", "lz4", "bz2"])
def test_a_bag_without_its_index_is_walked_to_the_same_rows(tmp_path, compression):
    written = write_bag1(tmp_path / "walk.bag", compression=compression)
    with opened(written.path) as recording:
        indexed = tables(recording)
    whole = written.path.read_bytes()
    place = whole.index(b"index_pos=") + len("index_pos=")
    start = struct.unpack_from("<Q", whole, place)[0]
    written.path.write_bytes(whole[:place] + bytes(8) + whole[place + 8 : start])
    with opened(written.path) as recording:
        assert tables(recording) == indexed
        assert {loss.code for loss in recording.losses()} == {"read.truncated"}
        assert recording.description.start_ns == min(time for time, _ in written.messages[IMU])


def test_messages_behind_the_last_closed_chunk_are_read(tmp_path):
    """A recorder that dies leaves the open chunk's header without its length, and the messages behind it."""
    written = write_bag1(tmp_path / "walk.bag")
    whole = bytearray(written.path.read_bytes())
    start, end = chunk_places(whole)[-1]
    whole[start - 4 : start] = bytes(4)
    del whole[end:]
    written.path.write_bytes(whole)
    with opened(written.path) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        pictures = payloads(recording, found[DEPTH])
    assert {stream: len(columns["index"]) for stream, columns in found.items()} == {
        topic: len(messages) for topic, messages in written.messages.items()
    }
    assert pictures == [picture.tobytes() for picture in written.pictures]


def test_rows_on_a_damaged_page_are_lost_and_those_behind_it_read(tmp_path):
    written = write_bag2(tmp_path / "walk", storage="sqlite3", count=2000)
    path = written.path / "walk.db3"
    database = sqlite3.connect(path)
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    size = database.execute("PRAGMA page_size").fetchone()[0]
    database.close()
    whole = bytearray(path.read_bytes())
    middle = pages // 2
    whole[middle * size : (middle + 2) * size] = bytes(2 * size)
    path.write_bytes(whole)
    with opened(written.path) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        losses, ledger = recording.losses(), recording.ledger()
    lost = sum(map(len, written.messages.values())) - rows(found)
    assert 0 < lost < 60
    assert sum(entry.unread for entry in ledger) == lost
    assert sum(loss.count or 0 for loss in losses) == lost
    assert found[IMU]["t_log_ns"][-1] == written.messages[IMU][-1][0]
    spans = [
        (loss.start_ns, loss.end_ns) for loss in losses if loss.start_ns is not None and loss.end_ns is not None
    ]
    missing = {time for time, _ in written.messages[IMU]} - set(found[IMU]["t_log_ns"])
    assert missing
    assert all(any(start < time < end for start, end in spans) for time in missing)


def test_a_cut_database_is_read_up_to_the_cut(tmp_path):
    written = write_bag2(tmp_path / "walk", storage="sqlite3", count=2000)
    path = written.path / "walk.db3"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    with opened(written.path) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        codes = {loss.code for loss in recording.losses()}
        first = payloads(recording, {name: values[:5] for name, values in found[DEPTH].items()})
    assert 1000 < len(found[IMU]["index"]) < 2000
    assert codes == {"read.truncated", "read.damaged"}
    assert first == [picture.tobytes() for picture in written.pictures[:5]]
    assert path.read_bytes() == whole[: len(whole) * 3 // 4]


def test_a_cut_in_the_index_behind_a_chunk_loses_nothing_of_the_chunk(tmp_path):
    written = write_bag1(tmp_path / "walk.bag", compression="lz4")
    whole = written.path.read_bytes()
    _, end = chunk_places(whole)[2]
    first = struct.unpack_from("<I", whole, end)[0]
    second = end + 8 + first + struct.unpack_from("<I", whole, end + 4 + first)[0]
    counts = set()
    for length in (end, second - 1, second, second + 1, second + 60):
        written.path.write_bytes(whole[:length])
        with opened(written.path) as recording:
            found = tables(recording)
            assert_books_balance(recording, found)
            assert recording.losses()
        counts.add(tuple(len(columns["index"]) for columns in found.values()))
    assert len(counts) == 1
