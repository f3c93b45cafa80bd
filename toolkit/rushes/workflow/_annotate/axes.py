"""The time axis of a stretch of a stream, out of the dataset; the same when it is sent and when it comes back."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from rushes.annotate.label_studio.axes import Axis, SeriesAxis, SoundAxis
from rushes.annotate.label_studio.passport import Passport
from rushes.errors import ReadError
from rushes.store import Store

AxisOf = Callable[[Passport], Axis | None]


def of_dataset(store: Store) -> AxisOf:
    """Give the axis of a passport; None for one of a picture, and where the dataset does not hold the stream."""

    @cache
    def whole(recording_id: str, stream: str) -> Axis | None:
        where = {"recording_id": recording_id, "stream": stream}
        rows = store.table("streams", where=where).to_pylist()
        if not rows or not rows[0]["count"]:
            return None
        return of_stream(store, rows[0], 0, rows[0]["count"])

    def axis_of(shown: Passport) -> Axis | None:
        if shown.axis is None or shown.index_end is None:
            return None
        try:
            found = whole(shown.recording_id, shown.stream)
        except ReadError:
            return None
        if found is None or shown.index_end > len(found.t_ns):
            return None
        return part(found, shown.index, shown.index_end)

    return axis_of


def of_stream(store: Store, row: Mapping[str, Any], index: int, index_end: int) -> Axis:
    """Make the axis of a part of a stream.

    Args:
        store: The dataset.
        row: Of ``streams``.
        index, index_end: Rows of the stream's table.

    Raises:
        ReadError: ``read.undecodable`` where only decoding would tell how many samples a block of sound has.
    """
    where = {"recording_id": row["recording_id"], "stream": row["stream"]}
    if row["table"] != "audio":
        table = store.table(row["table"], columns=["index", "t_ns"], where=where).sort_by("index")
        return SeriesAxis(t_ns=table["t_ns"].to_numpy(), index=index, index_end=index_end)
    table = store.table("audio", columns=["index", "t_ns", "samples"], where=where).sort_by("index")
    if table["samples"].null_count or not row["sample_rate_hz"]:
        raise ReadError(
            f"{row['stream']}: only decoding tells how many samples its blocks of {row['codec']} have",
            code="read.undecodable",
            facts={"stream": row["stream"]},
        )
    counts = table["samples"].to_numpy()
    first = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return SoundAxis(
        t_ns=table["t_ns"].to_numpy(), first=first, rate_hz=row["sample_rate_hz"], index=index, index_end=index_end
    )


def part(axis: Axis, index: int, index_end: int) -> Axis:
    """Give the axis of another part of the same stream."""
    if isinstance(axis, SoundAxis):
        return SoundAxis(t_ns=axis.t_ns, first=axis.first, rate_hz=axis.rate_hz, index=index, index_end=index_end)
    return SeriesAxis(t_ns=axis.t_ns, index=index, index_end=index_end)
