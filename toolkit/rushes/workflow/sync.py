"""Sync: for each recording, moments on a reference stream, with the skew of every member.

No sample is rewritten: moments point at samples, and running again with other settings replaces the moments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.errors import TimingError
from rushes.model import Column
from rushes.registry import close_to
from rushes.store import Store
from rushes.timing.clocks import CommonTime, StreamTimes, choose_common_time
from rushes.timing.moments import Alignment, align
from rushes.workflow.columns import end_to_end

TABLES = ("frames", "imu", "poses", "audio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The moments of one recording, or why there are none.

    Args:
        alignment: None where nothing could be aligned.
        common: The time that was used.
        reason: Why nothing was aligned; empty where something was.
    """

    recording_id: str
    name: str
    alignment: Alignment | None = None
    common: CommonTime | None = None
    reason: str = ""

    @property
    def moments(self) -> int:
        """How many moments there are."""
        return len(np.asarray(self.alignment.moments["t_ns"])) if self.alignment else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to align; None chooses by the data.

    Args:
        reference: Stream that sets the moments; the slowest picture stream if None.
        within_ns: Largest skew, itself included; half of the slower interval of each pair if None.
        streams: Which streams take part; every picture, IMU, pose and audio stream if None.
        time: auto, header, log or pts.
    """

    reference: str | None = None
    within_ns: int | None = None
    streams: Sequence[str] | None = None
    time: str = "auto"


def sync(
    dataset: Path,
    settings: Settings,
    *,
    argv: Sequence[str] = (),
    recipe_digest: str | None = None,
    dry_run: bool = False,
) -> tuple[list[Synced], int]:
    """Make the moments of every recording; give what became of each, and the revision.

    A recording with fewer than two streams that could be aligned keeps no moments, with the reason.

    Raises:
        StoreError: If the dataset cannot be opened or written.
        TimingError: If the reference or a stream is named and no recording has it.
    """
    store = Store.open(dataset)
    recordings = store.table("recordings", columns=["recording_id", "name"]).sort_by("name").to_pylist()
    streams = store.table("streams", columns=["recording_id", "stream", "table", "clock"]).to_pylist()
    done = []
    for recording in recordings:
        mine = [s for s in streams if s["recording_id"] == recording["recording_id"] and s["table"] in TABLES]
        done.append(_one(store, recording["recording_id"], recording["name"], mine, settings))
    asked = settings.reference or settings.streams or settings.time != "auto"
    if recordings and not any(item.alignment for item in done) and asked:
        raise TimingError(
            f"no recording could be aligned: {done[0].name}: {done[0].reason}",
            code="timing.nothing-aligned",
            hint=_meant(settings, [s["stream"] for s in streams])
            or f'rushes query {dataset} "select distinct stream, clock from streams" lists the streams',
            facts={"reference": settings.reference, "time": settings.time},
        )
    if dry_run or not recordings:
        return done, store.revision
    moments = end_to_end(_moments(item) for item in done if item.alignment)
    members = end_to_end(piece for item in done if item.alignment for piece in _members(item))
    everything = {"recording_id": [recording["recording_id"] for recording in recordings]}
    with store.begin("sync", argv=argv, recipe_digest=recipe_digest) as transaction:
        transaction.replace("moments", everything, *moments)
        transaction.replace("moment_members", everything, *members)
        revision = transaction.commit({"moments": moments[0], "members": members[0]})
    return done, revision.revision


def _meant(settings: Settings, known: Sequence[str]) -> str:
    """Say which stream was probably meant, where one that was named is in no recording."""
    strange = [s for s in (settings.reference, *(settings.streams or ())) if s is not None and s not in known]
    near = close_to(strange[0], sorted(set(known))) if strange else None
    return f"did you mean '{near}'?" if near else ""


def _one(
    store: Store, recording_id: str, name: str, streams: Sequence[Mapping[str, Any]], settings: Settings
) -> Synced:
    wanted = [s for s in streams if settings.streams is None or s["stream"] in settings.streams]
    pictures = [s["stream"] for s in wanted if s["table"] == "frames"]
    if wanted and all(s["clock"] == "none" for s in wanted):
        return Synced(recording_id=recording_id, name=name, reason="its samples have an order, but no times")
    if len(wanted) < 2:
        reason = (
            "it has no stream that can be aligned" if not wanted else f"{wanted[0]['stream']} is its only stream"
        )
        return Synced(recording_id=recording_id, name=name, reason=reason)
    if not pictures and settings.reference is None:
        return Synced(recording_id=recording_id, name=name, reason="it has no picture stream to set the moments")
    try:
        times = {s["stream"]: _times(store, recording_id, s) for s in wanted}
        common = choose_common_time(_restricted(times, settings.time))
        alignment = align(common.times, reference=settings.reference, pictures=pictures, within=settings.within_ns)
    except TimingError as error:
        if error.code == "timing.tolerance":
            raise
        return Synced(recording_id=recording_id, name=name, reason=error.message)
    return Synced(recording_id=recording_id, name=name, alignment=alignment, common=common)


def _times(store: Store, recording_id: str, stream: Mapping[str, Any]) -> StreamTimes:
    columns = ["t_ns", "t_header_ns", "t_log_ns"]
    where = {"recording_id": recording_id, "stream": stream["stream"]}
    rows = store.table(stream["table"], columns=["index", *columns], where=where).sort_by("index")
    found, header, log = (_masked(rows[name]) for name in columns)
    raw = np.zeros(0, np.int64) if found is None else np.asarray(found)
    if header is None and stream["clock"] == "header":  # a list of times, with no second time beside them
        header = raw
    if log is None and stream["clock"] == "log":
        log = raw
    return StreamTimes(raw=raw, clock=stream["clock"], header=header, log=log)


def _masked(column: pa.ChunkedArray) -> npt.NDArray[np.int64] | None:
    """Give a column as an array, masked where it is null; None where all of it is."""
    if column.null_count == len(column):
        return None
    values: npt.NDArray[np.int64] = column.fill_null(0).to_numpy()
    if not column.null_count:
        return values
    masked: Any = np.ma.masked_array(values, ~column.is_valid().to_numpy())
    return masked  # type: ignore[no-any-return]


def _restricted(times: Mapping[str, StreamTimes], wanted: str) -> Mapping[str, StreamTimes]:
    """Leave only the time that was asked for, so that nothing else can be chosen."""
    if wanted == "auto":
        return times
    return {
        name: StreamTimes(
            raw=stream.raw,
            clock=stream.clock if wanted == "pts" else "none",
            header=stream.header if wanted == "header" else None,
            log=stream.log if wanted == "log" else None,
        )
        for name, stream in times.items()
    }


def _moments(item: Synced) -> tuple[int, Mapping[str, Column]]:
    assert item.alignment
    assert item.common
    rows = len(np.asarray(item.alignment.moments["t_ns"]))
    named: dict[str, Column] = {"recording_id": item.recording_id, "time": item.common.time}
    return rows, {**item.alignment.moments, **named}


def _members(item: Synced) -> list[tuple[int, Mapping[str, Column]]]:
    assert item.alignment
    return [
        (len(np.asarray(columns["moment"])), {**columns, "recording_id": item.recording_id})
        for columns in item.alignment.members.values()
    ]
