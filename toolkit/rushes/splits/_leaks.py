"""Samples that lie in one part while what they are like lies in another: by key, content, likeness and time.

A sample *leaks* by a kind where another part holds a sample that is the same in that respect; both sides leak. All
is arrays of shape (samples,); nothing here knows pictures or files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rushes.similar import pairs_between, pairs_within

MOST_PARTS = 62
"""Parts are bits of an int64."""
MOST_PAIRS = 12
"""Closest pairs that are kept for each kind and each two parts."""

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What is known of each sample; every array has shape (samples,), -1 stands for unknown.

    Args:
        parts: Names of the parts, at most ``MOST_PARTS``.
        part: Position in ``parts``; -1 for a sample that is in none.
        keys: Codes of each key by its name: subject, recording …
        content: Code of the encoded bytes.
        hashes: 64-bit perceptual hashes; what they are where ``hashed`` is false does not count.
        mirrored: Those of the mirrored pictures.
        hashed: Where there are hashes.
        film: Whether the sample is of a stream with times. Two films of one place are alike, and are no copies.
        stream: Code of the stream that it is of.
        order: Its place in the stream: an index, or nanoseconds where ``within`` is meant so.
    """

    parts: Sequence[str]
    part: Codes
    keys: Mapping[str, Codes]
    content: Codes
    hashes: npt.NDArray[np.uint64]
    mirrored: npt.NDArray[np.uint64]
    hashed: Mask
    film: Mask
    stream: Codes
    order: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two samples of different parts and how far they are apart, in bits or in places of the stream."""

    one: int
    other: int
    distance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """What leaks in one way.

    Args:
        kind: group, exact, near, alike or time.
        key: Of a group; empty else.
        known: Samples in a part of which the matter is known.
        leaking: Shape (samples,).
        pairs: The closest across each border, closest first; of groups and contents one for each, up to a few.
    """

    kind: str
    key: str
    known: int
    leaking: Mask
    pairs: Sequence[Pair] = field(default_factory=tuple)


def leaks(samples: Samples, *, radius: int, film_radius: int, within: int) -> list[Leak]:
    """Find all leaks, of each key, then exact, near, alike and time.

    Args:
        samples: As above.
        radius: Bits in which hashes of near-duplicates may differ, itself included.
        film_radius: The same where one of the two is of a film. From there to ``radius`` they are *alike*: the
            same place at another time as a rule, a copy now and then.
        within: Places of the stream up to which two samples are neighbours, itself included.
    """
    assert len(samples.parts) <= MOST_PARTS
    inside = samples.part >= 0
    found = [_same(samples, codes, kind="group", key=key) for key, codes in samples.keys.items()]
    if ((samples.content >= 0) & inside).any():
        found.append(_same(samples, samples.content, kind="exact", key=""))
    if (samples.hashed & inside).any():
        found += _near(samples, radius, film_radius)
    if ((samples.stream >= 0) & inside).any():
        found.append(_time(samples, within))
    return found


def _bits(part: Codes) -> Codes:
    return np.left_shift(np.int64(1), part)


def _same(samples: Samples, codes: Codes, *, kind: str, key: str) -> Leak:
    inside = np.flatnonzero((codes >= 0) & (samples.part >= 0))
    leaking = np.zeros(len(codes), np.bool_)
    if not len(inside):
        return Leak(kind=kind, key=key, known=0, leaking=leaking)
    values, place = np.unique(codes[inside], return_inverse=True)
    held = np.zeros(len(values), np.int64)
    bits = _bits(samples.part[inside])
    np.bitwise_or.at(held, place, bits)
    leaking[inside] = held[place] != bits
    pairs: dict[tuple[int, int], list[Pair]] = {}
    for value in np.flatnonzero(held & (held - 1)):
        mine = inside[place == value]
        first = int(mine[0])
        other = int(mine[samples.part[mine] != samples.part[first]][0])
        border = pairs.setdefault(_border(samples, first, other), [])
        if len(border) < MOST_PAIRS:
            border.append(Pair(one=first, other=other, distance=0))
        if (
            len(pairs)
            and all(len(some) >= MOST_PAIRS for some in pairs.values())
            and len(pairs) == _borders(samples)
        ):
            break
    return Leak(kind=kind, key=key, known=len(inside), leaking=leaking, pairs=_listed(pairs))


def _near(samples: Samples, radius: int, film_radius: int) -> list[Leak]:
    inside = np.flatnonzero(samples.hashed & (samples.part >= 0))
    # Equal pictures with equal mirror images are looked at once, whatever their number.
    values, place = np.unique(samples.hashes[inside], return_inverse=True)
    held = np.zeros(len(values), np.int64)
    bits = _bits(samples.part[inside])
    np.bitwise_or.at(held, place, bits)
    # One sample of each value and part stands for all of them.
    standing, at = np.unique(place * MOST_PARTS + samples.part[inside], return_index=True)
    example = dict(zip(standing.tolist(), inside[at].tolist(), strict=True))
    mirror_of = np.zeros(len(values), np.uint64)
    mirror_of[place] = samples.mirrored[inside]
    single = np.zeros(len(values), np.bool_)
    single[place[~samples.film[inside]]] = True
    found = near_pairs(values, mirror_of, single, radius=radius, film_radius=film_radius)

    def leak(kind: str, chosen: Mask, itself: bool) -> Leak:
        own = np.arange(len(values) if itself else 0)
        first, second = np.concatenate([found.first[chosen], own]), np.concatenate([found.second[chosen], own])
        distance = np.concatenate([found.distance[chosen], np.zeros(len(own), np.uint8)]).astype(np.int64)
        around = held.copy() if itself else np.zeros(len(values), np.int64)
        np.bitwise_or.at(around, first, held[second])
        np.bitwise_or.at(around, second, held[first])
        leaking = np.zeros(len(samples.part), np.bool_)
        leaking[inside] = (around[place] & ~bits) != 0
        pairs = _closest(samples, held, example, first, second, distance)
        return Leak(kind=kind, key="", known=len(inside), leaking=leaking, pairs=_listed(pairs))

    near = leak("near", found.near, itself=True)
    if film_radius >= radius or not samples.film[inside].any():
        return [near]
    alike = leak("alike", ~found.near, itself=False)
    return [near, replace(alike, leaking=alike.leaking & ~near.leaking)]


class NearPairs(NamedTuple):
    """Pairs of different hashes, by their positions; ``near`` tells near-duplicates from what is but alike."""

    first: Codes
    second: Codes
    distance: npt.NDArray[np.uint8]
    near: Mask


def near_pairs(
    hashes: npt.NDArray[np.uint64],
    mirrored: npt.NDArray[np.uint64],
    single: Mask,
    *,
    radius: int,
    film_radius: int,
) -> NearPairs:
    """Find the pairs of hashes that are near, also where one of the two pictures is mirrored.

    Args:
        hashes: Shape (n,), no two equal.
        mirrored: Shape (n,), of the mirrored pictures.
        single: Shape (n,), whether any picture of that hash is of no film.
        radius: Bits in which two hashes may differ, itself included.
        film_radius: The same for near-duplicates where one of the two is of films only.
    """
    plain, turned = pairs_within(hashes, radius), pairs_between(hashes, mirrored, radius)
    first = np.concatenate([plain.first, turned.first])
    second = np.concatenate([plain.second, turned.second])
    distance = np.concatenate([plain.distance, turned.distance])
    return NearPairs(first, second, distance, (distance <= film_radius) | (single[first] & single[second]))


def _closest(
    samples: Samples,
    held: Codes,
    example: Mapping[int, int],
    first: Codes,
    second: Codes,
    distance: Codes,
) -> dict[tuple[int, int], list[Pair]]:
    """Choose the closest pairs across each border between parts."""
    pairs: dict[tuple[int, int], list[Pair]] = {}
    crossing = (held[first] | held[second]) & ((held[first] | held[second]) - 1) != 0
    for k in np.flatnonzero(crossing)[np.argsort(distance[crossing], kind="stable")]:
        for one in _members(int(held[first[k]])):
            for other in _members(int(held[second[k]])):
                if one == other:
                    continue
                border = pairs.setdefault((min(one, other), max(one, other)), [])
                if len(border) < MOST_PAIRS and not (first[k] == second[k] and one > other):
                    here, there = (
                        example[int(v) * MOST_PARTS + p] for v, p in ((first[k], one), (second[k], other))
                    )
                    border.append(Pair(one=here, other=there, distance=int(distance[k])))
        if len(pairs) == _borders(samples) and all(len(some) >= MOST_PAIRS for some in pairs.values()):
            break
    return pairs


def _time(samples: Samples, within: int) -> Leak:
    """Find samples whose nearest one of another part in their stream is near; runs of a part are passed over."""
    inside = np.flatnonzero((samples.stream >= 0) & (samples.part >= 0))
    order = inside[np.lexsort((samples.order[inside], samples.stream[inside]))]
    stream, when, part = samples.stream[order], samples.order[order], samples.part[order]
    leaking = np.zeros(len(samples.part), np.bool_)
    border = np.flatnonzero((stream[1:] == stream[:-1]) & (part[1:] != part[:-1]))  # between k and k + 1
    starts = np.flatnonzero(np.r_[True, (stream[1:] != stream[:-1]) | (part[1:] != part[:-1])])
    run = np.cumsum(np.r_[True, (stream[1:] != stream[:-1]) | (part[1:] != part[:-1])]) - 1
    ends = np.r_[starts[1:], len(order)] - 1
    for side, edge in ((-1, starts), (1, ends)):
        beyond = edge + side
        there = (beyond >= 0) & (beyond < len(order))
        there[there] &= stream[beyond[there]] == stream[edge[there]]
        limit = when[np.clip(beyond, 0, len(order) - 1)]
        leaking[order] |= there[run] & (np.abs(when - limit[run]) <= within)
    gaps = when[border + 1] - when[border]
    pairs: dict[tuple[int, int], list[Pair]] = {}
    for k in np.argsort(gaps, kind="stable"):
        if gaps[k] > within:
            break
        one, other = int(order[border[k]]), int(order[border[k] + 1])
        some = pairs.setdefault(_border(samples, one, other), [])
        if len(some) < MOST_PAIRS:
            some.append(Pair(one=one, other=other, distance=int(gaps[k])))
    return Leak(kind="time", key="", known=len(inside), leaking=leaking, pairs=_listed(pairs))


def _members(bits: int) -> list[int]:
    return [at for at in range(bits.bit_length()) if bits >> at & 1]


def _borders(samples: Samples) -> int:
    return len(samples.parts) * (len(samples.parts) - 1) // 2


def _border(samples: Samples, one: int, other: int) -> tuple[int, int]:
    first, second = sorted((int(samples.part[one]), int(samples.part[other])))
    return first, second


def _listed(pairs: Mapping[tuple[int, int], Sequence[Pair]]) -> list[Pair]:
    return [pair for border in sorted(pairs) for pair in pairs[border]]
