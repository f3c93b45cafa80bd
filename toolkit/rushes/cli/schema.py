"""Show a table's columns, or the form of a recipe."""

from typing import Any

import click

from rushes import registry, resources
from rushes.cli._options import verb
from rushes.cli._output import Answer, table
from rushes.errors import UsageError


@verb("schema", examples="rushes schema\nrushes schema frames\nrushes schema recipe")
@click.argument("name", required=False)
def command(name: str | None) -> Answer:
    """Show what a table holds, column by column; without NAME, list the tables."""
    schemas = resources.folder("schemas")
    tables = {file.stem: file for file in sorted((schemas / "tables" / "v1").glob("*.yaml"))}
    forms = {file.name.partition(".")[0]: file for file in sorted(schemas.glob("*.schema.json"))}
    if name is None:
        bodies = {stem: resources.load_yaml(f"tables/v1/{stem}.yaml") for stem in tables}
        rows = [(stem, body["row"]) for stem, body in bodies.items()]
        return Answer(
            result={"tables": {stem: body["row"] for stem, body in bodies.items()}, "forms": sorted(forms)},
            text=table(rows, head=("table", "a row is")),
        )
    if name in forms:
        text = forms[name].read_text(encoding="utf-8")
        return Answer(result={"schema": text}, text=text.rstrip())
    if name not in tables:
        near = registry.close_to(name, [*tables, *forms])
        raise UsageError(
            f"there is no table '{name}'",
            code="schema.unknown",
            hint=f"did you mean '{near}'?" if near else "rushes schema lists them",
        )
    body: dict[str, Any] = resources.load_yaml(f"tables/v1/{name}.yaml")
    columns = [
        (
            column["name"],
            column["type"] + ("?" if column.get("nullable") else ""),
            column.get("unit", ""),
            column["doc"],
        )
        for column in body["columns"]
    ]
    head = f"{name}: a row is {body['row']}\nkey: {', '.join(body['key'])}\n\n"
    return Answer(result=body, text=head + table(columns, head=("column", "type", "unit", "meaning")))
