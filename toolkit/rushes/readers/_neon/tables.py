"""A Neon sensor of records, with a file of times, as a stream; a part of a recording."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, LedgerEntry, Loss, MediaFile, Stream
from rushes.quantities import say_count
from rushes.readers._files.parts import in_batches
from rushes.readers._neon.files import PartFile, records, times

Columns = Callable[[npt.NDArray[Any]], Mapping[str, Any]]
Read = Callable[[Path, np.dtype[Any]], tuple[npt.NDArray[Any], int]]
NO_RECORD = "no record for its time"
NO_TIME = "no time for its record"


class RecordTable:
    """One stream of records in one or several parts."""

    def __init__(
        self,
        stream: Stream,
        parts: Sequence[PartFile],
        kind: np.dtype[Any],
        columns: Columns,
        read: Read = records,
    ) -> None:
        """Look at the times alone.

        Args:
            stream: What it brings.
            parts: In order.
            kind: Of a record.
            columns: Turns records into columns of the stream's table; they may hold another ``t_ns``.
            read: Reads the whole records of a file, and counts the bytes behind the last.
        """
        self.media: tuple[MediaFile, ...] = tuple(
            MediaFile(media_id=path.name, path=path, container="raw")
            for part in parts
            for path in (part.raw, part.time)
            if path is not None and (part.raw is None or path.stem == part.raw.stem)
        )
        stamps = [times(part.time)[0] for part in parts]
        self.streams = (replace(stream, declared_count=sum(map(len, stamps))),)
        ends = [found for found in stamps if len(found)]
        self.span = (min(int(e.min()) for e in ends), max(int(e.max()) for e in ends)) if ends else None
        self._parts = tuple(parts)
        self._kind = kind
        self._columns = columns
        self._read = read
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._losses: tuple[Loss, ...] = ()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Read part after part."""
        stream = self.streams[0]
        self._ledger = self._losses = ()
        losses: list[Loss] = []
        reasons: dict[str, int] = {}
        pieces, stamps = [], []
        for part in self._parts:
            found, torn = self._read(part.raw, self._kind) if part.raw else (np.empty(0, self._kind), 0)
            t_ns, torn_times = times(part.time)
            losses += _torn(stream.name, part.raw, torn) + _torn(stream.name, part.time, torn_times)
            rows = min(len(found), len(t_ns))
            if len(found) != len(t_ns):
                reason, lost = (NO_RECORD, len(t_ns) - rows) if len(t_ns) > rows else (NO_TIME, len(found) - rows)
                reasons[reason] = reasons.get(reason, 0) + lost
                losses.append(_unequal(stream.name, part, len(found), len(t_ns)))
            pieces.append(found[:rows])
            stamps.append(t_ns[:rows])
        whole, t_ns = np.concatenate(pieces), np.concatenate(stamps)
        columns = {"t_ns": t_ns, "t_header_ns": t_ns, **self._columns(whole)}
        yield from in_batches(stream.name, stream.table, columns, len(whole))
        unread = sum(reasons.values())
        self._ledger = (
            LedgerEntry(
                stream=stream.name,
                step="read",
                declared=stream.declared_count,
                came_in=len(whole) + unread,
                out=len(whole),
                unread=unread,
                reasons=reasons,
            ),
        )
        self._losses = tuple(losses)

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every record or time, whichever are more."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Records without a time, times without a record, bytes that are no whole record."""
        return self._losses


def _torn(stream: str, path: Path | None, rest: int) -> list[Loss]:
    if path is None or not rest:
        return []
    size = path.stat().st_size
    message = f"{path.name} ends with {say_count(rest, 'byte')} that are no whole record"
    return [
        Loss(
            code="read.truncated",
            message=message,
            stream=stream,
            file=path.name,
            byte_from=size - rest,
            byte_to=size,
        )
    ]


def _unequal(stream: str, part: PartFile, found: int, stamps: int) -> Loss:
    if part.raw is None or part.time is None:
        here = (part.raw or part.time or Path()).name
        words = f"{here} has no {'file of times' if part.time is None else 'records'} beside it"
        return Loss(code="read.absent-file", message=words, stream=stream, count=max(found, stamps))
    message = f"{part.raw.name} holds {say_count(found, 'record')}, {part.time.name} {say_count(stamps, 'time')}"
    return Loss(code="read.count-mismatch", message=message, stream=stream, count=abs(found - stamps))
