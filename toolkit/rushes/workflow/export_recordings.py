"""Export whole recordings: a file each, on the corrected clock, for the players of others."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rushes import __version__, registry
from rushes.contracts import RecordingExporter
from rushes.errors import UsageError
from rushes.media import fingerprint
from rushes.timelines import Omission, Timeline
from rushes.workflow._labels import exported
from rushes.workflow.dataset import Dataset
from rushes.workflow.plugin_options import settled
from rushes.workflow.timelines import Timelines

Progress = Callable[[str, int, int], None]
"""What is being written, nanoseconds done, nanoseconds in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A recording as it was written; ``path`` is None where it has nothing that has a time.

    Args:
        pictures: How many are in it.
        label_ids: Labels that it was made of.
    """

    recording_id: str
    name: str
    path: Path | None
    bytes: int = 0
    pictures: int = 0
    label_ids: tuple[str, ...] = ()
    messages: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRecordings:
    """The outcome."""

    format: str
    out: Path
    files: tuple[File, ...]
    revision: int


def exports_recordings(name: str) -> bool:
    """Tell whether a plugin of the kind ``export`` writes recordings, not labels.

    Raises:
        PluginError: If there is none of that name.
    """
    return hasattr(registry.load("export", name), "write_recording")


def export_recordings(
    dataset: Path,
    *,
    format: str,
    out: Path,
    recordings: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
    at: int | str | None = None,
    discarded: bool = False,
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> DoneRecordings:
    """Write recordings, each in one piece: what has its last name is whole. The dataset notes what was given away.

    Args:
        dataset: The dataset.
        format: Plugin of the kind ``export`` that writes recordings.
        out: Folder to make; it may exist if it is empty.
        recordings: Names or ids; all when empty.
        options: Of the format.
        at: Revision or tag.
        discarded: Take along samples of discarded takes.
        argv: The command line, for the log.
        dry_run: Write nothing; only say what would be written.
        progress: Called now and then.

    Raises:
        UsageError: If the folder is not empty, an option or a recording is unknown, or there is nothing to export.
        StoreError: If the dataset cannot be opened.
    """
    exporter: RecordingExporter = registry.load("export", format)
    chosen = settled(f"the format '{exporter.name}'", exporter.defaults, options or {})
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"'{out}' is there and not empty",
            code="labels.occupied",
            hint="name another folder, or remove this one",
        )
    with Dataset.open(dataset, at=at) as opened:
        rows = opened.arrow("recordings", columns=["recording_id", "name"]).sort_by("name").to_pylist()
        wanted = [opened.recording_id(each) for each in recordings] or [row["recording_id"] for row in rows]
        if not wanted:
            raise UsageError(
                f"{dataset} holds no recordings to export",
                code="export.no-recordings",
                hint=f"rushes ingest PATH --into {dataset} brings some in",
            )
        names = {row["recording_id"]: row["name"] for row in rows}
        files, timelines = [], Timelines(opened, discarded=discarded)
        for recording_id in dict.fromkeys(wanted):
            path = out / (_file_name(recording_id, names) + exporter.suffix)
            if dry_run:
                files.append(File(recording_id=recording_id, name=names[recording_id], path=path))
                continue
            out.mkdir(parents=True, exist_ok=True)
            files.append(
                write_recording(timelines, recording_id, path, exporter, options=chosen, progress=progress)
            )
        done = DoneRecordings(format=format, out=out, files=tuple(files), revision=opened.revision)
    if not dry_run:
        _note(out / "export.json", done, chosen)
        _record(dataset, done, chosen, argv)
    return done


def _record(dataset: Path, done: DoneRecordings, options: Mapping[str, str], argv: Sequence[str]) -> None:
    """Have the dataset note the export; one without a file gave nothing away."""
    written = [(each.path.name, each.path) for each in done.files if each.path is not None]
    if not written:
        return
    made = exported.Export(
        path=done.out,
        format=done.format,
        options=options,
        split=None,
        source="truth",
        tool=None,
        revision=done.revision,
        pictures=sum(each.pictures for each in done.files),
        label_ids=[name for each in done.files for name in each.label_ids],
        digest=fingerprint(written)[:16],  # whole recordings are large
    )
    exported.record(dataset, made, argv=argv)


def write_recording(
    timelines: Timelines,
    recording_id: str,
    path: Path,
    exporter: RecordingExporter,
    *,
    options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> File:
    """Write one recording; under its last name only once it is whole."""
    timeline = timelines.of(recording_id)
    if timeline.span_ns is None:
        return File(
            recording_id=timeline.recording_id, name=timeline.name, path=None, left_out=tuple(timeline.omissions)
        )

    def tell(done_ns: int, total_ns: int) -> None:
        if progress is not None:
            progress(timeline.name, done_ns, total_ns)

    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        written = exporter.write_recording(scratch, timeline, {**exporter.defaults, **(options or {})}, tell)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return File(
        recording_id=timeline.recording_id,
        name=timeline.name,
        path=path,
        bytes=path.stat().st_size,
        pictures=sum(int(lane.there.sum()) for lane in timeline.frames),
        label_ids=_labels_in(timeline),
        messages=written.messages,
        left_out=written.omissions,
    )


def _labels_in(timeline: Timeline) -> tuple[str, ...]:
    """Name the labels that a timeline shows: on its pictures, and as segments."""
    drawn = {label.label_id for lane in timeline.frames for labels in lane.labels.values() for label in labels}
    spans = {each.more["label_id"] for each in timeline.happenings if each.kind == "segment"}
    return tuple(sorted(drawn | spans))


def _file_name(recording_id: str, names: Mapping[str, str]) -> str:
    """Name a file after its recording, and after its id too where two recordings have one name."""
    name = names[recording_id]
    shared = sum(other == name for other in names.values()) > 1
    return f"{plain(name)}-{recording_id[:8]}" if shared else plain(name)


def plain(name: str) -> str:
    """Make of a recording's name one that any file system takes."""
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip("_.")
    return kept.removesuffix(".mcap") or "recording"


def _note(path: Path, done: DoneRecordings, options: Mapping[str, str]) -> None:
    """Write down beside the files what they are of."""
    files = [
        {
            "recording_id": each.recording_id,
            "recording": each.name,
            "file": each.path.name if each.path else None,
            "bytes": each.bytes,
            "messages": dict(each.messages),
            "left_out": [asdict(x) for x in each.left_out],
        }
        for each in done.files
    ]
    body = {
        "rushes": __version__,
        "revision": done.revision,
        "format": done.format,
        "options": dict(options),
        "files": files,
    }
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
