"""Small datasets for the panels: the sample rig, aligned, checked and split; and pictures that people labelled."""

import shutil
from dataclasses import replace
from pathlib import Path

from rushes.annotate import rows
from rushes.resources import folder
from rushes.store import Store
from rushes.workflow import check, import_labels, ingest, split, sync

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


def labelled(path: Path, shared_data: Path) -> Path:
    """Make a dataset of eight COCO pictures in two folders, with their boxes, drawn again by two people."""
    source = shared_data / "labels" / "coco128_people"
    for at, picture in enumerate(sorted((source / "images" / "train2017").iterdir())[:8]):
        folder_of = path.parent / f"take{at % 2}"
        folder_of.mkdir(exist_ok=True)
        shutil.copy(picture, folder_of)
    ingest.ingest(path, ingest.Request(paths=[path.parent / "take0", path.parent / "take1"]))
    options = {"images": str(source / "images")}
    import_labels.import_labels(path, import_labels.Settings(path=source / "object_detection", options=options))
    split.split(path, split.Settings(name="halves", parts={"train": 0.5, "test": 0.5}))
    store = Store.open(path)
    given = rows.labels_of(store.table("labels").to_pylist())
    people = [
        replace(label, label_id=f"{author}-{label.label_id}", source="human", author=author)
        for label in given
        for author in ("ada", "bob")
    ]
    with store.begin("test") as transaction:
        transaction.append("labels", len(people), rows.label_columns(people))
        transaction.commit()
    return path
