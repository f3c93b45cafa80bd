"""Assignments made elsewhere: a CSV of paths or keys with their parts, or COCO files, one a part."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.errors import UsageError
from rushes.splits import Samples
from rushes.workflow._split.audited import Audited, Prints, Progress, coded

KEYS = ("path", "file", "file_name", "filename", "image", "key", "name", "recording")
PARTS = ("part", "split", "subset", "fold", "set")
CLASSES = ("class", "label", "task")
ORDER = ("index", "frame", "time_s")


def read_list(path: Path) -> list[dict[str, str]]:
    """Read a CSV with a header; gives its rows with the key under ``path`` and the part under ``part``.

    Raises:
        UsageError: ``split.list`` if it cannot be read, or has no such columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                {(k or "").strip().lower(): (v or "").strip() for k, v in row.items() if isinstance(v, str)}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{path}: cannot be read as CSV: {error}", code="split.list", hint="save it as UTF-8 CSV"
        ) from error
    columns = list(rows[0]) if rows else []
    key = next((name for name in KEYS if name in columns), None)
    part = next((name for name in PARTS if name in columns), None)
    if key is None or part is None:
        raise UsageError(
            f"{path}: {'no row' if not rows else 'its columns are ' + ', '.join(columns)}",
            code="split.list",
            hint="the first line names the columns: path,part or recording,part; others such as subject are keys",
        )
    made = []
    for row in rows:
        others = {name: value for name, value in row.items() if name not in (key, part)}
        own = {"recording": row[key]} if key == "recording" else {}
        made.append({**others, **own, "path": row[key], "part": row[part]})
    return made


def read_coco(files: Mapping[str, Path], images: Path | None) -> list[dict[str, str]]:
    """Read COCO files, one a part; gives rows as :func:`read_list`, with the classes of each picture.

    Raises:
        UsageError: ``split.list`` if one is no COCO file.
    """
    rows = []
    for part, path in files.items():
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            pictures, marks = body["images"], body.get("annotations", [])
            names = {c["id"]: str(c["name"]) for c in body.get("categories", [])}
            of_picture: dict[Any, set[str]] = {}
            for mark in marks:
                of_picture.setdefault(mark["image_id"], set()).add(names.get(mark.get("category_id"), ""))
            for picture in pictures:
                place = _near(path, str(picture["file_name"]), images)
                classes = "|".join(sorted(of_picture.get(picture["id"], set()) - {""}))
                rows.append({"path": str(place), "part": part, "class": classes})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path}: is no COCO file: {type(error).__name__} {error}",
                code="split.list",
                hint="it should hold images with file_name, and annotations; give one file a part",
            ) from error
    return rows


def of_rows(
    rows: Sequence[Mapping[str, str]],
    *,
    root: Path,
    title: str,
    by: Sequence[str] | None,
    pattern: str | None,
    timed: bool = False,
    progress: Progress | None = None,
) -> Audited:
    """Look at every picture of a list.

    Args:
        rows: With ``path``, ``part``, and whatever else is known of a picture.
        root: What relative paths count from.
        title: In words.
        by: Columns that are keys; all others but class, stream, index, frame and time_s where None.
        pattern: Regular expression with named groups, searched in each path: more columns. ``stream`` and
            ``index`` tell which pictures follow each other.
        timed: Whether the order is by ``time_s``, in nanoseconds, not by ``index`` or ``frame``.

    Raises:
        UsageError: ``split.list`` for an expression that cannot be, or a column that is not there.
    """
    every = [dict(row) | _named(pattern, row["path"]) for row in rows]
    columns = sorted({name for row in every for name in row})
    left = {"path", "part", "stream", *CLASSES, *ORDER}
    facts = [name for name in columns if name not in left] if by is None else list(by)
    for fact in facts:
        if fact not in columns:
            near = registry.close_to(fact, columns)
            hint = f"did you mean '{near}'?" if near else f"there are {', '.join(columns)}"
            raise UsageError(f"no picture of the list has a '{fact}'", code="split.list", hint=hint)
    place = [Path(row["path"]) if Path(row["path"]).is_absolute() else root / row["path"] for row in every]
    room = registry.late("rushes.workflow._split.prints")
    made = Prints(len(every), room.SIDE**2 + 3 * room.BINS)
    for at, path in enumerate(place):
        if progress and at % 50 == 0:
            progress(path.name, at, len(place))
        data = room.file_bytes(path)
        pixels = room.read_small(data) if data else None
        made.put(at, None if pixels is None else room.print_of(pixels), room.content_of(data) if data else None)
    part, parts = coded([row["part"] or None for row in every])
    keys: dict[str, npt.NDArray[np.int64]] = {}
    values: dict[str, Sequence[str]] = {}
    for fact in facts:
        keys[fact], values[fact] = coded([row.get(fact) or None for row in every])
    stream, order = _sequence(every, timed=timed)
    word = next((name for name in CLASSES if name in columns), None)
    return Audited(
        title=title,
        samples=Samples(
            parts=parts,
            part=part,
            keys=keys,
            content=coded(made.content)[0],
            hashes=made.hashes,
            mirrored=made.mirrored,
            hashed=made.hashed,
            film=np.zeros(len(every), np.bool_),
            stream=stream,
            order=order,
        ),
        names=[row["path"] for row in every],
        values=values,
        classes=[frozenset(filter(None, (row.get(word or "") or "").split("|"))) for row in every],
        small=made.small,
        pixels=lambda at: _pixels(room, place[at]),
        unread=made.unread,
    )


def _pixels(room: Any, path: Path) -> npt.NDArray[Any] | None:
    data = room.file_bytes(path)
    pixels: npt.NDArray[Any] | None = room.read_small(data) if data else None
    return pixels


def _near(file: Path, name: str, images: Path | None) -> Path:
    """Find a picture of a COCO file: in the folder given, beside the file, or in ``images`` beside it or above."""
    if images is not None:
        return images / name
    places = [file.parent, file.parent / "images", file.parent.parent, file.parent.parent / "images"]
    places += [place / file.stem for place in places]
    return next((place / name for place in places if (place / name).is_file()), file.parent / name).absolute()


def _named(pattern: str | None, path: str) -> dict[str, str]:
    if pattern is None:
        return {}
    try:
        found = re.search(pattern, path)
    except re.error as error:
        raise UsageError(
            f"'{pattern}' is no regular expression: {error}",
            code="split.list",
            hint=r"such as '(?P<subject>s\d+)_'",
        ) from error
    return {name: value for name, value in found.groupdict().items() if value is not None} if found else {}


def _sequence(
    rows: Sequence[Mapping[str, str]], *, timed: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give each picture's stream and its place there; -1 where nothing tells."""
    places: list[int] = []
    for row in rows:
        value = row.get("time_s") if timed else row.get("index") or row.get("frame")
        try:
            places.append(round(float(value or "") * (1_000_000_000 if timed else 1)))
        except (ValueError, OverflowError):
            places.append(-1)
    names = [row.get("stream") or row.get("recording") or "" for row in rows]
    streams = [name if place >= 0 else None for name, place in zip(names, places, strict=True)]
    return coded(streams)[0], np.array(places, np.int64)
