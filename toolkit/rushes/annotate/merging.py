"""Three-way merge of one label: what both sides did since a version that they share.

A label falls into *groups* that change together: its geometry, its class, each attribute, its text, its instance,
and its ends (parent, subject, object); its existence is one more. A group that one side changed is taken from it.
Where both changed it and mean the same, there is nothing to settle. Else they clash.

Places within a millionth of a pixel are the same place: percent of a picture's size and back costs the last digit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from math import isclose
from typing import Any, TypeAlias

from rushes.labels import Label, Relation

EXISTENCE = "existence"
NEAR_PX = 1e-6
_ATTRIBUTE = "attributes."
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "geometry": (
        "kind",
        "geometry",
        "stream",
        "index",
        "index_end",
        "t_start_ns",
        "t_end_ns",
        "image_width_px",
        "image_height_px",
    ),
    "class": ("class_name",),
    "text": ("text",),
    "instance": ("instance",),
    "ends": ("parent_id",),
}
Value: TypeAlias = Any
"""What a group says: a tuple of its fields, an attribute's value; of existence the label, None where deleted."""


class _Absent:
    """What an attribute that is not there says."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A group that two sides changed to different things."""

    group: str
    base: Value
    ours: Value
    theirs: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The outcome.

    Args:
        label: As it stands: settled groups, and ours where sides clash; the living side where existence is what
            they clash about. None where it is deleted.
        ours: The same, but as our side wants it: None where we deleted what they changed.
        clashes: In the order of the groups.
    """

    label: Label | None
    ours: Label | None
    clashes: tuple[Clash, ...] = ()


def merge(base: Label | None, ours: Label | None, theirs: Label | None) -> Merged:
    """Merge two sides.

    Args:
        base: The version that both have started from; None where there was none.
        ours, theirs: None where the side has no such label.
    """
    if ours is None or theirs is None:
        return _one_is_gone(base, ours, theirs)
    clashes: list[Clash] = []
    taken: dict[str, Label] = {}
    sides = set()  # from which something was taken that the other has not
    before, mine, other = groups(base), groups(ours), groups(theirs)
    for group in {**before, **mine, **other}:
        b, o, t = (side.get(group, ABSENT) for side in (before, mine, other))
        o_changed, t_changed = base is None or not same(b, o), base is None or not same(b, t)
        if o_changed and t_changed and not same(o, t):
            clashes.append(Clash(group=group, base=b, ours=o, theirs=t))
            taken[group] = ours
            sides |= {"ours", "theirs"}
        elif o_changed != t_changed:
            taken[group] = ours if o_changed else theirs
            sides.add("ours" if o_changed else "theirs")
        else:
            taken[group] = _exact(b, o, t, ours, theirs)
    if len(sides) == 1:
        holder = ours if sides == {"ours"} else theirs
    else:  # of two that did the same the one who did it first, else the later
        choose: Callable[..., Label] = max if sides or same(before, mine) else min
        holder = choose(theirs, ours, key=lambda label: (label.updated_ns or 0, label.event_id or ""))
    label = _joined(holder, taken)
    return Merged(label=label, ours=label, clashes=tuple(clashes))


def groups(label: Label | None) -> dict[str, Value]:
    """Give what a label says, by group; nothing for none."""
    if label is None:
        return {}
    found: dict[str, Value] = {}
    for group, names in _FIELDS.items():
        found[group] = tuple(_without_ends(getattr(label, name)) for name in names)
    if isinstance(label.geometry, Relation):
        found["ends"] += (label.geometry,)
    return found | {_ATTRIBUTE + name: value for name, value in label.attributes.items()}


def with_group(label: Label, group: str, source: Label) -> Label:
    """Give a label one group of another."""
    return _joined(label, {group: source})


def same(a: Value, b: Value) -> bool:
    """Say whether two values mean the same; numbers may differ by ``NEAR_PX``."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, float | int) and isinstance(b, float | int):
        return a == b if isinstance(a, int) and isinstance(b, int) else isclose(a, b, rel_tol=0, abs_tol=NEAR_PX)
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    return bool(a == b)


def same_label(a: Label | None, b: Label | None) -> bool:
    """Say whether two versions of a label say the same in every group."""
    return same(groups(a), groups(b)) and (a is None) == (b is None)


def advanced(base: Label | None, theirs: Label | None, clashes: tuple[Clash, ...]) -> Label | None:
    """Give the base of the next merge: theirs, which we have merged with, but for what is still to be settled."""
    if any(clash.group == EXISTENCE for clash in clashes) or theirs is None:
        return base if clashes else theirs
    if base is None:  # both have made it; until it is settled the next merge finds the same
        return base if clashes else theirs
    moved = theirs
    for clash in clashes:
        moved = with_group(moved, clash.group, base)
    return moved


def _one_is_gone(base: Label | None, ours: Label | None, theirs: Label | None) -> Merged:
    left = ours or theirs
    if left is None or base is None:
        return Merged(label=left, ours=left)
    if same_label(base, left):
        return Merged(label=None, ours=None)
    clash = Clash(group=EXISTENCE, base=base, ours=ours, theirs=theirs)
    return Merged(label=left, ours=ours, clashes=(clash,))


def _exact(b: Value, o: Value, t: Value, ours: Label, theirs: Label) -> Label:
    """Choose of two that mean the same the one whose last digits are not the base's; else by their text."""
    if o in (t, b):
        return theirs
    return ours if t == b or repr(o) <= repr(t) else theirs


def _joined(holder: Label, taken: Mapping[str, Label]) -> Label:
    """Put groups of several versions together; the holder gives author, times and the raw version."""
    changes: dict[str, Any] = {}
    attributes: dict[str, Any] = dict(holder.attributes)
    for group, side in taken.items():
        if group.startswith(_ATTRIBUTE):
            name = group.removeprefix(_ATTRIBUTE)
            if name in side.attributes:
                attributes[name] = side.attributes[name]
            else:
                attributes.pop(name, None)
        elif group == "ends":
            changes["parent_id"] = side.parent_id
            if isinstance(side.geometry, Relation):
                changes["geometry"] = side.geometry
        else:
            changes |= {name: getattr(side, name) for name in _FIELDS[group]}
            if group == "geometry":
                changes["received"] = side.received
    if "geometry" in taken and isinstance(taken["geometry"].geometry, Relation):
        changes["geometry"] = taken.get("ends", taken["geometry"]).geometry
    return replace(holder, **changes, attributes=attributes)


def _without_ends(value: Any) -> Any:
    return None if isinstance(value, Relation) else value
