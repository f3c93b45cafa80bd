"""Sizes come as near to the shares as whole groups allow."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.splits import PARTS, SplitterContract, columns
from rushes.errors import UsageError
from rushes.splits import audit
from rushes.splits import grouped as module
from rushes.splits.grouped import PLUGIN

WEIGHTS = st.lists(st.integers(1, 60), min_size=3, max_size=7)


def sizes(rows, assigned):
    weight = {row[0]: row[2] for row in rows}
    return np.array([sum(weight[a.unit] for a in assigned if a.part == part) for part in PARTS], float)


def cost(size):
    return float(np.square(size - np.array(list(PARTS.values())) * size.sum()).sum())


def best_cost(weights):
    ways = (way for way in product(range(3), repeat=len(weights)) if len(set(way)) == 3)
    return min(cost(np.bincount(way, weights=weights, minlength=3)) for way in ways)


class TestGrouped(SplitterContract):
    splitter = PLUGIN

    @given(WEIGHTS)
    def test_few_groups_get_the_best_split_there_is(self, weights):
        rows = [(f"u{at}", f"u{at}", weight) for at, weight in enumerate(weights)]
        assert cost(sizes(rows, self.split(rows))) == pytest.approx(best_cost(weights))

    @given(WEIGHTS)
    def test_the_search_for_many_groups_keeps_its_bound_where_all_can_be_tried(self, weights):
        rows = [(f"u{at}", f"u{at}", weight) for at, weight in enumerate(weights)]
        before, module.COMBINATIONS = module.COMBINATIONS, 0
        try:
            size = sizes(rows, self.split(rows))
        finally:
            module.COMBINATIONS = before
        wanted = np.array(list(PARTS.values())) * size.sum()
        assert (size > 0).all()
        assert np.abs(size - wanted).max() <= 2 * max(weights)
        assert np.sqrt(cost(size)) <= np.sqrt(best_cost(weights)) + max(weights)

    def test_many_groups_come_within_a_hundredth_of_a_point(self):
        generator = np.random.default_rng(0)
        weights = np.maximum(1, generator.lognormal(0, 0.8, 500) * 100).astype(int)
        rows = [(f"u{at}", f"g{at}", weight) for at, weight in enumerate(weights.tolist())]
        size = sizes(rows, self.split(rows))
        assert np.abs(size / size.sum() - list(PARTS.values())).max() < 0.0001

    def test_seeds_differ_and_equal_weights_are_shuffled(self):
        rows = [(f"u{at}", f"u{at}", 1) for at in range(40)]
        splits = {tuple(a.part for a in self.split(rows, seed=seed)) for seed in range(5)}
        assert len(splits) == 5

    def test_more_parts_than_groups_say_the_bound(self):
        rows = [("a", "g", 5), ("b", "g", 5), ("c", "h", 5)]
        with pytest.raises(UsageError, match="3 parts cannot be filled from 2 groups: 2 at most") as caught:
            PLUGIN.assign(columns(rows), PARTS, seed=1, pinned={}, options={})
        assert caught.value.code == "split.too-few-groups"

    def test_pins_that_leave_too_few_free_groups_say_so(self):
        rows = [(name, name, 1) for name in "abc"]
        with pytest.raises(UsageError, match="3 of them pinned to 1 part: 1 at most"):
            PLUGIN.assign(columns(rows), PARTS, seed=1, pinned=dict.fromkeys("abc", "train"), options={})

    def test_units_pinned_apart_stay_and_the_audit_tells(self):
        rows = [("a", "g", 9), ("b", "g", 1), ("c", "g", 1), ("d", "d", 5), ("e", "e", 5)]
        done = self.split(rows, pinned={"a": "train", "b": "test"})
        parts = {a.unit: a.part for a in done}
        assert (parts["a"], parts["b"], parts["c"]) == ("train", "test", "train")
        findings = audit(done)
        assert [f.check for f in findings] == ["split.leak"]
        assert findings[0].message == (
            "group 'g' lies in 2 parts: test (1 unit), train (2 units); its units were pinned apart"
        )

    def test_growth_moves_nothing_and_stays_near_the_shares(self):
        generator = np.random.default_rng(1)
        rows = [(f"u{at}", f"g{at}", int(w)) for at, w in enumerate(generator.integers(20, 200, 100))]
        old = {a.unit: a.part for a in self.split(rows[:80])}
        done = self.split(rows, pinned=old)
        assert all(a.part == old[a.unit] for a in done if a.pinned)
        size = sizes(rows, done)
        assert np.abs(size / size.sum() - list(PARTS.values())).max() < 0.005
