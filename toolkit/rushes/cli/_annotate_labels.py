"""The commands of ``annotate`` that need no server: labels out of files, and how far people agree."""

import math
import sys
from dataclasses import asdict
from pathlib import Path

import click

from rushes import ontology as ontologies
from rushes import registry
from rushes.cli._labels import left_out_lines, left_out_result, options_option
from rushes.cli._options import PluginName, at_option, dataset_argument, dry_run_option, revision_of, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count


@verb(
    "import",
    group="annotate",
    examples="""
rushes annotate import my-dataset my-coco
rushes annotate import my-dataset old.json --format coco --ontology hands --dry-run
""",
)
@dataset_argument
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "form", type=PluginName("export"), help="Told by the content if left out.")
@click.option("--ontology", metavar="NAME|FILE", help="For a dataset that has none; else the classes of the file.")
@options_option
@dry_run_option
def import_command(
    dataset: Path, path: Path, form: str | None, ontology: str | None, options: dict[str, str], dry_run: bool
) -> Answer:
    """Put labels of other tools' files on the frames that they belong to; the same file again changes nothing."""
    step = registry.late("rushes.workflow.import_labels")
    settings = step.Settings(
        path=path, format=form, ontology=ontologies.load(ontology) if ontology else None, options=options
    )
    done = step.import_labels(dataset, settings, argv=sys.argv[1:], dry_run=dry_run)
    counts = {name: getattr(done, name) for name in ("new", "changed", "edited", "unchanged", "removed")}
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing"
    head = f"{say_count(done.labels, 'label')} on {say_count(done.pictures, 'picture')} as {done.format}: {said}"
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "format": done.format,
            "items": done.items,
            "pictures": done.pictures,
            "labels": done.labels,
            **counts,
            "kinds": dict(done.kinds),
            "left_out": left_out_result(done.left_out),
            "ontology_kept": done.ontology_kept,
        },
        text="\n".join([head, *left_out_lines(done.left_out)]),
    )


@verb(
    "agree",
    group="annotate",
    examples="""
rushes annotate agree my-dataset
rushes annotate agree my-dataset --iou 0.7 --json
""",
)
@dataset_argument
@click.option(
    "--iou", type=click.FloatRange(0.01, 1), default=0.5, show_default=True, help="Least overlap of a pair."
)
@at_option
def agree_command(dataset: Path, iou: float, at: str | None) -> Answer:
    """Say how far people agree, two by two, and who took predictions over as they were or worked in haste."""
    done = registry.late("rushes.workflow.agree").agree_on(dataset, iou=iou, at=revision_of(at))
    rows = [
        (
            " · ".join(x.authors),
            x.kind,
            x.class_name or "all",
            x.measure,
            _said(x.value),
            f"{_said(x.low)} to {_said(x.high)}" if not math.isnan(x.low) else "one recording",
            x.count,
        )
        for x in done.figures
    ]
    text = table(rows, head=("authors", "kind", "class", "measure", "value", "95 %", "labels"), right=(4, 6))
    hasty = [
        (x.author, x.labels, x.unchanged, x.annotations, x.hasty) for x in done.haste if x.unchanged or x.hasty
    ]
    if hasty:
        head = ("author", "labels", "taken over unchanged", "annotations", "under a second")
        text += "\n\n" + table(hasty, head=head, right=(1, 2, 3, 4))
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "authors": list(done.authors),
            "figures": [{k: _plain(v) for k, v in asdict(x).items()} for x in done.figures],
            "haste": [asdict(x) for x in done.haste],
        },
        text=text,
    )


def _said(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _plain(value: object) -> object:
    if isinstance(value, float) and math.isnan(value):
        return None
    return list(value) if isinstance(value, tuple) else value
