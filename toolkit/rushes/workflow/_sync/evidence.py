"""What a dataset holds of one recording's times: each stream's own, and readings of two clocks."""

import functools
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rushes.model import ClockPairs
from rushes.store import Store
from rushes.timing.clocks import StreamTimes

TABLES = ("frames", "imu", "poses", "audio", "gaze", "signals")
"""Tables whose samples take part in moments."""

TIMED = (*TABLES, "events")
"""Tables whose clocks are looked at; an event has a time of its own, and belongs to no moment."""


def times_of(store: Store, recording_id: str, stream: Mapping[str, Any]) -> StreamTimes:
    """Read the times of one stream, in recorded order; ``stream`` is its row of ``streams``."""
    columns = ["t_ns", "t_header_ns", "t_log_ns"]
    where = {"recording_id": recording_id, "stream": stream["stream"]}
    rows = store.table(stream["table"], columns=["index", *columns], where=where).sort_by("index")
    found, header, log = (_masked(rows[name]) for name in columns)
    raw = np.zeros(0, np.int64) if found is None else np.asarray(found)
    if header is None and stream["clock"] == "header":  # a list of times, with no second time beside them
        header = raw
    if log is None and stream["clock"] == "log":
        log = raw
    return StreamTimes(
        raw=raw,
        clock=stream["clock"],
        header=header,
        log=log,
        clock_id=stream["clock_id"],
        told_apart=stream["sensor"] is not None and stream["clock_id"] is not None,
        latency_ns=stream["latency_ns"],
    )


def pairs_of(store: Store, recording_id: str) -> list[ClockPairs]:
    """Read the evidence about a recording's clocks, in the order in which it was taken."""
    keys = ["from_clock", "to_clock", "source", "stream", "relation"]
    rows = store.table("clock_pairs", where={"recording_id": recording_id})
    found = []
    for kind in rows.group_by(keys).aggregate([]).sort_by([(key, "ascending") for key in keys]).to_pylist():
        mine = (
            pc.field(key).is_null() if value is None else pc.field(key) == value for key, value in kind.items()
        )
        part = rows.filter(functools.reduce(operator.and_, mine)).sort_by("index")
        trips = part["round_trip_ns"]
        found.append(
            ClockPairs(
                from_ns=part["from_ns"].to_numpy(),
                to_ns=part["to_ns"].to_numpy(),
                round_trip_ns=None if trips.null_count else trips.to_numpy(),
                **kind,
            )
        )
    return found


def _masked(column: pa.ChunkedArray) -> npt.NDArray[np.int64] | None:
    """Give a column as an array, masked where it is null; None where all of it is."""
    if column.null_count == len(column):
        return None
    values: npt.NDArray[np.int64] = column.fill_null(0).to_numpy()
    if not column.null_count:
        return values
    masked: Any = np.ma.masked_array(values, ~column.is_valid().to_numpy())
    return masked  # type: ignore[no-any-return]
