"""Folders of images with a file of times beside them: KITTI's layouts and plain ones.

Every folder that holds images (or whose ``data`` does) is looked at. The times are in a table that names each
image, or in a list with one time a line; in the folder, or above it and then shared by several folders.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from rushes.model import Loss, Modality, Stream, Times
from rushes.readers._files.exact_time import Unit, exact_ns, unit_of_name, unit_of_values, wall_ns
from rushes.readers._files.images import ImageList, images_in, is_image
from rushes.readers._files.parts import Part
from rushes.readers._files.tables import NOT_NUMBERS, TOO_FEW

LISTS = (
    "timestamps.txt",
    "times.txt",
    "timestamp.txt",
    "time.txt",
    "timestamps.csv",
    "times.csv",
    "timestamps.tsv",
)
NAMED_AFTER = ("_timestamps", "_timestamp", "_times", "_time", "_stamps")
MOST_TABLES = 8  # other .csv files of a folder that are looked into
_HEAD_BYTES = 8192
_ANY_SIZE: Unit = "ns"  # asks whether it is a number at all: dates in ms would not fit if they were seconds
_TIME_NAME = re.compile(r"time|stamp|^t$|^t[_ (\[]", re.IGNORECASE)
SENSOR_NAME = re.compile(
    r"((low|high|hi|full)_?res_)?(cam(era)?|wide|ultra_?wide|images?|imgs?|rgb|colou?r|depth|ir|infra(red)?|left|right|mono|stereo|fisheye|thermal)[\W_]*\d*"
    r"([\W_]\w*)?",
    re.IGNORECASE,
)
"""Folders so named are the cameras of one recording; others may each be a recording of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Images in one folder and the file that times them."""

    folder: str  # below the root; "" is the root itself
    stream: str
    files: tuple[str, ...]
    times: Path


def pictures_in(root: Path) -> list[Pictures]:
    """Find the folders of images that have times: the root, its folders, and ``data`` in those."""
    found = []
    shared = _times_of(root)
    inside = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    for place in (root, *inside):
        for folder in (place, place / "data"):
            files = images_in(folder)
            if not files or (place == root and folder != root):
                continue
            if place != root and shared is None and not SENSOR_NAME.fullmatch(place.name):
                continue
            times = next((t for t in map(_times_of, dict.fromkeys((folder, place))) if t), None)
            times = times or (None if place == root else _times_for(place)) or shared
            if times is not None:
                name = folder.relative_to(root).as_posix()
                stream = "images" if place == root else place.name
                folder_name = "" if name == "." else name
                found.append(Pictures(folder=folder_name, stream=stream, files=tuple(files), times=times))
    return found


def parts(root: Path) -> tuple[list[Part], list[Loss]]:
    """Give a stream for each timed folder of images, and what does not fit."""
    found: list[Part] = []
    losses: list[Loss] = []
    for pictures in pictures_in(root):
        part, loss = _part(root, pictures)
        found.append(part)
        losses.extend(loss)
    return found, losses


def _part(root: Path, pictures: Pictures) -> tuple[ImageList, list[Loss]]:
    rows = _rows(pictures.times)
    where = pictures.times.relative_to(root).as_posix()
    rejected: Counter[str] = Counter()
    naming = next(
        (place for place in range(len(rows[0])) if is_image(rows[min(1, len(rows) - 1)][place].strip())), None
    )
    header = rows[0] if _is_header(rows[0], naming) else None
    body = rows[1:] if header else rows
    if naming is None:
        names, texts, unlisted, losses = _by_order(
            pictures, [row[_time_field(header, None)] for row in body], where
        )
    else:
        field = _time_field(header, naming)
        whole = [row for row in body if len(row) > max(field, naming)]
        rejected[TOO_FEW] += len(body) - len(whole)
        names = [_below(root, pictures.folder, row[naming].strip()) for row in whole]
        texts = [row[field].encode() for row in whole]
        listed = set(names)
        here = (str(PurePosixPath(pictures.folder) / file) for file in pictures.files)
        unlisted, losses = [name for name in here if name not in listed], []
    t_ns, readable, why = _times(texts, header[_time_field(header, naming)] if header else None)
    rejected[NOT_NUMBERS] += int((~readable).sum())
    names = [name for name, good in zip(names, readable, strict=True) if good]
    stream = Stream(
        name=pictures.stream,
        modality=modality_of(pictures.stream),
        table="frames",
        clock="header",
        notes=f"times from {where}; {why}",
    )
    part = ImageList(root, stream, names, t_ns[readable], unlisted=unlisted, rejected=+rejected)
    return part, losses


def modality_of(name: str) -> Modality:
    """Guess from a stream's name what its pictures show; colour where nothing says otherwise."""
    words = set(name.lower().replace("-", "_").replace("/", "_").split("_"))
    if "depth" in name.lower():
        return "depth"
    return "infrared" if words & {"ir", "infrared", "thermal"} else "color"


def _by_order(
    pictures: Pictures, times: Sequence[str], where: str
) -> tuple[list[str], list[bytes], list[str], list[Loss]]:
    """Pair a list of times with the images: by number where the names are numbers that fit, else in order."""
    files, texts = list(pictures.files), [time.strip().encode() for time in times]
    numbers = [int(stem) if (stem := PurePosixPath(file).stem).isdecimal() else -1 for file in files]
    by_number = min(numbers) >= 0 and max(numbers) < len(texts) and len(set(numbers)) == len(numbers)
    if by_number:
        known = dict(zip(numbers, files, strict=True))
        width, ending = len(PurePosixPath(files[0]).stem), PurePosixPath(files[0]).suffix
        ordered = [known.get(number, f"{number:0{width}d}{ending}") for number in range(len(texts))]
        unlisted: list[str] = []
    else:
        ordered, unlisted = files[: len(texts)], files[len(texts) :]
    losses = []
    if len(ordered) < len(texts):
        count = len(texts) - len(ordered)
        message = f"{where} holds {len(texts)} times for {len(files)} images; the last {count} times have none"
        losses.append(Loss(code="read.count-mismatch", message=message, stream=pictures.stream, count=count))
    folder = PurePosixPath(pictures.folder)
    return (
        [str(folder / file) for file in ordered],
        texts[: len(ordered)],
        [str(folder / file) for file in unlisted],
        losses,
    )


def _times(texts: list[bytes], column: str | None) -> tuple[Times, npt.NDArray[np.bool_], str]:
    if texts and b":" in texts[0]:
        return *wall_ns(texts), "written as dates, read without a time zone"
    unit = unit_of_name(column) if column else None
    if unit is not None:
        return *exact_ns(texts, unit), f"the column '{column}' says {unit}"
    unit, why = unit_of_values(texts)
    return *exact_ns(texts, unit), why


def _times_of(folder: Path) -> Path | None:
    for name in LISTS:
        if (folder / name).is_file() and _holds_times(folder / name):
            return folder / name
    tables = sorted(path for path in folder.glob("*.csv") if path.is_file())[:MOST_TABLES]
    return next((path for path in tables if _names_images(path)), None)


def _times_for(place: Path) -> Path | None:
    """Find the list beside a folder that bears its name: cam_left_timestamps.csv beside cam_left/."""
    names = (f"{place.name}{part}{ending}" for part in NAMED_AFTER for ending in (".txt", ".csv", ".tsv"))
    beside = (place.parent / name for name in names)
    return next((path for path in beside if path.is_file() and _holds_times(path)), None)


def _holds_times(path: Path) -> bool:
    with path.open("rb") as file:
        rows = _split(file.read(_HEAD_BYTES).rpartition(b"\n")[0].decode("utf-8-sig", "replace"))[:2]
    texts = [field.strip().encode() for field in rows[-1]] if rows else []
    return bool(texts) and bool(exact_ns(texts, _ANY_SIZE)[1].any() or wall_ns(texts)[1].any())


def _names_images(table: Path) -> bool:
    with table.open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
    rows = _split(head)[:2]
    if not rows or not any(is_image(field.strip()) for field in rows[-1]):
        return False
    naming = next(place for place, field in enumerate(rows[-1]) if is_image(field.strip()))
    header = rows[0] if _is_header(rows[0], naming) else None
    if header is None and len(rows[-1]) != 2:
        return False  # such as boxes in pictures: nothing says which number were a time
    field = _time_field(header, naming)
    return 0 <= field < len(rows[-1]) and bool(exact_ns([rows[-1][field].strip().encode()], _ANY_SIZE)[1][0])


def _rows(path: Path) -> list[list[str]]:
    rows = _split(path.read_text("utf-8-sig", "replace"))
    return rows or [[""]]


def _split(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith("#"):
        lines[0] = lines[0].lstrip("# ")
    lines = [line for line in lines if not line.startswith("#")]
    if not lines:
        return []
    if "," in lines[-1] or "\t" in lines[-1] or ";" in lines[-1]:
        parting = max(",\t;", key=lines[-1].count)
        return list(csv.reader(io.StringIO("\n".join(lines)), delimiter=parting))
    if ":" in lines[-1]:
        return [[line] for line in lines]  # one date a line
    return [line.split() for line in lines]


def _is_header(row: Sequence[str], naming: int | None) -> bool:
    if naming is not None and len(row) > naming and is_image(row[naming].strip()):
        return False
    numbers = exact_ns([field.strip().encode() for field in row], _ANY_SIZE)[1]
    return not numbers.any() and ":" not in row[0]


def _time_field(header: Sequence[str] | None, naming: int | None) -> int:
    """Give the place of the time; -1 where the header names none."""
    if not header:
        return 1 if naming == 0 else 0
    places = (place for place, name in enumerate(header) if place != naming and _TIME_NAME.search(name.strip()))
    return next(places, -1)


def _below(root: Path, folder: str, name: str) -> str:
    """Take a listed name as one below the root, else as one below the folder of the images."""
    posix = PurePosixPath(name.replace("\\", "/"))
    beside = PurePosixPath(folder) / posix
    return str(posix) if len(posix.parts) > 1 and (root / posix).parent.is_dir() else str(beside)
