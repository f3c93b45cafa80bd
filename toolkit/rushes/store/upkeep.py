"""Upkeep: small files gathered, files that no kept revision needs deleted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.errors import UsageError
from rushes.store import deltalog, revisions
from rushes.store.gathering import MOST_SMALL_FILES
from rushes.store.layout import Layout, WriterSign, commit_lock, living_writers
from rushes.store.mishaps import disk_errors_named
from rushes.store.parts import token_of
from rushes.store.publishing import Publication, publish
from rushes.store.revisions import RevisionInfo
from rushes.store.schemas import table_names

KEEP_REVISIONS = 20
MIN_AGE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VacuumReport:
    """What vacuum deleted, or would delete.

    Args:
        kept: Revisions that can still be read.
        files: Data files deleted.
        bytes: Their size.
    """

    kept: tuple[int, ...]
    files: tuple[Path, ...]
    bytes: int


def compact(layout: Layout, *, above: int = MOST_SMALL_FILES) -> RevisionInfo | None:
    """Gather the small files of every table that has more than ``above``; None where none has.

    Rows and their order stay; the old files stay for older revisions until vacuum.
    """
    with disk_errors_named(layout.root):
        sign = WriterSign(layout)
    try:
        return publish(layout, sign, lambda new: _compact(new, above))
    finally:
        sign.take_down()


def find_unneeded(
    layout: Layout, *, keep_revisions: int = KEEP_REVISIONS, min_age_s: float = MIN_AGE_S
) -> VacuumReport:
    """Find the data files that nothing needs, and delete none. Arguments as for :func:`vacuum`."""
    with disk_errors_named(layout.root), commit_lock(layout):
        return _unneeded(layout, keep_revisions, min_age_s)


def vacuum(layout: Layout, *, keep_revisions: int = KEEP_REVISIONS, min_age_s: float = MIN_AGE_S) -> VacuumReport:
    """Delete the data files that nothing needs.

    Needed is what the newest revisions, a tag, a table's newest version, a living transaction, or a revision that
    was the newest at any time within ``min_age_s`` needs: whoever opened that may still be reading.

    Args:
        layout: The dataset.
        keep_revisions: How many of the newest revisions stay readable; at least 1.
        min_age_s: Files younger than this stay, in seconds.

    Raises:
        UsageError: If no revision were kept.
    """
    with disk_errors_named(layout.root), commit_lock(layout):
        report = _unneeded(layout, keep_revisions, min_age_s)
        for path in report.files:
            path.unlink(missing_ok=True)
    return report


def _compact(new: Publication, above: int) -> RevisionInfo | None:
    tables = [name for name in table_names() if name != "revisions" and new.gather(name, above=above)]
    if not tables:
        return None
    return new.finish("compact", argv=(), recipe_digest=None, summary={"figures": {"gathered": tables}})


def _unneeded(layout: Layout, keep_revisions: int, min_age_s: float) -> VacuumReport:
    if keep_revisions < 1:
        raise UsageError(
            f"vacuum cannot keep {keep_revisions} revisions",
            code="store.keep-none",
            hint="keep at least 1: the newest revision is the dataset",
        )
    now_s = time.time()
    kept = _kept(layout, keep_revisions, newer_than_ns=int((now_s - min_age_s) * 1e9))
    living = living_writers(layout)
    found = []
    for table in table_names():
        folder = layout.table(table)
        needed = _needed(folder, {info.tables.get(table, deltalog.NOTHING) for info in kept})
        for path in sorted(folder.rglob("*.parquet")):
            name = path.relative_to(folder).as_posix()
            if name in needed or name.startswith("_delta_log/") or token_of(path.name) in living:
                continue
            if now_s - path.stat().st_mtime >= min_age_s:
                found.append(path)
    return VacuumReport(
        kept=tuple(info.revision for info in kept),
        files=tuple(found),
        bytes=sum(path.stat().st_size for path in found),
    )


def _kept(layout: Layout, keep_revisions: int, *, newer_than_ns: int) -> list[RevisionInfo]:
    known = revisions.every(layout)
    tagged = set(revisions.tags(layout).values())
    kept = []
    for position, info in enumerate(known):
        newest = position >= len(known) - keep_revisions
        if newest or info.revision in tagged or known[position + 1].created_ns >= newer_than_ns:
            kept.append(info)
    return kept


def _needed(folder: Path, versions: set[int]) -> set[str]:
    versions = versions | {deltalog.newest_listed(folder)}
    return {file.name for version in versions for file in deltalog.load(folder, version).files}


def missing(folder: Path, files: Sequence[deltalog.LiveFile]) -> list[str]:
    """Name the files that are not in a table's folder."""
    return [file.name for file in files if not (folder / file.name).exists()]
