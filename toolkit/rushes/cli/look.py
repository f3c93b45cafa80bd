"""Show any mix of recordings, folders, videos and images on one offline page."""

from collections.abc import Sequence
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._options import PluginName, verb
from rushes.cli._output import Answer
from rushes.workflow.look import look


@verb("look", examples="rushes look walk.mcap\nrushes look takes/ clips/ --out look.html")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("rushes-look.html"), show_default=True, help="The page."
)
@click.option("--reader", type=PluginName("readers"), help="Use this reader, whatever the others say.")
def command(paths: Sequence[Path], out: Path, reader: str | None) -> Answer:
    """Find what is recorded at PATHS, and write one page: pictures, streams on a time axis, first faults.

    No dataset is needed or made, and nothing is written beside the recordings.
    """
    with _progress.bar("look", unit="recordings") as progress:
        seen = look(paths, reader=reader, progress=progress)
    seen.write(out)
    return Answer(result=seen.summary(), text=str(out))
