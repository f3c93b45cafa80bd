"""Has somebody settle what several people labelled differently."""

import sys
from pathlib import Path

import click

from rushes import registry
from rushes.cli import _progress
from rushes.cli._annotate_line import server_options
from rushes.cli._options import dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.quantities import say_count
from rushes.workflow import annotate


@verb(
    "adjudicate",
    group="annotate",
    examples="""
rushes annotate adjudicate my-dataset
rushes annotate adjudicate my-dataset --below 0.5 --dry-run
""",
)
@dataset_argument
@click.option(
    "--below", type=click.FloatRange(0, 1), default=0.7, show_default=True, help="Agreement that is not enough."
)
@click.option(
    "--iou", type=click.FloatRange(0.01, 1), default=0.5, show_default=True, help="Least likeness of a pair."
)
@click.option("--named", is_flag=True, help="Show who drew which version.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of the order of the versions.")
@server_options
@dry_run_option
def adjudicate(
    dataset: Path,
    below: float,
    iou: float,
    named: bool,
    seed: int,
    url: str | None,
    token_file: Path | None,
    media: Path | None,
    dry_run: bool,
) -> Answer:
    """Have somebody settle what several people labelled differently.

    Every frame, moment or clip whose two least alike versions agree less than --below becomes a task of a project
    of its own, which shows the versions one beside another, without names: "Duplicate Annotation" in the menu of a
    version's tab takes it over. What is submitted stands once it is pulled.
    """
    step = registry.late("rushes.workflow.annotate_adjudicate")
    settings = step.Settings(below=below, iou=iou, named=named, seed=seed)
    line = annotate.line(url=url, token_file=token_file, media=media)
    with _progress.bar("adjudicate", unit="") as progress:
        done = step.adjudicate(dataset, settings, line, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    lines = []
    for at in done.templates:
        head = (
            f"{at.template}: of {say_count(at.several, 'item')} that several people labelled, {at.tasks:,} differ"
        )
        lines.append(head + (f", {at.settled:,} of them settled before" if at.settled else ""))
        if at.sent:
            lines.append(
                f"  {at.sent.created:,} new, {at.sent.updated:,} brought up to date\n  Open  {at.address}"
            )
    if any(at.sent for at in done.templates):
        lines.append(f"Next  rushes annotate pull {dataset}")
    return Answer(
        result={
            "templates": [
                {
                    "template": at.template,
                    "project": at.project,
                    "address": at.address,
                    "several": at.several,
                    "tasks": at.tasks,
                    "settled": at.settled,
                    "created": at.sent.created if at.sent else 0,
                    "updated": at.sent.updated if at.sent else 0,
                    "same": at.sent.same if at.sent else 0,
                }
                for at in done.templates
            ]
        },
        text="\n".join(lines),
        dataset=str(dataset),
        revision=done.revision,
        warnings=[f"not shown: {said}" for at in done.templates for said in at.unreadable[:20]],
    )
