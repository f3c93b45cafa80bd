"""The nouns of the search for duplicates: the pictures that go in, and what is there more than once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Stream, Times

NEAR_BITS = 8
"""Bits in which the perceptual hashes of near-duplicates may differ: finds copies cropped by 5 %."""
NEAR_BITS_OF_FILMS = 4
"""The same where one of the two is of a stream with times: two films of one place are alike."""
NEAR_BITS_OF_MANY = 3
"""The same among more than ``MANY`` pictures, where chance makes pairs at larger distances."""
MANY = 100_000
FLAT_GREY = 6
"""Standard deviation of the grey values below which a picture has no features, and so no hash."""


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
