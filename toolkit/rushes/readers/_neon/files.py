"""The files of a Neon recording: found by sensor and part, and read as arrays of records.

A sensor has parts ``NAME ps1.raw``, ``NAME ps2.raw`` …, one for each time that the device was plugged in, a file
of times beside each, and one ``NAME.dtype`` that describes a record. Some copies have ``_`` for blanks.
"""

import ast
import json
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.model import Loss, Times

_PART = re.compile(r"(?P<name>.+)[ _]ps(?P<part>\d+)\.(?P<ending>\w+)")
_TYPES = {f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)} - {"float8"}
_CHECKED_BYTES = 64 << 20
"""Larger files are held against the size that the manifest states, not against its checksum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """One part of a sensor: its records and their times; a path that is None is not there."""

    raw: Path | None
    time: Path | None


def plain(name: str) -> str:
    """Give a name as it is compared: blanks as underscores."""
    return name.replace(" ", "_")


def parts_of(root: Path, sensor: str, ending: str = "raw") -> list[PartFile]:
    """List the parts of a sensor in the order of their numbers.

    Args:
        root: The recording.
        sensor: Such as ``gaze`` or ``Neon Scene Camera v1``.
        ending: Of the files that hold its samples.
    """
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(root.iterdir()):
        match = _PART.fullmatch(path.name)
        if match and plain(match["name"]) == plain(sensor) and match["ending"] in (ending, "time"):
            found.setdefault(int(match["part"]), {})[match["ending"]] = path
    return [PartFile(raw=files.get(ending), time=files.get("time")) for _, files in sorted(found.items())]


def record_type(
    root: Path, sensor: str, known: Sequence[tuple[str, str]], *, needed: Collection[str] = ()
) -> np.dtype[Any]:
    """Give the type of a sensor's records: what its .dtype file says, else what is known of old recordings.

    Args:
        root: The recording.
        sensor: Whose records.
        known: Names and types where no file describes them.
        needed: Names that must be among them.

    Raises:
        ReadError: ``read.damaged``, if the file does not list names with number types.
    """
    path = root / f"{sensor}.dtype"
    try:
        said = ast.literal_eval(path.read_text("utf-8").strip())
        fields = [(str(name), str(kind)) for name, kind in said]
        if not fields or any(kind not in _TYPES for _, kind in fields):
            raise ValueError(f"types {sorted({kind for _, kind in fields})}")
        if lacking := set(needed) - {name for name, _ in fields}:
            raise ValueError(f"it lacks {', '.join(sorted(lacking))}")
        return np.dtype([(name, np.dtype(kind).newbyteorder("<")) for name, kind in fields])
    except FileNotFoundError:
        return np.dtype([(name, np.dtype(kind).newbyteorder("<")) for name, kind in known])
    except (OSError, ValueError, SyntaxError, TypeError, UnicodeDecodeError, MemoryError, RecursionError) as error:
        raise ReadError(
            f"{path}: does not describe records: {error}",
            code="read.damaged",
            hint="copy the recording anew",
            facts={"file": str(path)},
        ) from error


def records(path: Path, kind: np.dtype[Any]) -> tuple[npt.NDArray[Any], int]:
    """Read the whole records of a file, and count the bytes behind the last."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="bring the file back",
            facts={"file": str(path)},
        ) from error
    whole, rest = divmod(len(content), kind.itemsize)
    return np.frombuffer(content, kind, whole), rest


def times(path: Path | None) -> tuple[Times, int]:
    """Read a file of times in nanoseconds, and count the bytes behind the last; none where it is not there."""
    if path is None:
        return np.empty(0, np.int64), 0
    found, rest = records(path, np.dtype("<i8"))
    return found.astype(np.int64), rest


def held_against_manifest(root: Path) -> Iterator[Loss]:
    """Name the files that manifest.json lists and that are absent, of another size, or of another checksum."""
    try:
        listed = json.loads((root / "manifest.json").read_text("utf-8"))
        stated = [(str(entry["name"]), int(entry["size"]), int(str(entry["crc"]), 16)) for entry in listed]
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        yield Loss(code="read.damaged", message=f"manifest.json cannot be read: {error}", file="manifest.json")
        return
    there = {plain(path.name): path for path in root.iterdir() if path.is_file()}
    absent = [name for name, _, _ in stated if plain(name) not in there]
    if absent:
        message = f"{len(absent)} of {len(stated)} files that its manifest lists are absent: {', '.join(absent)}"
        yield Loss(code="read.absent-file", message=message, count=len(absent))
    for name, size, checksum in stated:
        path = there.get(plain(name))
        if path is None:
            continue
        have = path.stat().st_size
        if have != size:
            message = f"{path.name} has {have:,} bytes, its manifest states {size:,}"
            yield Loss(code="read.truncated" if have < size else "read.damaged", message=message, file=path.name)
        elif size <= _CHECKED_BYTES and zlib.crc32(path.read_bytes()) != checksum:
            message = f"{path.name} is not what was recorded: its checksum is not that of the manifest"
            yield Loss(code="read.damaged", message=message, file=path.name)
