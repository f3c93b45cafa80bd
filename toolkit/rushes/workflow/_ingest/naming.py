"""Names of recordings: that of the file or folder, with as many folders before it as tell it from the others."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path


def tails(paths: Sequence[Path]) -> Mapping[Path, tuple[str, ...]]:
    """Give the shortest ends of paths that tell them apart: the name alone where no other path has it."""
    found: dict[Path, tuple[str, ...]] = {}
    waiting, length = list(dict.fromkeys(paths)), 1
    while waiting:
        ends = {path: path.absolute().parts[-length:] for path in waiting}
        often = Counter(ends.values())
        for path in list(waiting):
            if often[ends[path]] == 1 or len(ends[path]) < length:
                found[path] = ends[path]
                waiting.remove(path)
        length += 1
    return found


def names_of(paths: Sequence[Path], known: Collection[str]) -> Mapping[Path, str]:
    """Name recordings so that no two of them, and none of ``known``, have one name, where their folders differ.

    A file that everybody calls ``take.mp4`` is ``s01_take``, ``s02_take`` after the folder that it lies in.
    """
    stems = Counter(path.with_suffix("") for path in dict.fromkeys(paths))
    plain = {path: path.name if path.is_dir() or stems[path.with_suffix("")] > 1 else path.stem for path in paths}
    alike = Counter(plain.values())
    ends = tails([path.with_name(plain[path]) for path in paths])
    found: dict[Path, str] = {}
    for path in paths:
        length = len(ends[path.with_name(plain[path])]) if alike[plain[path]] > 1 else 1
        parts = (*path.absolute().parts[1:-1], plain[path])
        while (name := "_".join(parts[-length:])) in known and length < len(parts):
            length += 1
        found[path] = name
    return found
