"""What the verbs of labels share: options of a format, and the report of what it could not carry."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from rushes.cli._output import table
from rushes.contracts import LeftOut


def _pairs(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values:
        name, equals, content = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"'{value}' is no NAME=VALUE, such as task=obb", ctx, param)
        pairs[name] = content
    return pairs


options_option = click.option(
    "--option", "options", metavar="NAME=VALUE", multiple=True, callback=_pairs, help="Option of the format."
)


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """Give a table of what was lost, changed or noted; nothing where there is nothing."""
    if not left_out:
        return []
    rows = [(x.effect, x.count, x.what, x.reason) for x in left_out]
    return ["", table(rows, head=("", "labels", "what", "why"), right=(1,))]


def left_out_result(left_out: Sequence[LeftOut]) -> list[dict[str, Any]]:
    """Give the same for ``--json``."""
    return [asdict(x) for x in left_out]
