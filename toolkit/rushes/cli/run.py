"""Take recordings through a recipe: ingest, sync, check, split."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from rushes import recipes
from rushes.cli import _progress, check, ingest, split, sync
from rushes.cli._options import dry_run_option, verb
from rushes.cli._output import Answer, table
from rushes.workflow.run import Ran, run


@verb(
    "run",
    examples="""
rushes run tabletop --into my-dataset
rushes run gesture-clips clips/ --into signs --set split.seed=3
rushes run --list
""",
)
@click.argument("recipe", required=False)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--into", "dataset", type=click.Path(path_type=Path), help="The dataset; made if absent.")
@click.option(
    "--set", "changes", multiple=True, metavar="STAGE.KEY=VALUE", help="Change the recipe; can be repeated."
)
@dry_run_option
@click.option("--list", "listing", is_flag=True, help="List the recipes that come along.")
def command(
    recipe: str | None,
    paths: Sequence[Path],
    dataset: Path | None,
    changes: Sequence[str],
    dry_run: bool,
    listing: bool,
) -> Answer:
    """Run RECIPE, a name or a YAML file, on the recordings at PATHS, or on those that it names itself."""
    if listing or recipe is None:
        found = {name: recipes.load(name).about for name in recipes.named()}
        return Answer(result={"recipes": found}, text=table(list(found.items()), head=("recipe", "about")))
    if dataset is None:
        raise click.UsageError("Missing option '--into'.", click.get_current_context())
    checked = recipes.load(recipe, changes=changes)
    with _progress.bar(checked.name, unit="steps") as progress:
        ran = run(checked, dataset, paths=paths, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    return planned(dataset, checked, ran) if dry_run else answer(dataset, checked, ran)


def planned(dataset: Path, recipe: recipes.Recipe, ran: Ran) -> Answer:
    """Say what would be read, and which stages would follow."""
    stage = ingest.answer(dataset, ran.ingested, dry_run=True)
    following = [name for name in ("sync", "check", "split") if getattr(recipe, name) is not None]
    return Answer(
        result={"recipe": recipe.name, "digest": recipe.digest, "ingest": dict(stage.result)},
        text=f"── ingest ──\n{stage.text}\n\nthen: {', '.join(following) or 'nothing'}. Nothing was written.",
        dataset=str(dataset),
        warnings=stage.warnings,
        exit_code=stage.exit_code,
    )


def answer(dataset: Path, recipe: recipes.Recipe, ran: Ran) -> Answer:
    """Put the answers of the stages together."""
    stages = {"ingest": ingest.answer(dataset, ran.ingested)}
    if ran.synced is not None:
        stages["sync"] = sync.answer(dataset, ran.synced, ran.revision)
    if ran.checked is not None:
        stages["check"] = check.answer(dataset, ran.checked)
    if ran.split is not None:
        stages["split"] = split.answer(dataset, ran.split)
    return Answer(
        result={
            "recipe": recipe.name,
            "digest": recipe.digest,
            **{name: dict(a.result) for name, a in stages.items()},
        },
        text="\n\n".join(f"── {name} ──\n{stage.text}" for name, stage in stages.items()),
        dataset=str(dataset),
        revision=ran.revision,
        warnings=[warning for stage in stages.values() for warning in stage.warnings],
        exit_code=max((stage.exit_code for stage in stages.values()), key=(0, 3, 1).index),
    )
