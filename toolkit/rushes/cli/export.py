"""Write labels and their pictures, or whole recordings, as another tool wants them.

COCO, YOLO and Label Studio's JSON; MCAP for players. What a format cannot carry is listed, never dropped
in silence.
"""

import sys
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._labels import left_out_lines, left_out_result, options_option
from rushes.cli._options import PluginName, at_option, dataset_argument, dry_run_option, revision_of, verb
from rushes.cli._output import Answer, table
from rushes.errors import UsageError
from rushes.quantities import say_bytes, say_count
from rushes.workflow.export import Done, Settings, export
from rushes.workflow.export_recordings import DoneRecordings, export_recordings, exports_recordings


@verb(
    "export",
    examples="""
rushes export my-dataset --format coco --out my-coco
rushes export my-dataset --format yolo --option task=obb --split two-way --out my-yolo
rushes export my-dataset --as mcap --out my-players
""",
)
@dataset_argument
@click.argument("recordings", nargs=-1)
@click.option(
    "--format", "--as", "form", type=PluginName("export"), required=True, help="rushes plugins export lists them."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to make.")
@options_option
@click.option("--split", metavar="NAME", help="Parts of this split become those of the export.")
@click.option(
    "--source", default="truth", show_default=True, help="Or human, human@ada, consensus, model, import:coco …"
)
@click.option("--tool", help="Only labels of this tool.")
@click.option("--unlabelled", is_flag=True, help="Take frames without labels along, of streams that have some.")
@click.option("--include-rejected", is_flag=True, help="Take along what people rejected, deleted or discarded.")
@click.option("--no-pictures", is_flag=True, help="Write the labels only.")
@at_option
@dry_run_option
def command(
    dataset: Path,
    recordings: tuple[str, ...],
    form: str,
    out: Path,
    options: dict[str, str],
    split: str | None,
    source: str,
    tool: str | None,
    unlabelled: bool,
    include_rejected: bool,
    no_pictures: bool,
    at: str | None,
    dry_run: bool,
) -> Answer:
    """Export labelled frames, or recordings; classes keep the order of the ontology, pictures stay as stored.

    The truth is one version of every frame, whoever labelled it: what was adjudicated, else the consensus, else
    what one person drew; and labels read from files. What models propose is none of it.

    The format mcap writes whole RECORDINGS (all where none is named), one file each: every stream, label and
    finding on the corrected clock, for Foxglove, Rerun and the App's player.
    """
    if exports_recordings(form):
        _only_of_labels(form, source=source != "truth", split=split, tool=tool, more=unlabelled or no_pictures)
        with _progress.bar("export", unit="ms") as progress:
            told = (
                (lambda what, done, total: progress(what, done // 1_000_000, total // 1_000_000))
                if progress
                else None
            )
            done = export_recordings(
                dataset,
                format=form,
                out=out,
                recordings=recordings,
                options=options,
                at=revision_of(at),
                discarded=include_rejected,
                argv=sys.argv[1:],
                dry_run=dry_run,
                progress=told,
            )
        return answer_recordings(dataset, done)
    if recordings:
        raise UsageError(
            f"the format '{form}' writes labels of the whole dataset, not of '{recordings[0]}'",
            code="labels.option",
            hint="--split chooses recordings; --as mcap writes whole ones",
        )
    settings = Settings(
        format=form,
        out=out,
        options=options,
        split=split,
        source=source,
        tool=tool,
        unlabelled=unlabelled,
        pictures=not no_pictures,
        rejected=include_rejected,
    )
    return answer(dataset, export(dataset, settings, at=revision_of(at), argv=sys.argv[1:], dry_run=dry_run))


def _only_of_labels(form: str, *, source: bool, split: str | None, tool: str | None, more: bool) -> None:
    if source or split or tool or more:
        raise UsageError(
            f"the format '{form}' writes whole recordings; --split, --source, --tool, --unlabelled and "
            "--no-pictures are for formats of labels",
            code="labels.option",
            hint="name the recordings that you want, or leave these options out",
        )


def answer_recordings(dataset: Path, done: DoneRecordings) -> Answer:
    """Say which files were written and what is not in them."""
    written = [each for each in done.files if each.path is not None]
    head = (
        f"{say_count(len(written), 'recording')} with {say_bytes(sum(each.bytes for each in written))} "
        f"to {done.out} as {done.format}"
    )
    left = [
        (each.name, x.effect, x.stream or "", x.count or "", x.reason)
        for each in done.files
        for x in each.left_out
    ]
    lines = ["", table(left, head=("recording", "", "stream", "samples", "why"), right=(3,))] if left else []
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "format": done.format,
            "out": str(done.out),
            "files": [
                {
                    "recording_id": each.recording_id,
                    "recording": each.name,
                    "path": str(each.path) if each.path else None,
                    "bytes": each.bytes,
                    "messages": dict(each.messages),
                    "left_out": [
                        {"effect": x.effect, "stream": x.stream, "count": x.count, "reason": x.reason}
                        for x in each.left_out
                    ],
                }
                for each in done.files
            ],
        },
        text="\n".join([head, *lines]),
    )


def answer(dataset: Path, done: Done) -> Answer:
    """Say what was written and what was not."""
    exported = done.exported
    head = (
        f"{say_count(exported.labels_out, 'label')} of {exported.labels_in} on "
        f"{say_count(exported.pictures, 'picture')} to {done.settings.out} as {done.settings.format}"
    )
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "format": done.settings.format,
            "out": str(done.settings.out),
            "pictures": exported.pictures,
            "labels_in": exported.labels_in,
            "labels_out": exported.labels_out,
            "left_out": left_out_result(exported.left_out),
        },
        text="\n".join([head, *left_out_lines(exported.left_out)]),
    )
