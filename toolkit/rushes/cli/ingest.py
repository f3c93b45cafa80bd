"""Bring recordings into a dataset."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._options import PluginName, dry_run_option, fact_of, verb
from rushes.cli._output import Answer, table
from rushes.model import Loss
from rushes.quantities import say_count
from rushes.workflow._ingest.naming import tails
from rushes.workflow.ingest import Ingested, Request, Taken, ingest

_OF_LOSS = ("code", "stream", "message", "count", "file", "byte_from", "byte_to", "start_ns", "end_ns")
_REFUSED_SHOWN = 3
_UNREAD_SHOWN = 5


@verb(
    "ingest",
    examples="""
rushes ingest walk.mcap --into my-dataset
rushes ingest takes/ --into my-dataset --subject s07 --task 'pour tea'
rushes ingest clips/ --into signs --facts-from '(?P<task>[a-z]+)_(?P<subject>s\\d+)' --copy
""",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--into", "dataset", required=True, type=click.Path(path_type=Path), help="The dataset; made if absent."
)
@click.option("--copy", "copied", is_flag=True, help="Copy media into the dataset and hash them.")
@click.option("--reader", type=PluginName("readers"), help="Use this reader, whatever the others say.")
@click.option("--subject", help="Pseudonym of the person recorded.")
@click.option("--session", help="Session of capture.")
@click.option("--place", help="Place of capture.")
@click.option("--task", help="What was done or shown.")
@click.option("--fact", "facts", multiple=True, metavar="NAME=VALUE", help="Any other fact; can be repeated.")
@click.option("--facts-from", metavar="REGEX", help="Take facts from each path, by named groups.")
@dry_run_option
def command(
    paths: Sequence[Path],
    dataset: Path,
    copied: bool,
    reader: str | None,
    facts: Sequence[str],
    facts_from: str | None,
    dry_run: bool,
    **named: str | None,
) -> Answer:
    """Find the recordings below PATHS, and read each into the dataset.

    A recording is told by its content: running again skips what is there. Nothing is written beside the
    recordings. What could not be read is named, and makes a recording partial.
    """
    request = Request(
        paths=paths,
        mode="copy" if copied else "reference",
        reader=reader,
        facts={name: value for name, value in named.items() if value} | dict(map(fact_of, facts)),
        facts_from=facts_from,
    )
    with _progress.bar("ingest", unit="recordings") as progress:
        done = ingest(dataset, request, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    return answer(dataset, done, dry_run=dry_run)


def answer(dataset: Path, done: Ingested, *, dry_run: bool = False) -> Answer:
    """Say what became of every recording."""
    states = [taken.state for taken in done.taken]
    counts = {
        state: states.count(state)
        for state in ("planned", "added", "partial", "present", "failed")
        if state in states
    }
    label = tails([t.path for t in done.taken])
    rows = [
        (
            "/".join(label[t.path]),
            t.reader,
            t.state,
            t.streams or "",
            f"{t.samples:,}" if t.samples else "",
            _remark(t),
        )
        for t in done.taken
    ]
    text = table(rows, head=("recording", "reader", "state", "streams", "samples", ""), right=(3, 4))
    total = ", ".join(f"{count} {state}" for state, count in counts.items())
    text += f"\n\n{say_count(len(done.taken), 'recording')}: {total}"
    if done.discovery.refused:
        text += f"\n{say_count(len(done.discovery.refused), 'file')} that no reader takes: {_few(done)}"
        text += "; rushes look PATH says why"
    with_unread = [t for t in done.taken if t.unread]
    text += "".join(f"\n{t.path.name}: left unread: {', '.join(t.unread)}" for t in with_unread[:_UNREAD_SHOWN])
    if len(with_unread) > _UNREAD_SHOWN:
        more = say_count(len(with_unread) - _UNREAD_SHOWN, "recording")
        text += f"\n… and {more} more; rushes inspect PATH names what they leave unread"
    if not dry_run and "added" in counts:
        text += f"\nNext: rushes check {dataset}    rushes browse {dataset}"
    losses = [f"{t.path.name}: {_said(loss)}" for t in done.taken for loss in t.losses]
    wrong = [f"not taken: {refused.summary}" for refused in done.unread]
    wrong += [f"{t.path.name}: {t.error.hint}" for t in done.taken if t.error and t.error.hint]
    return Answer(
        result={
            "counts": counts,
            "recordings": [_row(t) for t in done.taken],
            "refused": len(done.discovery.refused),
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=wrong + losses[:20] + ([f"… and {len(losses) - 20} more losses"] if len(losses) > 20 else []),
        exit_code=1 if "failed" in counts or done.unread else 0,
    )


def _few(done: Ingested) -> str:
    """Name the first of the files that were refused."""
    names = [refused.path.name for refused in done.discovery.refused]
    return ", ".join(names[:_REFUSED_SHOWN]) + (" …" if len(names) > _REFUSED_SHOWN else "")


def _said(loss: Loss) -> str:
    """Say what was lost, and when, where that is known."""
    if loss.start_ns is None and loss.end_ns is None:
        return loss.said
    if loss.end_ns is None:
        return f"{loss.said} (from log time {(loss.start_ns or 0) / 1e9:.3f} s on)"
    if loss.start_ns is None:
        return f"{loss.said} (up to log time {loss.end_ns / 1e9:.3f} s)"
    return f"{loss.said} (log time {loss.start_ns / 1e9:.3f} s to {loss.end_ns / 1e9:.3f} s)"


def _remark(taken: Taken) -> str:
    if taken.error:
        return taken.error.message.removeprefix(f"{taken.path}: ")
    return taken.recording_id or ""


def _row(taken: Taken) -> dict[str, object]:
    return {
        "path": str(taken.path),
        "reader": taken.reader,
        "state": taken.state,
        "recording_id": taken.recording_id,
        "streams": taken.streams,
        "samples": taken.samples,
        "rows": dict(taken.rows),
        "losses": [{name: getattr(loss, name) for name in _OF_LOSS} for loss in taken.losses],
        "left_unread": list(taken.unread),
        "error": {"code": taken.error.code, "message": taken.error.message, "hint": taken.error.hint}
        if taken.error
        else None,
    }
