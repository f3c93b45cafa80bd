"""What an audit looks at: samples with their parts, where their pictures are, and what they are called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.splits import Leak, Samples

KINDS = {
    "group": "the same {key}",
    "exact": "equal bytes",
    "near": "near-duplicates",
    "alike": "look-alikes of films",
    "time": "neighbours in time",
}

Progress = Callable[[str, int, int], None]
Pixels = Callable[[int], npt.NDArray[Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """An assignment, ready to be audited.

    Args:
        title: Where it comes from, in words.
        samples: For :func:`rushes.splits.leaks`.
        names: Of the samples.
        values: Of each key, by code.
        classes: Of each sample, a set of words; empty where unknown.
        small: Shape (samples, features), for the baseline; zero rows where not known.
        pixels: Decodes a sample; None where it cannot.
        unread: Samples whose pictures could not be read.
        notes: What was left aside.
        blocks: Whether the parts are blocks of time by intent, so that they share recordings.
    """

    title: str
    samples: Samples
    names: Sequence[str]
    values: Mapping[str, Sequence[str]]
    classes: Sequence[frozenset[str]]
    small: npt.NDArray[np.float32]
    pixels: Pixels
    unread: int = 0
    notes: Sequence[str] = field(default_factory=tuple)
    blocks: bool = False


def said(leak: Leak) -> str:
    """Name a kind of leak, such as the same subject."""
    return KINDS[leak.kind].format(key=leak.key)


def coded(values: Sequence[str | None]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Give a code for each value, -1 for None, and the values by code in alphabetical order."""
    words = sorted({value for value in values if value is not None})
    place = {word: at for at, word in enumerate(words)}
    return np.array([-1 if value is None else place[value] for value in values], np.int64), words


class Prints:
    """Gathers the fingerprints of samples as they are read.

    Args:
        count: Of the samples.
        features: Of ``small``.
    """

    def __init__(self, count: int, features: int) -> None:
        self.hashes = np.zeros(count, np.uint64)
        self.mirrored = np.zeros(count, np.uint64)
        self.hashed = np.zeros(count, np.bool_)
        self.small = np.zeros((count, features), np.float32)
        self.content: list[str | None] = [None] * count
        self.unread = 0

    def put(self, at: int, taken: Any, content: str | None) -> None:
        """Keep the print of one sample; None counts it as unread."""
        self.content[at] = content
        if taken is None:
            self.unread += 1
            return
        self.small[at] = taken.small
        if taken.phash is not None:
            self.hashes[at], self.mirrored[at], self.hashed[at] = taken.phash, taken.mirrored, True
