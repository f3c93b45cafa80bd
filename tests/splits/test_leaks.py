"""Every leak that is planted is found, and nothing else; held to a search that tries all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.splits._leaks import MOST_PAIRS, Samples, leaks

UNKNOWN = np.int64(-1)


def samples(part, **known):
    """Give samples in parts 0, 1 …; what is not known is -1."""
    count = len(part)
    nothing = np.full(count, UNKNOWN)
    hashes = np.asarray(known.get("hashes", np.zeros(count)), np.uint64)
    return Samples(
        parts=["train", "val", "test"],
        part=np.asarray(part, np.int64),
        keys={name: np.asarray(codes, np.int64) for name, codes in known.get("keys", {}).items()},
        content=np.asarray(known.get("content", nothing), np.int64),
        hashes=hashes,
        mirrored=np.asarray(known.get("mirrored", ~hashes), np.uint64),
        hashed=np.full(count, "hashes" in known),
        film=np.asarray(known.get("film", np.zeros(count)), np.bool_),
        stream=np.asarray(known.get("stream", nothing), np.int64),
        order=np.asarray(known.get("order", nothing), np.int64),
    )


def leaking(given_, *, radius=4, film_radius=4, within=1):
    return {leak.kind: leak for leak in leaks(given_, radius=radius, film_radius=film_radius, within=within)}


parts = st.lists(st.integers(-1, 2), min_size=1, max_size=25)


@given(st.data(), parts)
def test_groups_and_contents_leak_where_a_value_is_in_another_part(data, part):
    codes = data.draw(st.lists(st.integers(-1, 5), min_size=len(part), max_size=len(part)))
    found = leaking(samples(part, keys={"person": codes}, content=codes))
    wanted = [
        p >= 0 and c >= 0 and any(c == d and q not in (p, -1) for q, d in zip(part, codes, strict=True))
        for p, c in zip(part, codes, strict=True)
    ]
    assert found["group"].leaking.tolist() == wanted
    assert "exact" not in found or found["exact"].leaking.tolist() == wanted
    for pair in found["group"].pairs:
        assert codes[pair.one] == codes[pair.other]
        assert part[pair.one] != part[pair.other]


@given(st.data(), parts, st.integers(0, 8))
def test_near_pictures_leak_whether_mirrored_or_not(data, part, radius):
    count = len(part)
    words = st.integers(0, 2**6 - 1).map(lambda bits: bits * 0x0101010101)  # so that some are near
    hashes = data.draw(st.lists(words, min_size=count, max_size=count))
    mirrors = [data.draw(words) for _ in {*hashes}]
    mirror = dict(zip({*hashes}, mirrors, strict=True))
    turned = [mirror[h] for h in hashes]
    found = leaking(samples(part, hashes=hashes, mirrored=turned), radius=radius)

    def near(a, b):
        ways = ((hashes[a], hashes[b]), (hashes[a], turned[b]), (turned[a], hashes[b]))
        return min((x ^ y).bit_count() for x, y in ways) <= radius

    wanted = [
        part[a] >= 0 and any(part[b] not in (part[a], -1) and near(a, b) for b in range(count))
        for a in range(count)
    ]
    assert (found["near"].leaking.tolist() if "near" in found else [False] * count) == wanted
    if "near" in found:
        assert bool(found["near"].pairs) == any(wanted)


@given(st.data(), parts, st.integers(0, 6), st.integers(0, 6))
def test_films_of_one_place_are_alike_and_only_nearer_ones_are_copies(data, part, radius, film_radius):
    count = len(part)
    words = st.integers(0, 2**6 - 1).map(lambda bits: bits * 0x0101010101)
    hashes = data.draw(st.lists(words, min_size=count, max_size=count))
    film = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    single = {h for h, of_film, p in zip(hashes, film, part, strict=True) if not of_film and p >= 0}
    nothing = [0xFFFF_0000_0000_0000] * count  # mirrored, none is like another

    def crossing(a, within):
        others = [b for b in range(count) if part[b] not in (part[a], -1)]
        return part[a] >= 0 and any(within(hashes[a], hashes[b]) for b in others)

    def near(x, y):
        both = x in single and y in single
        return (x ^ y).bit_count() <= (radius if both else min(radius, film_radius))

    found = leaking(
        samples(part, hashes=hashes, mirrored=nothing, film=film), radius=radius, film_radius=film_radius
    )
    copies = [crossing(a, near) for a in range(count)]
    alike = [crossing(a, lambda x, y: (x ^ y).bit_count() <= radius) and not copies[a] for a in range(count)]
    in_part = any(p >= 0 for p in part)
    assert not in_part or found["near"].leaking.tolist() == copies
    assert not any(alike) or found["alike"].leaking.tolist() == alike


@given(st.data(), parts, st.integers(0, 5))
def test_neighbours_in_time_leak(data, part, within):
    count = len(part)
    stream = data.draw(st.lists(st.integers(-1, 1), min_size=count, max_size=count))
    order = data.draw(st.lists(st.integers(0, 30), min_size=count, max_size=count, unique=True))
    found = leaking(samples(part, stream=stream, order=order), within=within)
    wanted = [
        part[a] >= 0
        and stream[a] >= 0
        and any(
            stream[a] == stream[b] and part[b] not in (part[a], -1) and abs(order[a] - order[b]) <= within
            for b in range(count)
        )
        for a in range(count)
    ]
    assert (found["time"].leaking.tolist() if "time" in found else [False] * count) == wanted


@pytest.mark.parametrize("split", ["by frame", "by half"])
def test_pairs_are_few_however_many_frames_are_alike(split):
    count = 20_000
    part = np.arange(count) % 3 if split == "by frame" else np.arange(count) // (count // 2)
    still = samples(part, hashes=np.zeros(count), stream=np.zeros(count), order=np.arange(count))
    found = leaking(still)
    assert found["near"].leaking.all()
    assert found["time"].leaking.sum() == (count if split == "by frame" else 2)
    assert len(found["time"].pairs) <= 3 * MOST_PAIRS
    assert 0 < len(found["near"].pairs) <= 3 * MOST_PAIRS
