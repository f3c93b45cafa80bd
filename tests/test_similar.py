"""Every pair of near hashes is found, and no other, however the hashes lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes import similar
from rushes.similar import components, pairs_between, pairs_within

RADII = st.integers(0, 16)


def brute_force(hashes, radius):
    hashes = np.asarray(hashes, np.uint64)
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None])
    return {
        (int(a), int(b), int(apart[a, b])) for a, b in zip(*np.nonzero(np.triu(apart <= radius, 1)), strict=True)
    }


def as_set(pairs):
    found = list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.distance.tolist(), strict=True))
    assert len(set(found)) == len(found)
    return set(found)


@st.composite
def clustered(draw):
    """Hashes as of a film: a few scenes, in each a few bits differ; some are equal."""
    scenes = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6))
    flips = st.lists(st.integers(0, 63), max_size=9)
    drawn = draw(st.lists(st.tuples(st.sampled_from(scenes), flips), max_size=80))
    return [scene ^ sum(1 << bit for bit in set(bits)) for scene, bits in drawn]


@given(clustered(), RADII)
def test_the_pairs_are_those_of_brute_force(hashes, radius):
    assert as_set(pairs_within(np.array(hashes, np.uint64), radius)) == brute_force(hashes, radius)


@given(clustered(), clustered(), RADII)
def test_pairs_between_are_those_across_only(here, there, radius):
    found = pairs_between(np.array(here, np.uint64), np.array(there, np.uint64), radius)
    wanted = {(a, b - len(here), d) for a, b, d in brute_force(here + there, radius) if a < len(here) <= b}
    assert as_set(found) == wanted


@pytest.mark.parametrize("radius", [1, 3, 7, 8, 12])
def test_many_hashes_are_searched_exactly_and_in_order(radius):
    generator = np.random.default_rng(radius)
    walk = np.bitwise_xor.accumulate(np.uint64(1) << generator.integers(0, 64, 900, dtype=np.uint64))
    hashes = np.concatenate([generator.integers(0, 2**64, 1100, dtype=np.uint64), walk, walk[:50]])
    found = pairs_within(hashes, radius)
    assert as_set(found) == brute_force(hashes, radius)
    assert np.all(np.diff(found.first * len(hashes) + found.second) > 0)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_pairs_are_found_across_the_blocks_that_are_compared_at_once(monkeypatch, block):
    generator = np.random.default_rng(block)
    scenes = np.repeat(generator.integers(0, 2**64, 9, dtype=np.uint64), 20)
    drifting = np.bitwise_xor.accumulate(
        np.uint64(1) << generator.integers(0, 64, 180, dtype=np.uint64)
    ) & np.uint64(0x00FF)
    hashes = np.concatenate([scenes ^ drifting, scenes[:40]])
    monkeypatch.setattr(similar, "BLOCK", block)
    for radius in (2, 7):
        assert as_set(pairs_within(hashes, radius)) == brute_force(hashes, radius)


def test_signed_hashes_are_taken_by_their_bits():
    hashes = np.array([-1, -2, 1], np.int64)
    assert as_set(pairs_within(hashes, 2)) == {(0, 1, 1)}


def test_what_hangs_together_by_pairs_is_one_group():
    first, second = np.array([0, 4, 2, 7]), np.array([4, 2, 9, 8])
    assert components(10, first, second).tolist() == [0, 1, 0, 3, 0, 5, 6, 7, 7, 0]
    assert components(0, first[:0], second[:0]).tolist() == []


@given(st.integers(1, 60), st.data())
def test_groups_are_the_same_in_whatever_order_pairs_come(count, data):
    place = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=80))
    shuffled = data.draw(st.permutations(pairs))
    root = components(count, *np.array(pairs, np.int64).reshape(-1, 2).T)
    assert np.array_equal(root, components(count, *np.array(shuffled, np.int64).reshape(-1, 2).T))
    assert all(root[a] == root[b] for a, b in pairs)
    assert all(root[at] <= at and root[root[at]] == root[at] for at in range(count))
