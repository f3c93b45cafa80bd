"""What a dataset promises to one process."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from rushes.errors import ConflictError, StoreError, UsageError
from rushes.store import Store
from rushes.store.parts import PartWriter
from rushes.store.schemas import table_names, table_schema
from rushes.texts import escaped
from store import takes


def metric(value, **more):
    return {
        "recording_id": "a",
        "check": "rate",
        "check_version": "1",
        "metric": "rate",
        "value": value,
        "unit": "Hz",
        **more,
    }


def test_a_new_dataset_has_no_revision_and_every_table_empty(dataset):
    assert (dataset.revision, dataset.log(), dataset.tags()) == (0, [], {})
    for table in table_names():
        rows = dataset.table(table)
        assert rows.num_rows == 0
        assert rows.schema.equals(table_schema(table).arrow, check_metadata=True)


def test_a_dataset_is_not_made_over_another(dataset):
    with pytest.raises(StoreError) as caught:
        Store.create(dataset.path)
    assert caught.value.code == "store.exists"


def test_a_dataset_is_not_made_among_other_things(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match=r"thesis\.tex") as caught:
        Store.create(tmp_path)
    assert caught.value.code == "store.occupied"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_dies_while_a_dataset_is_made_does_not_stand_in_its_way(tmp_path):
    (tmp_path / "tables").mkdir()
    assert Store.create(tmp_path, name="n").name == "n"


@pytest.mark.parametrize("path", ["nowhere", "folder", "file"])
def test_what_is_no_dataset_is_named_with_the_next_command(tmp_path, path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / path)
    assert caught.value.code == "store.absent"
    assert "rushes ingest" in caught.value.hint


def test_a_newer_format_is_refused_with_both_numbers(dataset):
    marker = dataset.path / "rushes.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "format": 2}))
    with pytest.raises(StoreError, match=r"format 2.*up to format 1") as caught:
        Store.open(dataset.path)
    assert caught.value.code == "store.newer-format"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "x", "name": "n"}', "{}"])
def test_a_damaged_marker_is_named(dataset, text):
    (dataset.path / "rushes.json").write_text(text)
    with pytest.raises(StoreError, match=r"rushes\.json") as caught:
        Store.open(dataset.path)
    assert caught.value.code == "store.damaged"


def test_what_is_committed_is_read_and_nothing_before(dataset):
    with dataset.begin("ingest") as change:
        takes.fill(change, "a")
        takes.check_whole(Store.open(dataset.path), [])
        info = change.commit({"took_s": 0.5})
    takes.check_whole(dataset, [])  # still the revision that it was opened at
    takes.check_whole(dataset.refresh(), ["a"])
    assert (info.revision, info.parent, info.command) == (1, None, "ingest")
    assert info.summary == {"added": takes.PER_TAKE, "figures": {"took_s": 0.5}}
    imu = dataset.refresh().table("imu", columns=["index", "gyro_x_rad_s"])
    assert imu["index"].to_pylist() == list(range(takes.SAMPLES))
    assert np.allclose(imu["gyro_x_rad_s"].to_pylist(), np.sin(np.arange(takes.SAMPLES) + ord("a")))


def test_leaving_without_commit_or_by_an_error_leaves_nothing(dataset):
    with dataset.begin("ingest") as change:
        takes.fill(change, "a")
    with pytest.raises(KeyError), dataset.begin("ingest") as change:
        change.append("metrics", 1, {**metric(1.0), "nonsense": 1})
    assert Store.open(dataset.path).revision == 0
    assert not list(dataset.path.rglob("*.parquet"))
    assert not list((dataset.path / ".writers").iterdir())


def test_every_revision_stays_readable_by_number_and_tag(dataset):
    for name in "abc":
        takes.ingest(dataset.path, name)
    dataset.refresh().tag("two", 2)
    for at, names in {1: "a", 2: "ab", "two": "ab", "3": "abc", None: "abc"}.items():
        takes.check_whole(Store.open(dataset.path, at=at), list(names))
    assert [info.revision for info in dataset.log()] == [1, 2, 3]
    assert [info.parent for info in dataset.log()] == [None, 1, 2]
    assert dataset.log()[1].argv == ("rushes", "ingest", "b")
    assert Store.open(dataset.path, at=2).table("revisions")["revision"].to_pylist() == [1, 2]


@pytest.mark.parametrize("at", [0, 4, -1, "4", "papr", "x"])
def test_an_unknown_revision_is_named_with_what_there_is(dataset, at):
    takes.ingest(dataset.path, "a")
    dataset.refresh().tag("paper")
    with pytest.raises(StoreError, match="revisions 1 to 1") as caught:
        Store.open(dataset.path, at=at)
    assert caught.value.code == "store.no-revision"
    assert ("paper" in caught.value.hint) == (at == "papr")


def test_a_revision_of_the_past_cannot_be_changed(dataset):
    takes.ingest(dataset.path, "a")
    with pytest.raises(UsageError, match="revision 1"):
        Store.open(dataset.path, at=1).begin("ingest")


def test_a_tag_stays_with_its_revision(dataset):
    takes.ingest_all(dataset.path, ["a", "b"])
    store = dataset.refresh()
    store.tag("v1", 1)
    store.tag("v1", 1)
    with pytest.raises(UsageError, match="revision 1 already"):
        store.tag("v1", 2)
    for name in ["", "12", "a b", "../x"]:
        with pytest.raises(UsageError):
            store.tag(name)
    with pytest.raises(StoreError):
        store.tag("v9", 9)
    assert store.tags() == {"v1": 1}
    store.untag("v1")
    assert store.tags() == {}


def test_replace_takes_out_what_matches_and_adds_in_one_version(dataset):
    with dataset.begin("check") as change:
        change.append("metrics", 3, metric(np.array([1.0, 2.0, 3.0]), stream=["/cam", "/imu", None]))
        change.commit()
    with dataset.begin("check") as change:
        change.replace("metrics", {"recording_id": "a", "stream": ["/cam", None]}, 1, metric(9.0, stream="/cam"))
        info = change.commit()
    rows = dataset.refresh().table("metrics", columns=["stream", "value"]).to_pylist()
    assert rows == [{"stream": "/imu", "value": 2.0}, {"stream": "/cam", "value": 9.0}]
    assert info.summary == {"added": {"metrics": 1}, "removed": {"metrics": 2}}
    assert info.tables["metrics"] == 1


def test_replace_with_no_rows_only_deletes_and_without_conditions_deletes_all(dataset):
    for name in "abc":
        takes.ingest(dataset.path, name)
    with dataset.begin("forget") as change:
        for table in takes.PER_TAKE:
            change.replace(table, {"recording_id": "b"}, 0, {})
        info = change.commit()
    takes.check_whole(dataset.refresh(), ["a", "c"])
    assert info.summary["removed"] == takes.PER_TAKE
    with dataset.begin("forget") as change:
        for table in takes.PER_TAKE:
            change.replace(table, {}, 0, {})
        change.commit()
    takes.check_whole(dataset.refresh(), [])
    takes.check_whole(Store.open(dataset.path, at=3), ["a", "b", "c"])


def test_two_replacements_of_one_transaction_spare_each_others_rows(dataset):
    with dataset.begin("check") as change:
        change.append("metrics", 2, metric(np.array([1.0, 2.0]), stream=["/cam", "/imu"]))
        change.commit()
    with dataset.begin("check") as change:
        change.replace("metrics", {"stream": "/cam"}, 1, metric(8.0, stream="/cam"))
        change.replace("metrics", {"stream": ["/cam", "/imu"]}, 1, metric(9.0, stream="/imu"))
        change.commit()
    assert dataset.refresh().table("metrics")["value"].to_pylist() == [8.0, 9.0]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"recording_id": "a"}, [0, 1]),
        ({"recording_id": ["b", "zz"]}, [2, 3]),
        ({"stream": None}, [1]),
        ({"stream": [None, "/imu"]}, [1, 2]),
        ({"value": 3.5}, [3]),
        ({"index": [5, 7], "recording_id": ["a", "b"]}, [0, 3]),
        ({"index": None}, [1, 2]),
        ({"recording_id": []}, []),
        ({"recording_id": "a0"}, []),
    ],
)
def test_where_chooses_rows_by_value_list_and_absence(dataset, where, expected):
    rows = [("a", "/cam", 5, 0.5), ("a", None, None, 1.5), ("b", "/imu", None, 2.5), ("b", "/cam", 7, 3.5)]
    for part in (rows[:2], rows[2:]):
        with dataset.begin("check") as change:
            ids, streams, index, values = (list(column) for column in zip(*part, strict=True))
            masked = np.ma.MaskedArray([i or 0 for i in index], mask=[i is None for i in index])
            columns = {"recording_id": ids, "stream": streams, "index": masked}
            change.append("metrics", 2, {**metric(np.array(values)), **columns})
            change.commit()
    for _ in ("one row group for each recording", "both in one"):
        found = dataset.refresh().table("metrics", where=where, columns=["value"])
        assert [int(value) for value in found["value"].to_pylist()] == expected
        assert found.column_names == ["value"]
        dataset.compact(force=True)


def test_unknown_tables_and_columns_get_the_name_that_was_meant(dataset):
    for call in (
        lambda: dataset.table("frame"),
        lambda: dataset.table("frames", columns=["t_n"]),
        lambda: dataset.table("frames", where={"strem": "x"}),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert "did you mean" in caught.value.hint


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"valu": 1.0}, "valu"),
        ({"value": None}, "metrics.value: 2 of 2 values are absent"),
        ({"value": np.array([1.0])}, "metrics.value: 1 values for 2 rows"),
        ({"unit": np.array([1, 2])}, "metrics.unit"),
    ],
)
def test_a_mistake_in_a_column_names_table_and_column(dataset, columns, message):
    with dataset.begin("check") as change, pytest.raises((KeyError, TypeError, ValueError), match=message):
        change.append("metrics", 2, {**metric(1.0), **columns})


def test_a_recording_is_claimed_once(dataset):
    with dataset.begin("ingest") as slow:
        takes.fill(slow, "a")
        slow.claim_recording("a")
        assert takes.ingest(dataset.path, "a")
        with pytest.raises(ConflictError) as caught:
            slow.commit()
    assert caught.value.code == "store.recording-exists"
    assert not takes.ingest(dataset.path, "a")
    takes.check_whole(dataset.refresh(), ["a"])
    assert len(dataset.log()) == 1
    assert len(list(dataset.path.rglob("tables/imu/*.parquet"))) == 1


def test_a_claimed_recording_may_be_replaced(dataset):
    takes.ingest(dataset.path, "a")
    with dataset.refresh().begin("ingest") as change:
        for table in takes.PER_TAKE:
            change.replace(table, {"recording_id": "a"}, 0, {})
        takes.fill(change, "a")
        change.claim_recording("a")
        change.commit()
    takes.check_whole(dataset.refresh(), ["a"])


def test_memory_holds_no_more_than_a_row_group_and_rows_stay_in_order(dataset, monkeypatch):
    largest = 0
    group = table_schema("frames").row_group

    def watched(writer, batch):
        nonlocal largest
        plain(writer, batch)
        largest = max(largest, writer._waiting_rows)

    plain = PartWriter.add
    monkeypatch.setattr(PartWriter, "add", watched)
    with dataset.begin("ingest") as change:
        for start in range(0, 40_000, 1_000):
            columns = {"recording_id": "a", "stream": "/cam", "flags": 0}
            index = np.arange(start, start + 1_000)
            change.append("frames", 1_000, {**columns, "index": index, "t_ns": index})
        change.commit()
    assert largest < group + 1_000
    assert dataset.refresh().table("frames")["index"].to_pylist() == list(range(40_000))
    (part,) = dataset.path.glob("tables/frames/*.parquet")
    metadata = pq.ParquetFile(part).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [
        group,
        group,
        40_000 - 2 * group,
    ]


def test_wide_rows_are_written_before_a_row_group_is_full(dataset, monkeypatch):
    monkeypatch.setattr("rushes.store.parts._BUFFER_BYTES", 100_000)
    monkeypatch.setattr("rushes.store.parts.ROLL_BYTES", 3_000)
    values = [str(np.random.default_rng(i).bytes(3_000)) for i in range(60)]
    with dataset.begin("ingest") as change:
        for i, value in enumerate(values):
            columns = {"recording_id": "a", "stream": "/m", "index": np.array([i]), "t_ns": 0, "value": value}
            change.append("messages", 1, columns)
        change.commit()
    assert dataset.refresh().table("messages")["value"].to_pylist() == values
    assert len(list(dataset.path.glob("tables/messages/*.parquet"))) > 2


def test_columns_are_encoded_as_their_kind_deserves(dataset):
    takes.ingest(dataset.path, "a")
    (part,) = dataset.path.glob("tables/imu/*.parquet")
    group = pq.ParquetFile(part).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert "DELTA_BINARY_PACKED" in columns["t_ns"].encodings
    assert "BYTE_STREAM_SPLIT" in columns["gyro_x_rad_s"].encodings
    assert "RLE_DICTIONARY" in columns["recording_id"].encodings
    assert columns["t_ns"].compression == "ZSTD"


def test_the_tables_are_plain_parquet_and_delta_for_everybody_else(dataset):
    import duckdb
    import pandas as pd
    from deltalake import DeltaTable

    takes.ingest_all(dataset.path, ["a", "b"])
    folder = dataset.path / "tables" / "imu"
    files = [str(path) for path in folder.glob("*.parquet")]
    ours = sorted(dataset.refresh().table("imu")["gyro_x_rad_s"].to_pylist())
    assert sorted(pd.concat(map(pd.read_parquet, files))["gyro_x_rad_s"]) == ours
    assert sorted(pads.dataset(files).to_table()["gyro_x_rad_s"].to_pylist()) == ours
    by_duckdb = duckdb.connect().sql(f"select gyro_x_rad_s from read_parquet({files})").fetchall()
    assert sorted(value for (value,) in by_duckdb) == ours
    delta = DeltaTable(folder)
    assert sorted(delta.to_pyarrow_table()["gyro_x_rad_s"].to_pylist()) == ours
    field = next(field for field in delta.schema().fields if field.name == "gyro_x_rad_s")
    assert field.metadata["unit"] == "rad/s"
    assert pq.read_schema(files[0]).field("t_ns").metadata[b"unit"] == b"ns"
    assert pd.read_parquet(dataset.path / "tables" / "calibrations")["distortion"].iloc[0].size == 5


def test_a_column_of_a_later_release_is_absent_in_older_files(dataset, monkeypatch):
    takes.ingest(dataset.path, "a")
    old = table_schema("media")
    new = table_schema("streams")
    grown = type(old)(
        name="media",
        key=old.key,
        kinds={**old.kinds, "notes": "string"},
        arrow=old.arrow.append(new.arrow.field("notes")),
        row_group=old.row_group,
    )
    for module in ("store", "transaction", "publishing", "query"):
        monkeypatch.setattr(
            f"rushes.store.{module}.table_schema", lambda name: grown if name == "media" else table_schema(name)
        )
    assert Store.open(dataset.path).table("media")["notes"].to_pylist() == [None]
    assert Store.open(dataset.path).sql("select notes from media").fetchall() == [(None,)]
    takes.ingest(dataset.path, "b")
    store = Store.open(dataset.path)
    assert store.table("media", where={"notes": None}).num_rows == 2
    assert store.sql("select notes from media").fetchall() == [(None,), (None,)]
    from deltalake import DeltaTable

    assert [field.name for field in DeltaTable(dataset.path / "tables" / "media").schema().fields] == list(
        grown.kinds
    )


def test_a_file_name_that_is_not_utf8_is_stored_as_text(dataset):
    name = b"\xff.mcap".decode("utf-8", "surrogateescape")
    with dataset.begin("ingest", argv=["ingest", name]) as change:
        media = {"uri": name, "container": "mcap", "bytes": 1, "mtime_ns": 1}
        change.append("media", 1, {"recording_id": "a", "media_id": "m", **media})
        change.commit()
    assert dataset.refresh().table("media")["uri"].to_pylist() == ["\\xff.mcap"]
    assert dataset.log()[0].argv == ("ingest", "\\xff.mcap")


def test_a_summary_with_a_file_name_that_is_not_utf8_leaves_the_log_readable(dataset):
    name = b'\xff \xc3\xbc \\ "\n.mcap'.decode("utf-8", "surrogateescape")
    with dataset.begin("ingest") as change:
        media = {"uri": name, "container": "mcap", "bytes": 1, "mtime_ns": 1}
        change.append("media", 1, {"recording_id": "a", "media_id": "m", **media})
        change.commit({"recording": name})
    assert dataset.refresh().log()[0].summary["figures"]["recording"] == escaped(name)
    told = dataset.refresh().sql("select summary::json ->> '$.figures.recording' from revisions").fetchall()
    assert told == [(escaped(name),)]


def test_a_file_whose_name_is_not_utf8_is_found_again(dataset, tmp_path):
    file = tmp_path / b"na\xfeme.mcap".decode("utf-8", "surrogateescape")
    file.touch()
    assert dataset.place_of(escaped(str(file))) == file
    assert dataset.place_of(str(tmp_path)) == tmp_path


def damaged_log(path: Path):
    (path / "_delta_log" / f"{0:020d}.json").write_text('{"add": ')


def absent_log(path: Path):
    (path / "_delta_log" / f"{0:020d}.json").unlink()


def absent_part(path: Path):
    next(path.glob("*.parquet")).unlink()


def cut_part(path: Path):
    part = next(path.glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])


def zeroed_part(path: Path):
    part = next(path.glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:4] + bytes(300) + part.read_bytes()[304:])


@pytest.mark.parametrize("table", ["imu", "revisions"])
@pytest.mark.parametrize("harm", [damaged_log, absent_log, absent_part, cut_part, zeroed_part])
def test_damage_is_an_error_that_names_the_file(dataset, table, harm):
    takes.ingest(dataset.path, "a")
    folder = dataset.path / "tables" / table
    harm(folder)
    if (table, harm) == ("revisions", absent_log):
        return  # then the dataset has no revision at all, and says so
    with pytest.raises(StoreError, match=table) as caught:
        Store.open(dataset.path).table(table)
    assert caught.value.code == "store.damaged"
    assert not isinstance(caught.value.__cause__, pa.ArrowKeyError)


def test_a_writer_refuses_a_table_whose_log_is_gone(dataset):
    takes.ingest(dataset.path, "a")
    absent_log(dataset.path / "tables" / "imu")
    with pytest.raises(StoreError) as caught:
        takes.ingest(dataset.path, "b")
    assert caught.value.code == "store.damaged"


def test_a_path_that_is_no_utf8_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    place = tmp_path / "takes_\udcff"
    for begin in (Store.create, Store.open):
        with pytest.raises(StoreError) as error:
            begin(place)
        assert error.value.code == "store.path-encoding"
    assert not place.exists()
