"""Name a revision, so that it is kept and can be read by that name."""

from pathlib import Path

import click

from rushes.cli._options import dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.store import Store


@verb("tag", examples="rushes tag my-dataset paper-v1\nrushes tag my-dataset before-relabel --revision 4")
@dataset_argument
@click.argument("name")
@click.option("--revision", type=int, help="Which one; the newest if left out.")
@dry_run_option
def command(dataset: Path, name: str, revision: int | None, dry_run: bool) -> Answer:
    """Give a revision a NAME; tidy spares it, and --at NAME reads it."""
    store = Store.open(dataset)
    store.tag(name, revision, dry_run=dry_run)
    number = store.tags()[name] if not dry_run else store.revision if revision is None else revision
    word = "would be called" if dry_run else "is now called"
    return Answer(
        result={"tag": name, "revision": number},
        text=f"revision {number} of {dataset} {word} '{name}'",
        dataset=str(dataset),
        revision=number,
    )
