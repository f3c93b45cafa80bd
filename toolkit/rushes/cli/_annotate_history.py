"""The two commands that look back: what differs between revisions, and who made each annotation what it is."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click

from rushes import registry
from rushes.cli._options import at_option, dataset_argument, revision_of, verb
from rushes.cli._output import Answer, table


@verb("diff", group="annotate", examples="rushes annotate diff my-dataset --since 3")
@dataset_argument
@click.option("--since", required=True, metavar="REVISION", help="Revision or tag to start from.")
@click.option("--until", metavar="REVISION", help="Revision or tag to end at; the newest if left out.")
def diff(dataset: Path, since: str, until: str | None) -> Answer:
    """Say which labels differ between two revisions.

    Which were added, removed or changed, and by whom.
    """
    history = registry.late("rushes.workflow.annotate_history")
    changes = history.diff(dataset, since=revision_of(since), until=revision_of(until))
    rows = [
        {
            "what": change.what,
            "label_id": change.label.label_id,
            "recording_id": change.label.recording_id,
            "stream": change.label.stream,
            "index": change.label.index,
            "kind": change.label.kind,
            "class": change.label.class_name,
            "fields": list(change.fields),
            "author": change.author,
        }
        for change in changes
    ]
    counts = Counter(change.what for change in changes)
    text = table(
        [
            (r["what"], r["kind"], r["class"], r["stream"], r["index"], ", ".join(r["fields"]), r["author"])
            for r in rows
        ],
        head=("", "kind", "class", "stream", "index", "what differs", "by"),
        right=(4,),
    )
    total = ", ".join(f"{counts[what]:,} {what}" for what in ("added", "changed", "removed"))
    return Answer(
        result={"changes": rows},
        text=f"{text}\n\n{total}" if rows else "no label differs",
        dataset=str(dataset),
    )


@verb("blame", group="annotate", examples="rushes annotate blame my-dataset")
@dataset_argument
@click.option("--task", "task_key", metavar="KEY", help="Only this task, such as RECORDING/STREAM/INDEX.")
@at_option
def blame(dataset: Path, task_key: str | None, at: str | None) -> Answer:
    """Say who made which annotation what it is, and when.

    Every version that was pulled, deletions included, and how many labels rest on it today.
    """
    history = registry.late("rushes.workflow.annotate_history")
    where = {"task_key": task_key} if task_key else None
    rows = [
        {
            "task": line.event.task_key,
            "annotation": line.event.annotation,
            "action": line.event.action,
            "author": line.event.author,
            "updated_ns": line.event.updated_ns,
            "lead_time_s": line.event.lead_time_s,
            "labels": line.labels,
            "event_id": line.event.event_id,
        }
        for line in history.blame(dataset, where=where, at=revision_of(at))
    ]
    text = table(
        [
            (_when(r["updated_ns"]), r["author"], r["action"], r["annotation"], r["labels"], r["task"])
            for r in rows
        ],
        head=("when (UTC)", "by", "did", "annotation", "labels", "task"),
        right=(3, 4),
    )
    return Answer(
        result={"versions": rows},
        text=text if rows else "no annotation was ever pulled",
        dataset=str(dataset),
    )


def _when(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return ""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
