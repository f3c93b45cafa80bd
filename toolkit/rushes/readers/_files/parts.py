"""A recording put together from parts: image lists, number tables, media containers.

Each part brings one or several streams and accounts for them; the recording only strings them together.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, ClockPairs, Description, LedgerEntry, Loss, MediaFile, SampleTable, Stream

BATCH_ROWS = 16_384


class Part(Protocol):
    """Some streams of a recording, with their files."""

    @property
    def streams(self) -> tuple[Stream, ...]:
        """What it brings."""
        ...

    @property
    def media(self) -> tuple[MediaFile, ...]:
        """The files that hold its payloads."""
        ...

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest and latest raw time in nanoseconds, both included; None without samples or times."""
        ...

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:
        """Read the samples of those of its streams that are named."""
        ...

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for the latest complete run."""
        ...

    def losses(self) -> Sequence[Loss]:
        """What the opening or the latest run could not read."""
        ...


class PartsRecording:
    """A recording that is the sum of its parts; fulfils ``OpenRecording``."""

    def __init__(
        self,
        root: Path,
        reader: str,
        parts: Sequence[Part],
        metadata: Mapping[str, Any],
        losses: Sequence[Loss] = (),
        clock_pairs: Sequence[ClockPairs] = (),
    ) -> None:
        self._parts = tuple(parts)
        self._clock_pairs = tuple(clock_pairs)
        self._opening = tuple(losses)
        self._ledger: tuple[LedgerEntry, ...] = ()
        spans = [part.span for part in parts if part.span is not None]
        self._description = Description(
            root=root,
            reader=reader,
            streams=tuple(stream for part in parts for stream in part.streams),
            media=tuple(file for part in parts for file in part.media),
            start_ns=min((span[0] for span in spans), default=None),
            end_ns=max((span[1] for span in spans), default=None),
            metadata=metadata,
        )

    @property
    def description(self) -> Description:
        """What the recording says of itself."""
        return self._description

    def batches(self, streams: Collection[str] | None = None) -> Iterator[Batch]:
        """Read the samples, part after part."""
        entries: list[LedgerEntry] = []
        for part in self._parts:
            wanted = [s.name for s in part.streams if streams is None or s.name in streams]
            if wanted:
                yield from part.batches(wanted)
                entries.extend(part.ledger())
        self._ledger = tuple(entries)

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for the latest complete run, an entry per stream and step."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """What the opening or the latest run could not read."""
        return [*self._opening, *(loss for part in self._parts for loss in part.losses())]

    def clock_pairs(self) -> Sequence[ClockPairs]:
        """What the opening has met."""
        return self._clock_pairs

    def close(self) -> None:
        """Let go of the files; parts open them only while they read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FewRows:
    """A stream whose few rows are known at the opening, such as calibrations; a part."""

    def __init__(self, stream: Stream, rows: int, columns: Mapping[str, Any]) -> None:
        self.streams = (stream,)
        self.media: tuple[MediaFile, ...] = ()
        self.span: tuple[int, int] | None = None
        self._batch = Batch(stream=stream.name, table=stream.table, rows=rows, columns=columns)
        self._ledger: tuple[LedgerEntry, ...] = ()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Give the one batch."""
        self._ledger = ()
        yield self._batch
        rows = self._batch.rows
        self._ledger = (LedgerEntry(stream=self._batch.stream, step="read", came_in=rows, out=rows),)

    def ledger(self) -> Sequence[LedgerEntry]:
        """Every row came through."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Nothing can be lost here."""
        return ()


def in_batches(stream: str, table: SampleTable, columns: Mapping[str, Any], rows: int) -> Iterator[Batch]:
    """Cut whole columns into batches; ``index`` is added, scalars and None are passed on."""
    for start in range(0, rows, BATCH_ROWS):
        end = min(start + BATCH_ROWS, rows)
        cut = {name: value if _is_scalar(value) else value[start:end] for name, value in columns.items()}
        index = np.arange(start, end, dtype=np.int64)
        yield Batch(stream=stream, table=table, rows=end - start, columns={"index": index, **cut})


def where_known(values: npt.NDArray[Any], absent: npt.NDArray[np.bool_]) -> np.ma.MaskedArray[Any, Any]:
    """Give a column in which some values are null."""
    return np.ma.MaskedArray(values, mask=absent)  # numpy's gap


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
