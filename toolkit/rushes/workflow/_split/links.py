"""What holds the same or nearly the same picture, by what the last check has measured of each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.duplicates import FLAT_GREY, MANY, NEAR_BITS, NEAR_BITS_OF_FILMS, NEAR_BITS_OF_MANY
from rushes.splits import near_pairs
from rushes.store import Store
from rushes.workflow._split.stills import unit_name
from rushes.workflow.excluded import Excluded

LINKS = ("auto", "near", "exact", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What ties recordings together.

    Args:
        pairs: Recordings, or pictures of sets of stills, that must stay together, each pair once; more follow
            from them.
        why: For each of them one example, in words.
        looked: Whether duplicates were looked for at all.
        loosened: Share of the samples that near-duplicates would have tied into one group, so that only equal
            pictures tie; None where nothing was loosened.
    """

    pairs: Sequence[tuple[str, str]]
    why: Sequence[str]
    looked: bool
    loosened: float | None = None


NO_LINKS = Links(pairs=(), why=(), looked=False)


def duplicates(
    store: Store, names: Mapping[str, str], *, kind: str, stills: Collection[str] = (), out: Excluded
) -> Links:
    """Tie recordings by their pictures, as ``split verify`` compares them: what it would call a leak is tied.

    Args:
        store: The dataset.
        names: Of its recordings, by id; others are left out.
        kind: ``near``: near-duplicates, mirrored or not, and equal bytes; ``exact``: equal bytes only; ``none``.
        stills: Recordings of which every picture is tied by itself.
        out: Pictures of discarded takes tie nothing.
    """
    if kind == "none":
        return Links(pairs=(), why=(), looked=True)
    seen = _seen(store, names, stills, out)
    if not len(seen.unit):
        return NO_LINKS
    closest: dict[tuple[int, int], tuple[int, int, int]] = {}
    for one, other, distance in [*_equal(seen), *(_near(seen) if kind == "near" else ())]:
        here, there = sorted((int(seen.unit[one]), int(seen.unit[other])))
        if here != there and distance < closest.get((here, there), (99, 0, 0))[0]:
            closest[here, there] = (distance, one, other)
    return Links(
        pairs=tuple((seen.name(one, names), seen.name(other, names)) for _, one, other in closest.values()),
        why=tuple(
            f"{seen.say(one, names)} and {seen.say(other, names)}: "
            + ("the same bytes" if distance < 0 else f"{distance} of 64 bits apart")
            for distance, one, other in closest.values()
        ),
        looked=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Pictures as the last check saw them, as columns of one length; ``content`` is -1 where it is not known.

    ``unit`` tells what is tied: the recording, or of a set of stills the index in it.
    """

    recording: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    still: npt.NDArray[np.bool_]
    stream: Sequence[str]
    index: npt.NDArray[np.int64]
    content: npt.NDArray[np.int64]
    hashed: npt.NDArray[np.bool_]
    hashes: npt.NDArray[np.uint64]
    mirrored: npt.NDArray[np.uint64]
    film: npt.NDArray[np.bool_]

    def say(self, at: int, names: Mapping[str, str]) -> str:
        name = list(names.values())[self.recording[at]]
        return f"'{name}' {self.stream[at]} frame {self.index[at]}"

    def name(self, at: int, names: Mapping[str, str]) -> str:
        recording = list(names)[self.recording[at]]
        return unit_name(recording, int(self.index[at])) if self.still[at] else recording


def _seen(store: Store, names: Mapping[str, str], stills: Collection[str], out: Excluded) -> _Seen:
    timed = {
        (row["recording_id"], row["stream"])
        for row in store.table("streams", columns=["recording_id", "stream", "clock"]).to_pylist()
        if row["clock"] != "none"
    }
    columns = ["recording_id", "stream", "index", "content", "phash", "phash_mirrored", "std"]
    rows = out.without_discarded(store.table("pictures", columns=columns))
    recording, ids = _coded(rows["recording_id"])
    stream, streams = _coded(rows["stream"])
    content, _ = _coded(rows["content"])
    place = {name: at for at, name in enumerate(names)}
    there = np.array([place.get(each, -1) for each in ids] or [-1], np.int64)[recording]
    film = np.array([[(r, s) in timed for s in streams] or [False] for r in ids] or [[False]], np.bool_)
    hashed = rows["phash"].is_valid().to_numpy() & rows["phash_mirrored"].is_valid().to_numpy()
    std = rows["std"].fill_null(FLAT_GREY).to_numpy()
    kept = np.flatnonzero(there >= 0)
    stream_of = [streams[at] for at in stream[kept].tolist()]
    loose = np.array([name in stills for name in names] or [False], np.bool_)[there[kept]]
    index = rows["index"].to_numpy()[kept]
    # Recordings count from 0; a picture of a set of stills has a number of its own beyond them.
    most = int(index.max(initial=0)) + 1
    return _Seen(
        recording=there[kept],
        unit=np.where(loose, len(names) + there[kept] * most + index, there[kept]),
        still=loose,
        stream=stream_of,
        index=index,
        content=content[kept],
        hashed=(hashed & (std >= FLAT_GREY))[kept],
        hashes=rows["phash"].fill_null(0).to_numpy().view(np.uint64)[kept],
        mirrored=rows["phash_mirrored"].fill_null(0).to_numpy().view(np.uint64)[kept],
        film=film[recording, stream][kept] if len(rows) else np.zeros(0, np.bool_),
    )


def _equal(seen: _Seen) -> Iterator[tuple[int, int, int]]:
    """Give pairs of pictures of equal bytes, each unit with the next that has them; their distance is -1."""
    known = np.flatnonzero(seen.content >= 0)
    yield from ((one, other, -1) for one, other in _chained(known, seen.content[known], seen.unit[known]))


def _near(seen: _Seen) -> Iterator[tuple[int, int, int]]:
    """Give pairs of near pictures: for any two units that have some, these two or a chain between them."""
    hashed = np.flatnonzero(seen.hashed)
    values, first_of, place = np.unique(seen.hashes[hashed], return_index=True, return_inverse=True)
    yield from ((one, other, 0) for one, other in _chained(hashed, place, seen.unit[hashed]))
    single = np.zeros(len(values), np.bool_)
    single[place[~seen.film[hashed]]] = True
    radius = NEAR_BITS if len(hashed) <= MANY else NEAR_BITS_OF_MANY
    found = near_pairs(
        values,
        seen.mirrored[hashed][first_of],
        single,
        radius=radius,
        film_radius=min(radius, NEAR_BITS_OF_FILMS),
    )
    owner = seen.unit[hashed][first_of]
    tying = np.flatnonzero(found.near & (owner[found.first] != owner[found.second]))
    # One pair for each two units is enough: the closest.
    border = np.stack([owner[found.first[tying]], owner[found.second[tying]]])
    border.sort(axis=0)
    order = np.lexsort((found.distance[tying], border[1], border[0]))
    new = np.ones(len(order), np.bool_)
    new[1:] = (border[:, order[1:]] != border[:, order[:-1]]).any(axis=0)
    for k in tying[order[new]].tolist():
        yield int(hashed[first_of[found.first[k]]]), int(hashed[first_of[found.second[k]]]), int(found.distance[k])


def _chained(
    rows: npt.NDArray[np.int64], value: npt.NDArray[Any], unit: npt.NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """Chain the units that share a value: neighbours in their order, each two once."""
    order = np.lexsort((unit, value))
    same = value[order[1:]] == value[order[:-1]]
    other = unit[order[1:]] != unit[order[:-1]]
    said: set[tuple[int, int]] = set()
    for k in np.flatnonzero(same & other).tolist():
        a, b = order[k], order[k + 1]
        pair = (int(unit[a]), int(unit[b]))
        if pair not in said:
            said.add(pair)
            yield int(rows[a]), int(rows[b])


def _coded(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Give a code for each value, -1 where there is none, and the values by code."""
    found = column.unify_dictionaries().combine_chunks() if pa.types.is_dictionary(column.type) else column
    found = found if isinstance(found, pa.DictionaryArray) else found.combine_chunks().dictionary_encode()
    return found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(
        np.int64
    ), found.dictionary.to_pylist()
