"""Show what made each revision of a dataset."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rushes.cli._options import dataset_argument, verb
from rushes.cli._output import Answer, table
from rushes.store import Store


@verb("log", examples="rushes log my-dataset\nrushes log my-dataset --json")
@dataset_argument
def command(dataset: Path) -> Answer:
    """List the revisions, newest first: when, which command, what changed, which tags."""
    store = Store.open(dataset)
    tags: dict[int, list[str]] = {}
    for tag, revision in store.tags().items():
        tags.setdefault(revision, []).append(tag)
    revisions = sorted(store.log(), key=lambda info: -info.revision)
    rows = [
        (
            info.revision,
            f"{datetime.fromtimestamp(info.created_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}",
            info.command,
            _said(info.summary),
            " ".join(tags.get(info.revision, [])),
        )
        for info in revisions
    ]
    entries = [
        {
            "revision": info.revision,
            "parent": info.parent,
            "created_ns": info.created_ns,
            "command": info.command,
            "argv": list(info.argv),
            "recipe_digest": info.recipe_digest,
            "tables": dict(info.tables),
            "summary": dict(info.summary),
            "tags": tags.get(info.revision, []),
        }
        for info in revisions
    ]
    return Answer(
        result={"revisions": entries},
        text=table(rows, head=("revision", "UTC", "command", "what", "tags"), right=(0,)),
        dataset=str(dataset),
        revision=store.revision,
    )


def _said(summary: Mapping[str, Any]) -> str:
    """Put a revision's figures, and the rows it added, into a line."""
    figures = [
        f"{name} {value}"
        for name, value in summary.get("figures", {}).items()
        if not isinstance(value, Mapping | list)  # such as the digests of parts: --json has them
    ]
    added = [f"+{rows:,} {table}" for table, rows in summary.get("added", {}).items()]
    return ", ".join(figures) + (f"  ({', '.join(added)})" if added else "")
