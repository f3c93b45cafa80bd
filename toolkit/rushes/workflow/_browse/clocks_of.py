"""What is known of the clocks of one recording: the newest maps, how far samples lie from moments, the content."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rushes.browse.desk import ClockOf, Clocks, ContentCheck, SkewOf
from rushes.timing.clockmap import CALIBRATION
from rushes.workflow.dataset import TIMED, Dataset

Row = Mapping[str, Any]


def clocks_of(dataset: Dataset, recording_id: str) -> Clocks:
    """Read it from the tables; nothing is estimated anew."""
    where = {"recording_id": recording_id}
    (recording,) = dataset.arrow("recordings", columns=["name"], where=where).to_pylist()
    streams = [
        row
        for row in dataset.arrow("streams", where=where).sort_by("stream").to_pylist()
        if row["table"] in TIMED and row["clock"] != "none" and row["count"]
    ]
    columns = ["reference", "time"]
    moments = dataset.arrow("moments", columns=columns, where=where)
    time, reference = (str(moments[name][0]) if len(moments) else "" for name in ("time", "reference"))
    maps = _newest_maps(dataset, recording_id)
    shared = {row["clock_id"] for row in streams}
    declared = len(streams) > 1 and len(shared) == 1 and None not in shared
    return Clocks(
        recording=recording["name"],
        time=time,
        reference=reference,
        moments=len(moments),
        clocks=[_clock(row, maps.get(row["clock_id"] or row["stream"], ()), declared) for row in streams],
        skews=_skews(dataset, recording_id, reference, len(moments)),
        checks=[_check(row) for row in dataset.arrow("crosschecks", where=where).to_pylist()],
    )


def _newest_maps(dataset: Dataset, recording_id: str) -> dict[str, list[Row]]:
    rows = dataset.arrow("clock_maps", where={"recording_id": recording_id, "to_clock": "log"}).to_pylist()
    newest = max((row["map_version"] for row in rows), default=0)
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["map_version"] == newest:
            found[row["from_clock"]].append(row)
    return found


def _clock(stream: Row, maps: Sequence[Row], declared: bool) -> ClockOf:
    name, clock = stream["stream"], stream["clock_id"] or stream["clock"]
    if stream["clock"] == "log" and not any(row["source"] == CALIBRATION for row in maps):
        words = "stamped by the recorder as samples arrive; late by each sensor's own latency"
        return ClockOf(stream=name, clock="log", verdict="arrival", reason=words)
    if not maps and declared:
        words = f"the recording states that its streams share one clock, {clock}"
        return ClockOf(stream=name, clock=clock, verdict="declared", reason=words)
    if not maps:
        words = "nothing was read of its clock beside the recorder's; its stamps are taken as they are"
        return ClockOf(stream=name, clock=clock, verdict="unproven", reason=words)
    longest = max(maps, key=lambda row: row["end_ns"] - row["start_ns"])
    as_recorded = "" if longest["applied"] else "; stamps are compared as they are, the map is not applied"
    return ClockOf(
        stream=name,
        clock=clock,
        verdict=longest["verdict"],
        reason=f"{longest['reason'] or longest['method']}{as_recorded}",
        offset_ns=longest["offset_ns"],
        drift_ppm=longest["drift_ppm"],
        drift_ci95_ppm=longest["drift_ci95_ppm"],
        residual_p95_ns=longest["residual_p95_ns"],
        ci95_ns=longest["offset_ci95_ns"],
        segments=len(maps),
    )


def _skews(dataset: Dataset, recording_id: str, reference: str, moments: int) -> list[SkewOf]:
    columns = ["stream", "skew_ns"]
    members = dataset.arrow("moment_members", columns=columns, where={"recording_id": recording_id})
    names = np.asarray(members["stream"].to_pylist(), object)
    skew = members["skew_ns"].to_numpy()
    return [
        SkewOf(stream=str(name), skew_ns=skew[names == name], moments=moments)
        for name in sorted(set(names.tolist()))
        if name != reference
    ]


def _check(row: Row) -> ContentCheck:
    names = ("kind", "first", "second", "verdict", "offset_ns", "ci95_ns", "reason")
    return ContentCheck(**{name: row[name] for name in names})
