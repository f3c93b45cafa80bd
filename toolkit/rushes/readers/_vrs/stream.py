"""One VRS stream as rows: its records in the order of the file, a batch at a time.

What a record means is told by its stream's tags, in the version that its head names; ``meanings`` has the kinds.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, FrameFlag, LedgerEntry, Loss, MediaFile, Stream
from rushes.quantities import say_count
from rushes.readers._files.parts import BATCH_ROWS, where_known
from rushes.readers._vrs import records as heads
from rushes.readers._vrs.meanings import Meaning, Run
from rushes.readers._vrs.pieces import Pieces
from rushes.readers._vrs.records import HEADER, Records

NOT_AS_INDEXED = "a record whose head is not what the index says"
MESSAGE_ROWS = 1024  # each holds up to 16 KiB of JSON
CUT_OFF = "bytes cut off"
ACROSS_FILES = "bytes that lie across two files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a stream's records are: rows of ``records`` that are its data, and how many more there should be."""

    paths: tuple[Path, ...]
    records: Records
    rows: npt.NDArray[np.intp]
    absent: int


class StreamPart:
    """The data records of one stream; a part of a recording."""

    def __init__(
        self, stream: Stream, source: Source, meaning: Meaning, *, media: tuple[MediaFile, ...] = ()
    ) -> None:
        """Take what is known of a stream; ``media`` are the files, given by one part of the recording only."""
        self.streams = (stream,)
        self.media = media
        self._source = source
        self._meaning = meaning
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._losses: tuple[Loss, ...] = ()
        self.span = self._span()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Read the records."""
        self._ledger = self._losses = ()
        meaning, source = self._meaning.begin(), self._source
        rejected: Counter[str] = Counter()
        rows = across = 0
        with Pieces(source.paths) as pieces:
            step = BATCH_ROWS if self.streams[0].table != "messages" else MESSAGE_ROWS
            for start in range(0, len(source.rows), step):
                for run in self._runs(pieces, source.rows[start : start + step], rejected):
                    columns, kept = meaning.columns(pieces, run, rejected)
                    if not kept.any():
                        continue
                    count = int(kept.sum())
                    columns |= self._places(pieces, run, kept, columns)
                    across += columns.pop("_across", 0)
                    columns["index"] = np.arange(rows, rows + count)
                    yield Batch(
                        stream=self.streams[0].name, table=self.streams[0].table, rows=count, columns=columns
                    )
                    rows += count
        self._account(rows, +rejected, across)

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every data record of the stream."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Records that could not be read."""
        return self._losses

    def _runs(self, pieces: Pieces, rows: npt.NDArray[np.intp], rejected: Counter[str]) -> Iterator[Run]:
        """Give stretches of records that have one format version."""
        records = self._source.records
        offsets = records.offset[rows]
        found = heads.headers(pieces, offsets)
        good = found["size"] == records.size[rows]
        for name, column in (("type", records.type), ("instance", records.instance), ("kind", records.kind)):
            good &= found[name] == column[rows]
        rejected[NOT_AS_INDEXED] += int((~good).sum())
        offsets, found, stamps = offsets[good], found[good], records.stamp_s[rows][good]
        ends = [*(np.flatnonzero(np.diff(found["format"])) + 1).tolist(), len(found)]
        start = 0
        for end in ends:
            if end > start:
                yield Run(
                    version=int(found["format"][start]),
                    offsets=offsets[start:end],
                    heads=found[start:end],
                    stamp_ns=np.rint(stamps[start:end] * 1e9).astype(np.int64),
                )
            start = end

    def _places(
        self, pieces: Pieces, run: Run, kept: npt.NDArray[np.bool_], columns: dict[str, Any]
    ) -> dict[str, Any]:
        """Say where payloads lie; ``offset`` and ``length`` come from the meaning, counted in the payload."""
        if "offset" not in columns:
            return {}
        offsets, found = run.offsets[kept], run.heads[kept]
        inner, length = columns["offset"], columns["length"]
        packed = found["compression"] != 0
        first = np.searchsorted(pieces.starts, offsets, side="right") - 1
        last = np.searchsorted(pieces.starts, offsets + found["size"] - 1, side="right") - 1
        in_file = offsets - pieces.starts[first]
        across = packed & (first != last)
        plain = in_file + HEADER.itemsize + inner
        start_piece = np.searchsorted(pieces.starts, offsets + HEADER.itemsize + inner, side="right") - 1
        end_piece = np.searchsorted(
            pieces.starts, offsets + HEADER.itemsize + inner + np.maximum(length - 1, 0), side="right"
        )
        across |= ~packed & (start_piece != end_piece - 1)
        plain = np.where(packed, inner, offsets + HEADER.itemsize + inner - pieces.starts[start_piece])
        piece = np.where(packed, first, start_piece)
        names = [path.name for path in pieces.paths]
        given: dict[str, Any] = {
            "media_id": [
                None if gone else names[at] for at, gone in zip(piece.tolist(), across.tolist(), strict=True)
            ],
            "block": where_known(in_file, ~packed | across),
            "offset": where_known(plain, across),
            "length": where_known(length, across),
            "_across": int(across.sum()),
        }
        if "flags" in columns:
            given["flags"] = (columns["flags"] | np.where(across, FrameFlag.MISSING.value, 0)).astype(np.int32)
        return given

    def _account(self, rows: int, rejected: Counter[str], across: int) -> None:
        name, absent = self.streams[0].name, self._source.absent
        reasons = dict(rejected) | ({CUT_OFF: absent} if absent else {})
        entries = [
            LedgerEntry(
                stream=name,
                step="read",
                declared=self.streams[0].declared_count,
                came_in=rows + rejected.total() + absent,
                out=rows,
                rejected=rejected.total(),
                unread=absent,
                reasons=reasons,
            )
        ]
        losses = [
            Loss(
                code="read.damaged",
                message=f"{say_count(count, 'record')} cannot be read: {reason}",
                stream=name,
                count=count,
            )
            for reason, count in rejected.items()
        ]
        if self.streams[0].table in ("frames", "audio"):
            reasons = {ACROSS_FILES: across} if across else {}
            entries.append(
                LedgerEntry(
                    stream=name, step="bytes", came_in=rows, out=rows - across, unread=across, reasons=reasons
                )
            )
        if across:
            message = (
                f"the bytes of {say_count(across, 'sample')} lie across two files and have no place of their own"
            )
            losses.append(Loss(code="read.across-files", message=message, stream=name, count=across))
        self._ledger, self._losses = tuple(entries), tuple(losses)

    def _span(self) -> tuple[int, int] | None:
        """Give the stamps of the earliest and the latest record, as the index has them."""
        stamps = self._source.records.stamp_s[self._source.rows]
        stamps = stamps[np.isfinite(stamps) & (np.abs(stamps) < 9.2e9)]
        if not len(stamps):
            return None
        return round(float(stamps.min()) * 1e9), round(float(stamps.max()) * 1e9)
