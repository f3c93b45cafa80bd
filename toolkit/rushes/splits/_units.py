"""What a splitter is given, checked and put into an order that does not depend on the order of rows."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import UsageError
from rushes.model import Column
from rushes.registry import close_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Units and groups in alphabetical order.

    Args:
        units: Names of the units, sorted.
        groups: Names of the groups, sorted.
        group_of: Shape (units,), position in ``groups``.
        weights: Shape (units,), number of samples, at least 0.
        fixed: Shape (groups,), position of the part that a pinned unit holds the group in; -1 where free. Where
            pinned units of one group lie apart, the part with most of their weight, then the first named.
        pinned: Shape (units,), position of the part that the unit was assigned to before; -1 where it is new.
        counts: Shape (units, counts), what is to be spread alike beside the samples; no columns where nothing is.
    """

    units: Sequence[str]
    groups: Sequence[str]
    group_of: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    fixed: npt.NDArray[np.int64]
    pinned: npt.NDArray[np.int64]
    counts: npt.NDArray[np.float64]

    @property
    def group_counts(self) -> npt.NDArray[np.float64]:
        """Shape (groups, counts): of each."""
        made = np.zeros((len(self.groups), self.counts.shape[1]))
        np.add.at(made, self.group_of, self.counts)
        return made

    @property
    def group_weights(self) -> npt.NDArray[np.float64]:
        """Shape (groups,): weight of each."""
        return np.asarray(np.bincount(self.group_of, weights=self.weights, minlength=len(self.groups)), np.float64)


def demand_shares(parts: Mapping[str, float]) -> None:
    """Demand named parts with positive shares that sum to 1.

    Raises:
        UsageError: ``split.shares``.
    """
    said = ", ".join(f"{part} {share:g}" for part, share in parts.items()) or "none"
    wrong = [part for part, share in parts.items() if not share > 0 or not math.isfinite(share)]
    if wrong or not parts:
        raise UsageError(
            f"the share of '{wrong[0]}' is {parts[wrong[0]]:g}; it must be above 0"
            if wrong
            else "there are no parts",
            code="split.shares",
            hint="give shares such as train 0.7, val 0.15, test 0.15; leave a part out rather than giving it 0",
        )
    if abs(math.fsum(parts.values()) - 1) > 1e-6:
        total = math.fsum(parts.values())
        scaled = ", ".join(f"{part} {share / total:.4g}" for part, share in parts.items())
        raise UsageError(
            f"the shares sum to {total:g}, not to 1: {said}",
            code="split.shares",
            hint=f"in the same proportions: {scaled}",
            facts={"sum": total},
        )


def take_units(units: Mapping[str, Column], parts: Mapping[str, float], pinned: Mapping[str, str]) -> Units:
    """Check and order what a splitter is given; ``pinned`` may name units that are no longer there.

    Raises:
        UsageError: ``split.units`` for a unit that is there twice or a weight below 0; ``split.unknown-part`` if a
            pinned unit is in a part that is not among ``parts``.
    """
    names, groups, weights = (_listed(units, column) for column in ("unit", "group", "weight"))
    order = sorted(range(len(names)), key=names.__getitem__)
    names, groups = [names[at] for at in order], [groups[at] for at in order]
    weight = np.array([float(weights[at]) for at in order])
    for first, second in pairwise(names):
        if first == second:
            raise UsageError(f"unit '{first}' is there twice", code="split.units", hint="give each unit one row")
    if (wrong := np.flatnonzero(~(weight >= 0) | np.isinf(weight))).size:
        at = int(wrong[0])
        raise UsageError(
            f"the weight of unit '{names[at]}' is {weight[at]:g}; it must be 0 or more",
            code="split.units",
            hint="the weight is a number of samples",
        )
    counts = np.asarray(units.get("counts", np.zeros((len(names), 0))), np.float64)[order]
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise UsageError(
            "a count is below 0 or no number", code="split.units", hint="counts are numbers of labels"
        )
    places = {part: at for at, part in enumerate(parts)}
    for unit in names:
        if unit in pinned and pinned[unit] not in places:
            near = close_to(pinned[unit], parts)
            raise UsageError(
                f"'{unit}' was assigned to '{pinned[unit]}', which is not among the parts {', '.join(parts)}",
                code="split.unknown-part",
                hint=f"did you mean '{near}'?" if near else "keep the part, or make a split of another name",
                facts={"unit": unit, "part": pinned[unit]},
            )
    known = sorted(set(groups))
    position = {group: at for at, group in enumerate(known)}
    group_of = np.array([position[group] for group in groups], np.int64)
    held = np.array([places[pinned[unit]] if unit in pinned else -1 for unit in names], np.int64)
    return Units(
        units=names,
        groups=known,
        group_of=group_of,
        weights=weight,
        fixed=_fixed(group_of, weight, held, len(known), len(parts)),
        pinned=held,
        counts=counts,
    )


def spread(seed: int, name: str) -> float:
    """Give a number in [0, 1) that depends on the seed and the name alone."""
    digest = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def _listed(units: Mapping[str, Column], name: str) -> list[Any]:
    column = units[name]
    if isinstance(column, np.ndarray):
        return list(column.tolist())
    assert isinstance(column, Sequence)
    assert not isinstance(column, str)
    return list(column)


def _fixed(
    group_of: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    pinned: npt.NDArray[np.int64],
    groups: int,
    parts: int,
) -> npt.NDArray[np.int64]:
    held = np.zeros((groups, parts))
    old = pinned >= 0
    np.add.at(held, (group_of[old], pinned[old]), weights[old] + 1e-9)  # a pin without samples still holds
    return np.where(held.any(axis=1), held.argmax(axis=1), -1)
