"""Inspect: what a recording says it holds, read from its index alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes import registry
from rushes.contracts import Reader
from rushes.errors import ReadError
from rushes.model import Claim, Description, Loss
from rushes.workflow.discover import Discovery, discover, nothing_found
from rushes.workflow.reader_faults import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One recording as its index describes it, or the error that opening it gave."""

    path: Path
    claim: Claim
    reader: str
    description: Description | None
    losses: Sequence[Loss]
    error: ReadError | None


def inspect(paths: Sequence[Path], *, reader: str | None = None) -> tuple[list[Inspected], Discovery]:
    """Open every recording below the paths and read its index, no samples.

    Raises:
        UsageError: ``path.absent`` or ``path.unreachable``.
        ReadError: ``read.unknown-format`` if no reader takes anything.
        AmbiguousFormatError: If two readers claim a given path equally.
    """
    found = discover(paths, reader=reader)
    if not found.found:
        raise nothing_found(paths, found)
    seen = []
    for item in found.found:
        plugin: Reader = registry.load("readers", item.reader)
        try:
            with reading(item.path, item.reader), plugin.open(item.path, {}) as recording:
                description, losses, error = recording.description, recording.losses(), None
        except ReadError as failure:
            description, losses, error = None, (), failure
        seen.append(
            Inspected(
                path=item.path,
                claim=item.claim,
                reader=item.reader,
                description=description,
                losses=losses,
                error=error,
            )
        )
    return seen, found


def left_unread(description: Description) -> tuple[str, ...]:
    """Name what lies in a recording's folder, and which of its tracks, no stream was made of."""
    said = description.metadata
    named = [*said.get("files_left_unread", ()), *said.get("tracks_left_unread", ())]
    more = int(said.get("count_files_left_unread", 0)) - len(said.get("files_left_unread", ()))
    return (*map(str, named), *((f"{more} more",) if more > 0 else ()))
