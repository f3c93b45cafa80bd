"""Several cameras in one folder of images, told apart by their names: color_0001.jpg, depth_0001.png."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rushes.model import Modality
from rushes.readers._files.images import image_head

MOST = 8
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_DEPTH = {"depth", "disp", "disparity"}
_INFRARED = {"ir", "infra", "infrared", "thermal"}
_DRAWN = {"mask", "masks", "seg", "semantic", "conf", "confidence"}
_TELLING = _DEPTH | _INFRARED | _DRAWN | {"left", "right"}
"""A folder is parted only where one of these words, or 16 bits a pixel, say that not one camera made it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Images of one kind: the stream's name, what it shows, its files in the order in which they came.

    Args:
        keys: What each file has in common with its partners in the other streams: the numbers in its name.
    """

    stream: str
    modality: Modality
    files: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]


def streams_of_names(folder: Path, files: Sequence[str]) -> tuple[Named, ...]:
    """Part the images of a folder into streams; empty where they look like one.

    Names that differ in more than their numbers, or in their ending, are of different kinds. Kinds are streams
    where there are at most eight of at least two images, half of the numbers of the largest kind occur in each
    other one, and their names or pixels say that not all are of one camera.

    Args:
        folder: Where they lie; one image of each kind is looked into.
        files: Their names, in natural order.
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for file in files:
        path = PurePosixPath(file)
        kinds.setdefault((_NUMBER.sub("#", path.stem), path.suffix.lower()), []).append(file)
    if not 2 <= len(kinds) <= MOST or min(map(len, kinds.values())) < 2:
        return ()
    keys = {kind: [_key(file) for file in of] for kind, of in kinds.items()}
    largest = max(map(set, keys.values()), key=len)
    if any(len(set(own)) < len(own) or 2 * len(largest & set(own)) < len(largest) for own in keys.values()):
        return ()
    words = {kind: [word.lower() for word in _WORD.findall(kind[0])] for kind in kinds}
    deep = {kind: _is_deep(folder / of[0]) for kind, of in kinds.items()}
    if len(set(deep.values())) < 2 and not any(_TELLING & set(own) for own in words.values()):
        return ()
    found: list[Named] = []
    for kind, of in kinds.items():
        own = words[kind][_in_common(list(words.values())) :]
        modality = _modality(own, deep=deep[kind] if any(deep.values()) else None)
        name = "_".join(own) or modality
        if name in {named.stream for named in found}:
            name = f"{name}_{kind[1].lstrip('.')}"
        found.append(Named(stream=name, modality=modality, files=tuple(of), keys=tuple(keys[kind])))
    return tuple(found)


def _in_common(rows: Sequence[Sequence[str]]) -> int:
    """Count the words with which all begin."""
    differ = (at for at, words in enumerate(zip(*rows, strict=False)) if len(set(words)) > 1)
    return next(differ, min(map(len, rows)))


def _key(file: str) -> tuple[str, ...]:
    return tuple(_NUMBER.findall(PurePosixPath(file).stem))


def _modality(words: Sequence[str], *, deep: bool | None) -> Modality:
    """Tell by the words; where some of the kinds have 16 bits a pixel and others not, depth has them."""
    if _INFRARED & set(words):
        return "infrared"
    if _DRAWN & set(words):
        return "color"
    return "depth" if deep or (deep is None and _DEPTH & set(words)) else "color"


def _is_deep(path: Path) -> bool:
    head = image_head(path)
    return head is not None and head.pixel_format == "mono16"
