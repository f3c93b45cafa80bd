"""What is wrong at first sight: every check that needs no pictures, at its default limits."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rushes import registry
from rushes.contracts import Check, RecordingCheck, RecordingView, StreamCheck, StreamView
from rushes.model import Finding, FrameFlag, LedgerEntry, Loss, Stream
from rushes.workflow._look.gather import Gathered


def columns_for_checks(stream: Stream) -> tuple[str, ...]:
    """Name the columns that the checks of such a stream read, besides ``index`` and ``t_ns``."""
    return tuple(dict.fromkeys(column for check in _of_streams(stream) for column in check.columns))


def first_faults(
    name: str,
    gathered: Mapping[str, Gathered],
    ledger: Sequence[LedgerEntry],
    losses: Sequence[Loss],
) -> Iterator[Finding]:
    """Judge one recording: what was lost and what does not add up, then what its columns say.

    Args:
        name: Of the recording, for people.
        gathered: Its streams with the columns that :func:`columns_for_checks` names.
        ledger: As the reader gives it after reading all.
        losses: Likewise.
    """
    told = RecordingView(recording=name, ledger=ledger, losses=losses)
    for check in _checks():
        if check.subject == "recording":
            judged: RecordingCheck = check
            yield from _findings(judged.judge(told, _limits(judged)))
    lost = {loss.stream for loss in losses}
    for kept in gathered.values():
        if not kept.rows:
            continue
        if not lost & {kept.stream.name, None}:
            yield from _flagged(kept)
        view = _view(name, kept)
        for stream_check in _of_streams(kept.stream):
            yield from _findings(stream_check.judge(view, _limits(stream_check)))


def _checks() -> list[Check]:
    return list(registry.load_all("checks").values())


def _of_streams(stream: Stream) -> list[StreamCheck]:
    """Give the stream checks that apply and look at no picture."""
    return [c for c in _checks() if c.subject == "stream" and not c.pictures and c.applies(stream)]


def _limits(check: Check) -> dict[str, float]:
    return {name: option.default for name, option in check.defaults.items()}


def _findings(judged: Iterator[object]) -> Iterator[Finding]:
    return (item for item in judged if isinstance(item, Finding))


def _view(name: str, kept: Gathered) -> StreamView:
    wanted = ("t_ns", *columns_for_checks(kept.stream))
    columns = {column: values for column in wanted if (values := kept.numbers(column)) is not None}
    columns["index"] = np.arange(kept.rows)
    return StreamView(recording=name, stream=kept.stream, columns=columns)


def _flagged(kept: Gathered) -> Iterator[Finding]:
    """Tell what the rows say of themselves where the reader names no loss."""
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
                message=f"{kept.stream.name}: {len(at):,} of {kept.rows:,} pictures {words}, "
                f"the first is number {int(at[0])}",
                value=len(at),
                unit="pictures",
                stream=kept.stream.name,
                index=int(at[0]),
                count=len(at),
            )
