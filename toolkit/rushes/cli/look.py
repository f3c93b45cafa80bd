"""Show any mix of recordings, folders, videos and images on one offline page."""

from collections.abc import Sequence
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._options import PluginName, verb
from rushes.cli._output import Answer
from rushes.quantities import say_bytes, say_count
from rushes.workflow.look import look, write_page


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
    size = write_page(seen, out)
    read = [recording for recording in seen.recordings if recording.error is None]
    lines = [
        f"{out} ({say_bytes(size)})",
        f"{say_count(len(read), 'recording')}, "
        f"{say_count(sum(len(item.streams) for item in read), 'stream')}, "
        f"{say_count(sum(item.samples for item in read), 'sample')}",
    ]
    if seen.refused:
        lines.append(f"{say_count(len(seen.refused), 'path')} that no reader takes; the page says why")
    failed = [item.error.message for item in seen.recordings if item.error is not None]
    return Answer(
        result={"page": str(out), "bytes": size, **seen.summary()},
        text="\n".join(lines),
        warnings=failed[:20]
        + ([f"… and {len(failed) - 20} more that cannot be read"] if len(failed) > 20 else []),
        exit_code=0 if read else 1,
    )
