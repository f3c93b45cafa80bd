"""The recordings of a dataset for the App's own player: an MCAP each in the cache, written when asked for."""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes import registry
from rushes.browse.players import Interval, Played, Playlist
from rushes.contracts import RecordingExporter
from rushes.timelines import Happening
from rushes.workflow.dataset import Dataset
from rushes.workflow.export_recordings import plain, write_recording
from rushes.workflow.parts import COLUMNS, Parts
from rushes.workflow.timelines import Timelines

FOLDER = "players"
AHEAD_BYTES = 8 << 30
"""Recordings of more than this in all are written one by one, when they are asked for."""
_SHORTEST_NS = 1
_STREAMS_SHOWN = 64


def playlist_of(
    dataset: Dataset, *, name: str, split: str | None = None, known: Sequence[Played] | None = None
) -> Playlist:
    """List the recordings that have samples with times.

    Args:
        dataset: Open as long as the playlist is used.
        name: Of the view that it stands beside; the App shows it as ``NAME recordings``.
        split: Its parts are shown; none are, when None.
        known: The recordings, where they were listed before at this revision.
    """
    folder = (dataset.path / "cache" / FOLDER).resolve()
    timelines = Timelines(dataset)

    def write(each: Played, go_on: Callable[[], None]) -> None:
        exporter: RecordingExporter = registry.load("export", "mcap")
        write_recording(timelines, each.recording_id, each.path, exporter, progress=lambda *_: go_on())

    total = sum(n or 0 for n in dataset.arrow("recordings", columns=["bytes"])["bytes"].to_pylist())
    return Playlist(
        name=f"{name} recordings",
        folder=folder,
        recordings=_listed(dataset, timelines, folder, split) if known is None else known,
        write=write,
        ahead=total <= AHEAD_BYTES and 2 * total < shutil.disk_usage(dataset.path).free,
    )


def _listed(dataset: Dataset, timelines: Timelines, folder: Path, split: str | None) -> list[Played]:
    exporter: RecordingExporter = registry.load("export", "mcap")
    streams = _streams(dataset)
    parts = Parts(dataset.arrow("splits", columns=COLUMNS, where={"split": split}).to_pylist() if split else ())
    recordings = dataset.arrow("recordings").sort_by("name").to_pylist()
    every = (
        _played(row, timelines, folder, exporter, streams, parts.of(row["recording_id"])) for row in recordings
    )
    return [each for each in every if each]


def _streams(dataset: Dataset) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in dataset.arrow("streams", columns=["recording_id", "stream"]).to_pylist():
        found.setdefault(row["recording_id"], []).append(row["stream"])
    return found


def _played(
    row: Mapping[str, Any],
    timelines: Timelines,
    folder: Path,
    exporter: RecordingExporter,
    streams: Mapping[str, list[str]],
    part: str | None,
) -> Played | None:
    recording_id = row["recording_id"]
    span = timelines.span_ns(recording_id)
    if span is None:
        return None
    start, end = span
    # The player shows the name of the file; two recordings of one name differ in their digest.
    digest = hashlib.sha256(f"{exporter.version} {timelines.digest(recording_id)}".encode()).hexdigest()[:12]
    return Played(
        recording_id=recording_id,
        name=row["name"],
        path=folder / f"{plain(row['name'])}-{digest}{exporter.suffix}",
        seconds=(end - start) / 1e9,
        streams=streams.get(recording_id, [])[:_STREAMS_SHOWN],
        intervals=[_interval(each, start) for each in timelines.happenings(recording_id)],
        part=part,
        **{fact: row[fact] for fact in ("subject", "session", "task", "place")},
    )


def _interval(each: Happening, start_ns: int) -> Interval:
    first = max(each.start_ns - start_ns, 0)
    return Interval(
        start_ns=first,
        end_ns=max(each.end_ns - start_ns, first + _SHORTEST_NS),
        tag=each.name if each.kind == "segment" else f"{each.kind}: {each.name}",
    )
