"""Split: every recording gets its part, groups stay whole, and what was assigned before does not move."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rushes import registry
from rushes.contracts import Splitter
from rushes.errors import UsageError
from rushes.model import Column
from rushes.store import Store
from rushes.workflow._split import words
from rushes.workflow._split.links import LINKS
from rushes.workflow._split.outcome import Settings, Split
from rushes.workflow._split.task import Task
from rushes.workflow._split.units import GROUPS
from rushes.workflow.dataset import Dataset

__all__ = ["GROUPS", "LINKS", "Settings", "Split", "split"]


def split(
    dataset: Path,
    settings: Settings,
    *,
    argv: Sequence[str] = (),
    recipe_digest: str | None = None,
    dry_run: bool = False,
) -> Split:
    """Assign every recording of a dataset to a part.

    Discarded takes are left out. A recording without the fact to group by is a group of its own. Where all is one
    group and several parts are wanted, recordings are cut into blocks of time, which is weaker, and told; sets of
    stills are taken apart picture by picture.

    Raises:
        UsageError: If the shares cannot be met, the dataset is empty, or name, seed or group cannot be.
        StoreError: If the dataset cannot be opened or written.
    """
    _demand_settings(settings)
    splitter: Splitter = registry.load("splits", settings.splitter)
    with Dataset.open(dataset) as opened:
        task = Task(opened, settings)
        assigned = task.assign(splitter)
        rows = task.rows(assigned)
        done = task.told(assigned, rows)
        revision = opened.revision if dry_run else _commit(opened.store, done, rows, argv, recipe_digest)
    return replace(done, revision=revision, evidence=words.evidence(done))


def _demand_settings(settings: Settings) -> None:
    if not settings.name.strip():
        raise UsageError(
            "a split needs a name", code="split.name", hint="leave out --name, or write one: --name two-way"
        )
    if not 0 <= settings.seed < 1 << 63:
        raise UsageError(
            f"the seed {settings.seed} is out of range",
            code="split.seed",
            hint="any whole number from 0 to 2^63 - 1",
        )
    if settings.links not in LINKS:
        raise UsageError(
            f"recordings cannot be tied by '{settings.links}' pictures",
            code="split.links",
            hint=f"there are {', '.join(LINKS)}",
        )


def _commit(
    store: Store,
    done: Split,
    rows: Sequence[Mapping[str, Any]],
    argv: Sequence[str],
    recipe_digest: str | None,
) -> int:
    names = rows[0].keys() if rows else ()
    columns: dict[str, Column] = {name: [row[name] for row in rows] for name in names}
    split = done.settings.name
    with store.begin("split", argv=argv, recipe_digest=recipe_digest) as transaction:
        transaction.replace("splits", {"split": split}, len(rows), columns)
        return transaction.commit({"split": split, **done.samples, "digests": dict(done.digests)}).revision
