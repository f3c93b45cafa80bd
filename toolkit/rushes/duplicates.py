"""The nouns of the search for duplicates: the pictures that go in, and what is there more than once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Stream, Times


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """The pictures of one stream, as a search for duplicates sees them.

    Args:
        recording: Name of the recording, for people.
        index: Shape (n,), of the frames that were looked at, ascending; the other arrays go with it.
        t_ns: Shape (n,), raw times.
        phash, phash_mirrored: Shape (n,), of the picture and of its mirror image.
        comparable: Shape (n,), whether the hash means anything: it decodes, and there is something to see.
        content: Shape (n,), as ``pictures.content``; empty where not known.
    """

    recording_id: str
    recording: str
    stream: Stream
    index: npt.NDArray[np.int64]
    t_ns: Times
    phash: npt.NDArray[np.uint64]
    phash_mirrored: npt.NDArray[np.uint64]
    comparable: npt.NDArray[np.bool_]
    content: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A picture, or a run of like pictures, that is there more than once; the fields are those of ``duplicates``.

    Args:
        place, near_place: Which set of the view, and which of its pictures.
        place_end: Last picture of the run, itself included.
    """

    cluster: int
    place: tuple[int, int]
    place_end: int
    near_place: tuple[int, int]
    distance: int
    exact: bool
    mirrored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatesView:
    """Which pictures of a dataset are there more than once, as a check is shown them."""

    sets: Sequence[PictureSet]
    duplicates: Sequence[Duplicate]
