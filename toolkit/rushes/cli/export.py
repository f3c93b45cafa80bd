"""Write labels and their pictures as another tool wants them.

COCO, YOLO and Label Studio's JSON; what the format cannot carry is listed, never dropped in silence.
"""

import sys
from pathlib import Path

import click

from rushes.cli._labels import left_out_lines, left_out_result, options_option
from rushes.cli._options import PluginName, at_option, dataset_argument, dry_run_option, revision_of, verb
from rushes.cli._output import Answer
from rushes.quantities import say_count
from rushes.workflow.export import Done, Settings, export


@verb(
    "export",
    examples="""
rushes export my-dataset --format coco --out my-coco
rushes export my-dataset --format yolo --option task=obb --split two-way --out my-yolo
""",
)
@dataset_argument
@click.option(
    "--format", "form", type=PluginName("export"), required=True, help="rushes plugins export lists them."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to make.")
@options_option
@click.option("--split", metavar="NAME", help="Parts of this split become those of the export.")
@click.option(
    "--source", default="truth", show_default=True, help="Or human, human@ada, consensus, model, import:coco …"
)
@click.option("--tool", help="Only labels of this tool.")
@click.option("--unlabelled", is_flag=True, help="Take frames without labels along, of streams that have some.")
@click.option("--include-rejected", is_flag=True, help="Take along what people rejected or deleted.")
@click.option("--no-pictures", is_flag=True, help="Write the labels only.")
@at_option
@dry_run_option
def command(
    dataset: Path,
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
    """Export labelled frames; classes keep the order of the ontology, pictures stay as stored.

    The truth is one version of every frame, whoever labelled it: what was adjudicated, else the consensus, else
    what one person drew; and labels read from files. What models propose is none of it.
    """
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
