"""The tables' contracts are well formed and agree with the model."""

import json
from dataclasses import fields

import pyarrow as pa
import pytest

from rushes.errors import UsageError
from rushes.model import LedgerEntry, Stream
from rushes.resources import folder, load_yaml
from rushes.store.schemas import ARROW_TYPES, table_names, table_schema

TABLES = sorted(path.stem for path in (folder("schemas") / "tables" / "v1").glob("*.yaml"))


@pytest.mark.parametrize("table", TABLES)
def test_a_schema_file_says_all_it_must(table):
    text = load_yaml(f"tables/v1/{table}.yaml")
    assert set(text) == {"table", "version", "row", "key", "columns"}
    assert (text["table"], text["version"]) == (table, 1)
    names = [column["name"] for column in text["columns"]]
    assert len(set(names)) == len(names)
    assert set(text["key"]) <= set(names)
    for column in text["columns"]:
        assert set(column) <= {"name", "type", "unit", "nullable", "doc"}
        assert column["type"] in ARROW_TYPES
        assert column["doc"].endswith((".", "…")), column["name"]


@pytest.mark.parametrize("table", TABLES)
def test_unit_and_meaning_are_stamped_into_the_fields(table):
    for column in load_yaml(f"tables/v1/{table}.yaml")["columns"]:
        field = table_schema(table).arrow.field(column["name"])
        assert field.metadata[b"doc"].decode() == column["doc"]
        assert field.metadata.get(b"unit", b"").decode() == column.get("unit", "")
        assert field.nullable == column.get("nullable", False)


@pytest.mark.parametrize("table", TABLES)
def test_delta_is_told_the_same_columns(table):
    schema = table_schema(table)
    told = json.loads(schema.delta())["fields"]
    assert [(f["name"], f["nullable"]) for f in told] == [(f.name, f.nullable) for f in schema.arrow]


def test_every_table_with_an_index_names_it_in_its_key():
    for table in table_names():
        schema = table_schema(table)
        if "index" in schema.kinds and table not in ("moment_members", "labels", "label_conflicts", "decisions"):
            assert "index" in schema.key, table


def test_the_fields_of_a_stream_are_columns_of_streams():
    columns = table_schema("streams").kinds
    assert {("stream" if f.name == "name" else f.name) for f in fields(Stream)} <= set(columns)


def test_the_fields_of_a_ledger_entry_are_columns_of_ledger():
    own_names = {"stream": "stream", "step": "step", "reasons": "reasons", "came_in": "n_in"}
    named = {own_names.get(field.name, f"n_{field.name}") for field in fields(LedgerEntry)}
    assert named | {"recording_id"} == set(table_schema("ledger").kinds)


def test_an_unknown_table_gets_the_name_that_was_meant():
    with pytest.raises(UsageError, match="no table 'frame'") as caught:
        table_schema("frame")
    assert caught.value.hint == "did you mean 'frames'?"


def test_lists_name_their_members_as_parquet_does():
    assert ARROW_TYPES["list<float64>"].field(0).name == "element"
    assert pa.types.is_float64(ARROW_TYPES["list<float64>"].value_type)
