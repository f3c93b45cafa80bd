"""Show any mix of recordings, folders, videos and images on one offline page."""

from collections.abc import Sequence
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._options import PluginName, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_bytes, say_count
from rushes.workflow._look.seen import LookResult
from rushes.workflow.look import look, write_page
from rushes.workflow.pages import demand_place


@verb("look", examples="rushes look walk.mcap\nrushes look takes/ clips/ --out look.html")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("rushes-look.html"), show_default=True)
@click.option("--reader", type=PluginName("readers"), help="Use this reader, whatever the others say.")
def command(paths: Sequence[Path], out: Path, reader: str | None) -> Answer:
    """Find what is recorded at PATHS, and write one page: pictures, streams on a time axis, first faults.

    No dataset is needed or made, and nothing is written beside the recordings. The page needs no network.
    """
    demand_place(out)
    with _progress.bar("look", unit="recordings") as progress:
        seen = look(paths, reader=reader, progress=progress)
    size = write_page(seen, out)
    failed = [
        f"{item.path.name}: {item.error.message.removeprefix(f'{item.path}: ')}"
        for item in seen.recordings
        if item.error
    ]
    return Answer(
        result={"page": str(out), "page_bytes": size, **seen.summary()},
        text=f"{_overview(seen)}\n\nOpen {out} in a browser ({say_bytes(size)}, works offline).",
        warnings=failed[:10] + ([] if seen.recordings else [refused.summary for refused in seen.refused[:10]]),
        exit_code=0 if len(failed) < len(seen.recordings) else 1,
    )


def _overview(seen: LookResult) -> str:
    rows = []
    for recording in seen.recordings[:40]:
        faults = sum(finding.severity != "info" for finding in recording.findings) + bool(recording.error)
        rows.append(
            (
                seen.name(recording.path),
                recording.reader,
                len(recording.streams),
                f"{recording.samples:,}",
                faults or "",
            )
        )
    lines = [table(rows, head=("recording", "reader", "streams", "samples", "faults"), right=(2, 3, 4))]
    if len(seen.recordings) > len(rows):
        lines.append(f"… and {say_count(len(seen.recordings) - len(rows), 'more recording')} on the page")
    if seen.refused:
        lines.append(f"{say_count(len(seen.refused), 'path')} not read; the page says why")
    return "\n".join(lines)
