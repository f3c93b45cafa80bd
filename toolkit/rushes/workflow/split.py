"""Split: every recording gets its part, groups stay whole, and what was assigned before does not move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rushes import registry
from rushes.contracts import Splitter
from rushes.errors import UsageError
from rushes.model import Assignment, Column, Finding
from rushes.store import Store

GROUPS = ("recording", "subject", "session", "place", "task")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to split.

    Args:
        name: Of the split; a dataset may have several.
        by: What must stay together: recording, subject, session, place or task.
        parts: Share of the samples that each part should get.
        seed: Of the only randomness.
        splitter: Plugin.
        fresh: Forget what was assigned before, instead of pinning it.
    """

    parts: Mapping[str, float]
    name: str = "default"
    by: str = "recording"
    seed: int = 7
    splitter: str = "grouped"
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The outcome: an assignment a recording, samples by part, and the audit's findings."""

    settings: Settings
    assignments: Sequence[Assignment]
    names: Mapping[str, str]
    samples: Mapping[str, int]
    findings: Sequence[Finding]
    revision: int


def split(
    dataset: Path,
    settings: Settings,
    *,
    argv: Sequence[str] = (),
    recipe_digest: str | None = None,
    dry_run: bool = False,
) -> Split:
    """Assign every recording of a dataset to a part.

    Discarded takes are left out. A recording without the fact to group by is a group of its own.

    Raises:
        UsageError: If the shares cannot be met, the dataset is empty, or name, seed or group cannot be.
        StoreError: If the dataset cannot be opened or written.
    """
    if settings.by not in GROUPS:
        near = registry.close_to(settings.by, GROUPS)
        raise UsageError(
            f"recordings cannot be grouped by '{settings.by}'",
            code="split.group",
            hint=f"did you mean '{near}'?" if near else f"there are {', '.join(GROUPS)}",
        )
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
    splitter: Splitter = registry.load("splits", settings.splitter)
    store = Store.open(dataset)
    rows = [
        r for r in store.table("recordings").sort_by("recording_id").to_pylist() if r["take_state"] != "discarded"
    ]
    if not rows:
        raise UsageError(
            f"{dataset} holds no recordings to split",
            code="split.empty",
            hint=f"rushes ingest PATH --into {dataset}",
        )
    fact = "recording_id" if settings.by == "recording" else settings.by
    ids = [row["recording_id"] for row in rows]
    weights = [max(row["count_read"], 1) for row in rows]
    units: dict[str, Column] = {
        "unit": ids,
        "group": [row[fact] or row["recording_id"] for row in rows],
        "weight": np.array(weights, np.int64),
    }
    before = store.table("splits", columns=["recording_id", "part"], where={"split": settings.name}).to_pylist()
    known = set(ids)
    pinned = {} if settings.fresh else {r["recording_id"]: r["part"] for r in before if r["recording_id"] in known}
    assigned = list(splitter.assign(units, settings.parts, seed=settings.seed, pinned=pinned, options={}))
    weight = dict(zip(ids, weights, strict=True))
    findings = list(registry.late("rushes.splits._audit").audit(assigned, weights=weight, parts=settings.parts))
    samples = {part: sum(weight[a.unit] for a in assigned if a.part == part) for part in settings.parts}
    revision = store.revision if dry_run else _commit(store, settings, assigned, samples, argv, recipe_digest)
    return Split(
        settings=settings,
        assignments=assigned,
        names={row["recording_id"]: row["name"] for row in rows},
        samples=samples,
        findings=findings,
        revision=revision,
    )


def _commit(
    store: Store,
    settings: Settings,
    assigned: Sequence[Assignment],
    samples: Mapping[str, int],
    argv: Sequence[str],
    recipe_digest: str | None,
) -> int:
    columns: dict[str, Column] = {
        "split": settings.name,
        "recording_id": [a.unit for a in assigned],
        "part": [a.part for a in assigned],
        "group": [a.group for a in assigned],
        "group_by": settings.by,
        "pinned": [a.pinned for a in assigned],
        "reason": [a.reason for a in assigned],
        "seed": settings.seed,
    }
    with store.begin("split", argv=argv, recipe_digest=recipe_digest) as transaction:
        transaction.replace("splits", {"split": settings.name}, len(assigned), columns)
        return transaction.commit({"split": settings.name, **samples}).revision
