"""Look: any mix of recordings, folders, videos and image sets → one offline page; no dataset needed."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rushes.workflow._survey import RecordingSurvey, survey
from rushes.workflow.discover import Refused, discover

Progress = Callable[[str, int, int], None]
"""Called with the recording's name, how many are done and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookResult:
    """What was seen below some paths.

    Args:
        root: Folder that all paths share; names in the page are below it.
        recordings: In natural order; those that could not be read are among them, with their error.
        refused: What no reader takes, and why.
        hidden: Names left aside because they start with a dot.
        equal: Groups of two or more recordings with the same samples.
        looked_at: When, UTC.
    """

    root: Path
    recordings: tuple[RecordingSurvey, ...]
    refused: tuple[Refused, ...]
    hidden: int
    equal: tuple[tuple[RecordingSurvey, ...], ...]
    looked_at: datetime

    def name(self, path: Path) -> str:
        """Name a path as the page does: below the shared root, or whole where it lies elsewhere."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


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


def write_whole(path: Path, text: str) -> int:
    """Write a file so that it is there whole or not at all; give its size in bytes."""
    data = text.encode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)  # mkstemp makes it private, a page is made to be shared
        Path(name).replace(path)
    except BaseException:  # Ctrl-C too
        Path(name).unlink(missing_ok=True)
        raise
    return len(data)


def _shared_root(paths: Sequence[Path]) -> Path:
    folders = [path if path.is_dir() else path.parent for path in paths]
    return Path(os.path.commonpath(folders)) if len({path.is_absolute() for path in folders}) == 1 else Path()


def _equal(recordings: Sequence[RecordingSurvey]) -> tuple[tuple[RecordingSurvey, ...], ...]:
    groups: defaultdict[str, list[RecordingSurvey]] = defaultdict(list)
    for recording in recordings:
        if recording.content:
            groups[recording.content].append(recording)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
