"""Merge small table files, and remove what no kept revision needs."""

from pathlib import Path

import click

from rushes.cli._options import dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.quantities import say_bytes, say_count
from rushes.store import Store


@verb("tidy", examples="rushes tidy my-dataset --dry-run\nrushes tidy my-dataset --keep 5")
@dataset_argument
@click.option("--keep", type=click.IntRange(1), default=10, show_default=True, help="Newest revisions to keep.")
@dry_run_option
def command(dataset: Path, keep: int, dry_run: bool) -> Answer:
    """Compact the tables and remove files that only older revisions used; tagged revisions are kept."""
    store = Store.open(dataset)
    compacted = None if dry_run else store.compact(force=True)
    removed = store.refresh().vacuum(keep_revisions=keep, dry_run=dry_run)
    word = "would remove" if dry_run else "removed"
    return Answer(
        result={
            "compacted": compacted is not None,
            "removed_files": len(removed.files),
            "removed_bytes": removed.bytes,
        },
        text=f"{word} {say_count(len(removed.files), 'file')}, {say_bytes(removed.bytes)}; "
        f"{say_count(len(removed.kept), 'revision')} can still be read",
        dataset=str(dataset),
        revision=store.refresh().revision,
    )
