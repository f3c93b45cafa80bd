"""What every reader must do. A reader's test subclasses :class:`ReaderContract` and gives it a recording.

class TestMcapContract(ReaderContract):
    reader = PLUGIN
    expected = {"/imu": 600, "/cam": 30}

    @pytest.fixture
    def recording(self, tmp_path):
        return write_recording(tmp_path / "a.mcap")
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml

from rushes.contracts import Reader
from rushes.errors import ReadError
from rushes.media import MediaReader, sha256_of
from rushes.model import Batch, Location
from rushes.resources import folder

MAGIC = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}
TIMES = ("t_ns", "t_log_ns", "t_publish_ns", "t_header_ns", "valid_from_ns", "valid_to_ns")
LOOKED_AT = 5  # payloads per batch that are read back


class ReaderContract:
    """Subclass it, set ``reader`` and ``expected``, and give the fixture ``recording``."""

    reader: ClassVar[Reader]
    expected: ClassVar[Mapping[str, int]]
    """Rows of each stream, known beforehand."""
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def recording(self) -> Path:
        raise NotImplementedError("give the path of a recording")

    @pytest.fixture
    def opened(self, recording):
        with self.reader.open(recording, self.options) as opened:
            yield opened

    def test_it_claims_its_own_and_says_why(self, recording):
        claim = self.reader.probe(recording, head_of(recording))

        assert 0.5 <= claim.confidence <= 1
        assert claim.reason

    def test_it_refuses_what_is_not_its_own_with_a_reason(self, tmp_path):
        other = tmp_path / "notes.txt"
        other.write_text("no recording")

        claim = self.reader.probe(other, head_of(other))

        assert claim.confidence < 0.5
        assert claim.reason

    def test_it_describes_every_stream_before_a_sample_is_read(self, opened):
        description = opened.description

        assert {stream.name for stream in description.streams} == set(self.expected)
        assert description.reader == self.reader.name
        assert description.start_ns is None or description.start_ns <= description.end_ns
        assert all(media.path.exists() for media in description.media)

    def test_it_reads_the_expected_rows(self, opened):
        counted = dict.fromkeys(self.expected, 0)
        for batch in opened.batches():
            counted[batch.stream] += batch.rows

        assert counted == dict(self.expected)

    def test_it_reads_the_same_twice(self, opened):
        first, second = list(opened.batches()), list(opened.batches())

        assert_same(first, second)

    def test_the_index_counts_from_zero_without_holes(self, opened):
        following = dict.fromkeys(self.expected, 0)
        for batch in opened.batches():
            begin = following[batch.stream]
            assert np.asarray(batch.columns["index"]).tolist() == list(range(begin, begin + batch.rows))
            following[batch.stream] = begin + batch.rows

    def test_its_columns_are_those_of_the_table(self, opened):
        for batch in opened.batches():
            columns = table_columns(batch.table)
            assert set(batch.columns) <= set(columns)
            for name, value in batch.columns.items():
                if not isinstance(value, str | int | float | bool | None):
                    assert len(value) == batch.rows, name
            for name, spec in columns.items():
                if not spec.get("nullable") and name not in {"recording_id", "stream"}:
                    assert batch.columns.get(name) is not None, f"{batch.table}.{name} may not be null"

    def test_times_are_int64(self, opened):
        for batch in opened.batches():
            for name in set(TIMES) & set(batch.columns):
                value = batch.columns[name]
                assert value is None or np.asarray(value).dtype == np.int64, name

    def test_every_batch_belongs_to_the_table_of_its_stream(self, opened):
        for batch in opened.batches():
            assert batch.table == opened.description.stream(batch.stream).table
            assert batch.rows > 0

    def test_the_ledger_balances_and_equals_the_rows(self, opened):
        counted = dict.fromkeys(self.expected, 0)
        for batch in opened.batches():
            counted[batch.stream] += batch.rows

        entries = [entry for entry in opened.ledger() if entry.step == "read"]

        assert all(entry.balanced for entry in opened.ledger())
        rows = {entry.stream: entry.out if entry.rows is None else entry.rows for entry in entries}
        assert rows == counted

    def test_a_chosen_stream_comes_alone_and_is_the_same(self, opened):
        everything = list(opened.batches())
        for name in self.expected:
            alone = list(opened.batches([name]))
            assert {batch.stream for batch in alone} <= {name}
            assert_same([batch for batch in everything if batch.stream == name], alone)
            assert {entry.stream for entry in opened.ledger()} == {name}

    def test_payloads_are_where_the_rows_say(self, opened):
        media = {item.media_id: item for item in opened.description.media}
        with MediaReader() as reader:
            for batch in opened.batches():
                stream = opened.description.stream(batch.stream)
                for location in locations(batch, media, stream.packing):
                    payload = reader.read(location)
                    if location.packing is None and location.length is not None:
                        assert len(payload) == location.length
                    if batch.table == "frames" and stream.codec in MAGIC:
                        assert payload.startswith(MAGIC[stream.codec])

    def test_the_files_are_left_as_they_were(self, recording):
        before = state(recording)
        with self.reader.open(recording, self.options) as opened:
            list(opened.batches())

        assert state(recording) == before

    def test_a_path_that_is_not_there_is_a_read_error(self, tmp_path):
        with pytest.raises(ReadError):
            self.reader.open(tmp_path / "nowhere", self.options)

    def test_a_file_of_something_else_is_a_read_error(self, tmp_path):
        other = tmp_path / "notes.txt"
        other.write_text("no recording, but long enough to have a head " * 10)

        with pytest.raises(ReadError):
            self.reader.open(other, self.options)

    def test_an_empty_file_is_a_read_error(self, tmp_path):
        empty = tmp_path / "empty"
        empty.touch()

        with pytest.raises(ReadError):
            self.reader.open(empty, self.options)


def head_of(path: Path) -> bytes:
    """Give what ``probe`` is shown."""
    if path.is_dir():
        return b""
    with path.open("rb") as stream:
        return stream.read(4096)


def table_columns(table: str) -> dict[str, dict[str, Any]]:
    """Give the columns of a table's schema by name."""
    schema = yaml.safe_load((folder("schemas") / "tables" / "v1" / f"{table}.yaml").read_text())
    return {column["name"]: column for column in schema["columns"]}


def locations(batch: Batch, media: Mapping[str, Any], packing: str | None) -> list[Location]:
    """Give the places of some of a batch's payloads."""
    names = batch.columns.get("media_id")
    if names is None:
        return []
    found = []
    for i in sorted({*range(min(LOOKED_AT, batch.rows)), batch.rows - 1}):
        name = names if isinstance(names, str) else names[i]
        flags = cell(batch, "flags", i) or 0
        if name is None or flags:
            continue
        found.append(
            Location(
                path=media[name].path,
                container=media[name].container,
                offset=cell(batch, "offset", i),
                length=cell(batch, "length", i),
                block=cell(batch, "block", i),
                packing=packing,
            )
        )
    return found


def cell(batch: Batch, column: str, i: int) -> Any:
    """Give one value of a batch, None for null."""
    value = batch.columns.get(column)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    item = value[i]
    if item is np.ma.masked:
        return None
    return item.item() if isinstance(item, np.generic) else item


def rows_of(batches: list[Batch]) -> dict[str, dict[str, list[Any]]]:
    """Give the values of every column, by stream, however they were cut into batches."""
    found: dict[str, dict[str, list[Any]]] = {}
    for batch in batches:
        columns = found.setdefault(batch.stream, {})
        for name in table_columns(batch.table):
            if name in {"recording_id", "stream"}:
                continue
            values = [cell(batch, name, i) for i in range(batch.rows)]
            columns.setdefault(name, []).extend(v.tolist() if isinstance(v, np.ndarray) else v for v in values)
    return found


def assert_same(first: list[Batch], second: list[Batch]) -> None:
    """Compare two runs value by value; NaN equals NaN."""
    assert repr(rows_of(first)) == repr(rows_of(second))


def state(path: Path) -> dict[str, tuple[str, int]]:
    """Give hash and modification time of every file of a recording, and which files there are."""
    files = [path] if path.is_file() else [item for item in sorted(path.rglob("*")) if item.is_file()]
    beside = [item.name for item in path.parent.iterdir()]
    return {"beside": (",".join(sorted(beside)), 0)} | {
        str(file): (sha256_of(file), file.stat().st_mtime_ns) for file in files
    }
