"""Grouped: whole groups to parts, with the sizes, and labels where given, as near to the shares as can be found.

With counts of labels: see ``_balance``. Without, the aim is the smallest sum over the parts of (samples - wanted
samples) squared, with no part empty. Few groups are tried in every combination, so that the answer is the best
there is. Many are placed largest first where most is lacking, then single moves and swaps follow as long as one
helps, from several starting orders.

**Bound.** No part ends further from its share than (parts - 1) times the heaviest group that was free to move, or
what pinned groups force; the tests hold it to the best of all combinations.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.contracts import Splitter
from rushes.errors import UsageError
from rushes.model import Assignment, Column
from rushes.quantities import say_count
from rushes.registry import close_to
from rushes.splits import _balance
from rushes.splits._units import Units, demand_shares, spread, take_units

COMBINATIONS = 60_000
"""Up to here every combination is tried; 10 groups in 3 parts are 59,049."""

GOOD_ENOUGH = 1e-4
"""Of the samples: parts whose sizes come as near as that need no further order to be tried."""

Weights = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Grouped:
    """Balance sizes and labels with whole groups; what is pinned never moves."""

    name = "grouped"
    options: Mapping[str, int] = {"restarts": 8}

    def assign(
        self,
        units: Mapping[str, Column],
        parts: Mapping[str, float],
        *,
        seed: int,
        pinned: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> Sequence[Assignment]:
        """Assign every unit, in alphabetical order of the units; see :class:`rushes.contracts.Splitter`.

        A new unit follows the pinned units of its group. Where those lie apart already, they stay, and the audit
        tells.

        Raises:
            UsageError: ``split.shares``, ``split.units``, ``split.unknown-part``, ``split.too-few-groups`` or
                ``split.option``.
        """
        restarts = _restarts(self.options, options)
        demand_shares(parts)
        taken = take_units(units, parts, pinned)
        if not taken.units:
            return []
        demand_enough_groups(taken, parts)
        shares = np.array(list(parts.values()))
        weights = taken.group_weights
        place = taken.fixed.copy()
        free = np.flatnonzero(place < 0)
        held = np.bincount(place[place >= 0], weights=weights[place >= 0], minlength=len(parts))
        taken_up = np.bincount(taken.pinned[taken.pinned >= 0], minlength=len(parts)) > 0
        off = held - shares * weights.sum()  # what each part has too much
        free = free[_order(taken, free, weights, seed)]
        if taken.counts.shape[1] and len(free):
            counts = taken.group_counts
            problem = _balance.Problem(sizes=weights, counts=counts, shares=shares, fixed=place)
            if len(parts) ** len(free) <= COMBINATIONS:
                place = _balance.best_of_all(problem)
            else:
                place = _balance.spread_out(problem, seed=seed, restarts=restarts)
        elif len(free) and len(parts) ** len(free) <= COMBINATIONS:
            place[free] = _try_all(weights[free], off, taken_up)
        elif len(free):
            place[free] = _search(taken, free, weights[free], off, taken_up, seed=seed, restarts=restarts)
        return _told(taken, place, list(parts))


def demand_enough_groups(units: Units, parts: Mapping[str, float]) -> None:
    """Demand that every part can get a group.

    Raises:
        UsageError: ``split.too-few-groups``.
    """
    held = {int(part) for part in units.pinned if part >= 0}
    free = int((units.fixed < 0).sum())
    if free >= len(parts) - len(held):
        return
    pins = f", {len(units.groups) - free} of them pinned to {say_count(len(held), 'part')}" if held else ""
    raise UsageError(
        f"{say_count(len(parts), 'part')} cannot be filled from {say_count(len(units.groups), 'group')}{pins}: "
        f"{len(held) + free} at most",
        code="split.too-few-groups",
        hint="--fresh assigns them anew, and --name makes another split beside this one"
        if held
        else "ask for fewer parts, group by something finer, or bring in more recordings",
        facts={"parts": len(parts), "groups": len(units.groups), "most": len(held) + free},
    )


def _restarts(known: Mapping[str, int], options: Mapping[str, Any]) -> int:
    for name in options:
        if name not in known:
            near = close_to(name, known)
            raise UsageError(
                f"grouped: there is no option '{name}'",
                code="split.option",
                hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(known)}",
            )
    restarts = options.get("restarts", known["restarts"])
    if isinstance(restarts, bool) or not isinstance(restarts, int) or restarts < 1:
        raise UsageError(
            f"grouped: restarts is {restarts!r}; it must be a whole number, 1 or more",
            code="split.option",
            hint=f"the default is {known['restarts']}",
        )
    return restarts


def _order(units: Units, free: Places, weights: Weights, seed: int) -> Places:
    """Put groups in order of weight, heaviest first; the seed decides among equals."""
    chance = np.array([spread(seed, units.groups[group]) for group in free])
    return np.asarray(np.lexsort((chance, -weights[free])))


def _try_all(weights: Weights, off: Weights, taken_up: npt.NDArray[np.bool_]) -> Places:
    """Give the best of all combinations, the first of equals."""
    parts, count = len(off), len(weights)
    codes = np.arange(parts**count)
    digits = np.stack([codes // parts**at % parts for at in range(count)], axis=1)
    sizes = np.stack([(digits == part) @ weights for part in range(parts)], axis=1) + off
    filled = np.stack([(digits == part).any(axis=1) for part in range(parts)], axis=1) | taken_up
    cost = np.square(sizes).sum(axis=1)
    cost[~filled.all(axis=1)] = np.inf
    # Equal within rounding is equal, else the order of summing would decide.
    best = np.flatnonzero(cost <= cost.min() * (1 + 1e-12))[0]
    return np.asarray(digits[best])


def _search(
    units: Units,
    free: Places,
    weights: Weights,
    off: Weights,
    taken_up: npt.NDArray[np.bool_],
    *,
    seed: int,
    restarts: int,
) -> Places:
    best, best_cost = np.zeros(0, np.int64), np.inf
    for turn in range(restarts):
        # The first turn goes strictly by weight; later ones shake the order by up to a third.
        chance = np.array([spread(seed + 1, f"{turn}\0{units.groups[group]}") for group in free])
        order = np.arange(len(free)) if turn == 0 else np.argsort(-weights * (1 + chance / 3), kind="stable")
        place = np.empty(len(free), np.int64)
        place[order] = _greedy(weights[order], off, taken_up)
        surplus = off + np.bincount(place, weights=weights, minlength=len(off))
        _improve(place, weights, surplus, taken_up)
        cost = float(np.square(surplus).sum())
        if cost < best_cost * (1 - 1e-12):
            best, best_cost = place, cost
        if best_cost <= (GOOD_ENOUGH * weights.sum()) ** 2:
            break
    return best


def _greedy(weights: Weights, off: Weights, taken_up: npt.NDArray[np.bool_]) -> Places:
    """Give each group in turn to the part that lacks most; the last ones fill what is still empty."""
    lacking, empty = -off, ~taken_up
    place = np.empty(len(weights), np.int64)
    for at, weight in enumerate(weights):
        must = empty.sum() >= len(weights) - at
        place[at] = int(np.argmax(np.where(empty, lacking, -np.inf) if must else lacking))
        lacking[place[at]] -= weight
        empty = empty & (np.arange(len(off)) != place[at])
    return place


def _improve(place: Places, weights: Weights, surplus: Weights, taken_up: npt.NDArray[np.bool_]) -> None:
    """Move or swap, the best first, until nothing helps; ``place`` and ``surplus`` are changed.

    Shifting w from part s to part t changes the cost by 2 w (w + surplus[t] - surplus[s]): best is a w near half
    of the difference, found by bisection among the weights, or among the differences of two.
    """
    least = 1e-9 * float(weights.sum())
    for _ in range(20 * len(weights) + 20):
        step = min(
            (
                found
                for s in range(len(surplus))
                for t in range(len(surplus))
                if surplus[s] - surplus[t] > 2 * least
                for found in _shifts(place, weights, s, t, float(surplus[s] - surplus[t]), bool(taken_up[s]))
            ),
            default=None,
        )
        if step is None or step[0] >= -least * least:
            return
        _, given, got, s, t = step
        shift = float(weights[given]) - (float(weights[got]) if got >= 0 else 0.0)
        place[given] = t
        if got >= 0:
            place[got] = s
        surplus[s] -= shift
        surplus[t] += shift


def _shifts(
    place: Places, weights: Weights, s: int, t: int, difference: float, held: bool
) -> list[tuple[float, int, int, int, int]]:
    """Give the best move and the best swap from part s to part t: (change of cost, given, got or -1, s, t)."""
    mine, theirs = np.flatnonzero(place == s), np.flatnonzero(place == t)
    found = []
    if len(mine) > 1 or (held and len(mine)):
        change = 2 * weights[mine] * (weights[mine] - difference)
        at = int(np.argmin(change))
        found.append((float(change[at]), int(mine[at]), -1, s, t))
    if len(mine) and len(theirs):
        theirs = theirs[np.argsort(weights[theirs], kind="stable")]
        ordered = weights[theirs]
        # For each of mine, the one of theirs that leaves a shift nearest to half of the difference.
        wanted = weights[mine] - difference / 2
        after = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
        for near in (after, np.maximum(after - 1, 0)):
            shift = weights[mine] - ordered[near]
            change = 2 * shift * (shift - difference)
            at = int(np.argmin(change))
            found.append((float(change[at]), int(mine[at]), int(theirs[near[at]]), s, t))
    return found


def _told(units: Units, place: Places, parts: Sequence[str]) -> list[Assignment]:
    assignments = []
    for at, unit in enumerate(units.units):
        group = int(units.group_of[at])
        pinned = units.pinned[at] >= 0
        part = parts[int(units.pinned[at] if pinned else place[group])]
        if pinned:
            reason = "it was assigned before"
        elif units.fixed[group] >= 0:
            reason = "its group was assigned before"
        else:
            reason = f"sizes{' and labels' if units.counts.shape[1] else ''} come nearest to the shares"
        assignments.append(
            Assignment(unit=unit, part=part, group=units.groups[group], reason=reason, pinned=bool(pinned))
        )
    return assignments


PLUGIN: Splitter = Grouped()
