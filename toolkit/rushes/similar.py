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
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

HASH_BITS = 64

_SORTING = 55.0
_COMPARING = 4.0
"""Nanoseconds for a hash in a sort and for a pair in a comparison: what chooses the number of parts."""

_DISTANCE_BITS = 5
"""A distance of 16 needs as many."""

BLOCK = 1 << 16
"""Pairs that are compared at once: as many as a core's cache holds."""

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
    return _in_order([*_inside(order, starts, ends - starts), *_across(order, starts, ends - starts, found)])


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
        differing = [parts[at].places for at in range(chosen[-1]) if at not in chosen]
        agreed = np.bitwise_or.reduce([parts[at].places for at in chosen])
        order, lengths = _agreeing([parts[at] for at in chosen], len(hashes))
        for left, right, apart in _near_in_runs(hashes[order], lengths, radius, agreed, differing):
            first, second = order[left], order[right]
            pieces.append(Pairs(np.minimum(first, second), np.maximum(first, second), np.bitwise_count(apart)))
    return _joined(pieces) if pieces else empty


def _in_order(pieces: list[Pairs]) -> Pairs:
    """Join and sort by ``first`` and then ``second``: sorting one number for each pair is quickest."""
    found = _joined(pieces)
    bits, low = np.uint64(int(found.second.max(initial=0)).bit_length()), np.uint64(_DISTANCE_BITS)
    assert 2 * int(bits) + _DISTANCE_BITS <= HASH_BITS  # half a milliard of hashes
    packed = (found.first.view(np.uint64) << bits | found.second.view(np.uint64)) << low | found.distance
    packed.sort()
    distance = (packed & np.uint64((1 << _DISTANCE_BITS) - 1)).astype(np.uint8)
    packed >>= low
    second = (packed & np.uint64((1 << int(bits)) - 1)).view(np.int64)
    packed >>= bits
    return Pairs(packed.view(np.int64), second, distance)


def _joined(pieces: list[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate(part) for part in zip(*pieces, strict=True)))


class _Part(NamedTuple):
    """Some bits of every hash, in the lowest bits of ``values``; which ones is set in ``places``."""

    values: Hashes
    bits: int
    places: np.uint64


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
        dealt.append(_Part(values, len(places), np.uint64(sum(1 << place for place in places))))
    return dealt


def _agreeing(parts: list[_Part], count: int) -> tuple[Positions, Positions]:
    """Group hashes by these parts: positions, those that agree behind one another, and how many do each time.

    The most come first; what agrees with no other is left out.
    """
    place_bits = max(1, (count - 1).bit_length())
    # Key and position in one number: sorting numbers is several times as fast as sorting positions by a key.
    short = place_bits + sum(part.bits for part in parts) <= 32
    number: type[Any] = np.uint32 if short else np.uint64
    packed: npt.NDArray[Any] = np.zeros(count, number)
    free = packed.itemsize * 8 - place_bits
    for part in parts:
        if part.bits > free:
            break  # a shorter key only compares more
        free -= part.bits
        packed <<= number(part.bits)
        packed |= part.values.astype(number, copy=False)
    packed <<= number(place_bits)
    packed |= np.arange(count, dtype=number)
    packed.sort()
    alike = np.zeros(count + 1, np.bool_)  # whether a place agrees with the one before it
    np.less(packed[1:] ^ packed[:-1], number(1 << place_bits), out=alike[1:-1])
    starts = np.flatnonzero(alike[1:] > alike[:-1])
    lengths = np.flatnonzero(alike[1:] < alike[:-1]) + 1 - starts
    longest = lengths.max(initial=0)
    shorter_by = (longest - lengths).astype(np.min_scalar_type(longest))  # numbers of 16 bits are sorted by radix
    longest_first = np.argsort(shorter_by, kind="stable")
    starts, lengths = starts[longest_first], lengths[longest_first]
    before = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    packed &= number((1 << place_bits) - 1)
    return packed[before + np.arange(len(before))].astype(np.int64), lengths


def _near_in_runs(
    hashes: Hashes, lengths: Positions, radius: int, agreed: np.uint64, differing: list[np.uint64]
) -> Iterator[tuple[Positions, Positions, Hashes]]:
    """Give places and difference of all near pairs that differ nowhere in ``agreed``, but in all of ``differing``.

    Such pairs lie in one run. Neighbours are compared, then those two apart, and so on, all runs at once that are
    so long, and they lie in front: it costs less to compare the last of one run with the first of the next than to
    leave them out.
    """
    of_length = np.bincount(lengths)
    held = np.cumsum((of_length * np.arange(len(of_length)))[::-1])[::-1]  # by runs of such a length or longer
    for step in range(1, len(of_length) - 1):
        pairs = int(held[step + 1]) - step
        for start in range(0, pairs, BLOCK):
            end = min(start + BLOCK, pairs)
            apart = hashes[start:end] ^ hashes[start + step : end + step]
            near = np.flatnonzero(np.bitwise_count(apart) <= radius)
            apart = apart[near]
            wanted = (apart & agreed) == 0
            for places in differing:
                wanted &= (apart & places) != 0
            if wanted.any():
                left = near[wanted] + start
                yield left, left + step, apart[wanted]


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
    once, often = np.flatnonzero(counts == 1), np.flatnonzero(counts > 1)
    a, b = order[starts[found.first[once]]], order[starts[found.second[once]]]
    yield Pairs(np.minimum(a, b), np.maximum(a, b), found.distance[once])
    counts, right = counts[often], right[often]
    at, within = np.repeat(np.arange(len(often)), counts), _counted(counts)
    pair = often[at]
    a = order[starts[found.first[pair]] + within // right[at]]
    b = order[starts[found.second[pair]] + within % right[at]]
    yield Pairs(np.minimum(a, b), np.maximum(a, b), found.distance[pair])
