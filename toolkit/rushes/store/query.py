"""SQL over one revision, by DuckDB: each table a view, nothing to be written, no network.

Imported late: duckdb costs 0.15 CPU seconds.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from rushes.errors import UsageError
from rushes.registry import close_to
from rushes.resources import folder
from rushes.store.mishaps import damage_named
from rushes.store.schemas import TableSchema, table_schema

WAIT_S = 0.1
_TYPES = {
    "string": "VARCHAR",
    "binary": "BLOB",
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "list<string>": "VARCHAR[]",
    "list<int32>": "INTEGER[]",
    "list<float32>": "FLOAT[]",
    "list<float64>": "DOUBLE[]",
}
_READING = frozenset({"SELECT", "EXPLAIN", "MULTI"})  # MULTI is what PIVOT becomes
_OF_A_FILE = re.compile("parquet|thrift|TProtocol|decompress|snappy|zstd|corrupt|IO Error", re.IGNORECASE)
_SHOWS = re.compile(r"^\s*(show|summarize|from\s+information_schema)\b", re.IGNORECASE)
_NO_TABLE = re.compile(r"Table with name \"?(\w+)\"? does not exist")


def run(query: str, tables: Mapping[str, Sequence[Path]]) -> "duckdb.DuckDBPyRelation":
    """Bind a query to the tables; DuckDB runs it when rows are fetched.

    Args:
        query: One statement that reads.
        tables: The files of each table, none for an empty one.

    Raises:
        UsageError: If the query is not one reading statement, or names what is not there.
    """
    with _interruptible():
        return _bound(_connection(tables, query), query, tables)


def fetch(query: str, tables: Mapping[str, Sequence[Path]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Bind and run a query: names of the columns, and the rows.

    DuckDB works in a thread of its own while this one waits, so that Ctrl-C is heard at any moment.

    Raises:
        UsageError: As :func:`run`, and ``store.query`` for what goes wrong while it runs.
        StoreError: ``store.damaged`` where a file of the dataset is at fault.
    """
    with _running(tables), ThreadPoolExecutor(1) as pool:
        connection = _connection(tables, query)
        relation = _bound(connection, query, tables)
        fetching = pool.submit(relation.fetchall)
        try:
            while not wait([fetching], WAIT_S).done:
                pass
        except KeyboardInterrupt:
            while not fetching.done():  # a query that has not begun yet does not hear the first time
                connection.interrupt()
                wait([fetching], WAIT_S)
            raise
        return list(relation.columns), fetching.result()


def _bound(
    connection: "duckdb.DuckDBPyConnection", query: str, tables: Mapping[str, Sequence[Path]]
) -> "duckdb.DuckDBPyRelation":
    try:
        statements = connection.extract_statements(query)
        kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
        if len(kinds) != 1 or kinds[0] not in _READING:
            raise UsageError(
                f"one query that reads is wanted, and this is {' and '.join(kinds) or 'empty'}",
                code="store.query-kind",
                hint="SELECT, FROM, WITH, DESCRIBE, SUMMARIZE, PIVOT and SHOW TABLES read",
            )
        return connection.sql(query)
    except duckdb.Error as error:
        raise _named(error, tables) from error


@contextmanager
def _running(tables: Mapping[str, Sequence[Path]]) -> Iterator[None]:
    """Name what goes wrong while rows are fetched: a cast that fails, a data file that does not unpack.

    Raises:
        UsageError: ``store.query``, with DuckDB's message.
        StoreError: ``store.damaged`` where a file of the dataset is at fault.
    """
    try:
        with _interruptible():
            yield
    except duckdb.Error as error:
        if _OF_A_FILE.search(str(error)):
            _find_damaged(tables)
        raise _named(error, tables) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C be Ctrl-C: DuckDB answers it with a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error
        raise


def _find_damaged(tables: Mapping[str, Sequence[Path]]) -> None:
    """Raise ``store.damaged`` for the first file whose pages do not unpack; DuckDB does not name it."""
    for path in (path for paths in tables.values() for path in paths):
        with damage_named(path):
            pq.read_table(path)


def _connection(tables: Mapping[str, Sequence[Path]], query: str) -> "duckdb.DuckDBPyConnection":
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",  # else a name in the caller's frame would be a table
        },
    )
    paths = ", ".join(_quoted(str(path)) for files in tables.values() for path in files)
    # From here on only these files can be opened, and COPY is refused by its kind.
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    for name, files in tables.items():
        connection.execute(f'CREATE VIEW "{name}" AS {_view(table_schema(name), files)}')
    for name, text in _wanted_views(query).items():
        connection.execute(f'CREATE VIEW "{name}" AS {text}')
    connection.execute("SET lock_configuration = true")
    return connection


def _wanted_views(query: str) -> Mapping[str, str]:
    """Give the views that a query may name, and those that they are made of; binding one costs some milliseconds.

    A view can only be made of views whose names come before its own in the alphabet.
    """
    every = _views()
    if _SHOWS.search(query):
        return every
    said, wanted = query.lower(), set[str]()
    for name in reversed(list(every)):
        if name in said:
            wanted.add(name)
            said += every[name]
    return {name: text for name, text in every.items() if name in wanted}


@cache
def _views() -> Mapping[str, str]:
    """Read the views of the contract by name; each is one query over the tables."""
    return {
        file.stem: file.read_text(encoding="utf-8")
        for file in sorted((folder("schemas") / "views" / "v1").glob("*.sql"))
    }


def _view(schema: TableSchema, files: Sequence[Path]) -> str:
    if not files:
        columns = ", ".join(f'NULL::{_TYPES[kind]} AS "{name}"' for name, kind in schema.kinds.items())
        return f"SELECT {columns} WHERE false"
    listed = ", ".join(_quoted(str(path)) for path in files)
    stored = set(_stored_columns(files[0]))
    if stored >= schema.kinds.keys():
        options = ""
    else:
        # A later release has added columns since; files may or may not have them.
        options, stored = ", union_by_name = true", {name for path in files for name in _stored_columns(path)}
    columns = ", ".join(
        f'"{name}"' if name in stored else f'NULL::{_TYPES[kind]} AS "{name}"'
        for name, kind in schema.kinds.items()
    )
    return f"SELECT {columns} FROM read_parquet([{listed}]{options})"


def _stored_columns(path: Path) -> list[str]:
    with damage_named(path):
        return list(pq.read_schema(path).names)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(error: Any, tables: Mapping[str, Any]) -> UsageError:
    # DuckDB's own guess at a table looks among its system tables.
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Did you mean")]
    absent = _NO_TABLE.search(str(error))
    near = close_to(absent[1].lower(), [*tables, *_views()]) if absent else None
    if near:
        hint = f"did you mean '{near}'?"
    else:
        hint = f"the tables are {', '.join([*tables, *_views()])}; DESCRIBE TABLE names its columns"
    return UsageError("\n".join(lines), code="store.query", hint=hint)
