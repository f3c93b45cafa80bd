"""Table schemas: ``schemas/tables/v1/*.yaml`` as Arrow schemas and as Delta's own schema text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from rushes.errors import UsageError
from rushes.registry import close_to
from rushes.resources import folder, load_yaml

VERSION = 1

ARROW_TYPES: Mapping[str, Any] = {
    "string": pa.string(),
    "binary": pa.binary(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    # Parquet calls the member of a list "element"; the same name here spares every reader a rename.
    "list<string>": pa.list_(pa.field("element", pa.string())),
    "list<int32>": pa.list_(pa.field("element", pa.int32())),
    "list<float32>": pa.list_(pa.field("element", pa.float32())),
    "list<float64>": pa.list_(pa.field("element", pa.float64())),
}
"""The types that a column may have."""

_DELTA_TYPES: Mapping[str, Any] = {
    "string": "string",
    "binary": "binary",
    "bool": "boolean",
    "int32": "integer",
    "int64": "long",
    "float32": "float",
    "float64": "double",
    "list<string>": {"type": "array", "elementType": "string", "containsNull": True},
    "list<int32>": {"type": "array", "elementType": "integer", "containsNull": True},
    "list<float32>": {"type": "array", "elementType": "float", "containsNull": True},
    "list<float64>": {"type": "array", "elementType": "double", "containsNull": True},
}

_PICTURE_ROWS = 16_384  # a person reads frames and moments a stretch at a time
_SAMPLE_ROWS = 131_072
_PICTURE_TABLES = frozenset({"frames", "moments", "moment_members", "moment_spans"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """One table's contract.

    Args:
        key: Columns that name a row.
        kinds: Type of every column as the YAML spells it, in column order.
        arrow: Arrow schema; each field's metadata holds ``doc`` and, where it has one, ``unit``.
        row_group: Rows of a Parquet row group.
    """

    name: str
    key: tuple[str, ...]
    kinds: Mapping[str, str]
    arrow: Any
    row_group: int

    def delta(self) -> str:
        """Give the schema in the words of the Delta protocol (``metaData.schemaString``)."""
        fields = [
            {
                "name": field.name,
                "type": _DELTA_TYPES[self.kinds[field.name]],
                "nullable": field.nullable,
                "metadata": {key.decode(): value.decode() for key, value in field.metadata.items()},
            }
            for field in self.arrow
        ]
        return json.dumps({"type": "struct", "fields": fields}, ensure_ascii=False)

    def check_names(self, names: Mapping[str, Any] | list[str] | tuple[str, ...]) -> None:
        """Raise a UsageError for the first name that is no column of the table."""
        for name in names:
            if name not in self.kinds:
                near = close_to(name, self.kinds)
                raise UsageError(
                    f"table '{self.name}' has no column '{name}'",
                    code="store.no-column",
                    hint=f"did you mean '{near}'?" if near else f"it has {', '.join(self.kinds)}",
                    facts={"table": self.name, "column": name},
                )


@cache
def table_names() -> tuple[str, ...]:
    """List the tables of a dataset in alphabetical order."""
    return tuple(sorted(path.stem for path in (folder("schemas") / "tables" / f"v{VERSION}").glob("*.yaml")))


@cache
def table_schema(name: str) -> TableSchema:
    """Read the contract of one table.

    Raises:
        UsageError: If there is no table of that name.
    """
    if name not in table_names():
        near = close_to(name, table_names())
        raise UsageError(
            f"there is no table '{name}'",
            code="store.no-table",
            hint=f"did you mean '{near}'?" if near else f"the tables are {', '.join(table_names())}",
            facts={"table": name},
        )
    text = load_yaml(f"tables/v{VERSION}/{name}.yaml")
    fields = [_field(column) for column in text["columns"]]
    return TableSchema(
        name=name,
        key=tuple(text["key"]),
        kinds={column["name"]: column["type"] for column in text["columns"]},
        arrow=pa.schema(fields),
        row_group=_PICTURE_ROWS if name in _PICTURE_TABLES else _SAMPLE_ROWS,
    )


def _field(column: Mapping[str, Any]) -> Any:
    metadata = {key: column[key] for key in ("doc", "unit") if key in column}
    kind = ARROW_TYPES[column["type"]]
    return pa.field(column["name"], kind, nullable=column.get("nullable", False), metadata=metadata)
