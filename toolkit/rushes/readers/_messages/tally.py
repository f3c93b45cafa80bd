"""Counts what an interpreter is given and what becomes of it, and numbers its samples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, Column, LedgerEntry, Loss, Stream
from rushes.readers._messages.block import MessageBlock
from rushes.readers._messages.layout import Indices


class Tally:
    """The count of one run over one stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.came_in = 0
        self.rows = 0
        self.merged: dict[str, int] = {}
        self.rejected: dict[str, int] = {}

    def refuse(self, reasons: Mapping[str, int]) -> None:
        """Count messages that make no sample, by reason."""
        for reason, count in reasons.items():
            if count:
                self.rejected[reason] = self.rejected.get(reason, 0) + count

    def merge(self, reason: str) -> None:
        """Count a message that says the same as an earlier one."""
        self.merged[reason] = self.merged.get(reason, 0) + 1

    def batch(self, rows: int, columns: Mapping[str, Column]) -> Batch:
        """Number the next samples and make them a batch."""
        index = np.arange(self.rows, self.rows + rows, dtype=np.int64)
        self.rows += rows
        table = self.stream.table
        return Batch(stream=self.stream.name, table=table, rows=rows, columns={"index": index, **columns})

    def entry(self, *, per_message: bool) -> LedgerEntry:
        """Account for the run; ``per_message`` is false where a message makes any number of samples."""
        merged, rejected = sum(self.merged.values()), sum(self.rejected.values())
        return LedgerEntry(
            stream=self.stream.name,
            step="read",
            came_in=self.came_in,
            out=self.came_in - merged - rejected,
            merged=merged,
            rejected=rejected,
            declared=self.stream.declared_count,
            reasons={**self.merged, **self.rejected},
            rows=None if per_message else self.rows,
        )


class PerMessage:
    """What interpreters share of whose messages each makes one row or is refused, and is not waited with."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._tally = Tally(stream)

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        return iter(())

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self._tally.entry(per_message=True)

    def losses(self) -> Sequence[Loss]:
        """Give none: what was refused is in the ledger."""
        return ()


def location_columns(block: MessageBlock, rows: Indices, first: Indices, length: Indices) -> dict[str, Column]:
    """Say where the payloads lie that start at ``first`` in the block's buffer and belong to messages ``rows``."""
    return {
        "media_id": block.media_id,
        "block": block.block[rows] if isinstance(block.block, np.ndarray) else block.block,
        "offset": block.place[rows] + (first - block.start[rows]),
        "length": length,
    }


def masked(values: npt.NDArray[Any], absent: npt.NDArray[np.bool_]) -> Column:
    """Give a column in which some values are null."""
    return np.ma.MaskedArray(values, mask=absent)
