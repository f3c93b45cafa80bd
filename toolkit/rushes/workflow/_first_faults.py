"""What is wrong at first sight: the losses and counts of the reading, and the checks that need times alone."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.contracts import Check
from rushes.model import Finding, FrameFlag, LedgerEntry, Loss, Stream
from rushes.quantities import say_count
from rushes.workflow._gather import Gathered, masked

UNREADABLE = frozenset({"read.damaged", "read.truncated", "read.short", "read.undecodable"})
"""Losses that say that bytes are broken, not merely elsewhere."""


def first_faults(
    name: str,
    gathered: Mapping[str, Gathered],
    ledger: Sequence[LedgerEntry],
    losses: Sequence[Loss],
) -> Iterator[Finding]:
    """Give what the reading lost, what does not add up, and what the times say."""
    yield from map(_of_loss, losses)
    told = {(loss.code, loss.stream) for loss in losses}
    for entry in ledger:
        yield from _of_entry(entry, told)
    accounted = {loss.stream for loss in losses} | {e.stream for e in ledger if e.rejected or e.unread}
    for kept in gathered.values():
        if kept.stream.name not in accounted:
            yield from _of_flags(kept)
    checks: Mapping[str, Check] = registry.load_all("checks")
    for kept in gathered.values():
        if not kept.rows:
            continue
        view = _View(name, kept)
        for check in checks.values():
            if check.needs == "times":
                yield from (item for item in check.run(view, check.defaults) if isinstance(item, Finding))


def _of_loss(loss: Loss) -> Finding:
    return Finding(
        check=loss.code,
        severity="error" if loss.code in UNREADABLE else "warning",
        message=loss.message,
        stream=loss.stream,
        start_ns=loss.start_ns,
        end_ns=loss.end_ns,
        count=loss.count or 1,
    )


def _of_entry(entry: LedgerEntry, told: set[tuple[str, str | None]]) -> Iterator[Finding]:
    streams = {stream for _, stream in told}
    differs = entry.declared is not None and entry.declared != entry.came_in
    if differs and ("read.count-mismatch", entry.stream) not in told:
        yield Finding(
            check="read.count-mismatch",
            severity="error",
            message=f"{entry.declared:,} samples are declared, {entry.came_in:,} are there",
            value=entry.came_in,
            limit=entry.declared,
            unit="samples",
            stream=entry.stream,
        )
    lost = entry.rejected + entry.unread
    if lost and entry.stream not in streams and None not in streams:
        why = ", ".join(f"{count:,} × {reason}" for reason, count in entry.reasons.items())
        yield Finding(
            check=f"ledger.{entry.step}",
            severity="warning",
            message=f"{say_count(lost, 'sample')} of {entry.came_in:,} did not come through: {why}",
            value=lost,
            unit="samples",
            stream=entry.stream,
            count=lost,
        )
    if not entry.balanced:
        yield Finding(
            check="ledger.imbalance",
            severity="error",
            message=f"the account of step '{entry.step}' does not balance: {entry.came_in:,} came in, "
            f"{entry.out:,} went out, {entry.merged + lost:,} are accounted for",
            stream=entry.stream,
        )


def _of_flags(kept: Gathered) -> Iterator[Finding]:
    flags = kept.filled("flags", 0)
    for flag, code, words in (
        (FrameFlag.MISSING, "read.absent-file", "are listed and absent"),
        (FrameFlag.CORRUPT, "read.undecodable", "are damaged"),
    ):
        at = np.flatnonzero(flags & int(flag))
        if len(at):
            yield Finding(
                check=code,
                severity="warning",
                message=f"{len(at):,} of {kept.rows:,} pictures {words}, the first is number {int(at[0])}",
                value=len(at),
                unit="pictures",
                stream=kept.stream.name,
                index=int(at[0]),
                count=len(at),
            )


class _View:
    """One stream as a check sees it, without its pictures."""

    def __init__(self, recording: str, kept: Gathered) -> None:
        self.recording_id = recording
        self.recording_name = recording
        self.stream: Stream = kept.stream
        self._kept = kept

    def columns(self, *names: str) -> Mapping[str, npt.NDArray[np.int64]]:
        """Give columns; one that the recording does not have is wholly masked."""
        return {name: self._column(name) for name in names}

    def pictures(self) -> Iterator[tuple[int, npt.NDArray[np.uint8] | None]]:
        """Give none: a first look decodes a handful only."""
        return iter(())

    def _column(self, name: str) -> npt.NDArray[np.int64]:
        column = self._kept.numbers(name)
        if column is None:
            return masked(np.zeros(self._kept.rows, np.int64), True)
        return column
