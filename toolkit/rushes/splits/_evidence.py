"""What can be said of an assignment: how near each count came to the shares, and what none could reach."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Finding
from rushes.quantities import say_count
from rushes.splits._balance import shares_of

NAMED = 5
"""So many of a kind are told one by one; more in one sentence."""
TOLD_FROM = 0.5
"""From this relative bound on it is told that no assignment comes nearer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How one count lies over the parts.

    Args:
        name: Such as ``class cup``.
        total: Of it in all parts.
        groups: In how many groups it occurs.
        shares: Of each part, in the order of the parts; they sum to 1.
        worst: Largest |share - wanted| / wanted of any part.
        bound: No assignment of whole groups brings ``worst`` below this.
    """

    name: str
    total: float
    groups: int
    shares: tuple[float, ...]
    worst: float
    bound: float


def spreads(
    names: Sequence[str],
    counts: npt.NDArray[np.float64],
    place: npt.NDArray[np.int64],
    group_of: npt.NDArray[np.int64],
    wanted: Mapping[str, float],
) -> list[Spread]:
    """Say of every count that occurs how it lies over the parts.

    Args:
        names: Of the counts.
        counts: Shape (units, counts).
        place: Shape (units,), position of each unit's part.
        group_of: Shape (units,), position of each unit's group.
        wanted: Share of each part.
    """
    shares = np.array(list(wanted.values()))
    held = shares_of(place, counts, len(shares))
    by_group = np.zeros((int(group_of.max(initial=-1)) + 1, counts.shape[1]))
    np.add.at(by_group, group_of, counts)
    made = []
    for at, name in enumerate(names):
        total = float(counts[:, at].sum())
        if total <= 0:
            continue
        groups = int((by_group[:, at] > 0).sum())
        worst = float((np.abs(held[:, at] - shares) / shares).max())
        bound = least_worst(float(by_group[:, at].max()) / total, groups, shares)
        made.append(
            Spread(
                name=name,
                total=total,
                groups=groups,
                shares=tuple(held[:, at].tolist()),
                worst=worst,
                bound=min(bound, worst),
            )
        )
    return made


def least_worst(heaviest: float, groups: int, shares: npt.NDArray[np.float64]) -> float:
    """Give what the largest relative deviation is at least, whatever the assignment.

    Fewer groups than parts leave a part without any (1). The part that gets the heaviest group holds at least that
    share, and the others together at most the rest.

    Args:
        heaviest: Share of the count that one group holds.
        groups: That hold any of it.
        shares: Wanted of each part.
    """
    without = 1.0 if groups < len(shares) else 0.0
    if len(shares) < 2:
        return 0.0
    too_much = np.maximum(heaviest - shares, 0)
    return max(without, float(np.maximum(too_much / shares, too_much / (1 - shares)).min()))


def judge(found: Sequence[Spread], parts: Sequence[str]) -> Iterator[Finding]:
    """Say what no assignment can achieve, and what this one has missed without need.

    Yields:
        ``split.class-confined`` (warning) for what occurs in fewer groups than there are parts,
        ``split.class-bound`` (info) for what one group holds too much of, ``split.class-missing`` (warning) for a
        part that has none of what it could have.
    """
    confined = [each for each in found if each.groups < len(parts)]
    if len(confined) > NAMED:
        some = ", ".join(each.name for each in confined[:NAMED]) + f" and {len(confined) - NAMED} more"
        yield Finding(
            check="split.class-confined",
            severity="warning",
            message=f"{len(confined)} of {len(found)} classes and facts occur in fewer groups than there "
            f"are parts, and so cannot be in all {say_count(len(parts), 'part')}: {some}",
            value=float(min(each.groups for each in confined)),
            limit=float(len(parts)),
            unit="1",
            count=len(confined),
        )
    for each in found:
        lacking = [part for part, share in zip(parts, each.shares, strict=True) if share == 0]
        if each.groups < len(parts):
            if len(confined) > NAMED:
                continue
            yield Finding(
                check="split.class-confined",
                severity="warning",
                message=f"{each.name} occurs in {say_count(each.groups, 'group')} only: at most {each.groups} of "
                f"{say_count(len(parts), 'part')} can hold it; {_listed(lacking)} none",
                value=float(each.groups),
                limit=float(len(parts)),
                unit="1",
                count=round(each.total),
            )
        elif lacking:
            yield Finding(
                check="split.class-missing",
                severity="warning",
                message=f"{each.name} occurs in {each.groups} groups, and {_listed(lacking)} none of it",
                value=float(len(parts) - len(lacking)),
                limit=float(len(parts)),
                unit="1",
                count=round(each.total),
            )
        elif each.bound >= TOLD_FROM:
            yield Finding(
                check="split.class-bound",
                severity="info",
                message=f"{each.name}: one group holds so much of it that some part is {each.bound:.0%} or more "
                f"off its share in any split; here the worst is {each.worst:.0%}",
                value=each.worst,
                limit=each.bound,
                unit="1",
                count=round(each.total),
            )


def _listed(parts: Sequence[str]) -> str:
    return f"{' and '.join(parts)} {'has' if len(parts) == 1 else 'have'}"
