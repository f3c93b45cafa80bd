"""Ingest: recordings → rows. The recording is never altered, and nothing of it is lost in silence.

Each recording is one transaction: its rows appear whole or not at all, and a rerun skips what is there. What a
recording holds is counted in the ledger; an imbalance is an error, a loss makes the recording ``partial``.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rushes import media, registry
from rushes.contracts import Reader
from rushes.errors import ChangedSourceError, ConflictError, ReadError, RushesError, UsageError
from rushes.model import Loss, MediaFile
from rushes.store import Store
from rushes.workflow._ingest.naming import names_of
from rushes.workflow._ingest.one import FACTS, Work
from rushes.workflow.discover import Discovery, Found, Refused, discover, nothing_found
from rushes.workflow.inspect import left_unread
from rushes.workflow.reader_faults import reading

Mode = Literal["reference", "copy"]
RIG_RECORD = "rushes.rig"
"""Metadata record of a recording that was made with a rig."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ingest and how.

    Args:
        paths: Files and folders; each is searched for recordings.
        mode: ``reference`` leaves media where they are; ``copy`` copies them into the dataset and hashes them.
        reader: Name of the reader to use for every path; None to let the readers decide.
        options: For the reader.
        facts: ``subject``, ``session``, ``place``, ``task`` … that hold for all recordings; they win over what a
            recording states of itself.
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
        unread: What lies in its folder, or which of its tracks, no stream was made of.
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
    unread: Sequence[str] = ()
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
        planned = [_one(None, item, request, pattern, present, (), "") for item in found.found]
        return Ingested(taken=planned, discovery=found, unread=unread, revision=0)
    store = Store.open(dataset) if (dataset / "rushes.json").is_file() else Store.create(dataset)
    taken: list[Taken] = []
    present = known_ids(store)
    names = names_of([item.path for item in found.found], _known_names(store))
    for done, item in enumerate(found.found):
        if progress:
            progress(item.path.name, done, len(found.found))
        outcome = _one(store, item, request, pattern, present, argv, names[item.path])
        present.update([outcome.recording_id] if outcome.recording_id and outcome.error is None else [])
        taken.append(outcome)
    if progress:
        progress("", len(found.found), len(found.found))
    return Ingested(taken=taken, discovery=found, unread=unread, revision=store.refresh().revision)


def known_ids(store: Store) -> set[str]:
    """Give the ids of the recordings that a dataset holds."""
    return set(store.table("recordings", columns=["recording_id"])["recording_id"].to_pylist())


def _known_names(store: Store) -> set[str]:
    return set(store.table("recordings", columns=["name"])["name"].to_pylist())


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
    name: str,
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
                unread = left_unread(recording.description)
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
                    unread=unread,
                )
            work = Work(store, reader, recording, recording_id, fingerprint, item.path, name, request.mode)
            facts = stated_facts(recording.description.metadata) | _facts_of(item.path, request, pattern)
            written = work.run(facts, argv)
            return Taken(
                path=item.path,
                reader=item.reader,
                state="partial" if written.losses else "added",
                recording_id=recording_id,
                streams=streams,
                samples=written.samples,
                rows=written.rows,
                losses=written.losses,
                unread=unread,
            )
    except ConflictError as error:
        if error.code != "store.recording-exists":
            raise
        return Taken(path=item.path, reader=item.reader, state="present", recording_id=recording_id)
    except (ReadError, ChangedSourceError) as error:
        return Taken(path=item.path, reader=item.reader, state="failed", recording_id=recording_id, error=error)


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


def stated_facts(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Give the facts that a recording states of itself.

    Either in ``facts``, as a manifest gives them, or in the record ``session`` that a rig's recorder writes.
    """
    stated = metadata.get("facts")
    if isinstance(stated, dict):
        return {name: str(value) for name, value in stated.items() if name in FACTS and value}
    listed = metadata.get("metadata")
    records = [record for record in listed if isinstance(record, dict)] if isinstance(listed, list) else []
    if not any(record.get("name") == RIG_RECORD for record in records):
        return {}  # what others call a session need not be one
    found: dict[str, str] = {}
    for record in records:
        if record.get("name") == "session":
            found |= {name: value for name, value in record["metadata"].items() if name in FACTS and value}
    return found


def _facts_of(path: Path, request: Request, pattern: re.Pattern[str] | None) -> dict[str, str]:
    facts = dict(request.facts)
    if pattern:
        match = pattern.search(f"{path.parent.name}/{path.stem if path.is_file() else path.name}")
        facts |= {name: value for name, value in (match.groupdict() if match else {}).items() if value is not None}
    return facts
