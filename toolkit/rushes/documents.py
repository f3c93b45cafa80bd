"""YAML documents, such as recipes and ontologies: found by path or name, and held against their schema."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema

from rushes import registry, resources


class Slip(NamedTuple):
    """The first thing in a document that its schema does not allow.

    Args:
        place: Keys and positions that lead there, with dots between.
        near: A key that the schema knows and that is like one that it does not; None where there is none.
    """

    place: str
    message: str
    near: str | None


def named(folder: Path) -> dict[str, Path]:
    """Give the documents in a folder of the package, by name."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(given: str, known: Mapping[str, Path]) -> Path | None:
    """Find a document by its path, or by its name among those that are known."""
    path = Path(given)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    return known.get(given)


def hint_for(given: str, known: Mapping[str, Path]) -> str:
    """Say what to write in place of a name that is not known."""
    near = registry.close_to(given, known)
    return f"did you mean '{near}'?" if near else f"give a path to a YAML file, or one of {', '.join(known)}"


def unreadable(error: Exception) -> tuple[str, str]:
    """Say why text is no YAML, and where to look."""
    mark = getattr(error, "problem_mark", None)
    hint = f"look at line {mark.line + 1}, column {mark.column + 1}" if mark else "write it as UTF-8 text"
    return " ".join(str(error).split()), hint


def first_slip(body: Any, schema: str) -> Slip | None:
    """Hold a document against a schema of the package, such as ``recipe``; None where all is well."""
    errors: Iterable[Any] = jsonschema.Draft202012Validator(_schema(schema)).iter_errors(body)
    first = jsonschema.exceptions.best_match(errors)
    if first is None:
        return None
    place = ".".join(map(str, first.absolute_path)) or "the top"
    offered = first.schema.get("properties", {}) if isinstance(first.schema, dict) else {}
    strange = [key for key in first.instance if key not in offered] if isinstance(first.instance, dict) else []
    near = registry.close_to(str(strange[0]), offered) if strange and offered else None
    unknown = first.validator == "additionalProperties" and strange
    return Slip(place, f"unknown key '{strange[0]}'" if unknown else first.message, near)


@cache
def _schema(name: str) -> Any:
    return json.loads((resources.folder("schemas") / f"{name}.schema.json").read_text(encoding="utf-8"))
