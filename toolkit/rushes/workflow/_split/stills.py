"""Sets of stills: recordings whose pictures follow no clock, so that each picture may go its own way."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rushes.workflow._split.units import Cut, Unit
from rushes.workflow.dataset import Dataset

PICTURE = "picture"
"""What such rows are grouped by, in the table of splits and on the command line."""


def stills_of(dataset: Dataset, recordings: Iterable[str]) -> dict[str, Cut]:
    """Give the sets of stills among recordings, cut into single pictures.

    A set has nothing but pictures without times; where it has several streams, such as pictures and their depth,
    they are equally long and samples of one index belong together.
    """
    wanted = set(recordings)
    streams: dict[str, list[Mapping[str, Any]]] = {}
    for row in dataset.arrow("streams", columns=["recording_id", "stream", "table", "clock", "count"]).to_pylist():
        if row["recording_id"] in wanted and row["count"]:
            streams.setdefault(row["recording_id"], []).append(row)
    found = {}
    for recording, rows in streams.items():
        counts = {row["stream"]: row["count"] for row in rows}
        loose = all(row["table"] == "frames" and row["clock"] == "none" for row in rows)
        if loose and len(set(counts.values())) == 1:
            nothing = np.zeros(0, np.int64)
            found[recording] = Cut(
                blocks=max(counts.values()), edges_ns=nothing, times={}, counts=counts, stills=True
            )
    return found


def unit_name(recording_id: str, index: int) -> str:
    """Name one picture as a unit."""
    return f"{recording_id}#{index:06d}"


def units_of(recording_id: str, made: Cut) -> list[Unit]:
    """Give a unit for each picture."""
    return [
        Unit(
            name=unit_name(recording_id, index),
            recording_id=recording_id,
            samples=len(made.counts),
            block=index,
            still=True,
        )
        for index in range(made.blocks)
    ]


def parts_before(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give the part of each picture that has one, by the name of its unit, and of each recording that has one."""
    found = {}
    for row in rows:
        if row["stream"] is None:
            found[row["recording_id"]] = row["part"]
        elif row["group_by"] == PICTURE:
            found |= {
                unit_name(row["recording_id"], at): row["part"] for at in range(row["index"], row["index_end"])
            }
    return found
