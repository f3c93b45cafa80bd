"""The ledger of exports: what was given away, of which revision, so that it can be told what a mistake reached."""

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.errors import StoreError
from rushes.labels import digest_of
from rushes.store import Store
from rushes.texts import as_json, escaped

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One export; the fields are ``exports`` columns, but for its name and time."""

    path: Path
    format: str
    options: Mapping[str, str]
    split: str | None
    source: str | None
    tool: str | None
    revision: int
    pictures: int
    label_ids: Sequence[str]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An export as the ledger has it."""

    export_id: str
    path: str
    format: str
    split: str | None
    revision: int
    digest: str
    created_ns: int
    label_ids: frozenset[str]


def digest_of_files(files: Iterable[Path], place: Path) -> str:
    """Tell the label files of an export, below ``place``, by names and bytes: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(place).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def record(dataset: Path, made: Export, *, argv: Sequence[str] = ()) -> bool:
    """Write an export down; False where the dataset cannot be written, which is no reason to fail an export.

    Args:
        dataset: That it was made of.
        made: What it is.
        argv: The command line.
    """
    now = time.time_ns()
    row = {
        "export_id": digest_of("export", str(made.path), now),
        "path": escaped(str(made.path.resolve())),
        "format": made.format,
        "options": as_json(dict(made.options)),
        "split": made.split,
        "source": made.source,
        "tool": made.tool,
        "revision": made.revision,
        "digest": made.digest,
        "pictures": made.pictures,
        "label_ids": [sorted(made.label_ids)],
        "created_ns": now,
    }
    try:
        with Store.open(dataset).begin("export", argv=argv) as transaction:
            transaction.append("exports", 1, row)
            transaction.commit({"format": made.format, "labels": len(made.label_ids)})
    except (StoreError, PermissionError) as error:
        log.warning("the export is not in the ledger of '%s': %s", dataset, error)
        return False
    return True


def ledger(store: Store) -> list[Entry]:
    """Give all exports, oldest first."""
    rows = store.table("exports").to_pylist()
    return [
        Entry(
            export_id=row["export_id"],
            path=row["path"],
            format=row["format"],
            split=row["split"],
            revision=row["revision"],
            digest=row["digest"],
            created_ns=row["created_ns"],
            label_ids=frozenset(row["label_ids"]),
        )
        for row in sorted(rows, key=lambda row: (row["created_ns"], row["export_id"]))
    ]


def note_beside(path: Path) -> Mapping[str, Any]:
    """Read what an export of ours says of itself; empty where there is none.

    Args:
        path: The folder of the export, or a file in it or one folder further down.
    """
    for folder in (path, path.parent, path.parent.parent):
        try:
            note = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(note, dict) and isinstance(note.get("revision"), int):
            return note
    return {}
