"""How answers, errors and tables reach the person or the program that asked.

stdout carries the answer and nothing else; stderr carries talk: progress, warnings, errors for people.
With ``--json`` stdout carries one object, described by ``schemas/cli/``.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import click

from rushes import __version__
from rushes.errors import RushesError
from rushes.texts import escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a verb found or did.

    Args:
        result: JSON values; the ``result`` of ``--json``.
        text: The same for people.
        dataset: Path of the dataset, where there is one.
        revision: The revision that was read or made.
        warnings: What went well enough but should be known.
        exit_code: 0, 1 or 3; see ``_main``.
    """

    result: Mapping[str, Any]
    text: str
    dataset: str | None = None
    revision: int | None = None
    warnings: Sequence[str] = field(default_factory=tuple)
    exit_code: int = 0


def show(answer: Answer, *, command: str, as_json: bool) -> int:
    """Print an answer and give its exit code."""
    if as_json:
        envelope = {
            "rushes": __version__,
            "command": command,
            "dataset": answer.dataset,
            "revision": answer.revision,
            "result": answer.result,
            "warnings": list(answer.warnings),
        }
        click.echo(json_text(envelope))
        return answer.exit_code
    if answer.text:
        click.echo(escaped(answer.text))
    for warning in answer.warnings:
        talk(f"warning: {warning}")
    return answer.exit_code


def show_error(error: RushesError, *, wants_json: bool) -> int:
    """Print an error with its hint and give its exit code."""
    if wants_json:
        body = {"kind": type(error).__name__, "code": error.code, "message": error.message, "hint": error.hint}
        click.echo(json_text({"error": body | {"facts": error.facts}}))
    else:
        talk(f"error: {error.message}")
        if error.hint:
            talk(f"hint: {error.hint}")
        talk(f"more: rushes explain {error.code}")
    return error.exit_code


def show_usage_error(error: click.ClickException, *, wants_json: bool) -> int:
    """Print click's own complaint about the command line and give its exit code."""
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help shows how it is used" if context else "rushes --help lists the commands"
    if wants_json:
        body = {
            "kind": "UsageError",
            "code": "cli.usage",
            "message": error.format_message(),
            "hint": hint,
            "facts": {},
        }
        click.echo(json_text({"error": body}))
    else:
        talk(f"error: {error.format_message()}")
        talk(f"hint: {hint}")
    return error.exit_code


def talk(line: str) -> None:
    """Say something beside the answer."""
    click.echo(escaped(line), err=True)


def json_text(body: Mapping[str, Any]) -> str:
    """Write an object as JSON that any parser takes and any terminal shows.

    A number that JSON does not know (nan, inf) becomes null, bytes become hexadecimal digits, and a byte of a
    file name that is not UTF-8 is written as in the tables.
    """
    text = json.dumps(_plain(body), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal that does not speak UTF-8
        return json.dumps(json.loads(text), indent=1)
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, float | Decimal):
        value = float(value)
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {escaped(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value if value is None or isinstance(value, bool | int) else escaped(str(value))


def on_terminal() -> bool:
    """Tell whether a person watches stderr."""
    return sys.stderr.isatty()


def table(rows: Sequence[Sequence[object]], *, head: Sequence[str], right: Sequence[int] = ()) -> str:
    """Lay out rows under a head; the columns numbered in ``right`` are flushed right."""
    cells = [[str(c) for c in head], *([("" if c is None else str(c)) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = (
            c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    return "\n".join(line(row) for row in cells)
