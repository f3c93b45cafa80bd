"""Groups × counts → parts: every count as near to the shares as whole groups allow, the sizes first.

A count is anything that is to be spread alike: samples, labels of a class, recordings of a place. The aim is the
smallest sum, over parts and counts, of (share of the count that the part holds - share wanted)² / (share wanted)²,
in which the sizes weigh as much as all other counts together, four times over.

Groups go one by one to where they help most, those that matter most first. From there the best single move or the
best swap of two follows as long as one helps; all of them are weighed at once by the products of the groups' rows
(a Gram matrix), so that a step costs one pass over groups². Then a few groups are thrown elsewhere and the descent
is run again; what is better stays (iterated local search). Where there are more groups than ``AT_ONCE``, each
descent looks at so many, drawn by chance. Of few groups every combination can be tried instead.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

AT_ONCE = 600
"""Groups among which all swaps are weighed in one step."""

SIZE_WEIGHT = 4.0
"""The sizes against all other counts together."""

STARTS = 4
ROUNDS = 12
"""Descents for each restart that is asked for."""

WORST_WEIGHT = 3.0
"""The largest deviation of any count, once more: nobody looks at the mean when one class is off."""

CONFINED_WEIGHT = 0.01
"""Of a count that lies in one group only, against 1 of others."""

LEAST = 1e-12

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is to be spread.

    Args:
        sizes: Shape (groups,), samples of each group.
        counts: Shape (groups, counts), at least 0.
        shares: Shape (parts,), above 0, that sum to 1.
        fixed: Shape (groups,), the part that a group is held in; -1 where it is free.
    """

    sizes: Floats
    counts: Floats
    shares: Floats
    fixed: Places


def spread_out(problem: Problem, *, seed: int, restarts: int) -> Places:
    """Place every group; shape (groups,). What is fixed stays; no part stays empty while groups are free."""
    search = _Search(problem)
    chance = np.random.default_rng(seed)
    best, least = problem.fixed, np.inf
    for start in range(STARTS):
        place = search.greedy(chance if start else None)
        search.descend(place, chance)
        if (cost := search.cost(place)) < least - LEAST:
            best, least = place, cost
    for _ in range(ROUNDS * restarts if len(search.free) > 1 else 0):
        place = best.copy()
        search.shake(place, chance)
        search.descend(place, chance)
        if (cost := search.cost(place)) < least - LEAST:
            best, least = place, cost
    return best


def shares_of(place: Places, counts: Floats, parts: int) -> Floats:
    """Give the share of each count that each part holds, shape (parts, counts); NaN for a count of nothing."""
    held = np.stack([counts[place == part].sum(axis=0) for part in range(parts)])
    total = counts.sum(axis=0)
    return np.asarray(np.divide(held, total, out=np.full(held.shape, np.nan), where=total > 0))


def best_of_all(problem: Problem) -> Places:
    """Try every combination of the free groups, which are few; give the best that leaves no part empty."""
    search = _Search(problem)
    parts, count = len(problem.shares), len(search.free)
    codes = np.arange(parts**count)
    digits = np.stack([codes // parts**at % parts for at in range(count)], axis=1).reshape(len(codes), count)
    held = search.off(problem.fixed)
    taken_up = np.bincount(problem.fixed[problem.fixed >= 0], minlength=parts) > 0
    total, worst, filled = np.zeros(len(codes)), np.zeros(len(codes)), np.ones(len(codes), np.bool_)
    for part in range(parts):
        there = digits == part
        off = np.square(there @ search.rows[search.free] + held[part]) * search.harm[part]
        total += off.sum(axis=1)
        worst = np.maximum(worst, (off * search.counted).max(axis=1, initial=0.0))
        filled &= there.any(axis=1) | taken_up[part]
    cost = np.where(filled, total + WORST_WEIGHT * worst, np.inf)
    place = problem.fixed.copy()
    # Equal within rounding is equal, else the order of summing would decide.
    place[search.free] = digits[np.flatnonzero(cost <= cost.min() * (1 + 1e-12))[0]]
    return place


class _Search:
    """One problem, scaled: a row of each group's shares of all counts, weighed."""

    def __init__(self, problem: Problem) -> None:
        self.shares = problem.shares
        self.parts = len(problem.shares)
        self.fixed = problem.fixed
        self.free = np.flatnonzero(problem.fixed < 0)
        counts = problem.counts[:, problem.counts.sum(axis=0) > 0]
        # What lies in one group cannot be spread; it must not draw that group into the largest part.
        confined = (counts > 0).sum(axis=0) < 2
        counts = np.column_stack([counts, problem.sizes]) if problem.sizes.sum() > 0 else counts
        rows = counts / counts.sum(axis=0)
        self.weight = np.ones(rows.shape[1])  # its square weighs a deviation's square
        self.weight[: len(confined)][confined] = CONFINED_WEIGHT
        if problem.sizes.sum() > 0:
            self.weight[-1] = np.sqrt(SIZE_WEIGHT * max(np.count_nonzero(~confined), 1))
        self.counted = np.where(self.weight >= 1, 1 / np.square(self.weight), 0.0)
        self.rows = rows * self.weight
        self.goal = problem.shares[:, None] * self.weight  # (parts, counts)
        self.harm = 1 / np.square(problem.shares)  # of a deviation, by part
        self.squares = np.einsum("gc,gc->g", self.rows, self.rows)
        # Of all free groups, where they are few enough to keep it.
        all_at_once = self.rows[self.free[: AT_ONCE + 1]]
        self.gram = all_at_once @ all_at_once.T if len(self.free) <= AT_ONCE else np.zeros((0, 0))

    def off(self, place: Places) -> Floats:
        """Give what each part holds too much of each count; -1 places are in none."""
        held = np.zeros_like(self.goal)
        there = place >= 0
        np.add.at(held, place[there], self.rows[there])
        return held - self.goal

    def cost(self, place: Places) -> float:
        """Give the sum that is to be small."""
        off = np.square(self.off(place)) * self.harm[:, None]
        return float(off.sum() + WORST_WEIGHT * (off * self.counted).max(initial=0.0))

    def greedy(self, chance: np.random.Generator | None = None) -> Places:
        """Place the free groups one by one, those that matter most first, where most is lacking.

        What a part would get too much of counts four times. ``chance`` shakes the order by up to a third.
        """
        place = self.fixed.copy()
        lacking = -self.off(place)
        harm = np.sqrt(self.harm)[:, None]
        empty = np.bincount(place[place >= 0], minlength=self.parts) == 0
        matter = (np.square(self.rows[self.free]) * self.counted).sum(axis=1)
        if chance is not None:
            matter = matter * (1 + chance.random(len(matter)) / 3)
        order = self.free[np.argsort(-matter, kind="stable")]
        for done, group in enumerate(order):
            row = self.rows[group]
            use = (lacking / self.goal * row).sum(axis=1) - 4 * (np.maximum(row - lacking, 0) * harm).sum(axis=1)
            if empty.sum() >= len(order) - done:
                use = np.where(empty, use, -np.inf)
            part = int(np.argmax(use))
            place[group], empty[part] = part, False
            lacking[part] -= row
        return place

    def shake(self, place: Places, chance: np.random.Generator) -> None:
        """Throw a few groups elsewhere; no part is emptied."""
        some = chance.choice(self.free, size=min(len(self.free), int(chance.integers(2, 8))), replace=False)
        for group in some:
            if self.parts > 1 and (place == place[group]).sum() > 1:
                place[group] = (place[group] + chance.integers(1, self.parts)) % self.parts

    def descend(self, place: Places, chance: np.random.Generator) -> None:
        """Move or swap, the best first, until nothing helps; ``place`` is changed."""
        if len(self.free) <= AT_ONCE:
            self._descend_among(self.free, place)
            return
        for _ in range(-(-2 * len(self.free) // AT_ONCE)):
            self._descend_among(np.sort(chance.choice(self.free, size=AT_ONCE, replace=False)), place)

    def _descend_among(self, groups: Places, place: Places) -> None:
        rows = self.rows[groups]
        gram = self.gram if len(groups) == len(self.gram) else rows @ rows.T
        mine = place[groups]
        held = np.bincount(place[place >= 0], minlength=self.parts)
        pull = rows @ self.off(place).T  # (groups, parts): how a group agrees with what a part has too much of
        squares = self.squares[groups]
        for _ in range(20 * len(groups) + 20):
            to = self.harm * (2 * pull + squares[:, None])  # cost of entering each part
            leave = (self.harm * (-2 * pull + squares[:, None]))[np.arange(len(groups)), mine]
            move = to + leave[:, None]
            move[np.arange(len(groups)), mine] = np.inf
            gain, first, second, part = self._best(move, mine, held, gram)
            if gain >= -LEAST:
                break
            if second < 0:
                held[mine[first]] -= 1
                held[part] += 1
            self._shift(pull, gram, first, int(mine[first]), part)
            if second >= 0:
                self._shift(pull, gram, second, part, int(mine[first]))
                mine[second] = mine[first]
            mine[first] = part
        place[groups] = mine

    def _best(self, move: Floats, mine: Places, held: Places, gram: Floats) -> tuple[float, int, int, int]:
        """Give the best step: (change of cost, group, group that comes in return or -1, part)."""
        alone = np.where((held[mine] > 1)[:, None], move, np.inf)
        group, part = np.unravel_index(int(np.argmin(alone)), alone.shape)
        best = (float(alone[group, part]), int(group), -1, int(part))
        for s in range(self.parts):
            ours = np.flatnonzero(mine == s)
            for t in range(s + 1, self.parts):
                theirs = np.flatnonzero(mine == t)
                if not len(ours) or not len(theirs):
                    continue
                both = gram[np.ix_(ours, theirs)] * (-2 * (self.harm[s] + self.harm[t]))
                both += move[ours, t][:, None]
                both += move[theirs, s]
                at = int(np.argmin(both))
                if both.flat[at] < best[0]:
                    i, j = divmod(at, len(theirs))
                    best = (float(both[i, j]), int(ours[i]), int(theirs[j]), t)
        return best

    @staticmethod
    def _shift(pull: Floats, gram: Floats, group: int, start: int, end: int) -> None:
        pull[:, start] -= gram[group]
        pull[:, end] += gram[group]
