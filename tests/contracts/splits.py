"""What every splitter must do. Subclass it, give ``splitter``; the tests come with it."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.contracts import Splitter
from rushes.errors import UsageError

# Each splitter's test class runs these by itself; hypothesis takes that for a mistake.
inherited = settings(suppress_health_check=[HealthCheck.differing_executors])

PARTS = {"train": 0.7, "val": 0.15, "test": 0.15}

tables = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 50)), min_size=1, max_size=30).map(
    lambda rows: [(f"unit{at}", f"group{group}", weight) for at, (group, weight) in enumerate(rows)]
)


def columns(rows):
    return {
        "unit": [row[0] for row in rows],
        "group": [row[1] for row in rows],
        "weight": np.array([row[2] for row in rows], np.int64),
    }


class SplitterContract:
    """Base of a splitter's tests."""

    splitter: Splitter

    def split(self, rows, parts=None, *, seed=7, pinned=None):
        """Assign, or None where the splitter says that these groups cannot fill the parts."""
        try:
            return self.splitter.assign(columns(rows), parts or PARTS, seed=seed, pinned=pinned or {}, options={})
        except UsageError as error:
            if error.code != "split.too-few-groups":
                raise
            return None

    @inherited
    @given(tables, st.integers(0, 99))
    def test_every_unit_is_assigned_once_to_a_part_that_was_asked_for(self, rows, seed):
        done = self.split(rows, seed=seed)
        if done is not None:
            assert sorted(a.unit for a in done) == sorted(row[0] for row in rows)
            assert {a.part for a in done} <= set(PARTS)
            assert {a.unit: a.group for a in done} == {row[0]: row[1] for row in rows}
            assert all(a.reason for a in done)

    @inherited
    @given(tables, st.integers(0, 99))
    def test_groups_stay_whole(self, rows, seed):
        where = {}
        for assignment in self.split(rows, seed=seed) or ():
            assert where.setdefault(assignment.group, assignment.part) == assignment.part

    @inherited
    @given(st.data(), tables)
    def test_the_order_of_rows_and_a_second_run_change_nothing(self, data, rows):
        assert self.split(rows) == self.split(data.draw(st.permutations(rows))) == self.split(rows)

    @inherited
    @given(st.data(), tables)
    def test_what_was_assigned_before_does_not_move(self, data, rows):
        names = [row[0] for row in rows]
        old = data.draw(st.dictionaries(st.sampled_from([*names, "gone"]), st.sampled_from(list(PARTS))))
        done = self.split(rows, pinned=old)
        if done is not None:
            assert {a.unit: a.part for a in done if a.pinned} == {u: p for u, p in old.items() if u != "gone"}

    @inherited
    @given(tables)
    def test_new_units_join_the_pinned_of_their_group(self, rows):
        first = self.split(rows)
        if first is None:
            return
        grown = [*rows, *((f"{row[0]}b", row[1], 3) for row in rows)]
        done = self.split(grown, pinned={a.unit: a.part for a in first})
        parts = {a.unit: a.part for a in done}
        assert all(parts[f"{row[0]}b"] == parts[row[0]] for row in rows)

    def test_no_units_give_no_assignments(self):
        assert list(self.split([])) == []

    @pytest.mark.parametrize(
        ("parts", "words"),
        [
            ({"train": 0.7, "test": 0.2}, "sum to 0.9"),
            ({"train": 1.2, "test": -0.2}, "must be above 0"),
            ({"train": 1.0, "test": 0.0}, "must be above 0"),
            ({"train": float("nan")}, "must be above 0"),
            ({}, "no parts"),
        ],
    )
    def test_shares_that_cannot_be_are_refused(self, parts, words):
        with pytest.raises(UsageError, match=words) as caught:
            self.splitter.assign(columns([("a", "a", 1)]), parts, seed=1, pinned={}, options={})
        assert caught.value.code == "split.shares"
        assert caught.value.hint

    def test_a_pinned_unit_of_an_unknown_part_is_refused(self):
        rows = [(name, name, 1) for name in "abcd"]
        with pytest.raises(UsageError, match="'trian'") as caught:
            self.splitter.assign(columns(rows), PARTS, seed=1, pinned={"a": "trian"}, options={})
        assert caught.value.code == "split.unknown-part"
        assert "train" in caught.value.hint

    def test_doubled_units_weights_below_zero_and_unknown_options_are_refused(self):
        with pytest.raises(UsageError, match="twice"):
            self.splitter.assign(columns([("a", "a", 1)] * 2), PARTS, seed=1, pinned={}, options={})
        with pytest.raises(UsageError, match="weight"):
            self.splitter.assign(columns([("a", "a", -1)]), PARTS, seed=1, pinned={}, options={})
        with pytest.raises(UsageError, match="no option 'restart'"):
            self.splitter.assign(columns([("a", "a", 1)]), PARTS, seed=1, pinned={}, options={"restart": 2})
