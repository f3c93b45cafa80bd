"""A table's Delta log: which files make which version, and the next version put in place.

The log is written as the Delta protocol says (reader version 1, writer version 2), so that every Delta reader
reads the tables. It is written here rather than by delta-rs because an append needs nothing but the number of the
version: 0.3 ms against 10 ms, which grow with the number of log files, for each of the tables of an ingest. A
version is put in place by a hard link, which fails where the name is taken, so a foreign Delta writer is noticed,
not overwritten. Log files are never deleted: they are small, and old revisions need them.
"""

import json
import logging
import os
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq

from rushes.errors import StoreError
from rushes.store.mishaps import damage_named, damaged
from rushes.store.parts import Part
from rushes.store.schemas import TableSchema

log = logging.getLogger(__name__)

NOTHING = -1
"""The version of a table that does not exist."""

_ENTRY = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
_NEVER = "interval 36500 days"
_CONFIGURATION = {
    # Whatever cleans up besides us must not take the files of old revisions.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": _NEVER,
    "delta.deletedFileRetentionDuration": _NEVER,
}

Action = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """A data file that belongs to a version."""

    name: str
    bytes: int
    stats: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """What one version of a table is made of.

    Args:
        files: In order of their names, which is the order of their rows.
        metadata: The ``metaData`` action in force; None for a table that does not exist.
    """

    version: int
    files: tuple[LiveFile, ...]
    metadata: Mapping[str, Any] | None


NO_TABLE = TableState(version=NOTHING, files=(), metadata=None)
"""The state of a table that does not exist."""


def head(table: Path, *, known: int = NOTHING) -> int:
    """Find the newest version of a table, ``NOTHING`` if it does not exist.

    Args:
        table: The table's folder.
        known: A version that is there; the search goes upwards from it without listing the folder.
    """
    if known == NOTHING and not _entry(table, 0).exists():
        return NOTHING
    version = max(known, 0)
    while _entry(table, version + 1).exists():
        version += 1
    return version


def exists(table: Path, version: int) -> bool:
    """Tell whether a version is there."""
    return _entry(table, version).exists()


def newest_listed(table: Path) -> int:
    """Find the newest version by listing the log, for a log that may be long."""
    return max((int(found[1]) for name in _listing(table) if (found := _ENTRY.fullmatch(name))), default=NOTHING)


def load(table: Path, version: int) -> TableState:
    """Replay the log up to and including a version.

    Raises:
        StoreError: ``store.damaged`` where the log has a hole or a file that does not parse;
            ``store.foreign`` where it asks for more than this release reads.
    """
    if version == NOTHING:
        return NO_TABLE
    start, live, metadata = _checkpoint_below(table, version)
    for number in range(start, version + 1):
        metadata = _replay(table, entry(table, number), live) or metadata
    return TableState(version=version, files=_in_order(live), metadata=metadata)


def advanced(table: Path, state: TableState, version: int, actions: Sequence[Action]) -> TableState:
    """Give the state after one more version, whose actions are known, without reading."""
    live = {file.name: file for file in state.files}
    metadata = _replay(table, actions, live) or state.metadata
    return TableState(version=version, files=_in_order(live), metadata=metadata)


def entry(table: Path, version: int) -> list[Any]:
    """Read the actions of one log file.

    Raises:
        StoreError: ``store.damaged`` if it is absent or not JSON lines.
    """
    path = _entry(table, version)
    try:
        actions = [json.loads(line) for line in path.read_bytes().splitlines() if line]
    except FileNotFoundError as error:
        raise damaged(path, "it is not there") from error
    except ValueError as error:
        raise damaged(path, f"it is not a list of JSON objects ({error})") from error
    if not actions:  # as after a power cut; every change says at least who made it
        raise damaged(path, "it is empty")
    return actions


def put(table: Path, version: int, actions: Sequence[Action], *, scratch: Path) -> None:
    """Put a version in place, whole or not at all, and have it on the disk before returning.

    ``scratch`` is a file that may be overwritten, on the same disk.

    Raises:
        FileExistsError: If somebody else has put that version in place.
    """
    target = _entry(table, version)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(action, ensure_ascii=False) + "\n" for action in actions)
    write_durably(scratch, text.encode())
    try:
        link_new(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)
    try:
        sync_folder(target.parent)
    except OSError as error:
        # It is in place, and everybody sees it; to call it a failure now would be wrong.
        log.warning("version %d of '%s' may not survive a power cut: %s", version, table.name, error)


def opening_actions(schema: TableSchema) -> list[Action]:
    """Give the actions that make a new table."""
    return [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": _metadata(schema, identity=str(uuid.uuid4()), created_ms=_now_ms())},
    ]


def schema_actions(schema: TableSchema, metadata: Mapping[str, Any]) -> list[Action]:
    """Give the action that brings columns of a newer release into an existing table, if there are any."""
    stored = {field["name"] for field in json.loads(metadata["schemaString"])["fields"]}
    if stored >= set(schema.kinds):
        return []
    identity, created = metadata["id"], metadata.get("createdTime") or _now_ms()
    return [{"metaData": _metadata(schema, identity=identity, created_ms=created)}]


def add_action(part: Part, *, data_change: bool = True) -> Action:
    """Give the action by which a part belongs to the table."""
    return _add(part.name, size=part.bytes, stats=part.stats, when=part.modified_ms, data_change=data_change)


def return_action(file: LiveFile) -> Action:
    """Give the action by which a file that was removed belongs to the table again."""
    return _add(file.name, size=file.bytes, stats=file.stats, when=_now_ms(), data_change=True)


def remove_action(file: LiveFile, *, data_change: bool = True) -> Action:
    """Give the action by which a file no longer belongs to the table; the file itself stays."""
    return {
        "remove": {
            "path": file.name,
            "deletionTimestamp": _now_ms(),
            "dataChange": data_change,
            "extendedFileMetadata": True,
            "partitionValues": {},
            "size": file.bytes,
        }
    }


def info_action(operation: str, *, release: str, revision: int, brief: Mapping[str, Any]) -> Action:
    """Give the action that says who wrote a version, for which revision, and what the table is in brief."""
    return {
        "commitInfo": {
            "timestamp": _now_ms(),
            "operation": operation,
            "engineInfo": f"rushes:{release}",
            "rushesRevision": revision,
            "rushesTable": brief,
        }
    }


def is_ours(actions: Sequence[Action]) -> bool:
    """Tell whether a log file was written here, not by another Delta writer."""
    return any("rushesRevision" in action.get("commitInfo", {}) for action in actions)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and have its bytes on the disk before returning."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def link_new(source: Path, target: Path) -> None:
    """Give a file a second name; FileExistsError if that is taken."""
    try:
        os.link(source, target)
    except OSError as error:
        if isinstance(error, FileExistsError) or target.exists():
            raise FileExistsError(error.errno, "taken", str(target)) from error
        if not source.exists() or not target.parent.is_dir():
            raise
        # Some disks know no hard links; the lock that every writer of ours holds must do.
        source.replace(target)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk before returning."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _entry(table: Path, version: int) -> Path:
    return Path(f"{table}/_delta_log/{version:020d}.json")


def _listing(table: Path) -> list[str]:
    try:
        return os.listdir(table / "_delta_log")  # noqa: PTH208 - a Path a file costs more than all else here
    except FileNotFoundError:
        return []


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _add(name: str, *, size: int, stats: str | None, when: int, data_change: bool) -> Action:
    return {
        "add": {
            "path": name,
            "partitionValues": {},
            "size": size,
            "modificationTime": when,
            "dataChange": data_change,
            "stats": stats,
        }
    }


def _metadata(schema: TableSchema, *, identity: str, created_ms: int) -> Mapping[str, Any]:
    return {
        "id": identity,
        "name": schema.name,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema.delta(),
        "partitionColumns": [],
        "configuration": _CONFIGURATION,
        "createdTime": created_ms,
    }


def _check_protocol(table: Path, protocol: Mapping[str, Any]) -> None:
    if protocol["minReaderVersion"] > 1:
        raise StoreError(
            f"another program has raised '{table}' to Delta reader version {protocol['minReaderVersion']}; "
            "this release reads version 1",
            code="store.foreign",
            hint="write to the dataset through rushes only",
            facts={"table": str(table)},
        )


def _replay(table: Path, actions: Sequence[Action], live: dict[str, LiveFile]) -> Mapping[str, Any] | None:
    """Bring the live files up to date and give the metadata that the actions state, if they do."""
    metadata = None
    for action in actions:
        if (added := action.get("add")) is not None:
            file = _live_file(added)
            live[file.name] = file
        elif (removed := action.get("remove")) is not None:
            live.pop(unquote(removed["path"]), None)
        elif (stated := action.get("metaData")) is not None:
            metadata = stated
        elif (protocol := action.get("protocol")) is not None:
            _check_protocol(table, protocol)
    return metadata


def _live_file(added: Mapping[str, Any]) -> LiveFile:
    return LiveFile(name=unquote(added["path"]), bytes=added["size"], stats=added.get("stats") or None)


def _in_order(live: Mapping[str, LiveFile]) -> tuple[LiveFile, ...]:
    return tuple(live[name] for name in sorted(live))


def _checkpoint_below(table: Path, version: int) -> tuple[int, dict[str, LiveFile], Mapping[str, Any] | None]:
    """Give the first log file to replay and what the checkpoint before it holds, if there is one."""
    if version < 20:  # replaying so few files costs less than listing the folder
        return 0, {}, None
    numbers = [
        int(found[1])
        for name in _listing(table)
        if (found := _CHECKPOINT.fullmatch(name)) and int(found[1]) <= version
    ]
    if not numbers:
        return 0, {}, None
    path = table / "_delta_log" / f"{max(numbers):020d}.checkpoint.parquet"
    with damage_named(path):
        rows = pq.ParquetFile(path).read(columns=["add", "metaData", "protocol"]).to_pylist()
    live = {}
    metadata = None
    for row in rows:
        if row["add"] is not None:
            file = _live_file(row["add"])
            live[file.name] = file
        elif row["metaData"] is not None:
            metadata = {**row["metaData"], "configuration": dict(row["metaData"]["configuration"] or ())}
        elif row["protocol"] is not None:
            _check_protocol(table, row["protocol"])
    return max(numbers) + 1, live, metadata
