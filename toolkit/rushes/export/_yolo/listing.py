"""What lies in a YOLO folder: class names, task, and each file of labels with its picture."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rushes.errors import ReadError
from rushes.export._pictures import beside

_NAMES = ("obj.names", "classes.txt", "labels.txt", "coco.names")
_NO_LABELS = frozenset(
    {"classes.txt", "labels.txt", "train.txt", "val.txt", "valid.txt", "test.txt", "README.txt"}
)
_PARTS = frozenset({"train", "val", "valid", "test"})
_PICTURES = {"labels": "images", "Annotations": "Images", "annotations": "images"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a folder says of itself.

    Args:
        names: Class by its number in the lines; the numbers need not follow one another.
        parts: Folders below ``images`` that are parts of a split.
        task: Where it says, in a file of ours.
        points: Keypoints of a line, and the numbers of each; None where there are none.
    """

    names: Mapping[int, str]
    parts: frozenset[str] = _PARTS
    task: str | None = None
    points: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of labels.

    Args:
        picture: Where its picture is; None where it is absent.
        name: Of the picture, below its part.
        part: Folder below ``labels``, where there is one.
    """

    file: Path
    picture: Path | None
    name: str
    part: str | None


def facts_of(root: Path) -> Facts | None:
    """Read the names from a YAML file or a plain list; None where there is neither."""
    for file in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        body = _yaml(file)
        if isinstance(body, dict) and body.get("names"):
            return _from_yaml(body)
    for name in _NAMES:
        if (root / name).is_file():
            text = (root / name).read_text(encoding="utf-8-sig")
            return Facts(names=dict(enumerate(line.strip() for line in text.splitlines() if line.strip())))
    return None


def entries_of(root: Path, parts: Collection[str] = _PARTS, images: Path | None = None) -> Iterator[Entry]:
    """List the files of labels in alphabetical order.

    Args:
        root: The folder.
        parts: Folders below ``labels`` that are parts of a split; others belong to the names of the pictures.
        images: Folder that the pictures are in, by the paths that the labels have below ``labels``; the folder
            ``images`` in the place of ``labels`` when None.
    """
    for file in sorted(root.rglob("*.txt")):
        if file.name in _NO_LABELS:
            continue
        inside = file.relative_to(root)
        folder = next((name for name in _PICTURES if name in inside.parts[:-1]), None)
        if folder is None:
            found = beside((images / inside if images else file).with_suffix(".jpg"))
            yield Entry(file=file, picture=found, name=(found or file).name, part=None)
            continue
        at = inside.parts.index(folder)
        below = Path(*inside.parts[at + 1 :])
        place = images / below if images else root / Path(*inside.parts[:at]) / _PICTURES[folder] / below
        found = beside(place.with_suffix(".jpg"))
        name = below.with_suffix(found.suffix) if found else below
        part = name.parts[0] if len(name.parts) > 1 and name.parts[0] in parts else None
        yield Entry(file=file, picture=found, name=Path(*name.parts[1 if part else 0 :]).as_posix(), part=part)


def _yaml(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ReadError(f"{file}: is not YAML", code="labels.file", hint="it should say the names") from error


def _from_yaml(body: Mapping[str, Any]) -> Facts:
    names = body["names"]
    listed = names if isinstance(names, dict) else dict(enumerate(names))
    shape = body.get("kpt_shape")
    task = (body.get("rushes") or {}).get("task")
    places = [Path(body[key]).parts for key in ("train", "val", "test") if isinstance(body.get(key), str)]
    return Facts(
        parts=frozenset(place[-1] for place in places if len(place) > 1),
        names={int(at): str(listed[at]) for at in sorted(listed)},
        task=task,
        points=(int(shape[0]), int(shape[1])) if shape else None,
    )
