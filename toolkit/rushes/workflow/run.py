"""Run: a recipe's stages in order, into one dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes import registry
from rushes.errors import UsageError
from rushes.recipes import Recipe
from rushes.workflow import check, ingest, split, sync


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What each stage gave; None where the recipe leaves it out."""

    ingested: ingest.Ingested
    synced: Sequence[sync.Synced] | None
    checked: check.Checked | None
    split: split.Split | None
    revision: int


def run(
    recipe: Recipe,
    dataset: Path,
    *,
    paths: Sequence[Path] = (),
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: ingest.Progress | None = None,
) -> Ran:
    """Take recordings through every stage of a recipe.

    Args:
        recipe: A checked recipe.
        dataset: Made where it does not exist.
        paths: Recordings; the recipe's own where none are given.
        argv: For the log.
        dry_run: Plan the ingest, and run no other stage: they would need its rows.
        progress: Called while recordings are read and streams are checked.

    Raises:
        UsageError: ``run.no-paths`` if neither the call nor the recipe names recordings.
        RushesError: Whatever a stage raises; the stages before it are committed.
    """
    stage = recipe.ingest
    given = list(paths) or list(stage.paths)
    if not given:
        raise UsageError(
            f"the recipe '{recipe.name}' names no recordings",
            code="run.no-paths",
            hint="give their paths: rushes run RECIPE PATH… --into DATASET",
        )
    checking = _check_settings(recipe)
    if checking:
        check.chosen_by(checking)  # a mistake in a later stage is told before anything is read
    if recipe.split:
        registry.load("splits", recipe.split.splitter)
    request = ingest.Request(
        paths=given,
        mode="copy" if stage.mode == "copy" else "reference",
        reader=stage.reader,
        options=stage.options,
        facts=stage.facts,
        facts_from=stage.facts_from,
    )
    ingested = ingest.ingest(dataset, request, argv=argv, dry_run=dry_run, progress=progress)
    if dry_run:
        return Ran(ingested=ingested, synced=None, checked=None, split=None, revision=ingested.revision)
    synced = None
    if recipe.sync is not None:
        settings = sync.Settings(
            reference=recipe.sync.reference,
            within_ns=recipe.sync.within_ns,
            streams=recipe.sync.streams,
            time=recipe.sync.time,
            method=recipe.sync.method,
            rate_hz=recipe.sync.rate_hz,
            crosscheck=recipe.sync.crosscheck,
            apply=recipe.sync.apply_crosscheck,
        )
        synced, _ = sync.sync(dataset, settings, argv=argv, recipe_digest=recipe.digest, progress=progress)
    checked = None
    if checking is not None:
        checked = check.check(
            dataset,
            checking,
            argv=argv,
            recipe_digest=recipe.digest,
            progress=progress,
        )
    parted = None
    if recipe.split is not None:
        wanted = split.Settings(
            name=recipe.split.name,
            by=recipe.split.by,
            group_by=recipe.split.group_by,
            links=recipe.split.links,
            balance=recipe.split.balance,
            parts=recipe.split.parts,
            seed=recipe.split.seed,
            splitter=recipe.split.splitter,
        )
        parted = split.split(dataset, wanted, argv=argv, recipe_digest=recipe.digest)
    revision = ingest.newest_revision(dataset)
    return Ran(ingested=ingested, synced=synced, checked=checked, split=parted, revision=revision)


def _check_settings(recipe: Recipe) -> check.Settings | None:
    if recipe.check is None:
        return None
    return check.Settings(only=recipe.check.only, options=recipe.check.options, fail_on=recipe.check.fail_on)
