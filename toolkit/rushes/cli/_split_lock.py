"""Freeze a part of a split, or release it."""

import sys
from pathlib import Path

import click

from rushes.cli._options import dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.quantities import say_count
from rushes.workflow.split_lock import lock


@verb(
    "lock", group="split", examples="rushes split lock my-dataset test\nrushes split lock my-dataset test --undo"
)
@dataset_argument
@click.argument("part")
@click.option("--name", default="default", show_default=True, help="Name of the split.")
@click.option("--undo", is_flag=True, help="Release the part.")
@dry_run_option
def lock_command(dataset: Path, part: str, name: str, undo: bool, dry_run: bool) -> Answer:
    """Freeze a part: nothing enters it and nothing leaves it from then on.

    Its digest names what it holds; print it beside your results.
    """
    done = lock(dataset, part, split=name, undo=undo, argv=sys.argv[1:], dry_run=dry_run)
    word = ("locked" if done.locked else "released") + ("" if done.changed else " already")
    return Answer(
        result={
            "split": done.split,
            "part": done.part,
            "locked": done.locked,
            "changed": done.changed,
            "rows": done.rows,
            "sha256": done.digest,
        },
        text=f"part '{part}' of split '{name}' is {word}: {say_count(done.rows, 'row')}, sha256 {done.digest}",
        dataset=str(dataset),
        revision=done.revision,
    )
