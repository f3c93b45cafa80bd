"""One recording → its rows, as one transaction: counted while they are written, and held against the books."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rushes import media
from rushes.contracts import OpenRecording, Reader
from rushes.errors import ChangedSourceError, ReadError
from rushes.model import Batch, ClockPairs, LedgerEntry, Loss, MediaFile
from rushes.store import Store, Transaction
from rushes.workflow._ingest.columns import (
    clock_pair_columns,
    ledger_columns,
    log_against_header,
    recording_columns,
    stream_columns,
)
from rushes.workflow.reader_faults import reading

FACTS = ("subject", "session", "place", "task", "take", "take_state", "consent", "pii_state")
"""What a person says of a recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written of one recording.

    Args:
        rows: By table.
    """

    samples: int
    rows: Mapping[str, int]
    losses: Sequence[Loss]


class Work:
    """The ingest of one recording: counts while it writes."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        recording: OpenRecording,
        recording_id: str,
        fingerprint: str,
        path: Path,
        name: str,
        mode: str,
    ) -> None:
        self.store = store
        self.reader = reader
        self.recording = recording
        self.recording_id = recording_id
        self.fingerprint = fingerprint
        self.path = path
        self.name = name
        self.mode = mode
        self.rows: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.spans: dict[str, tuple[int, int]] = {}
        self.pairs: dict[tuple[str, str, str], int] = {}

    def run(self, facts: Mapping[str, str], argv: Sequence[str]) -> Written:
        """Write everything and commit.

        Raises:
            ReadError: If it cannot be read, or its books do not balance.
            ChangedSourceError: If it changed while it was read.
            ConflictError: If somebody else has brought it in meanwhile.
        """
        description = self.recording.description
        with reading(self.path, self.reader.name):
            before = {file.media_id: _stat(file.path) for file in description.media}
        with self.store.begin("ingest", argv=argv) as transaction:
            transaction.claim_recording(self.recording_id)
            for batch in self._batches():
                self._append(transaction, batch)
            with reading(self.path, self.reader.name):
                ledger, losses = self.recording.ledger(), self.recording.losses()
            self._hold_against(ledger)
            self._write_media(transaction, before)
            self._write_said(transaction, facts, ledger, losses)
            changed = [m.path for m in description.media if _stat(m.path) != before[m.media_id]]
            if changed:
                raise ChangedSourceError(
                    f"{changed[0]}: changed while it was being ingested",
                    code="store.changed-source",
                    hint="wait until the recording is finished, then run the same command again",
                    facts={"file": str(changed[0])},
                )
            samples = sum(self.counts.values())
            transaction.commit({"recording": self.path.name, "samples": samples, "losses": len(losses)})
        return Written(samples=samples, rows=self.rows, losses=losses)

    def _batches(self) -> Iterator[Batch]:
        with reading(self.path, self.reader.name):
            yield from self.recording.batches()

    def _append(self, transaction: Transaction, batch: Batch) -> None:
        try:
            transaction.append_batch(self.recording_id, batch)
        except (KeyError, TypeError, ValueError, OverflowError):  # columns that the schema does not allow
            with reading(self.path, self.reader.name):
                raise
        pairs = log_against_header(self.recording.description.stream(batch.stream), batch.columns)
        if pairs is not None:
            self._append_pairs(transaction, pairs)
        self._count(batch)

    def _append_pairs(self, transaction: Transaction, pairs: ClockPairs) -> None:
        key = (pairs.from_clock, pairs.to_clock, pairs.source)
        first = self.pairs.get(key, 0)
        self.pairs[key] = first + len(pairs.from_ns)
        columns = clock_pair_columns(pairs, first) | {"recording_id": self.recording_id}
        transaction.append("clock_pairs", len(pairs.from_ns), columns)

    def _count(self, batch: Batch) -> None:
        self.rows[batch.table] = self.rows.get(batch.table, 0) + batch.rows
        self.counts[batch.stream] = self.counts.get(batch.stream, 0) + batch.rows
        times = batch.columns.get("t_ns", batch.columns.get("valid_from_ns"))
        if isinstance(times, np.ndarray) and len(times):
            low, high = int(times.min()), int(times.max())
            known = self.spans.get(batch.stream, (low, high))
            self.spans[batch.stream] = (min(low, known[0]), max(high, known[1]))

    def _hold_against(self, ledger: Sequence[LedgerEntry]) -> None:
        """Refuse a recording whose books do not balance; it would be a mistake of the reader."""
        for entry in ledger:
            rows = entry.out if entry.rows is None else entry.rows
            if not entry.balanced or (entry.step == "read" and rows != self.counts.get(entry.stream, 0)):
                raise ReadError(
                    f"{self.path}: {entry.stream}: the books of step '{entry.step}' do not balance: "
                    f"{entry.came_in} in, {entry.out} out, {entry.merged} merged, {entry.rejected} rejected, "
                    f"{entry.unread} unread, {self.counts.get(entry.stream, 0)} rows",
                    code="read.imbalance",
                    hint=f"a fault of the reader '{self.reader.name}'; please report it with the recording",
                    facts={"file": str(self.path), "stream": entry.stream, "step": entry.step},
                )

    def _write_media(self, transaction: Transaction, before: Mapping[str, tuple[int, int]]) -> None:
        files = self.recording.description.media
        copied = self.mode == "copy"
        copies = [self._copy(file) if copied else (str(file.path.absolute()), None) for file in files]
        if not files:
            return
        transaction.append(
            "media",
            len(files),
            {
                "recording_id": self.recording_id,
                "media_id": [file.media_id for file in files],
                "uri": [uri for uri, _ in copies],
                "container": [file.container for file in files],
                "bytes": np.array([before[file.media_id][0] for file in files], np.int64),
                "mtime_ns": np.array([before[file.media_id][1] for file in files], np.int64),
                "sha256": [digest for _, digest in copies],
            },
        )

    def _copy(self, file: MediaFile) -> tuple[str, str]:
        uri = Path("media", self.recording_id, *Path(file.media_id).parts)
        return str(uri), media.copy_hashed(file.path, self.store.path / uri)

    def _write_said(
        self,
        transaction: Transaction,
        facts: Mapping[str, str],
        ledger: Sequence[LedgerEntry],
        losses: Sequence[Loss],
    ) -> None:
        """Write what the recording says of itself: streams, ledger, and the row that is its commit."""
        description, mine = self.recording.description, {"recording_id": self.recording_id}
        streams = stream_columns(description.streams, self.counts, self.spans)
        transaction.append("streams", len(description.streams), streams | mine)
        for pairs in self.recording.clock_pairs():
            self._append_pairs(transaction, pairs)
        transaction.append("ledger", len(ledger), ledger_columns(ledger) | mine)
        row = {
            "name": self.name,
            "source": str(self.path.absolute()),
            "mode": self.mode,
            "fingerprint": self.fingerprint,
            "bytes": sum(_stat(file.path)[0] for file in description.media),
            "reader": self.reader.name,
            "reader_version": self.reader.version,
            "ingested_ns": time.time_ns(),
            **recording_columns(description, self.counts, self.spans, losses),
            **{name: facts.get(name) for name in FACTS},
        }
        transaction.append("recordings", 1, row | mine)


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
