"""Compaction keeps every row, vacuum harms nobody, and every Delta reader agrees."""

import os
import time

import deltalake
import numpy as np
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.errors import ConflictError, StoreError, UsageError
from rushes.store import Store, deltalog
from rushes.store.schemas import table_schema
from store import takes


def add_metrics(store, name, values):
    columns = {"check": "c", "check_version": "1", "metric": "m", "unit": "1", "recording_id": name}
    index = np.arange(len(values))
    with store.begin("check") as change:
        change.replace(
            "metrics", {"recording_id": name}, len(values), {**columns, "index": index, "value": values}
        )
        change.commit()


def add_media(store):
    media = {"media_id": "m", "uri": "u", "container": "mcap", "bytes": 1, "mtime_ns": 1}
    with store.begin("ingest") as change:
        change.append("media", 1, {"recording_id": "c", **media})
        change.commit()


def parts(store, table):
    return sorted(store.path.glob(f"tables/{table}/*.parquet"))


def test_a_commit_gathers_small_files_by_itself(dataset, monkeypatch):
    monkeypatch.setattr("rushes.store.transaction.MOST_SMALL_FILES", 4)
    names = list("abcdefghijklmno")
    takes.ingest_all(dataset.path, names)
    store = dataset.refresh()
    takes.check_whole(store, names)
    # One table a commit, so that no commit pays for all of them.
    counts = [len(store._files(table)) for table in takes.PER_TAKE]
    assert min(counts) < 4
    assert max(counts) <= 4 + len(takes.PER_TAKE)
    assert store.table("imu", where={"recording_id": "c"})["index"].to_pylist() == list(range(takes.SAMPLES))
    for revision in range(1, 16, 3):
        takes.check_whole(Store.open(dataset.path, at=revision), names[:revision])
    assert len(DeltaTable(dataset.path / "tables" / "revisions").file_uris()) < len(names)


def test_compaction_keeps_rows_and_their_order(dataset):
    names = list("cabd")
    takes.ingest_all(dataset.path, names)
    before, store = takes.content(dataset.refresh()), dataset.refresh()
    order = store.table("imu", columns=["recording_id", "index"])
    assert store.compact() is None
    info = store.compact(force=True)
    assert info is not None
    assert info.command == "compact"
    store = dataset.refresh()
    assert takes.content(store) == before
    assert store.table("imu", columns=["recording_id", "index"]).equals(order)
    assert len(store._files("imu")) == 1
    assert store.compact(force=True) is None


def test_a_clock_that_goes_back_does_not_disturb_the_order(dataset, monkeypatch):
    monkeypatch.setattr("rushes.store.parts.ROLL_BYTES", 1)
    monkeypatch.setattr("rushes.store.parts._BUFFER_BYTES", 1)
    with dataset.begin("ingest") as change:
        takes.fill(change, "a")
        change.commit()
    assert len(parts(dataset, "imu")) == 4
    sizes = iter([False, True, True, True])
    monkeypatch.setattr(
        "rushes.store.publishing.small_files", lambda s: [f for f in s.files if next(sizes, False)]
    )
    monkeypatch.setattr("rushes.store.gathering.time", type("clock", (), {"time_ns": staticmethod(lambda: 5)}))
    assert dataset.compact(force=True)
    assert dataset.refresh().table("imu")["index"].to_pylist() == list(range(takes.SAMPLES))


def test_vacuum_deletes_what_only_old_revisions_need_and_spares_tags(dataset):
    for value in range(6):
        add_metrics(dataset, "a", [float(value)])
    store = dataset.refresh()
    store.tag("paper", 2)
    told = store.vacuum(keep_revisions=2, min_age_s=0, dry_run=True)
    assert len(parts(store, "metrics")) == 6
    done = store.vacuum(keep_revisions=2, min_age_s=0)
    assert done == told
    assert done.kept == (2, 5, 6)
    assert len(done.files) == 3
    assert done.bytes > 0
    assert {path.exists() for path in done.files} == {False}
    for at, value in {"paper": 1.0, 5: 4.0, 6: 5.0}.items():
        assert Store.open(store.path, at=at).table("metrics")["value"].to_pylist() == [value]
    for read in (lambda s: s.table("metrics"), lambda s: s.sql("from metrics")):
        with pytest.raises(StoreError, match="revision 3") as caught:
            read(Store.open(store.path, at=3))
        assert caught.value.code == "store.vacuumed"
    with pytest.raises(StoreError) as caught:
        store.tag("late", 3)
    assert caught.value.code == "store.vacuumed"
    add_metrics(dataset, "b", [1.0])
    assert sorted(dataset.refresh().table("metrics")["value"].to_pylist()) == [1.0, 5.0]


def test_vacuum_spares_whoever_reads_what_was_the_newest_an_hour_ago(dataset):
    add_metrics(dataset, "a", [1.0])
    reader = dataset.refresh()
    for value in range(4):
        add_metrics(dataset, "a", [2.0 + value])
    for path in parts(dataset, "metrics"):
        os.utime(path, (0, 0))
    dataset.vacuum(keep_revisions=1)
    assert reader.table("metrics")["value"].to_pylist() == [1.0]


def test_vacuum_spares_a_living_transaction_however_long_it_takes(dataset):
    with dataset.begin("ingest") as change:
        takes.fill(change, "a")
        for writer in change._writers.values():
            writer._write(writer._waiting_rows)
        for path in dataset.path.rglob("tables/*/*.parquet"):
            os.utime(path, (0, 0))
        assert dataset.vacuum(keep_revisions=1, min_age_s=0).files == ()
        change.commit()
    takes.check_whole(dataset.refresh(), ["a"])


def test_vacuum_takes_the_orphans_of_the_dead_once_they_are_old(dataset):
    folder = dataset.path / "tables" / "imu"
    folder.mkdir(parents=True)
    orphan = folder / f"{time.time_ns():016x}-0000-0123456789abcdef.parquet"
    orphan.write_bytes(b"half")
    assert dataset.vacuum().files == ()
    os.utime(orphan, (0, 0))
    assert dataset.vacuum().files == (orphan,)
    assert not orphan.exists()


def test_vacuum_keeps_at_least_the_dataset(dataset):
    with pytest.raises(UsageError):
        dataset.vacuum(keep_revisions=0)


def test_a_checkpoint_stands_for_the_log_files_before_it(dataset, monkeypatch):
    monkeypatch.setattr("rushes.store.publishing.CHECKPOINT_EVERY", 10)
    for value in range(25):
        add_metrics(dataset, f"r{value % 3}", [float(value)])
    folder = dataset.path / "tables" / "metrics"
    replayed = {version: deltalog.load(folder, version) for version in range(20, 25)}
    for version in range(20):
        (folder / "_delta_log" / f"{version:020d}.json").unlink()
    for version, state in replayed.items():
        again = deltalog.load(folder, version)
        assert again.files == state.files
        assert again.metadata["schemaString"] == state.metadata["schemaString"]
    assert sorted(dataset.refresh().table("metrics")["value"].to_pylist()) == [22.0, 23.0, 24.0]


def test_a_checkpoint_that_cannot_be_written_is_no_failure(dataset, monkeypatch, caplog):
    monkeypatch.setattr("rushes.store.publishing.CHECKPOINT_EVERY", 1)

    class PanicException(BaseException):
        pass

    def refuse(*_, **__):
        raise PanicException("No space left on device")

    add_metrics(dataset, "a", [1.0])
    monkeypatch.setattr("rushes.store.checkpoint.DeltaTable", refuse)
    add_metrics(dataset, "b", [2.0])
    assert "No space left" in caplog.text
    assert dataset.refresh().table("metrics").num_rows == 2


def test_what_another_program_writes_is_taken_back_with_a_word(dataset, caplog):
    takes.ingest(dataset.path, "a")
    folder = dataset.path / "tables" / "media"
    write_deltalake(folder, DeltaTable(folder).to_pyarrow_table(), mode="append")
    assert DeltaTable(folder).count() == 2
    takes.ingest(dataset.path, "b")
    takes.check_whole(dataset.refresh(), ["a", "b"])
    assert DeltaTable(folder).count() == 2
    assert "another program wrote versions 1 to 1 of table 'media'" in caplog.text
    assert dataset.log()[-1].summary["restored"]["media"]["by"] == "another program"


def test_a_foreign_writer_that_is_faster_is_met_by_trying_again(dataset, monkeypatch):
    takes.ingest(dataset.path, "a")
    folder, plain, left = dataset.path / "tables" / "media", deltalog.put, [2]

    def overtaken(table, version, actions, *, scratch):
        if table == folder and left[0]:
            left[0] -= 1
            write_deltalake(folder, DeltaTable(folder).to_pyarrow_table(), mode="append")
        plain(table, version, actions, scratch=scratch)

    monkeypatch.setattr(deltalog, "put", overtaken)
    assert takes.ingest(dataset.path, "b")
    takes.check_whole(dataset.refresh(), ["a", "b"])
    left[0] = 100
    monkeypatch.setattr("rushes.store.publishing._PAUSE_S", 0)
    with pytest.raises(ConflictError) as caught:
        add_media(dataset)
    assert caught.value.code == "store.contended"
    left[0] = 0
    takes.check_whole(dataset.refresh(), ["a", "b"])
    assert takes.ingest(dataset.path, "c")
    takes.check_whole(dataset.refresh(), ["a", "b", "c"])


def test_a_table_raised_beyond_what_is_read_here_is_refused(dataset):
    takes.ingest(dataset.path, "a")
    deltalake.DeltaTable(dataset.path / "tables" / "media").alter.set_table_properties(
        {"delta.enableDeletionVectors": "true"}
    )
    folder = dataset.path / "tables" / "media"
    text = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7}}
    deltalog.put(folder, deltalog.head(folder) + 1, [text], scratch=dataset.path / "x")
    with pytest.raises(StoreError) as caught:
        takes.ingest(dataset.path, "b")
    assert caught.value.code == "store.foreign"
    takes.check_whole(dataset.refresh(), ["a"])


changes = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from("abc"), st.integers(1, 30)),
        st.tuples(st.just("replace"), st.sampled_from("abc"), st.integers(0, 30)),
        st.tuples(st.just("compact"), st.none(), st.none()),
    ),
    max_size=8,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes)
def test_every_version_is_what_was_asked_for_and_what_delta_rs_reads(tmp_path_factory, changes):
    store = Store.create(tmp_path_factory.mktemp("model") / "dataset")
    columns = {"check": "c", "check_version": "1", "metric": "m", "unit": "1"}
    model, history, value = {"a": [], "b": [], "c": []}, {}, 0
    for what, name, count in changes:
        if what == "compact":
            store.compact(force=True)
        else:
            values = [float(value + i) for i in range(count)]
            value += count
            rows = {**columns, "recording_id": name, "value": values}
            with store.begin(what) as change:
                if what == "append":
                    change.append("metrics", count, rows)
                    model[name] = model[name] + values
                else:
                    change.replace("metrics", {"recording_id": name}, count, rows)
                    model[name] = values
                change.commit()
        history[store.refresh().revision] = sorted(x for values in model.values() for x in values)
    history.pop(0, None)
    for revision, expected in history.items():
        opened = Store.open(store.path, at=revision)
        rows = opened.table("metrics", columns=["value"])["value"].to_pylist()
        assert sorted(rows) == expected
        if (version := opened._versions.get("metrics")) is not None:
            delta = DeltaTable(store.path / "tables" / "metrics", version=version)
            assert sorted(delta.to_pyarrow_table()["value"].to_pylist()) == expected
            assert delta.count() == len(expected)
            assert delta.schema().to_json() is not None
    assert table_schema("metrics").arrow.names == store.table("metrics").column_names
