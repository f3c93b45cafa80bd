"""What must stay together: connected components of units that share a key or are linked."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_NAMED = 3
"""Values that a component's name joins; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Units that can only go into one part together.

    Args:
        id: 16 hexadecimal digits that follow from its units alone.
        name: For people: the key's value where it has one only.
        units: Positions, ascending.
    """

    id: str
    name: str
    units: tuple[int, ...]


def components(
    units: Sequence[str],
    keys: Sequence[Sequence[str | None]],
    links: Iterable[tuple[int, int]] = (),
) -> list[Component]:
    """Join units that share the value of any key, or are linked, as far as that reaches.

    Args:
        units: Names, each once.
        keys: For each key the value of every unit; None joins nothing.
        links: Pairs of positions that must stay together.

    Returns:
        Every unit in exactly one component, in the order of their first units. Names are told apart.
    """
    root = list(range(len(units)))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    def join(one: int, other: int) -> None:
        first, second = sorted((find(one), find(other)))
        root[second] = first

    for values in keys:
        seen: dict[str, int] = {}
        for at, value in enumerate(values):
            if value is not None:
                join(seen.setdefault(value, at), at)
    for one, other in links:
        join(one, other)
    members: dict[int, list[int]] = {}
    for at in range(len(units)):
        members.setdefault(find(at), []).append(at)
    taken: set[str] = set()
    made = []
    for mine in members.values():
        digest = hashlib.sha256("\n".join(sorted(units[at] for at in mine)).encode()).hexdigest()[:16]
        name = _name(mine, units, keys)
        name = f"{name} ({digest[:6]})" if name in taken else name
        taken.add(name)
        made.append(Component(id=digest, name=name, units=tuple(mine)))
    return made


def _name(mine: Sequence[int], units: Sequence[str], keys: Sequence[Sequence[str | None]]) -> str:
    for values in keys:
        found = sorted({value for at in mine if (value := values[at]) is not None})
        if found:
            more = f"+{len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            return "+".join(found[:MOST_NAMED]) + more
    return units[mine[0]]
