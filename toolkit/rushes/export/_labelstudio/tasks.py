"""Tasks of Label Studio's JSON: which picture each shows, and what was said of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from rushes.annotate.label_studio.passport import Passport, of_task
from rushes.export._pictures import SUFFIXES, TURNS, header

Result = Mapping[str, Any]
Task = Mapping[str, Any]
ORIENTATIONS = {turn: orientation for orientation, turn in TURNS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One annotation or prediction of a task.

    Args:
        scope: Names it among all of the file.
    """

    scope: str
    author: str | None
    predicted: bool
    results: Sequence[Result]


def versions_of(task: Task, number: int) -> Iterator[Version]:
    """Give what was said of a task: annotations that were not skipped, then predictions."""
    name = task.get("id", number)
    for key in ("annotations", "completions", "predictions"):  # completions: before 1.0
        for at, each in enumerate(task.get(key) or ()):
            if isinstance(each, Mapping) and not each.get("was_cancelled"):
                results = [entry for entry in each.get("result") or () if isinstance(entry, Mapping)]
                yield Version(
                    scope=f"{name}/{key}/{each.get('id', at)}",
                    author=_author(each),
                    predicted=key == "predictions",
                    results=results,
                )


def passports_of(task: Task, results: Sequence[Result], number: int, images: Path | None) -> dict[str, Passport]:
    """Say what each object of a task shows: as a task of ours states it, else as the results and the file tell."""
    data = task.get("data") if isinstance(task.get("data"), Mapping) else {}
    assert isinstance(data, Mapping)
    if found := of_task(data):
        return found
    sizes: dict[str, tuple[int, int]] = {}
    for entry in results:
        if entry.get("type") != "relation":
            size = (int(entry.get("original_width") or 0), int(entry.get("original_height") or 0))
            sizes[str(entry.get("to_name"))] = max(size, sizes.get(str(entry.get("to_name")), (0, 0)))
    passports: dict[str, Passport] = {}
    for at, (name, (width, height)) in enumerate(sizes.items()):
        facts = header(images / picture_name(task, name, number)) if images else None
        passports[name] = Passport(
            recording_id="",
            stream=name,
            index=number * 1000 + at,
            t_ns=None,
            width_px=facts.width_px if facts else width,
            height_px=facts.height_px if facts else height,
            orientation=ORIENTATIONS[facts.turn_deg, facts.mirrored] if facts else 1,
        )
    return passports


def picture_name(task: Task, object_name: str, number: int) -> str:
    """Find the name of the picture that an object shows, without what the server put before it."""
    data = task.get("data") if isinstance(task.get("data"), Mapping) else {}
    assert isinstance(data, Mapping)
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    pictures = [value for value in texts.values() if PurePosixPath(_path(value)).suffix.lower() in SUFFIXES]
    said = texts.get(object_name) or next(iter(pictures), None) or texts.get("image")
    return _path(said) if said else f"task-{task.get('id', number)}"


def _path(address: str) -> str:
    """Give the path of a picture: behind ``?d=`` of local files, else the last step of an address."""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    if local:
        return local[0].lstrip("/")
    path = unquote(parts.path)
    return PurePosixPath(path).name if parts.scheme or path.startswith("/") else path


def _author(each: Mapping[str, Any]) -> str | None:
    by = each.get("completed_by")
    if isinstance(by, Mapping):
        return str(by.get("email") or by.get("id"))
    return str(by) if by is not None else each.get("model_version") or None
