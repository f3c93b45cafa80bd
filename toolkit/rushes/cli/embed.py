"""Give every picture a point, so that the App finds what looks alike."""

import sys
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._options import dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.quantities import say_count
from rushes.workflow.embed import Settings, embed


@verb(
    "embed",
    examples="""
rushes embed my-dataset --every 5
rushes embed my-dataset --stream /cam0/image/compressed --json
""",
)
@dataset_argument
@click.option("--model", type=click.Path(path_type=Path), help="ONNX file that takes one picture.")
@click.option("--stream", "streams", multiple=True, help="Only this stream; else every colour stream.")
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Take each n-th frame.")
@dry_run_option
def command(dataset: Path, model: Path | None, streams: tuple[str, ...], every: int, dry_run: bool) -> Answer:
    """Embed pictures: near points look alike. Without --model by colours and edges, which needs no weights.

    Only pictures without a point are looked at. rushes browse then shows all as a map to choose from, sorts by
    likeness to a picture, and tells which are unlike all others.
    """
    settings = Settings(model=model, streams=streams or None, every=every)
    with _progress.bar("embed", unit="frames") as progress:
        done = embed(dataset, settings, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    parts = [f"{say_count(done.new, 'new point')} by {done.model[:16]}", f"{done.known:,} known"]
    if done.unreadable:
        parts.append(f"{say_count(done.unreadable, 'picture')} without one: absent, or they do not decode")
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "model": done.model,
            "new": done.new,
            "known": done.known,
            "unreadable": done.unreadable,
            "length": done.length,
        },
        text="; ".join(parts),
    )
