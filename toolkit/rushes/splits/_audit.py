"""What is wrong with an assignment, made here or elsewhere: leaks, doubles, empty parts, shares that are off."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rushes.model import Assignment, Finding
from rushes.quantities import say_count

SHARE_OFF = 0.02
"""From two points of a hundred on, the sizes of the parts are not what a reader of the results would believe."""


def audit(
    assignments: Sequence[Assignment],
    *,
    weights: Mapping[str, float] | None = None,
    parts: Mapping[str, float] | None = None,
    share_off: float = SHARE_OFF,
    called: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Audit a split.

    Args:
        assignments: One for each unit.
        weights: Samples of each unit; 1 each when None.
        parts: Shares that were asked for; without them empty parts and sizes are not judged.
        share_off: From which difference on a share is told.
        called: What people call a group; its name in quotes if left out.

    Returns:
        ``split.leak`` (error) for each group in several parts, ``split.double`` (error) for each unit in several
        parts, ``split.empty-part`` (error) and ``split.share`` (warning) for each part; nothing for a sound split.
    """
    words = {each.group: f"'{each.group}'" for each in assignments} | dict(called or {})
    return [
        *_leaks(assignments, words),
        *_doubles(assignments),
        *_sizes(assignments, weights, parts, share_off, words),
    ]


def _leaks(assignments: Sequence[Assignment], words: Mapping[str, str]) -> Iterator[Finding]:
    members: dict[str, dict[str, list[Assignment]]] = defaultdict(lambda: defaultdict(list))
    for assignment in assignments:
        members[assignment.group][assignment.part].append(assignment)
    for group, by_part in sorted(members.items()):
        if len(by_part) < 2:
            continue
        told = ", ".join(f"{part} ({say_count(len(units), 'unit')})" for part, units in sorted(by_part.items()))
        every = [unit for units in by_part.values() for unit in units]
        why = "; its units were pinned apart" if sum(unit.pinned for unit in every) > 1 else ""
        yield Finding(
            check="split.leak",
            severity="error",
            message=f"group {words[group]} lies in {len(by_part)} parts: {told}{why}",
            value=float(len(by_part)),
            limit=1.0,
            unit="1",
            count=len(every),
        )


def _doubles(assignments: Sequence[Assignment]) -> Iterator[Finding]:
    seen: dict[str, list[str]] = defaultdict(list)
    for assignment in assignments:
        seen[assignment.unit].append(assignment.part)
    for unit, where in sorted(seen.items()):
        if len(where) > 1:
            yield Finding(
                check="split.double",
                severity="error",
                message=f"unit '{unit}' is assigned {len(where)} times: {', '.join(sorted(where))}",
                value=float(len(where)),
                limit=1.0,
                unit="1",
                count=len(where),
            )


def _sizes(
    assignments: Sequence[Assignment],
    weights: Mapping[str, float] | None,
    parts: Mapping[str, float] | None,
    share_off: float,
    words: Mapping[str, str],
) -> Iterator[Finding]:
    if parts is None:
        return
    size = dict.fromkeys(parts, 0.0)
    units = dict.fromkeys(parts, 0)
    heaviest: dict[str, float] = defaultdict(float)
    for assignment in assignments:
        weight = 1.0 if weights is None else weights[assignment.unit]
        size[assignment.part] = size.get(assignment.part, 0.0) + weight
        units[assignment.part] = units.get(assignment.part, 0) + 1
        heaviest[assignment.group] += weight
    total = sum(size.values())
    largest = max(heaviest, key=lambda group: (heaviest[group], group), default="")
    for part in units:
        share = size[part] / total if total else 0.0
        wanted = parts.get(part, 0.0)
        if units[part] == 0:
            yield Finding(
                check="split.empty-part",
                severity="error",
                message=f"part '{part}' is empty; it should hold {wanted:.1%}",
                value=0.0,
                limit=wanted,
                unit="1",
                count=0,
            )
        elif total and abs(share - wanted) > share_off:
            yield Finding(
                check="split.share",
                severity="warning",
                message=f"part '{part}' holds {share:.1%} of the samples, {wanted:.1%} were asked for; groups "
                f"stay whole, and the largest, {words[largest]}, holds {heaviest[largest] / total:.1%}",
                value=share,
                limit=wanted,
                unit="1",
                count=units[part],
            )
