"""Open the dataset in the FiftyOne App, in a browser on this machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rushes.cli import _output
from rushes.cli._options import at_option, dataset_argument, revision_of, verb
from rushes.cli._output import Answer
from rushes.quantities import say_bytes, say_count
from rushes.workflow import browse


@verb("browse", examples="rushes browse my-dataset --prove\nrushes browse my-dataset --prove --json")
@dataset_argument
@click.option("--port", type=click.IntRange(0, 65535), help="5151 if left out, or any free one; 0 takes any.")
@click.option("--prove", is_flag=True, help="Open the App, hold its answers against the dataset, and stop.")
@at_option
def command(dataset: Path, port: int | None, prove: bool, at: str | None) -> Answer:
    """Serve the App on 127.0.0.1 until Ctrl-C; its address holds the token that lets you in.

    Every moment is a group of its cameras; pictures come straight out of the recordings. The App's database is a
    cache inside the dataset: Parquet stays the truth.
    """
    if prove:
        return proven(dataset, browse.prove(dataset, at=revision_of(at), port=port or 0))
    browse.serve(dataset, at=revision_of(at), port=port, ready=announce(dataset))
    return Answer(result={"served": True}, text="", dataset=str(dataset))


def announce(dataset: Path) -> Callable[[Any], None]:
    """Give what prints the address once the App answers."""

    def ready(opened: Any) -> None:
        loaded = opened.loaded
        _output.talk(f"{dataset}: {say_count(loaded.samples, 'picture')} in {say_count(loaded.groups, 'group')}")
        _output.talk(f"Open  {opened.address}")
        if opened.recordings:
            _output.talk(f"Play  {opened.recordings}")
        _output.talk("Ctrl-C ends it; nothing is lost by that.")

    return ready


def proven(dataset: Path, proof: Any) -> Answer:
    """Say what the App answered."""
    text = (
        f"the App (FiftyOne {proof.release}) shows {say_count(proof.samples, 'picture')} in "
        f"{say_count(proof.groups, 'group')}; its first picture has {say_bytes(proof.picture_bytes)}; "
        f"without the token it refuses ({proof.refused})"
    )
    return Answer(
        result={
            "release": proof.release,
            "samples": proof.samples,
            "groups": proof.groups,
            "slices": list(proof.slices),
            "saved_views": list(proof.saved_views),
            "picture_path": proof.picture_path,
            "picture_type": proof.picture_type,
            "picture_bytes": proof.picture_bytes,
            "refused": proof.refused,
        },
        text=text,
        dataset=str(dataset),
    )
