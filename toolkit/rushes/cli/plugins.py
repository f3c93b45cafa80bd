"""List the plugins: readers, decoders, checks, splitters.

Plugins of other packages appear here too, by their entry points ``rushes.<kind>``.
"""

from typing import get_args

import click

from rushes import registry
from rushes.cli._options import OneOf, verb
from rushes.cli._output import Answer, table


@verb("plugins", examples="rushes plugins\nrushes plugins readers --json")
@click.argument("kind", required=False, type=OneOf(get_args(registry.Kind)))
def command(kind: registry.Kind | None) -> Answer:
    """List what is installed, by kind; nothing is imported for it."""
    kinds = [kind] if kind else list(get_args(registry.Kind))
    found = {each: registry.names(each) for each in kinds}
    rows = [(each, ", ".join(names)) for each, names in found.items()]
    return Answer(result=found, text=table(rows, head=("kind", "plugins")))
