"""SQL reads every table of one revision and can do nothing else."""

import pytest

from rushes.errors import UsageError
from rushes.store import Store
from rushes.store.schemas import table_names
from store import takes


@pytest.fixture
def store(dataset):
    takes.ingest_all(dataset.path, ["a", "b"])
    return dataset.refresh()


def test_every_table_is_there_empty_ones_too(store):
    shown = [name for (name,) in store.sql("show tables").fetchall()]
    assert shown == sorted(
        [*table_names(), "decided", "standing", "tagged", "tagged_labels", "takes", "takes_discarded"]
    )
    for table in table_names():
        assert store.sql(f"select count(*) from {table}").fetchall() == [(store.table(table).num_rows,)]


def test_empty_and_full_tables_have_the_types_of_the_schema(dataset, store):
    empty = Store.create(dataset.path.parent / "empty")
    for table in table_names():
        assert empty.sql(f"from {table}").types == store.sql(f"from {table}").types


def test_a_query_sees_the_opened_revision(store):
    count = "select count(*) from imu"
    assert Store.open(store.path, at=1).sql(count).fetchall() == [(takes.SAMPLES,)]
    assert store.sql(count).fetchall() == [(2 * takes.SAMPLES,)]


def test_a_quote_in_the_path_does_no_harm(tmp_path):
    store = Store.create(tmp_path / 'it\'s "mine"')
    takes.ingest(store.path, "a")
    assert store.refresh().sql("select recording_id from recordings").fetchall() == [("a",)]


@pytest.mark.parametrize(
    "query",
    [
        "from recordings select name",
        "with x as (select 1 as y) select y from x",
        "describe frames",
        "summarize frames",
        "explain select * from frames",
        "pivot frames on stream using count(*)",
        "select reasons->>'x' from ledger",
        "-- a remark\nselect 1",
    ],
)
def test_whatever_reads_is_run(store, query):
    assert store.sql(query).fetchall()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "select 1; select 2",
        "copy (select 1) to '{here}/x.csv'",
        "copy (select 1) to '{part}'",
        "create table x as select 1",
        "drop view frames",
        "set threads = 1",
        "install httpfs",
        "attach '{here}/x.db'",
        "export database '{here}/x'",
        "select * from read_text('{here}/rushes.json')",
        "select * from glob('/*')",
        "select * from 'https://example.org/x.parquet'",
        "select * from store",  # a name of this very frame
    ],
)
def test_nothing_is_written_and_nothing_else_is_read(store, query):
    part = next(store.path.glob("tables/imu/*.parquet"))
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    with pytest.raises(UsageError):
        store.sql(query.format(here=store.path, part=part)).fetchall()
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("select * from frame", "frame", "did you mean 'frames'?"),
        ("select t_n from frames", "t_ns", "the tables are"),
        ("selec 1", "syntax error", "the tables are"),
    ],
)
def test_a_mistake_is_told_in_duckdbs_words_with_a_way_on(store, query, message, hint):
    with pytest.raises(UsageError, match=message) as caught:
        store.sql(query)
    assert hint in caught.value.hint
    assert "pg_" not in caught.value.message
