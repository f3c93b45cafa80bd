"""Check: every recording, stream and moment → metrics and findings. Measured once, judged as often as wanted.

Pictures are decoded once, reduced, for all checks together; their measures are kept in ``metrics``, so another run
with other limits decodes nothing. A fault of the data is a finding, never the end of the run.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes import registry
from rushes.checks import PICTURE_MEASURES, PICTURE_MEASURES_VERSION, choose, settle
from rushes.contracts import Check, MomentsView, PairView, RecordingView, StreamView
from rushes.errors import ReadError, UsageError
from rushes.intervals import median_interval
from rushes.model import Column, Finding, LedgerEntry, Loss, Metric, Stream
from rushes.store import Store
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames, decoder_for

SEVERITIES = ("info", "warning", "error")
PICTURES = "pictures"
"""Under which name the measures of single pictures stand in ``metrics``."""
AT_ONCE = 64
TELL_EVERY = 16
GONE = ("read.absent-file", "read.short")
"""What a read answers when the file is not what was ingested, whatever its pictures are."""

Progress = Callable[[str, int, int], None]
Chosen = Sequence[tuple[Check, Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to check and what is forbidden.

    Args:
        only: Ids or families (``image``); all if None.
        options: By check id, the options to change.
        fail_on: The least severity that is forbidden; ``never`` forbids nothing.
    """

    only: Sequence[str] | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fail_on: str = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding and the recording it is about."""

    recording_id: str
    recording: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found, worst first, and how much was looked at.

    Args:
        forbidden: Whether anything found is at least as bad as ``fail_on``.
    """

    found: Sequence[Found]
    checks: Sequence[str]
    recordings: int
    pictures: int
    metrics: int
    forbidden: bool
    fail_on: str
    revision: int


@dataclass(slots=True)
class _Rows:
    """What one run writes."""

    found: list[Found] = field(default_factory=list)
    metrics: list[tuple[int, Mapping[str, Column]]] = field(default_factory=list)
    pictures: int = 0
    progress: Progress | None = None
    looked_at: int = 0
    to_look_at: int = 0

    def tell(self, recording: str, more: int) -> None:
        """Pass on that so many more pictures were looked at."""
        self.looked_at += more
        if self.progress:
            self.progress(recording, self.looked_at, self.to_look_at)


def check(
    dataset: Path,
    settings: Settings,
    *,
    argv: Sequence[str] = (),
    recipe_digest: str | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> Checked:
    """Look at every recording of a dataset, and store what was measured and found.

    Raises:
        UsageError: If a check or an option is unknown.
        StoreError: If the dataset cannot be opened or written.
    """
    chosen = chosen_by(settings)
    rows = _Rows(progress=progress)
    with Dataset.open(dataset) as opened:
        recordings = opened.arrow("recordings").sort_by("name").to_pylist()
        streams = opened.arrow("streams").to_pylist()
        rows.to_look_at = sum(row["count"] for row in streams if row["table"] == "frames")
        for recording in recordings:
            rows.tell(recording["name"], 0)
            mine = [row for row in streams if row["recording_id"] == recording["recording_id"]]
            _one(opened, recording, mine, chosen, rows)
    rows.found.sort(
        key=lambda item: (-SEVERITIES.index(item.finding.severity), item.recording, item.finding.check)
    )
    least = SEVERITIES.index(settings.fail_on) if settings.fail_on in SEVERITIES else len(SEVERITIES)
    forbidden = any(SEVERITIES.index(item.finding.severity) >= least for item in rows.found)
    ids = [recording["recording_id"] for recording in recordings]
    store = Store.open(dataset)
    names = [plugin.name for plugin, _ in chosen]
    revision = store.revision if dry_run or not ids else _commit(store, ids, names, rows, argv, recipe_digest)
    return Checked(
        found=rows.found,
        checks=names,
        recordings=len(recordings),
        pictures=rows.pictures,
        metrics=sum(count for count, _ in rows.metrics),
        forbidden=forbidden,
        fail_on=settings.fail_on,
        revision=revision,
    )


def chosen_by(settings: Settings) -> Chosen:
    """Give the checks that are wanted, each with its options settled.

    Raises:
        UsageError: ``check.unknown`` or ``check.option``.
    """
    offered = registry.load_all("checks")
    choose(offered, list(settings.options))  # an option for an unknown check is a mistake
    ids = {plugin.name for plugin in offered.values()}
    for family in settings.options.keys() - ids:
        raise UsageError(
            f"'{family}' is a family of checks, and options belong to one check",
            code="check.option",
            hint=f"name the check: {', '.join(sorted(name for name in ids if name.startswith(family)))}",
        )
    picked = choose(offered, settings.only)
    return [(plugin, settle(plugin, settings.options.get(plugin.name, {}))) for plugin in picked]


def _one(
    dataset: Dataset,
    recording: Mapping[str, Any],
    streams: Sequence[Mapping[str, Any]],
    chosen: Chosen,
    rows: _Rows,
) -> None:
    """Run every check on one recording."""
    recording_id, name = recording["recording_id"], recording["name"]
    whole = _recording_view(dataset, recording)
    moments = _moments_view(dataset, recording, streams)
    for plugin, options in chosen:
        if plugin.subject == "recording":
            _take(plugin, plugin.judge(whole, options), recording_id, name, rows)
        elif plugin.subject == "moments" and moments is not None:
            _take(plugin, plugin.judge(moments, options), recording_id, name, rows)
    of_streams = [(plugin, options) for plugin, options in chosen if plugin.subject == "stream"]
    for row in streams:
        stream = _stream(row)
        apt = [(plugin, options) for plugin, options in of_streams if plugin.applies(stream)]
        if not apt:
            continue
        wanted = {column for plugin, _ in apt for column in plugin.columns}
        columns = _columns(dataset, row, wanted)
        pictures: Mapping[str, npt.NDArray[np.float64]] = {}
        if any(plugin.pictures for plugin, _ in apt) and row["table"] == "frames" and len(columns["index"]):
            try:
                pictures = _pictures(dataset, row, name, rows)
            except ReadError as error:
                rows.found.append(_gone(error, stream, [p.name for p, _ in apt if p.pictures], recording_id, name))
                apt = [(plugin, options) for plugin, options in apt if not plugin.pictures]
        view = StreamView(recording=name, stream=stream, columns=columns, pictures=pictures)
        for plugin, options in apt:
            _take(plugin, plugin.judge(view, options), recording_id, name, rows)


def _gone(error: ReadError, stream: Stream, checks: Sequence[str], recording_id: str, recording: str) -> Found:
    """Say that a file is gone or cut: the fault is not in its pictures, so nothing is measured or kept."""
    finding = Finding(
        check="image.unreadable" if "image.unreadable" in checks else checks[0],
        severity="error",
        message=f"{stream.name}: its pictures cannot be looked at: {error.message}",
        stream=stream.name,
    )
    return Found(recording_id=recording_id, recording=recording, finding=finding)


def _take(
    plugin: Check, given: Iterator[Metric | Finding], recording_id: str, recording: str, rows: _Rows
) -> None:
    metrics = []
    for item in given:
        if isinstance(item, Finding):
            rows.found.append(Found(recording_id=recording_id, recording=recording, finding=item))
        elif np.isfinite(item.value):
            metrics.append(item)
    if metrics:
        columns: dict[str, Column] = {
            "recording_id": recording_id,
            "check": plugin.name,
            "check_version": plugin.version,
            **{each.name: [getattr(item, each.name) for item in metrics] for each in fields(Metric)},
        }
        rows.metrics.append((len(metrics), columns))


def _stream(row: Mapping[str, Any]) -> Stream:
    return Stream(name=row["stream"], **{f.name: row[f.name] for f in fields(Stream) if f.name != "name"})


def _recording_view(dataset: Dataset, recording: Mapping[str, Any]) -> RecordingView:
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


def _moments_view(
    dataset: Dataset, recording: Mapping[str, Any], streams: Sequence[Mapping[str, Any]]
) -> MomentsView | None:
    """Lay out the moments of a recording; None where it has none."""
    where = {"recording_id": recording["recording_id"]}
    moments = dataset.arrow("moments", columns=["reference", "complete"], where=where)
    if not len(moments):
        return None
    reference = moments["reference"][0].as_py()
    members = dataset.arrow("moment_members", columns=["stream", "skew_ns"], where=where)
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


def _columns(dataset: Dataset, row: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
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
    values: npt.NDArray[np.int64] = np.asarray(_columns(dataset, row, [name])[name])
    return values


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), object)
    if not column.null_count:
        return np.asarray(column.to_numpy())
    whole = column.fill_null(False if pa.types.is_boolean(column.type) else 0).to_numpy()
    masked: Any = np.ma.masked_array(whole, ~column.is_valid().to_numpy())
    return masked  # type: ignore[no-any-return]


def _pictures(
    dataset: Dataset, row: Mapping[str, Any], recording: str, rows: _Rows
) -> Mapping[str, npt.NDArray[np.float64]]:
    """Give the measures of every picture of a stream: those that are kept, or measured now."""
    frames = dataset.frames(row["recording_id"], row["stream"])
    kept = _kept(dataset, row, len(frames))
    if kept is None:
        measure = registry.late("rushes.checks._pixels").measure
        kept = measure(_told(_greys(frames), recording, rows), len(frames))
        rows.pictures += sum(not frames.missing(i) for i in range(len(frames)))
    for metric, values in kept.items():
        index = np.flatnonzero(np.isfinite(values))
        if len(index):
            columns: dict[str, Column] = {
                "recording_id": row["recording_id"],
                "check": PICTURES,
                "check_version": PICTURE_MEASURES_VERSION,
                "metric": metric,
                "value": values[index],
                "unit": PICTURE_MEASURES[metric],
                "stream": row["stream"],
                "index": index.astype(np.int64),
            }
            rows.metrics.append((len(index), columns))
    return kept


def _kept(dataset: Dataset, row: Mapping[str, Any], count: int) -> dict[str, npt.NDArray[np.float64]] | None:
    """Give what an earlier run measured with the same measures; None where there was none."""
    where = {
        "recording_id": row["recording_id"],
        "stream": row["stream"],
        "check": PICTURES,
        "check_version": PICTURE_MEASURES_VERSION,
    }
    table = dataset.arrow("metrics", columns=["metric", "index", "value"], where=where)
    if not len(table):
        return None
    names = np.array(table["metric"].to_pylist())
    index, values = table["index"].to_numpy(), table["value"].to_numpy()
    measures: dict[str, npt.NDArray[np.float64]] = {}
    for metric in PICTURE_MEASURES:
        measures[metric] = np.full(count, np.nan)
        measures[metric][index[names == metric]] = values[names == metric]
    return measures


def _told(
    greys: Iterable[tuple[int, npt.NDArray[np.uint8] | None]], recording: str, rows: _Rows
) -> Iterator[tuple[int, npt.NDArray[np.uint8] | None]]:
    """Pass pictures on, and say now and then how far we are."""
    for number, item in enumerate(greys, 1):
        if number % TELL_EVERY == 0:
            rows.tell(recording, TELL_EVERY)
        yield item


def _greys(frames: Frames) -> Iterator[tuple[int, npt.NDArray[np.uint8] | None]]:
    """Decode every picture that is there, reduced and grey, in order; on all cores where the codec allows it."""
    there = [i for i in range(len(frames)) if not frames.missing(i)]

    def grey(index: int) -> tuple[int, npt.NDArray[np.uint8] | None]:
        try:
            return index, frames.grey(index)
        except ReadError as error:
            if error.code in GONE:
                raise
            return index, None

    if _one_by_one(frames):
        yield from map(grey, there)
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(there), AT_ONCE):
            yield from pool.map(grey, there[start : start + AT_ONCE])


def _one_by_one(frames: Frames) -> bool:
    try:
        return decoder_for(frames.stream["codec"] or "").reads_container
    except ReadError:  # no decoder: every picture will say so itself
        return True


def _commit(
    store: Store,
    recordings: Sequence[str],
    checks: Sequence[str],
    rows: _Rows,
    argv: Sequence[str],
    recipe_digest: str | None,
) -> int:
    found = [item.finding for item in rows.found]
    columns: dict[str, Column] = {
        "recording_id": [item.recording_id for item in rows.found],
        **{each.name: [getattr(item, each.name) for item in found] for each in fields(Finding)},
    }
    counts = {severity: sum(item.severity == severity for item in found) for severity in SEVERITIES}
    pictures = [PICTURES] if any(columns["check"] == PICTURES for _, columns in rows.metrics) else []
    with store.begin("check", argv=argv, recipe_digest=recipe_digest) as transaction:
        where = {"recording_id": list(recordings), "check": list(checks)}
        transaction.replace("findings", where, len(found), columns)
        where = {"recording_id": list(recordings), "check": [*checks, *pictures]}
        transaction.replace("metrics", where, 0, {})
        for count, metric in rows.metrics:
            transaction.append("metrics", count, metric)
        return transaction.commit({"checks": len(checks), **counts}).revision
