"""Check: every recording, stream and moment → metrics and findings. Measured once, judged as often as wanted.

Pictures are decoded once, reduced, for all checks together; their measures are kept in ``pictures``, so another
run with other limits decodes nothing. A fault of the data is a finding, never the end of the run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.checks import choose, duplicates_of, settle
from rushes.contracts import Check, StreamView
from rushes.duplicates import Duplicate, DuplicatesView, PictureSet
from rushes.errors import ReadError, UsageError
from rushes.model import Column, Finding, Metric, Stream
from rushes.store import Store
from rushes.timing.clockmap import ClockMap
from rushes.workflow._check.alike import SEARCH, duplicate_columns, picture_set, search_options
from rushes.workflow._check.dataset_view import dataset_view
from rushes.workflow._check.kept import without
from rushes.workflow._check.known import Known
from rushes.workflow._check.label_views import labels_view
from rushes.workflow._check.looking import measures_of, picture_rows
from rushes.workflow._check.sound import sound_measures
from rushes.workflow._check.views import (
    clocks_view,
    columns_of,
    moments_view,
    recording_view,
    steady,
    stream_of,
)
from rushes.workflow._labels import vocabulary
from rushes.workflow.clock_maps import applied_maps
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import Excluded, excluded

SEVERITIES = ("info", "warning", "error")

WHOLE = ""
"""Stands for the recording of what concerns the dataset as a whole."""

Progress = Callable[[str, int, int], None]
Chosen = Sequence[tuple[Check, Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to check and what is forbidden.

    Args:
        only: Ids or families (``image``); all if None.
        options: By check id, the options to change.
        fail_on: The least severity that is forbidden; ``never`` forbids nothing.
        since: An earlier revision, by number or tag, that the dataset is compared with.
        rejected: Check what people rejected or deleted too, and what is of discarded takes.
        recordings: Ids of those to check, by what looks at one recording alone; all of them, and the dataset as a
            whole, when None.
    """

    only: Sequence[str] | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fail_on: str = "error"
    since: int | str | None = None
    rejected: bool = False
    recordings: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding and the recording it is about; both names are empty where it is about the dataset."""

    recording_id: str
    recording: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found, worst first, and how much was looked at.

    Args:
        forbidden: Whether anything found is at least as bad as ``fail_on``.
        rejected: Names of recordings that were not looked at, since people rejected or deleted them.
        left_out: Findings that are not among ``found``, since all their frames were rejected or deleted.
        discarded: Frames of each discarded take that were not judged, by name of the recording and number.
    """

    found: Sequence[Found]
    checks: Sequence[str]
    recordings: int
    pictures: int
    metrics: int
    forbidden: bool
    fail_on: str
    revision: int
    rejected: Sequence[str] = ()
    left_out: int = 0
    discarded: Mapping[tuple[str, int], int] = field(default_factory=dict)


@dataclass(slots=True)
class _Rows:
    """What one run writes."""

    found: list[Found] = field(default_factory=list)
    metrics: list[tuple[int, Mapping[str, Column]]] = field(default_factory=list)
    streams: list[tuple[str, str | None, str, float]] = field(default_factory=list)
    looks: list[tuple[str, str, int, Mapping[str, Column]]] = field(default_factory=list)
    sets: list[PictureSet] = field(default_factory=list)
    duplicates: list[Duplicate] | None = None
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
        out = Excluded() if settings.rejected else excluded(opened.store)
        every = opened.arrow("recordings").sort_by("name").to_pylist()
        if settings.recordings is not None:
            every = [row for row in every if row["recording_id"] in settings.recordings]
            chosen = [each for each in chosen if each[0].subject not in ("dataset", "duplicates")]
        recordings = [row for row in every if not out.whole(row["recording_id"])]
        there = {row["recording_id"] for row in recordings}
        streams = [row for row in opened.arrow("streams").to_pylist() if row["recording_id"] in there]
        rows.to_look_at = sum(row["count"] for row in streams if row["table"] == "frames")
        known = Known(opened)
        for recording in recordings:
            rows.tell(recording["name"], 0)
            mine = [row for row in streams if row["recording_id"] == recording["recording_id"]]
            _one(opened, recording, mine, chosen, known, out, rows)
            _labels(opened, recording, mine, chosen, out, rows)
        _whole(opened, settings, chosen, out, rows)
    if settings.recordings is None:
        _alike(chosen, rows)
    found = len(rows.found)
    rows.found = [item for item in rows.found if not _on_rejected(item, out)]
    rows.found.sort(
        key=lambda item: (-SEVERITIES.index(item.finding.severity), item.recording, item.finding.check)
    )
    least = SEVERITIES.index(settings.fail_on) if settings.fail_on in SEVERITIES else len(SEVERITIES)
    forbidden = any(SEVERITIES.index(item.finding.severity) >= least for item in rows.found)
    ids = [recording["recording_id"] for recording in every]
    names_of = {row["recording_id"]: row["name"] for row in every}
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
        rejected=[row["name"] for row in every if row["recording_id"] not in there],
        left_out=found - len(rows.found),
        discarded={
            (names_of[recording], number): count
            for recording, takes in (out.discarded.frames(names_of) if out.discarded else {}).items()
            for number, count in takes.items()
        },
    )


def _on_rejected(item: Found, out: Excluded) -> bool:
    """Say whether a finding concerns frames alone that people left out."""
    finding = item.finding
    if not out or finding.stream is None or finding.index is None:
        return False
    last = finding.index + max(finding.count, 1)
    return all(out.takes(item.recording_id, finding.stream, at) for at in range(finding.index, last))


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
    known: Known,
    out: Excluded,
    rows: _Rows,
) -> None:
    """Run every check on one recording."""
    recording_id, name = recording["recording_id"], recording["name"]
    whole = recording_view(dataset, recording)
    moments = moments_view(dataset, recording, streams, out)
    clocks = clocks_view(dataset, recording, streams)
    maps = applied_maps(dataset.store, recording_id)
    for plugin, options in chosen:
        if plugin.subject == "recording":
            _take(plugin, plugin.judge(whole, options), recording_id, name, rows)
        elif plugin.subject == "moments" and moments is not None:
            _take(plugin, plugin.judge(moments, options), recording_id, name, rows)
        elif plugin.subject == "clocks":
            _take(plugin, plugin.judge(clocks, options), recording_id, name, rows)
    for row in streams:
        _stream(dataset, recording, row, maps.get(row["clock_id"] or row["stream"]), chosen, known, out, rows)


def _stream(
    dataset: Dataset,
    recording: Mapping[str, Any],
    row: Mapping[str, Any],
    clock: ClockMap | None,
    chosen: Chosen,
    known: Known,
    out: Excluded,
    rows: _Rows,
) -> None:
    """Run every check on one stream, and set its pictures aside for the search for duplicates."""
    recording_id, name, stream = recording["recording_id"], recording["name"], stream_of(row)
    apt = [
        (plugin, options) for plugin, options in chosen if plugin.subject == "stream" and plugin.applies(stream)
    ]
    search = search_options(chosen) if row["modality"] in ("color", "infrared") else {}
    if not apt and not search:
        return
    columns = columns_of(dataset, row, {column for plugin, _ in apt for column in plugin.columns})
    columns |= sound_measures(dataset, row, {column for plugin, _ in apt for column in plugin.columns})
    left = out.left(recording_id, row["stream"], np.asarray(columns["index"]))
    pictures: Mapping[str, npt.NDArray[np.float64]] = {}
    wanted = bool(search) or any(plugin.pictures for plugin, _ in apt)
    if wanted and row["table"] == "frames" and len(columns["index"]):
        try:
            measured = measures_of(dataset, row, known, lambda more: rows.tell(name, more))
            pictures = measured.values
            rows.pictures += measured.decoded
            if measured.fresh:
                rows.looks.append((recording_id, row["stream"], *picture_rows(row, measured)))
            if search:
                rows.sets.append(picture_set(recording, stream, columns, measured, left, search["flat_std"]))
        except ReadError as error:
            rows.found.append(_gone(error, stream, [p.name for p, _ in apt if p.pictures], recording_id, name))
            apt = [(plugin, options) for plugin, options in apt if not plugin.pictures]
    view = StreamView(
        recording=name,
        stream=stream,
        columns=columns,
        pictures=pictures,
        steady_ns=steady(clock, columns["t_ns"]),
    )
    view = without(view, left)
    for plugin, options in apt:
        _take(plugin, plugin.judge(view, options), recording_id, name, rows)


def _alike(chosen: Chosen, rows: _Rows) -> None:
    """Search all pictures together for those that are there more than once, and judge what was found."""
    options = search_options(chosen)
    if not options:
        return
    many = sum(int(pictures.comparable.sum()) for pictures in rows.sets) > options["many"]
    radius = int(options["radius_many" if many else "radius"])
    rows.duplicates = duplicates_of(
        rows.sets,
        radius=radius,
        film_radius=min(radius, int(options["radius_films"])),
        run_radius=int(options["run_radius"]),
    )
    view = DuplicatesView(sets=rows.sets, duplicates=rows.duplicates)
    names = {pictures.recording_id: pictures.recording for pictures in rows.sets}
    for plugin, settled in chosen:
        if plugin.subject == "duplicates":
            for recording_id, item in plugin.judge(view, settled):
                _take(plugin, iter([item]), recording_id, names[recording_id], rows)


def _labels(
    dataset: Dataset,
    recording: Mapping[str, Any],
    streams: Sequence[Mapping[str, Any]],
    chosen: Chosen,
    out: Excluded,
    rows: _Rows,
) -> None:
    """Run every check of labels on one recording; what nobody has labelled or looked at is passed over."""
    apt = [(plugin, options) for plugin, options in chosen if plugin.subject == "labels"]
    if not apt:
        return
    named = {row["stream"]: stream_of(row) for row in streams}
    view = labels_view(dataset, recording, named, vocabulary.of_dataset(dataset.store), out)
    if len(view) or view.seen:
        for plugin, options in apt:
            _take(plugin, plugin.judge(view, options), recording["recording_id"], recording["name"], rows)


def _whole(dataset: Dataset, settings: Settings, chosen: Chosen, out: Excluded, rows: _Rows) -> None:
    """Run every check of the dataset as a whole; measures are those of this run and of earlier ones."""
    apt = [(plugin, options) for plugin, options in chosen if plugin.subject == "dataset"]
    if not apt:
        return
    if settings.since is None:
        view = dataset_view(dataset, out, fresh=rows.streams)
    else:
        with Dataset.open(dataset.path, at=settings.since) as before:
            view = dataset_view(dataset, out, before=before, fresh=rows.streams)
    for plugin, options in apt:
        _take(plugin, plugin.judge(view, options), WHOLE, "", rows)


def _gone(error: ReadError, stream: Stream, checks: Sequence[str], recording_id: str, recording: str) -> Found:
    """Say that a file is gone or cut: the fault is not in its pictures, so nothing is measured or kept."""
    finding = Finding(
        check="image.unreadable" if "image.unreadable" in checks else next(iter(checks), SEARCH),
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
    rows.streams += [(recording_id, m.stream, m.metric, m.value) for m in metrics if m.index is None]
    if metrics:
        columns: dict[str, Column] = {
            "recording_id": recording_id,
            "check": plugin.name,
            "check_version": plugin.version,
            **{each.name: [getattr(item, each.name) for item in metrics] for each in fields(Metric)},
        }
        rows.metrics.append((len(metrics), columns))


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
    with store.begin("check", argv=argv, recipe_digest=recipe_digest) as transaction:
        recordings = [*recordings, WHOLE]
        where = {"recording_id": list(recordings), "check": list(checks)}
        transaction.replace("findings", where, len(found), columns)
        transaction.replace("metrics", where, 0, {})
        for count, metric in rows.metrics:
            transaction.append("metrics", count, metric)
        for recording_id, stream, count, looks in rows.looks:
            transaction.replace("pictures", {"recording_id": [recording_id], "stream": [stream]}, count, looks)
        if rows.duplicates is not None:
            transaction.replace(
                "duplicates", {"recording_id": list(recordings)}, *duplicate_columns(rows.sets, rows.duplicates)
            )
        return transaction.commit({"checks": len(checks), **counts}).revision
