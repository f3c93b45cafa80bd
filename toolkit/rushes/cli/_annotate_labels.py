"""The command of ``annotate`` that takes labels out of files."""

import sys
from pathlib import Path

import click

from rushes import ontology as ontologies
from rushes import registry
from rushes.cli._labels import left_out_lines, left_out_result, options_option
from rushes.cli._options import PluginName, dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
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
