"""Show what a recording holds, from its index alone."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from rushes.cli._options import PluginName, verb
from rushes.cli._output import Answer, table
from rushes.model import Stream
from rushes.quantities import say_bytes, say_count, say_ns
from rushes.workflow.inspect import Inspected, inspect, left_unread


@verb("inspect", examples="rushes inspect walk.mcap\nrushes inspect takes/ --json")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--reader", type=PluginName("readers"), help="Use this reader, whatever the others say.")
def command(paths: Sequence[Path], reader: str | None) -> Answer:
    """Show the streams of each recording below PATHS: sensor, codec, size, count, clock."""
    seen, found = inspect(paths, reader=reader)
    refused = [item.summary for item in found.refused]
    return Answer(
        result={"recordings": [_row(item) for item in seen], "refused": refused},
        text="\n\n".join(_text(item) for item in seen),
        warnings=[f"not taken: {line}" for line in refused[:10]],
        exit_code=1 if any(item.error for item in seen) else 0,
    )


def _text(item: Inspected) -> str:
    head = f"{item.path}  ({item.reader}: {item.claim.reason})"
    if item.error or item.description is None:
        why = item.error.message.removeprefix(f"{item.path}: ") if item.error else ""
        hint = f"\n  hint: {item.error.hint}" if item.error else ""
        return f"{head}\n  cannot be opened: {why}{hint}"
    found = item.description
    size = say_bytes(sum(file.path.stat().st_size for file in found.media if file.path.exists()))
    span = (
        say_ns(found.end_ns - found.start_ns)
        if found.start_ns is not None and found.end_ns is not None
        else "no times"
    )
    rows = [
        (s.name, s.modality, s.codec or s.message_type or "", _size(s), s.declared_count, _rate(s), s.clock)
        for s in found.streams
    ]
    lines = [head, f"  {size}, {span}, {say_count(len(found.streams), 'stream')}", ""]
    lines.append(
        table(rows, head=("stream", "modality", "codec", "size", "declared", "rate", "clock"), right=(4, 5))
    )
    lines += [f"note: {stream.name}: {stream.notes}" for stream in found.streams if stream.notes]
    if unread := left_unread(found):
        lines.append(f"left unread: {', '.join(unread)}")
    lines += [f"loss: {loss.said}" for loss in item.losses]
    return "\n".join(lines)


def _size(stream: Stream) -> str:
    if stream.table == "signals" and stream.channels:
        return f"{stream.channels} ch"
    return f"{stream.width}×{stream.height}" if stream.width else ""


def _rate(stream: Stream) -> str:
    return f"{stream.nominal_rate_hz:.4g} Hz" if stream.nominal_rate_hz else ""


def _row(item: Inspected) -> dict[str, object]:
    found = item.description
    return {
        "path": str(item.path),
        "reader": item.reader,
        "confidence": item.claim.confidence,
        "reason": item.claim.reason,
        "start_ns": found.start_ns if found else None,
        "end_ns": found.end_ns if found else None,
        "streams": [asdict(stream) for stream in found.streams] if found else [],
        "media": [str(file.path) for file in found.media] if found else [],
        "metadata": dict(found.metadata) if found else {},
        "losses": [asdict(loss) for loss in item.losses],
        "error": {"code": item.error.code, "message": item.error.message, "hint": item.error.hint}
        if item.error
        else None,
    }
