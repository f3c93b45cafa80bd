"""Ingest: recordings → rows. The recording is never altered, and nothing of it is lost in silence.

Each recording is one transaction: its rows appear whole or not at all, and a rerun skips what is there. What a
recording holds is counted in the ledger; an imbalance is an error, a loss makes the recording ``partial``.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rushes import media, registry
from rushes.contracts import OpenRecording, Reader
from rushes.errors import ChangedSourceError, ConflictError, ReadError, RushesError, UsageError
from rushes.model import Batch, ClockPairs, LedgerEntry, Loss, MediaFile
from rushes.store import Store, Transaction
from rushes.workflow._ingest.columns import (
    clock_pair_columns,
    ledger_columns,
    log_against_header,
    recording_columns,
    stream_columns,
)
from rushes.workflow.discover import Discovery, Found, Refused, discover, nothing_found
from rushes.workflow.reader_faults import reading

Mode = Literal["reference", "copy"]
FACTS = ("subject", "session", "place", "task", "take", "take_state", "consent", "pii_state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ingest and how.

    Args:
        paths: Files and folders; each is searched for recordings.
        mode: ``reference`` leaves media where they are; ``copy`` copies them into the dataset and hashes them.
        reader: Name of the reader to use for every path; None to let the readers decide.
        options: For the reader.
        facts: ``subject``, ``session``, ``place``, ``task`` … that hold for all recordings.
        facts_from: A regular expression with named groups, searched in each recording's path below the given
            one; its groups are facts, and win over ``facts``.
    """

    paths: Sequence[Path]
    mode: Mode = "reference"
    reader: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    facts_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one recording.

    Args:
        state: added, partial (added with losses), present (was there), planned (dry run) or failed.
        rows: Rows written by table.
        error: Why it failed.
    """

    path: Path
    reader: str
    state: Literal["added", "partial", "present", "planned", "failed"]
    recording_id: str | None = None
    streams: int = 0
    samples: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    losses: Sequence[Loss] = ()
    error: RushesError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """The whole of one ingest: a row per recording, and what no reader took.

    Args:
        unread: Those of the given paths that no reader took.
    """

    taken: Sequence[Taken]
    discovery: Discovery
    unread: Sequence[Refused]
    revision: int


Progress = Callable[[str, int, int], None]
"""Called with the recording's name, how many are done and how many there are."""


def ingest(
    dataset: Path,
    request: Request,
    *,
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Ingested:
    """Bring every recording below the paths into a dataset, which is made where it does not exist.

    One recording that cannot be read does not stop the others; it is among the answer with its error.

    Raises:
        UsageError: If nothing was found, or a fact is unknown.
        StoreError: If the dataset cannot be opened or written.
    """
    pattern = _facts_pattern(request)
    found = discover(request.paths, reader=request.reader)
    if not found.found:
        raise nothing_found(request.paths, found)
    given = set(request.paths)
    unread = [refused for refused in found.refused if refused.path in given and refused.kind != "repeated"]
    if dry_run:
        present = known_ids(Store.open(dataset)) if (dataset / "rushes.json").is_file() else set()
        planned = [_one(None, item, request, pattern, present, ()) for item in found.found]
        return Ingested(taken=planned, discovery=found, unread=unread, revision=0)
    store = Store.open(dataset) if (dataset / "rushes.json").is_file() else Store.create(dataset)
    taken: list[Taken] = []
    present = known_ids(store)
    for done, item in enumerate(found.found):
        if progress:
            progress(item.path.name, done, len(found.found))
        outcome = _one(store, item, request, pattern, present, argv)
        present.update([outcome.recording_id] if outcome.recording_id and outcome.error is None else [])
        taken.append(outcome)
    if progress:
        progress("", len(found.found), len(found.found))
    return Ingested(taken=taken, discovery=found, unread=unread, revision=store.refresh().revision)


def known_ids(store: Store) -> set[str]:
    """Give the ids of the recordings that a dataset holds."""
    return set(store.table("recordings", columns=["recording_id"])["recording_id"].to_pylist())


def newest_revision(dataset: Path) -> int:
    """Give the number of a dataset's newest revision."""
    return Store.open(dataset).revision


def identify(path: Path, files: Iterable[MediaFile]) -> tuple[str, str]:
    """Give the id and the fingerprint of a recording; the same bytes have the same everywhere.

    A single file is told by its content, whatever its name; a folder by the names and content of all files in it.
    """
    if path.is_file():
        beside = [(file.media_id, file.path) for file in files if file.path != path]
        print_of = media.fingerprint([("", path), *beside])
    else:
        print_of = media.fingerprint(
            (str(file.relative_to(path)), file)
            for file in path.rglob("*")
            if file.is_file() and file.name[0] != "."
        )
    return f"r{print_of[:16]}", print_of


def _one(
    store: Store | None,
    item: Found,
    request: Request,
    pattern: re.Pattern[str] | None,
    present: set[str],
    argv: Sequence[str],
) -> Taken:
    """Ingest one recording, or plan it where there is no store; a failure is an answer."""
    reader: Reader = registry.load("readers", item.reader)
    recording_id: str | None = None
    try:
        with ExitStack() as opened:
            with reading(item.path, item.reader):
                recording = opened.enter_context(reader.open(item.path, request.options))
                recording_id, fingerprint = identify(item.path, recording.description.media)
                streams = len(recording.description.streams)
            if recording_id in present:
                return Taken(
                    path=item.path, reader=item.reader, state="present", recording_id=recording_id, streams=streams
                )
            if store is None:
                return Taken(
                    path=item.path,
                    reader=item.reader,
                    state="planned",
                    recording_id=recording_id,
                    streams=streams,
                    samples=sum(s.declared_count or 0 for s in recording.description.streams),
                    losses=recording.losses(),
                )
            work = _Work(store, reader, recording, recording_id, fingerprint, item.path, request)
            return work.run(_facts_of(item.path, request, pattern), argv)
    except ConflictError as error:
        if error.code != "store.recording-exists":
            raise
        return Taken(path=item.path, reader=item.reader, state="present", recording_id=recording_id)
    except (ReadError, ChangedSourceError) as error:
        return Taken(path=item.path, reader=item.reader, state="failed", recording_id=recording_id, error=error)


class _Work:
    """The ingest of one recording: counts while it writes."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        recording: OpenRecording,
        recording_id: str,
        fingerprint: str,
        path: Path,
        request: Request,
    ) -> None:
        self.store = store
        self.reader = reader
        self.recording = recording
        self.recording_id = recording_id
        self.fingerprint = fingerprint
        self.path = path
        self.request = request
        self.rows: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.spans: dict[str, tuple[int, int]] = {}
        self.pairs: dict[tuple[str, str, str], int] = {}

    def run(self, facts: Mapping[str, str], argv: Sequence[str]) -> Taken:
        """Write everything and commit."""
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
        return Taken(
            path=self.path,
            reader=self.reader.name,
            state="partial" if losses else "added",
            recording_id=self.recording_id,
            streams=len(description.streams),
            samples=samples,
            rows=self.rows,
            losses=losses,
        )

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
        copied = self.request.mode == "copy"
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
            "name": self.path.name if self.path.is_dir() else self.path.stem,
            "source": str(self.path.absolute()),
            "mode": self.request.mode,
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


def _facts_pattern(request: Request) -> re.Pattern[str] | None:
    try:
        pattern = re.compile(request.facts_from) if request.facts_from else None
    except re.error as error:
        raise UsageError(
            f"'{request.facts_from}' is no regular expression: {error}",
            code="ingest.facts",
            hint=r"for example '(?P<task>[a-z]+)_(?P<subject>s\d+)'",
        ) from error
    for name in {*request.facts, *(pattern.groupindex if pattern else ())}:
        if name not in FACTS:
            near = registry.close_to(name, FACTS)
            raise UsageError(
                f"'{name}' is not a fact of a recording",
                code="ingest.facts",
                hint=f"did you mean '{near}'?" if near else f"facts are {', '.join(FACTS)}",
            )
    return pattern


def _facts_of(path: Path, request: Request, pattern: re.Pattern[str] | None) -> dict[str, str]:
    facts = dict(request.facts)
    if pattern:
        match = pattern.search(f"{path.parent.name}/{path.stem if path.is_file() else path.name}")
        facts |= {name: value for name, value in (match.groupdict() if match else {}).items() if value is not None}
    return facts
