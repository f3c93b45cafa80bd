"""What a check is shown: rows of the dataset laid out as the views of ``contracts``."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rushes.contracts import MomentsView, PairView, RecordingView
from rushes.intervals import median_interval
from rushes.model import LedgerEntry, Loss, Stream, Times
from rushes.timing.clockmap import ClockMap
from rushes.views import ClockStretch, ClocksView, ContentVerdict
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import Excluded


def stream_of(row: Mapping[str, Any]) -> Stream:
    """Give a row of ``streams`` as the stream it describes."""
    return Stream(name=row["stream"], **{f.name: row[f.name] for f in fields(Stream) if f.name != "name"})


def recording_view(dataset: Dataset, recording: Mapping[str, Any]) -> RecordingView:
    """Lay out the books and the losses of a recording."""
    books = dataset.arrow("ledger", where={"recording_id": recording["recording_id"]}).to_pylist()
    ledger = [
        LedgerEntry(
            stream=row["stream"],
            step=row["step"],
            came_in=row["n_in"],
            out=row["n_out"],
            merged=row["n_merged"],
            rejected=row["n_rejected"],
            unread=row["n_unread"],
            declared=row["n_declared"],
            reasons=json.loads(row["reasons"]) if row["reasons"] else {},
            rows=row["n_rows"],
        )
        for row in books
    ]
    losses = [Loss(**loss) for loss in json.loads(recording["losses"] or "[]")]
    return RecordingView(recording=recording["name"], ledger=ledger, losses=losses)


def moments_view(
    dataset: Dataset, recording: Mapping[str, Any], streams: Sequence[Mapping[str, Any]], out: Excluded
) -> MomentsView | None:
    """Lay out the moments of a recording without those of discarded takes; None where it has none."""
    where = {"recording_id": recording["recording_id"]}
    moments = dataset.arrow("moments", columns=["moment", "reference", "complete"], where=where)
    members = dataset.arrow(
        "moment_members", columns=["recording_id", "moment", "stream", "index", "skew_ns"], where=where
    )
    if out.discarded and out.discarded.of(recording["recording_id"]):
        moments, members = _of_kept_takes(moments, members, out)
    if not len(moments):
        return None
    reference = moments["reference"][0].as_py()
    names = np.array(members["stream"].to_pylist())
    skews: npt.NDArray[np.int64] = members["skew_ns"].to_numpy()
    never_whole = not any(moments["complete"].to_pylist())
    intervals = {row["stream"]: median_interval(_column(dataset, row, "t_ns")) for row in streams if row["count"]}
    pairs = []
    for row in streams:
        mine = skews[names == row["stream"]]
        alone = never_whole and row["table"] in ("frames", "imu")
        if row["stream"] == reference or not (len(mine) or alone):
            continue
        pairs.append(
            PairView(
                stream=row["stream"],
                samples=row["count"],
                moments=len(moments),
                skew_ns=mine,
                interval_ns=intervals.get(row["stream"]),
                reference_interval_ns=intervals.get(reference),
                reason="" if len(mine) else "it takes part in no moment",
            )
        )
    return MomentsView(recording=recording["name"], reference=reference, pairs=pairs)


def _of_kept_takes(moments: pa.Table, members: pa.Table, out: Excluded) -> tuple[pa.Table, pa.Table]:
    """Leave out every moment that a sample of a discarded take is a member of."""
    left = out.without_discarded(members)
    whole, kept = members["moment"].value_counts(), left["moment"].value_counts()
    counts = {row["values"]: row["counts"] for row in kept.to_pylist()}
    gone = [row["values"] for row in whole.to_pylist() if counts.get(row["values"], 0) != row["counts"]]
    moment = pa.array(gone, pa.int64())
    of_moments, of_members = (pc.is_in(table["moment"], value_set=moment) for table in (moments, members))
    return moments.filter(pc.invert(of_moments)), members.filter(pc.invert(of_members))


def clocks_view(
    dataset: Dataset, recording: Mapping[str, Any], streams: Sequence[Mapping[str, Any]]
) -> ClocksView:
    """Lay out how the clocks of a recording ran, by the newest estimate."""
    where = {"recording_id": recording["recording_id"]}
    maps = [row for row in dataset.arrow("clock_maps", where=where).to_pylist() if row["to_clock"] == "log"]
    newest = max((row["map_version"] for row in maps), default=0)
    stretches = [
        ClockStretch(
            clock=row["from_clock"],
            estimated=row["verdict"] == "estimated",
            **{name: row[name] for name in ("segment", "start_ns", "end_ns", "drift_ppm", "drift_ci95_ppm")},
        )
        for row in sorted(maps, key=lambda row: (row["from_clock"], row["segment"]))
        if row["map_version"] == newest
    ]
    content = [
        ContentVerdict(**{f.name: row[f.name] for f in fields(ContentVerdict)})
        for row in dataset.arrow("crosschecks", where=where).to_pylist()
    ]
    return ClocksView(
        recording=recording["name"],
        streams=[stream_of(row) for row in streams],
        spans={r["stream"]: (r["first_ns"], r["last_ns"]) for r in streams if r["first_ns"] is not None},
        stretches=stretches,
        content=content,
    )


def steady(found: ClockMap | None, times: Times) -> Times | None:
    """Give a stream's times in the recorder's clock where its own was set anew meanwhile; else None."""
    if found is None or len(found.segments) < 2:
        return None
    return found.apply(np.asarray(times))


def columns_of(dataset: Dataset, row: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the columns of one stream that its table has, in index order; masked where they hold nulls."""
    schema = dataset.arrow(row["table"], where={"recording_id": []}).schema.names
    base = ["index", "t_ns" if "t_ns" in schema else "valid_from_ns"]
    names = list(dict.fromkeys([*base, *(name for name in wanted if name in schema)]))
    where = {"recording_id": row["recording_id"], "stream": row["stream"]}
    table = dataset.arrow(row["table"], columns=names, where=where).sort_by("index")
    columns = {name: _array(table[name]) for name in names}
    columns["t_ns"] = columns.pop(base[1])
    return columns


def _column(dataset: Dataset, row: Mapping[str, Any], name: str) -> npt.NDArray[np.int64]:
    values: npt.NDArray[np.int64] = np.asarray(columns_of(dataset, row, [name])[name])
    return values


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), object)
    if not column.null_count:
        return np.asarray(column.to_numpy())
    whole = column.fill_null(False if pa.types.is_boolean(column.type) else 0).to_numpy()
    masked: Any = np.ma.masked_array(whole, ~column.is_valid().to_numpy())
    return masked  # type: ignore[no-any-return]
