"""What a recording says of itself as columns of its tables: streams, ledger, recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from rushes.model import ClockPairs, Column, Description, LedgerEntry, Loss, Stream, absent
from rushes.texts import as_json

Span = tuple[int, int]
"""Earliest and latest raw time of a stream, both included."""


def stream_columns(
    streams: Sequence[Stream], counts: Mapping[str, int], spans: Mapping[str, Span]
) -> dict[str, Column]:
    """Lay out streams with what was counted of them, a row each."""
    names = [f.name for f in fields(Stream) if f.name != "name"]
    columns: dict[str, Column] = {name: [getattr(s, name) for s in streams] for name in names}
    seen = [spans.get(s.name) for s in streams]
    columns["stream"] = [s.name for s in streams]
    columns["count"] = [counts.get(s.name, 0) for s in streams]
    columns["first_ns"] = [span[0] if span else None for span in seen]
    columns["last_ns"] = [span[1] if span else None for span in seen]
    columns["effective_rate_hz"] = [_rate(s, counts.get(s.name, 0), spans.get(s.name)) for s in streams]
    return columns


def _rate(stream: Stream, count: int, span: Span | None) -> float | None:
    if span is None or count < 2 or span[1] <= span[0] or stream.clock == "none":
        return None
    return (count - 1) * 1e9 / (span[1] - span[0])


def log_against_header(stream: Stream, columns: Mapping[str, Column]) -> ClockPairs | None:
    """Give the readings of two clocks that samples carry: stamp and arrival; None where they have not both."""
    if stream.sensor and stream.clock == "log":
        return None  # the recorder stamped it with its arrival
    header, log = columns.get("t_header_ns"), columns.get("t_log_ns")
    if not isinstance(header, np.ndarray) or not isinstance(log, np.ndarray):
        return None
    both = ~(absent(header) | absent(log))
    if not both.any():
        return None
    whole = bool(both.all())
    return ClockPairs(
        from_clock=stream.clock_id or stream.name,
        to_clock="log",
        from_ns=np.asarray(header) if whole else np.asarray(header)[both],
        to_ns=np.asarray(log) if whole else np.asarray(log)[both],
        relation="one-way",
        source="log-header",
        stream=stream.name,
    )


def clock_pair_columns(pairs: ClockPairs, first: int) -> dict[str, Column]:
    """Lay out readings of two clocks, a row each, numbered from ``first`` as they were taken."""
    columns: dict[str, Column] = {f.name: getattr(pairs, f.name) for f in fields(ClockPairs)}
    return {**columns, "index": np.arange(first, first + len(pairs.from_ns))}


def ledger_columns(ledger: Sequence[LedgerEntry]) -> dict[str, Column]:
    """Lay out the books, a row for each stream and step."""
    return {
        "stream": [e.stream for e in ledger],
        "step": [e.step for e in ledger],
        "n_declared": [e.declared for e in ledger],
        "n_in": [e.came_in for e in ledger],
        "n_out": [e.out for e in ledger],
        "n_rows": [e.rows for e in ledger],
        "n_merged": [e.merged for e in ledger],
        "n_rejected": [e.rejected for e in ledger],
        "n_unread": [e.unread for e in ledger],
        "reasons": [as_json(dict(e.reasons)) if e.reasons else None for e in ledger],
    }


def recording_columns(
    description: Description, counts: Mapping[str, int], spans: Mapping[str, Span], losses: Sequence[Loss]
) -> dict[str, Any]:
    """Say of a recording what follows from what was read of it."""
    declared = [s.declared_count for s in description.streams if s.declared_count is not None]
    timed = [spans[s.name] for s in description.streams if s.name in spans and s.clock != "none"]
    metadata = dict(description.metadata)
    return {
        "status": "partial" if losses else "ok",
        "start_ns": min((span[0] for span in timed), default=None),
        "end_ns": max((span[1] for span in timed), default=None),
        "count_declared": sum(declared) if declared else None,
        "count_read": sum(counts.values()),
        "losses": as_json([asdict(loss) for loss in losses]) if losses else None,
        "metadata": as_json(metadata) if metadata else None,
    }
