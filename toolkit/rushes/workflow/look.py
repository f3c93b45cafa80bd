"""Look: any mix of recordings, folders, videos and image sets → one offline page; no dataset needed."""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rushes.workflow._look.page import look_page
from rushes.workflow._look.seen import LookResult
from rushes.workflow._look.survey import RecordingSurvey, survey
from rushes.workflow.discover import discover
from rushes.workflow.pages import write_whole

Progress = Callable[[str, int, int], None]
"""Called with the recording's name, how many are done and how many there are."""


def look(paths: Sequence[Path], *, reader: str | None = None, progress: Progress | None = None) -> LookResult:
    """Read every recording at and below the paths once, and keep what a page about them needs.

    Raises:
        UsageError: ``path.absent`` for a path that does not exist.
        PluginError: ``plugin.unknown`` for a reader that does not exist.
        AmbiguousFormatError: If several readers claim one of ``paths`` equally.
    """
    given = [Path(path) for path in paths]
    seen = discover(given, reader=reader)
    recordings = []
    for done, found in enumerate(seen.found):
        if progress:
            progress(found.path.name, done, len(seen.found))
        recordings.append(survey(found))
    if progress:
        progress("", len(seen.found), len(seen.found))
    return LookResult(
        root=_shared_root(given),
        recordings=tuple(recordings),
        refused=seen.refused,
        hidden=seen.hidden,
        equal=_equal(recordings),
        looked_at=datetime.now(UTC),
    )


def write_page(result: LookResult, path: Path) -> int:
    """Write the page of a look so that it is there whole or not at all; give its size in bytes."""
    return write_whole(path, look_page(result))


def _shared_root(paths: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([(path if path.is_dir() else path.parent).absolute() for path in paths]))


def _equal(recordings: Sequence[RecordingSurvey]) -> tuple[tuple[RecordingSurvey, ...], ...]:
    groups: defaultdict[str, list[RecordingSurvey]] = defaultdict(list)
    for recording in recordings:
        if recording.content:
            groups[recording.content].append(recording)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
