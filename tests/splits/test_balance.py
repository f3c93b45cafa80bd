"""Counts come as near to the shares as whole groups allow, and sizes nearer still."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import UsageError
from rushes.splits import _balance
from rushes.splits._balance import Problem, best_of_all, shares_of, spread_out
from rushes.splits.grouped import PLUGIN

SHARES = np.array([0.7, 0.15, 0.15])
PARTS = dict(zip(("train", "val", "test"), SHARES.tolist(), strict=True))

few = st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=4, max_size=6).map(lambda rows: np.array(rows, float))


def made(groups=500, classes=50, samples=10_000, seed=0):
    """Give groups of very different size, each with its own mix of classes, some of them rare."""
    chance = np.random.default_rng(seed)
    sizes = chance.lognormal(0, 0.8, groups)
    sizes = np.maximum(1, sizes / sizes.sum() * samples).astype(int)
    often = 1 / np.arange(1, classes + 1) ** 1.2
    mix = chance.gamma(0.5, 1, (groups, classes)) * often
    mix /= mix.sum(axis=1, keepdims=True)
    counts = np.array([chance.multinomial(int(n * 1.76), p) for n, p in zip(sizes, mix, strict=True)], float)
    return sizes.astype(float), counts


def problem(sizes, counts, fixed=None):
    held = np.full(len(sizes), -1) if fixed is None else np.asarray(fixed)
    return Problem(sizes=sizes, counts=counts, shares=SHARES, fixed=held)


def cost(task, place):
    return _balance._Search(task).cost(np.asarray(place))


def errors(place, sizes, counts):
    shares = shares_of(place, counts, 3)
    off = np.abs(shares - SHARES[:, None]) / SHARES[:, None]
    held = np.bincount(place, weights=sizes, minlength=3) / sizes.sum()
    return np.nanmean(off), np.nanmax(off), np.abs(held - SHARES).max()


@given(few)
def test_of_few_groups_the_best_combination_is_found(counts):
    task = problem(counts.sum(axis=1) + 1, counts)
    found = best_of_all(task)
    every = [way for way in product(range(3), repeat=len(counts)) if len(set(way)) == 3]
    assert cost(task, found) == pytest.approx(min(cost(task, way) for way in every))


@given(few, st.integers(0, 9))
def test_the_search_leaves_no_part_empty_moves_nothing_fixed_and_repeats_itself(counts, seed):
    fixed = np.full(len(counts), -1)
    fixed[0] = 1
    task = problem(counts.sum(axis=1) + 1, counts, fixed)
    place = spread_out(task, seed=seed, restarts=1)
    assert place[0] == 1
    assert set(place) == {0, 1, 2}
    assert (spread_out(task, seed=seed, restarts=1) == place).all()
    assert cost(task, place) >= cost(task, best_of_all(task)) - 1e-9


@pytest.mark.parametrize("seed", [0, 1])
def test_five_hundred_groups_of_fifty_classes_keep_the_bounds(seed):
    sizes, counts = made(seed=seed)
    place = spread_out(problem(sizes, counts), seed=7, restarts=8)
    mean, worst, size = errors(place, sizes, counts)
    assert mean <= 0.020
    assert worst <= 0.10
    assert size <= 0.005


def test_growth_by_a_twentieth_moves_nothing_and_stays_balanced():
    sizes, counts = made()
    late = np.random.default_rng(1).choice(len(sizes), size=len(sizes) // 20, replace=False)
    fixed = np.full(len(sizes), -1)
    old = np.setdiff1d(np.arange(len(sizes)), late)
    fixed[old] = spread_out(problem(sizes[old], counts[old]), seed=7, restarts=8)
    place = spread_out(problem(sizes, counts, fixed), seed=7, restarts=8)
    assert (place[old] == fixed[old]).all()
    # 25 groups alone must make up for what all are off: about twice the error of a split made afresh.
    mean, _, size = errors(place, sizes, counts)
    assert mean <= 0.035
    assert size <= 0.005


def test_more_groups_than_are_looked_at_at_once_are_balanced_too():
    sizes, counts = made(groups=_balance.AT_ONCE + 300, classes=12)
    mean, worst, size = errors(spread_out(problem(sizes, counts), seed=7, restarts=1), sizes, counts)
    assert mean <= 0.010
    assert worst <= 0.05
    assert size <= 0.005


def test_the_splitter_heeds_counts_and_refuses_what_is_no_count():
    # Sizes alone could part a and b; the classes can only be spread by parting a from c and b from d.
    units = {
        "unit": list("abcd"),
        "group": list("abcd"),
        "weight": np.array([10, 10, 10, 10]),
        "counts": np.array([[5, 0], [0, 5], [5, 0], [0, 5]]),
    }
    halves = {"one": 0.5, "two": 0.5}
    done = {a.unit: a.part for a in PLUGIN.assign(units, halves, seed=1, pinned={}, options={})}
    assert done["a"] != done["c"]
    assert done["b"] != done["d"]
    with pytest.raises(UsageError, match="below 0"):
        PLUGIN.assign({**units, "counts": -units["counts"]}, halves, seed=1, pinned={}, options={})


def test_what_lies_in_one_group_each_does_not_bend_the_sizes():
    sizes = np.array([74, 109, 60, 62, 70, 55, 75, 49, 66, 58, 61, 60, 60], float)
    task = problem(sizes, np.diag(sizes))
    held = np.bincount(spread_out(task, seed=7, restarts=8), weights=sizes, minlength=3) / sizes.sum()
    assert np.abs(held - SHARES).max() < 0.03
