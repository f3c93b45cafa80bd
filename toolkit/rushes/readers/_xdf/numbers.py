"""Samples of numbers: where they lie in their chunks, and all of many chunks decoded at once.

A sample is one byte that says how long its stamp is (8, or 0 where it has none), the stamp, and a value a channel.
A run is samples in a row that all have a stamp or all have none, so that they lie at equal distances.
"""

from array import array
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.readers._xdf.chunks import Chunk, Data

STAMP_BYTES = 8


Runs: TypeAlias = "array[int]"
"""Three numbers a run: place of the first sample, how many there are, and their distance in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one chunk of samples holds.

    Args:
        stated: Samples that it says it holds; None where that cannot be true.
        runs: Samples that are whole, in order; empty for texts.
        count: Samples that are whole.
        wrong: Why it holds others than it says; empty where all is well.
        wrong_at: From where on it could not be read.
    """

    stated: int | None
    runs: Runs
    count: int
    wrong: str = ""
    wrong_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Samples as they lie in the file.

    Args:
        marks: Shape (n,) uint8, the byte that says how long the stamp is.
        stamps: Shape (n,) seconds; anything where there is no stamp.
        stamped: Shape (n,), whether there is one.
        values: Shape (n, channels), in the type of the file.
    """

    marks: npt.NDArray[np.uint8]
    stamps: npt.NDArray[np.float64]
    stamped: npt.NDArray[np.bool_]
    values: npt.NDArray[np.generic]


def stated_count(data: Data, chunk: Chunk) -> tuple[int | None, int]:
    """Read how many samples a chunk says it holds, None where it cannot be read; and where they begin."""
    at = chunk.start
    width = data[at] if at < chunk.end else 0
    if width not in (1, 4, 8) or at + 1 + width > chunk.end:
        return None, min(at + 1 + (width if width in (1, 4, 8) else 4), chunk.end)
    return int.from_bytes(data[at + 1 : at + 1 + width], "little"), at + 1 + width


def contents(data: Data, chunk: Chunk, value_bytes: int) -> Contents:
    """Find the samples of a chunk; ``value_bytes`` is what the values of one sample take."""
    stated, at = stated_count(data, chunk)
    room = chunk.end - at
    narrow, wide = 1 + value_bytes, 1 + STAMP_BYTES + value_bytes
    if stated is not None and chunk.end == chunk.stated_end:
        for step in (wide, narrow):
            if stated * step == room:
                return Contents(stated=stated, runs=array("q", (at, stated, step) if stated else ()), count=stated)
    places, end = _places(bytes(data[at : chunk.end]), narrow, wide)
    whole = at + end == chunk.end
    count = len(places)
    if not whole and stated is not None and count > stated:  # what follows the last sample is not of them
        end, count = places[stated], stated
    runs = _as_runs(places[:count], at, end)
    if whole and stated == count:
        return Contents(stated=stated, runs=runs, count=count)
    if whole and chunk.end == chunk.stated_end:
        return Contents(stated=None, runs=runs, count=count, wrong="count", wrong_at=chunk.start)
    believable = stated is not None and stated * narrow <= chunk.stated_end - at
    return Contents(
        stated=max(stated or 0, count) if believable else None,
        runs=runs,
        count=count,
        wrong="content",
        wrong_at=at + end,
    )


def spread(runs: Runs) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give the place of every sample, and its length in bytes; both of shape (n,)."""
    table = np.frombuffer(runs, np.int64).reshape(-1, 3)
    counts = table[:, 1]
    first = np.repeat(np.cumsum(counts) - counts, counts)
    steps = np.repeat(table[:, 2], counts)
    return np.repeat(table[:, 0], counts) + (np.arange(len(first)) - first) * steps, steps


def decode(
    raw: npt.NDArray[np.uint8],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    *,
    dtype: str,
    channels: int,
) -> Decoded:
    """Decode samples, wherever they lie.

    Args:
        raw: The whole file.
        places: As of :func:`spread`.
        steps: Likewise.
        dtype: numpy's name of the type of a value.
        channels: Values a sample.
    """
    value_bytes = np.dtype(dtype).itemsize * channels
    with_stamp = steps == 1 + STAMP_BYTES + value_bytes
    stamps = np.zeros(len(places), np.float64)
    stamps[with_stamp] = _gathered(raw, places[with_stamp] + 1, STAMP_BYTES).view("<f8")
    values = _gathered(raw, places + np.where(with_stamp, 1 + STAMP_BYTES, 1), value_bytes)
    return Decoded(
        marks=raw[places],
        stamps=stamps,
        stamped=with_stamp,
        values=values.view(dtype).reshape(len(places), channels),
    )


def _gathered(raw: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.void]:
    """Copy pieces of equal length, wherever they lie, to one after the other."""
    pieces: npt.NDArray[np.void] = np.ndarray(
        (max(0, len(raw) - length + 1),), np.dtype((np.void, length)), buffer=raw.data, strides=(1,)
    )
    return pieces[places]


def _places(body: bytes, narrow: int, wide: int) -> tuple[list[int], int]:
    """Follow samples from one to the next; where the bytes stop to be samples is the second answer."""
    places: list[int] = []
    at, size = 0, len(body)
    while at < size:
        mark = body[at]
        if mark == STAMP_BYTES:
            following = at + wide
        elif mark == 0:
            following = at + narrow
        else:
            break
        if following > size:
            break
        places.append(at)
        at = following
    return places, at


def _as_runs(places: list[int], start: int, end: int) -> Runs:
    """Put samples at equal distances together; ``end`` is one past the last, ``start`` where places count from."""
    runs: Runs = array("q")
    if places:
        at = np.array([*places, end], np.int64)
        steps = np.diff(at)
        heads = np.flatnonzero(np.diff(steps, prepend=0))
        counts = np.diff(np.append(heads, len(steps)))
        runs.frombytes(np.stack([at[heads] + start, counts, steps[heads]], axis=1).tobytes())
    return runs
