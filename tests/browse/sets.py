"""Small datasets for the panels: the sample rig, aligned, checked and split."""

from pathlib import Path

from rushes.resources import folder
from rushes.workflow import check, ingest, split, sync

CLAP_NS = 1_767_261_602_700_000_000
"""When the first take claps, by its truth."""


def rig(path: Path) -> Path:
    """Make a dataset of the first takes of both sessions."""
    takes = sorted((folder("data_samples") / "tabletop").glob("*take1.mcap"))
    ingest.ingest(path, ingest.Request(paths=takes))
    sync.sync(path, sync.Settings(crosscheck=False))
    check.check(path, check.Settings(fail_on="never"))
    split.split(path, split.Settings(parts={"train": 0.5, "test": 0.5}))
    return path
