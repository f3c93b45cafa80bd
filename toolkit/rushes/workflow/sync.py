"""Sync: for each recording, how its clocks run, what its content says of them, and its moments.

No sample is rewritten: clock maps and moments point at samples, and running again with other settings replaces the
moments. Estimates of clocks are kept under numbers that rise whenever they change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rushes.errors import TimingError
from rushes.model import ClockPairs, Column, Times
from rushes.registry import close_to
from rushes.store import Store
from rushes.timing.clocks import StreamTimes
from rushes.timing.common import CommonTime, choose_common_time
from rushes.timing.crosscheck.verdict import Crosscheck
from rushes.timing.moments import Alignment, align
from rushes.timing.spans import is_fast, spans
from rushes.workflow._sync import rows
from rushes.workflow._sync.evidence import TABLES, TIMED, pairs_of, times_of
from rushes.workflow.clock_maps import map_rows, version_of
from rushes.workflow.columns import end_to_end
from rushes.workflow.crosscheck import Budget, crosscheck
from rushes.workflow.dataset import Dataset

Progress = Callable[[str, int, int], None]
"""Called with the recording's name, how many are done and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to align; None chooses by the data.

    Args:
        reference: Stream that sets the moments; the slowest picture stream if None.
        within_ns: Largest skew, itself included; half of the slower interval of each pair if None.
        streams: Which streams take part; every sampled stream if None.
        time: auto, header, log, pts or mapped.
        method: How members are chosen, as in ``timing.moments.METHODS``; pictures and sound go by the nearest
            where others are interpolated.
        rate_hz: Moments at this rate, such as 30 or "30000/1001", instead of at the samples of a stream.
        crosscheck: Whether the content is looked at.
        stretch_s: How long a stretch of each recording it looks at, where the rig turns most.
        follow: Whether it looks at the whole recording instead, for drift and jumps.
        apply: Kinds of cross-check whose offset is added to the times of the stream that they find off; none by
            itself.
    """

    reference: str | None = None
    within_ns: int | None = None
    streams: Sequence[str] | None = None
    time: str = "auto"
    method: str = "nearest"
    rate_hz: float | str | None = None
    crosscheck: bool = True
    stretch_s: float = Budget().stretch_s
    follow: bool = False
    apply: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The clocks and moments of one recording, or why there are none.

    Args:
        alignment: None where nothing could be aligned.
        common: The time that was used.
        pairs: The evidence about its clocks.
        maps: What it says of every clock, as rows of ``clock_maps`` without recording and version.
        crosschecks: What the content says; empty where it was not asked.
        applied: Kind, first and second of the cross-checks whose offset was added.
        spans: By fast stream, the columns of ``moment_spans`` but ``recording_id``.
        map_version: Under which number its clock maps stand; None where it has none.
        reason: Why nothing was aligned; empty where something was.
    """

    recording_id: str
    name: str
    alignment: Alignment | None = None
    common: CommonTime | None = None
    pairs: Sequence[ClockPairs] = ()
    maps: Sequence[Mapping[str, Any]] = ()
    crosschecks: Sequence[Crosscheck] = ()
    applied: frozenset[tuple[str, str, str]] = frozenset()
    spans: Mapping[str, Mapping[str, Column]] = field(default_factory=dict)
    map_version: int | None = None
    reason: str = ""

    @property
    def moments(self) -> int:
        """How many moments there are."""
        return len(np.asarray(self.alignment.moments["t_ns"])) if self.alignment else 0


def sync(
    dataset: Path,
    settings: Settings,
    *,
    argv: Sequence[str] = (),
    recipe_digest: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> tuple[list[Synced], int]:
    """Make the moments of every recording; give what became of each, and the revision.

    A recording with fewer than two streams that could be aligned keeps no moments, with the reason.

    Raises:
        StoreError: If the dataset cannot be opened or written.
        TimingError: If the reference or a stream is named and no recording has it.
    """
    with Dataset.open(dataset) as opened:
        store = opened.store
        recordings = store.table("recordings", columns=["recording_id", "name"]).sort_by("name").to_pylist()
        streams = store.table("streams").to_pylist()
        done = []
        for number, recording in enumerate(recordings):
            if progress:
                progress(recording["name"], number, len(recordings))
            mine = [s for s in streams if s["recording_id"] == recording["recording_id"] and _has_a_clock(s)]
            done.append(_one(opened, recording["recording_id"], recording["name"], mine, settings))
        if progress:
            progress("", len(recordings), len(recordings))
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
    return _write(Store.open(dataset), done, argv, recipe_digest)


def _has_a_clock(stream: Mapping[str, Any]) -> bool:
    """Say whether a stream has a say in how clocks run: not what a recorder noted, which is in its own clock."""
    noted = (stream["message_type"] or "").startswith("rushes.") and stream["clock"] == "log"
    return stream["table"] in TIMED and not noted


def _meant(settings: Settings, known: Sequence[str]) -> str:
    """Say which stream was probably meant, where one that was named is in no recording."""
    strange = [s for s in (settings.reference, *(settings.streams or ())) if s is not None and s not in known]
    near = close_to(strange[0], sorted(set(known))) if strange else None
    return f"did you mean '{near}'?" if near else ""


def _one(
    dataset: Dataset, recording_id: str, name: str, streams: Sequence[Mapping[str, Any]], settings: Settings
) -> Synced:
    pairs = pairs_of(dataset.store, recording_id)
    everything = {s["stream"]: times_of(dataset.store, recording_id, s) for s in streams}
    known = Synced(recording_id=recording_id, name=name, pairs=pairs, maps=_maps(everything, pairs))
    wanted = [s for s in streams if settings.streams is None or s["stream"] in settings.streams]
    tables = {s["stream"]: s["table"] for s in wanted if s["table"] in TABLES}
    alone = _alone([s for s in wanted if s["stream"] in tables], settings)
    if not wanted:
        return replace(known, reason=alone)
    try:
        times = {s["stream"]: everything[s["stream"]] for s in wanted}
        common = choose_common_time(times, pairs, wanted=settings.time)
        known = replace(known, common=common, reason=alone)
        if alone:
            return known
        alignment = _aligned(common, tables, settings)
        budget = Budget(stretch_s=settings.stretch_s, follow=settings.follow)
        found = crosscheck(dataset, recording_id, common.times, budget=budget) if settings.crosscheck else []
        common, applied = _applied(common, found, settings.apply)
        alignment = _aligned(common, tables, settings) if applied else alignment
    except TimingError as error:
        if error.code in ("timing.tolerance", "timing.rate", "timing.method"):
            raise
        return replace(known, reason=alone or error.message)
    return replace(
        known,
        alignment=alignment,
        common=common,
        crosschecks=found,
        applied=applied,
        spans=_spans(alignment, {name: common.times[name] for name in tables if name in common.times}),
    )


def _maps(streams: Mapping[str, StreamTimes], pairs: Sequence[ClockPairs]) -> Sequence[Mapping[str, Any]]:
    """Estimate every clock of a recording, whatever is asked about it now: the rows of ``clock_maps``."""
    try:
        return map_rows(choose_common_time(streams, pairs))
    except TimingError:  # no stream has a time
        return ()


def _aligned(common: CommonTime, tables: Mapping[str, str], settings: Settings) -> Alignment:
    """Make the moments of the streams that have samples; ``tables``: by stream."""
    there = {name: common.times[name] for name in tables if name in common.times}
    # Between two pictures or blocks of sound there is nothing to be worked out.
    unmixed = [name for name in there if tables[name] in ("frames", "audio")]
    known = {name: common.streams[name].uncertainty_ns for name in there}
    return align(
        there,
        reference=settings.reference,
        pictures=[name for name in tables if tables[name] == "frames"],
        within=settings.within_ns,
        method=settings.method,
        methods=dict.fromkeys(unmixed, "nearest") if settings.method == "interpolate" else None,
        rate_hz=settings.rate_hz,
        uncertainty_ns={name: wide for name, wide in known.items() if wide is not None},
    )


def _alone(wanted: Sequence[Mapping[str, Any]], settings: Settings) -> str:
    """Say why the streams of a recording cannot make moments at all; empty where they may."""
    if not wanted:
        return "it has no stream that can be aligned"
    if all(s["clock"] == "none" for s in wanted):
        return "its samples have an order, but no times"
    if len(wanted) < 2:
        return f"{wanted[0]['stream']} is its only stream"
    pictured = any(s["table"] == "frames" for s in wanted)
    if not pictured and settings.reference is None and settings.rate_hz is None:
        return "it has no picture stream to set the moments"
    return ""


def _applied(
    common: CommonTime, found: Sequence[Crosscheck], kinds: Sequence[str]
) -> tuple[CommonTime, frozenset[tuple[str, str, str]]]:
    """Add the offsets that were asked for to the times of the streams that they find off.

    Each stream is moved once, by the check with the narrowest interval.
    """
    streams = dict(common.streams)
    done: dict[str, tuple[str, str, str]] = {}
    for each in sorted(found, key=lambda c: c.ci95_ns or 0):
        if each.kind not in kinds or each.offset_ns is None or each.verdict == "not observable":
            continue
        if each.second in done or each.first in done:
            continue
        moved = streams[each.second]
        streams[each.second] = replace(
            moved,
            times=moved.times + each.offset_ns,
            shift_ns=each.offset_ns,
            reason=f"{moved.reason}; moved by {each.kind} against {each.first}, as asked",
        )
        done[each.second] = (each.kind, each.first, each.second)
    return replace(common, streams=streams), frozenset(done.values())


def _spans(alignment: Alignment, streams: Mapping[str, Times]) -> Mapping[str, Mapping[str, Column]]:
    moments = np.asarray(alignment.moments["t_ns"])
    return {
        name: {"stream": name, **spans(times, moments).columns}
        for name, times in streams.items()
        if name != alignment.reference and is_fast(times, moments)
    }


def _write(
    store: Store, done: list[Synced], argv: Sequence[str], recipe_digest: str | None
) -> tuple[list[Synced], int]:
    everything = {"recording_id": [item.recording_id for item in done]}
    known = store.table("clock_maps", where=everything).to_pylist()
    new: list[tuple[int, dict[str, Any]]] = []
    numbered = []
    for item in done:
        version, fresh = version_of(item.maps, [k for k in known if k["recording_id"] == item.recording_id])
        if fresh:
            others: dict[str, Any] = {"recording_id": item.recording_id, "map_version": version}
            new.append((len(item.maps), rows.columns_of(item.maps, **others)))
        numbered.append(replace(item, map_version=version if item.maps else None))
    aligned = [item for item in numbered if item.alignment and item.common]
    moments = end_to_end(
        rows.moment_rows(
            i.recording_id, i.alignment, i.common, i.map_version if i.common.time == "mapped" else None
        )
        for i in aligned
        if i.alignment and i.common
    )
    members = end_to_end(
        piece for i in aligned if i.alignment for piece in rows.member_rows(i.recording_id, i.alignment)
    )
    between = end_to_end(
        (len(np.asarray(columns["moment"])), {**columns, "recording_id": i.recording_id})
        for i in aligned
        for columns in i.spans.values()
    )
    checked = [rows.crosscheck_rows(i.crosschecks, i.applied) for i in numbered]
    with store.begin("sync", argv=argv, recipe_digest=recipe_digest) as transaction:
        for count, columns in new:
            transaction.append("clock_maps", count, columns)
        transaction.replace("moments", everything, *moments)
        transaction.replace("moment_members", everything, *members)
        transaction.replace("moment_spans", everything, *between)
        transaction.replace("crosschecks", everything, 0, {})
        for item, found in zip(numbered, checked, strict=True):
            if found:
                transaction.append(
                    "crosschecks", len(found), rows.columns_of(found, recording_id=item.recording_id)
                )
        revision = transaction.commit({"moments": moments[0], "members": members[0]})
    return numbered, revision.revision
