"""Parts that are frozen: their digest, and whether they are still what was locked."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rushes.model import Finding
from rushes.store import Store


def digest_of_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Give the sha256 of a part's rows: recording, stream, index, index_end; their order does not count."""
    lines = sorted(
        "\t".join(
            "" if row[name] is None else str(row[name])
            for name in ("recording_id", "stream", "index", "index_end")
        )
        for row in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def locked_parts(store: Store, split: str) -> dict[str, Mapping[str, Any]]:
    """Give the locks of a split, by part."""
    return {row["part"]: row for row in store.table("split_locks", where={"split": split}).to_pylist()}


def broken(locks: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Say which locked parts are no longer what was locked: ``split.lock-broken`` (error) for each."""
    found = []
    for part, lock in locks.items():
        mine = [row for row in rows if row["part"] == part]
        now = digest_of_rows(mine)
        if now != lock["digest"]:
            found.append(
                Finding(
                    check="split.lock-broken",
                    severity="error",
                    message=f"part '{part}' was locked with {lock['rows']} rows, digest {lock['digest'][:16]}; it "
                    f"has {len(mine)} rows now, digest {now[:16]}",
                    value=float(len(mine)),
                    limit=float(lock["rows"]),
                    unit="1",
                    count=len(mine),
                )
            )
    return found
