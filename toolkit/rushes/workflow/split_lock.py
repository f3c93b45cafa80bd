"""Lock: a part of a split is frozen by the digest of what it holds; later splits leave it as it is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes import registry
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow._split.locks import digest_of_rows, locked_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The outcome: what the part holds, and whether it was locked (or unlocked) before already."""

    split: str
    part: str
    digest: str
    rows: int
    locked: bool
    changed: bool
    revision: int


def lock(
    dataset: Path,
    part: str,
    *,
    split: str = "default",
    undo: bool = False,
    argv: Sequence[str] = (),
    dry_run: bool = False,
) -> Lock:
    """Freeze a part of a split, or release it.

    Raises:
        UsageError: ``split.absent`` for a split or part that there is not; ``split.locked`` if the part was locked
            and is no longer what it was.
        StoreError: If the dataset cannot be opened or written.
    """
    store = Store.open(dataset)
    every = store.table("splits").to_pylist()
    rows = [row for row in every if row["split"] == split]
    offered = sorted({row["part"] for row in rows} if rows else {row["split"] for row in every})
    mine = [row for row in rows if row["part"] == part]
    if not mine:
        wanted, what = (part, f"split '{split}' has no part '{part}'") if rows else (split, f"no split '{split}'")
        near = registry.close_to(wanted, offered)
        raise UsageError(
            f"{dataset}: {what}",
            code="split.absent",
            hint=f"did you mean '{near}'?"
            if near
            else f"there are {', '.join(offered) or 'none; rushes split first'}",
        )
    before = locked_parts(store, split).get(part)
    digest = digest_of_rows(mine)
    if before and not undo and before["digest"] != digest:
        raise UsageError(
            f"part '{part}' of '{split}' was locked with digest {before['digest'][:16]}, and is {digest[:16]} now",
            code="split.locked",
            hint="--undo releases it; lock it again then, if what it holds now is meant",
        )
    changed = bool(before) == undo
    revision = store.revision
    if changed and not dry_run:
        with store.begin("split lock", argv=argv) as transaction:
            row = {"split": split, "part": part, "digest": digest, "rows": len(mine), "locked_ns": time.time_ns()}
            where = {"split": split, "part": part}
            transaction.replace(
                "split_locks", where, 0 if undo else 1, {} if undo else {k: [v] for k, v in row.items()}
            )
            revision = transaction.commit({**where, "digest": digest, "locked": not undo}).revision
    return Lock(
        split=split,
        part=part,
        digest=digest,
        rows=len(mine),
        locked=not undo,
        changed=changed,
        revision=revision,
    )
