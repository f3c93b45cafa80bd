"""Names the Label Studio server that a command speaks to."""

from collections.abc import Callable
from pathlib import Path

import click

from rushes.cli._output import Answer


def server_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add the options that name a server other than ours."""
    for option in (
        click.option("--media", type=click.Path(path_type=Path), help="Its document root, as mounted here."),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            help="Holds its token; else RUSHES_LABEL_STUDIO_TOKEN does.",
        ),
        click.option("--url", help="Address of a Label Studio that the team has; ours if left out."),
    ):
        function = option(function)
    return function
