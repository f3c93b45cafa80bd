"""Pairs of 64-bit hashes that differ in few bits, exactly, and the groups that such pairs make.

Multi-index hashing after Norouzi, Punjani and Fleet (2012), by several parts at once as Manku, Jain and Das Sarma
(2007) do: cut the 64 bits into k parts; two hashes within radius r agree on at least k - r of them. For every
choice of k - r parts the hashes are sorted by those bits, and only those that agree on them are compared. Keys of
many bits keep the runs of equal keys short, also where hashes cluster as those of a video do. Equal hashes are
searched once. Memory stays within tens of bytes a hash and what is found.
"""

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

HASH_BITS = 64

_SORTING = 55.0
_COMPARING = 12.0
"""Nanoseconds for a hash in a sort and for a pair in a comparison: what chooses the number of parts."""

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]


class Pairs(NamedTuple):
    """Pairs of positions with their distance in bits; none twice."""

    first: Positions
    second: Positions
    distance: npt.NDArray[np.uint8]


def pairs_within(hashes: npt.ArrayLike, radius: int) -> Pairs:
    """Find all pairs of hashes that differ in at most so many bits; none is missed.

    Args:
        hashes: Shape (n,), 64 bits each, signed or unsigned.
        radius: Largest distance, itself included; 0 to 16.

    Returns:
        Every pair, by ``first`` and then ``second``. Where g hashes are equal, that is g (g - 1) / 2 pairs:
        collapse first what repeats.
    """
    every = _unsigned(hashes)
    order, starts = _equals(every)
    ends = np.append(starts[1:], len(order))
    found = _between_distinct(every[order[starts]], radius)
    found = _joined([*_inside(order, starts, ends - starts), *_across(order, starts, ends - starts, found)])
    by = np.argsort(found.first * len(every) + found.second)
    return Pairs(found.first[by], found.second[by], found.distance[by])


def pairs_between(hashes: npt.ArrayLike, others: npt.ArrayLike, radius: int) -> Pairs:
    """Find all pairs of a hash here and a hash there that differ in at most so many bits.

    Args:
        hashes: Shape (n,).
        others: Shape (m,).
        radius: As for :func:`pairs_within`.

    Returns:
        ``first`` counts in ``hashes``, ``second`` in ``others``.

    Mirrored copies are found by the hashes of the pictures here and those of their mirror images there.
    """
    here, there = _unsigned(hashes), _unsigned(others)
    found = pairs_within(np.concatenate([here, there]), radius)
    across = (found.first < len(here)) & (found.second >= len(here))
    return Pairs(found.first[across], found.second[across] - len(here), found.distance[across])


def components(count: int, first: Positions, second: Positions) -> Positions:
    """Tell which of ``count`` things hang together by pairs: union-find, all pairs at once.

    Returns:
        Shape (count,), the smallest position that each is connected with, itself where it stands alone.
    """
    root: Positions = np.arange(count, dtype=np.int64)
    while True:
        a, b = root[first], root[second]
        apart = np.flatnonzero(a != b)
        if not len(apart):
            return root
        first, second, a, b = first[apart], second[apart], a[apart], b[apart]
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(upper := root[root], root):
            root = upper


def _unsigned(hashes: npt.ArrayLike) -> Hashes:
    given = np.ascontiguousarray(hashes)
    if given.dtype == np.int64:
        return given.view(np.uint64)
    return given.astype(np.uint64)


def _equals(hashes: Hashes) -> tuple[Positions, Positions]:
    """Give positions ordered by hash, and where each new hash starts among them."""
    order = np.argsort(hashes, kind="stable")
    new = np.ones(len(order), np.bool_)
    new[1:] = hashes[order[1:]] != hashes[order[:-1]]
    return order, np.flatnonzero(new)


def _between_distinct(hashes: Hashes, radius: int) -> Pairs:
    """Find the pairs among hashes of which no two are equal, in no order."""
    empty = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8))
    if len(hashes) < 2 or radius < 1:
        return empty
    parts = _dealt(hashes, _parts(len(hashes), radius))
    pieces: list[Pairs] = []
    for chosen in combinations(range(len(parts)), len(parts) - radius):
        # A pair agrees on many choices of parts; it is taken for the first of them only.
        differing = [parts[at].values for at in range(chosen[-1]) if at not in chosen]
        order, starts, lengths = _agreeing([parts[at] for at in chosen], len(hashes))
        ordered = hashes[order]
        for left, right in _within_runs(starts, lengths):
            distance = np.bitwise_count(ordered[left] ^ ordered[right])
            near = np.flatnonzero(distance <= radius)
            first, second, distance = order[left[near]], order[right[near]], distance[near]
            for values in differing:
                kept = values[first] != values[second]
                first, second, distance = first[kept], second[kept], distance[kept]
            if len(first):
                pieces.append(Pairs(np.minimum(first, second), np.maximum(first, second), distance))
    return _joined(pieces) if pieces else empty


def _joined(pieces: list[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate(part) for part in zip(*pieces, strict=True)))


class _Part(NamedTuple):
    """Some bits of every hash, in the lowest bits of ``values``."""

    values: Hashes
    bits: int


def _parts(count: int, radius: int) -> int:
    """Choose into how many parts to cut: more parts make longer keys, and many more sorts."""

    def cost(parts: int) -> float:
        agreed = parts - radius
        bits = HASH_BITS * agreed / parts
        return comb(parts, agreed) * (count * _SORTING + count * count / 2 / 2**bits * _COMPARING)

    return min(range(radius + 1, radius + 6), key=cost)


def _dealt(hashes: Hashes, parts: int) -> list[_Part]:
    """Deal the bits out in turn, so that no part holds only bits that seldom differ."""
    dealt = []
    for part in range(parts):
        places = range(part, HASH_BITS, parts)
        table = np.zeros((8, 256), np.uint64)
        for at, place in enumerate(places):
            has = (np.arange(256, dtype=np.uint64) >> np.uint64(place % 8)) & np.uint64(1)
            table[place // 8] |= has << np.uint64(at)
        values = np.zeros(len(hashes), np.uint64)
        octets = hashes.astype("<u8").view(np.uint8).reshape(-1, 8)
        for octet in sorted({place // 8 for place in places}):
            values |= table[octet][octets[:, octet]]
        dealt.append(_Part(values, len(places)))
    return dealt


def _agreeing(parts: list[_Part], count: int) -> tuple[Positions, Positions, Positions]:
    """Order hashes by these parts: positions, and start and length of each run that agrees on them, or nearly."""
    place_bits = max(1, (count - 1).bit_length())
    # Key and position in one number: sorting numbers is several times as fast as sorting positions by a key.
    packed = np.zeros(count, np.uint64)
    free = HASH_BITS - place_bits
    for part in parts:
        if part.bits > free:
            break  # a shorter key only compares more
        free -= part.bits
        packed <<= np.uint64(part.bits)
        packed |= part.values
    packed <<= np.uint64(place_bits)
    packed |= np.arange(count, dtype=np.uint64)
    packed.sort()
    order = (packed & np.uint64((1 << place_bits) - 1)).astype(np.int64)
    packed >>= np.uint64(place_bits)
    alike = packed[1:] == packed[:-1]
    del packed
    edges = np.flatnonzero(np.diff(alike, prepend=False, append=False))
    return order, edges[::2], np.diff(edges)[::2] + 1


def _within_runs(starts: Positions, lengths: Positions) -> Iterator[tuple[Positions, Positions]]:
    """Give all pairs of places within each run, the earlier first: neighbours, then those two apart, and so on."""
    within = _counted(lengths)
    behind = np.repeat(lengths, lengths) - within
    left = np.repeat(starts, lengths) + within
    for step in range(1, int(lengths.max(initial=0))):
        reaching = behind > step
        left, behind = left[reaching], behind[reaching]
        yield left, left + step


def _counted(lengths: Positions) -> Positions:
    """Count from 0 within each of consecutive runs."""
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _inside(order: Positions, starts: Positions, sizes: Positions) -> Iterator[Pairs]:
    """Give the pairs of equal hashes."""
    many = sizes > 1
    for left, right in _within_runs(starts[many], sizes[many]):
        yield Pairs(order[left], order[right], np.zeros(len(left), np.uint8))


def _across(order: Positions, starts: Positions, sizes: Positions, found: Pairs) -> Iterator[Pairs]:
    """Give, for pairs of distinct hashes, the pairs of the positions that have them."""
    right = sizes[found.second]
    counts = sizes[found.first] * right
    pair, within = np.repeat(np.arange(len(counts)), counts), _counted(counts)
    a = order[starts[found.first[pair]] + within // right[pair]]
    b = order[starts[found.second[pair]] + within % right[pair]]
    yield Pairs(np.minimum(a, b), np.maximum(a, b), found.distance[pair])
