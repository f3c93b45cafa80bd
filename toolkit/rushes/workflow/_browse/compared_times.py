"""The times by which samples of several streams can be compared: those that the moments of the recording used."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rushes.model import Times
from rushes.store import Store
from rushes.workflow.clock_maps import applied_maps
from rushes.workflow.dataset import Dataset


def compared_times(dataset: Dataset, row: Mapping[str, Any]) -> Times:
    """Give the times of a stream in index order, as sync compared them.

    They are those of :meth:`Dataset.times`, but for streams whose stamps sync could not use: where all was
    compared by arrival, and for a stream without a clock map beside others that have one, the times of arrival,
    less the latency where it was calibrated.

    Args:
        dataset: Opened.
        row: Of ``streams``, of a stream with times.
    """
    recording_id, stream = row["recording_id"], row["stream"]
    time = _time_of(dataset.store, recording_id)
    unmapped = time == "mapped" and (row["clock_id"] or stream) not in applied_maps(dataset.store, recording_id)
    if (time == "log" or unmapped) and row["clock"] != "log":
        where = {"recording_id": recording_id, "stream": stream}
        rows = dataset.arrow(row["table"], columns=["index", "t_log_ns"], where=where).sort_by("index")
        if not rows["t_log_ns"].null_count:
            logged: Times = rows["t_log_ns"].to_numpy()
            return logged - (row["latency_ns"] or 0)
    return dataset.times(recording_id, stream)


@lru_cache(64)
def _time_of(store: Store, recording_id: str) -> str:
    """Give header, log, pts or mapped; empty where the recording was not synchronised."""
    kinds = store.table("moments", columns=["time"], where={"recording_id": recording_id})["time"].unique()
    return str(kinds[0]) if len(kinds) else ""
