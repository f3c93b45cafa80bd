"""Pairs are those of associate.py of the TUM RGB-D benchmark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import TimingError
from rushes.timing.tum import associate, seconds_of, tum

STAMPS = st.lists(st.integers(0, 60), max_size=15)


def by_the_book(first, second, offset, most):
    """Give the pairs as the benchmark's page describes: all that are close enough, best first, greedily."""
    possible = sorted(
        (abs(a - (b + offset)), a, b) for a in set(first) for b in set(second) if abs(a - (b + offset)) < most
    )
    free_first, free_second, pairs = set(first), set(second), []
    for _, a, b in possible:
        if a in free_first and b in free_second:
            free_first.remove(a)
            free_second.remove(b)
            pairs.append((a, b))
    return sorted(pairs)


@given(
    STAMPS,
    STAMPS,
    st.sampled_from([0.0, 0.01, -0.3]),
    st.sampled_from([0.0, 0.02, 0.1, 5]),
    st.sampled_from([0, 1305031229]),
)
def test_pairs_are_those_of_the_book(first, second, offset, most, epoch):
    first, second = (np.array([epoch + s / 100 for s in column]) for column in (first, second))
    one, other = associate(first, second, max_difference_s=most, offset_s=offset)
    pairs = list(zip(first[one].tolist(), second[other].tolist(), strict=True))
    assert pairs == by_the_book(first.tolist(), second.tolist(), offset, most)


@given(st.integers(0, 2**31 - 1), st.integers(0, 999_999))
def test_nanoseconds_become_the_doubles_that_python_reads(whole, micro):
    ours = seconds_of(np.array([whole * 1_000_000_000 + micro * 1_000]))[0]
    assert ours == float(f"{whole}.{micro:06d}")


def stamps(path):
    rows = [row.split() for row in path.read_text().splitlines() if row and row[0] != "#"]
    return [row[0] for row in rows], rows


def test_the_694_pairs_of_the_benchmark_come_out_exactly(shared_data):
    folder = shared_data / "rgbd" / "tum_fr1_rpy"
    (color, _), (depth, _), (_, truth) = (
        stamps(folder / f"{name}.txt") for name in ("rgb", "depth", "rgbd_assoc")
    )
    expected = [(row[0], row[2]) for row in truth]
    assert len(expected) == 694
    one, other = associate(np.array(color, np.float64), np.array(depth, np.float64), max_difference_s=0.02)
    assert [(color[a], depth[b]) for a, b in zip(one, other, strict=True)] == expected

    def whole(texts):
        return np.array([int(text.replace(".", "")) * 1000 for text in texts], np.int64)

    matches = tum(whole(depth), whole(color))
    taken = np.flatnonzero(matches.matched)
    assert [(color[a], depth[matches.index[a]]) for a in taken] == expected
    assert (np.abs(matches.skew_ns) < 20_000_000).all()


def test_a_pair_exactly_at_the_tolerance_is_refused():
    assert tum(np.array([20_000_000]), np.array([0])).index.tolist() == [-1]
    assert tum(np.array([19_999_999]), np.array([0])).index.tolist() == [0]


def test_of_equal_stamps_the_last_counts():
    assert tum(np.array([5, 5]), np.array([5, 5])).index.tolist() == [-1, 1]


def test_a_negative_tolerance_is_refused():
    with pytest.raises(TimingError, match="negative"):
        tum(np.array([5]), np.array([5]), within=-1)
