"""The hash splitter depends on names and seed only."""

from collections import Counter

from contracts.splits import PARTS, SplitterContract
from rushes.splits.hash import PLUGIN


class TestHash(SplitterContract):
    splitter = PLUGIN

    def test_growth_moves_nothing_without_a_memory(self):
        rows = [(f"u{at}", f"g{at}", 1) for at in range(60)]
        before = {a.unit: a.part for a in self.split(rows[:30])}
        after = {a.unit: a.part for a in self.split(rows)}
        assert all(after[unit] == part for unit, part in before.items())

    def test_many_groups_come_near_the_shares(self):
        rows = [(f"u{at}", f"g{at}", 1) for at in range(4000)]
        count = Counter(a.part for a in self.split(rows))
        assert all(abs(count[part] / 4000 - share) < 0.03 for part, share in PARTS.items())
