"""Parts that people ask for: honoured as pins of whole groups, or told to be impossible."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from rushes.model import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What became of requests.

    Args:
        pins: Part by recording, for all members of a group of which one was asked for.
        asked: The recordings that were asked for themselves, and who did.
        impossible: Why not, by recording.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    impossible: Mapping[str, str] = field(default_factory=dict)


def weigh(
    wanted: Mapping[str, tuple[str, str]],
    group_of: Mapping[str, str],
    *,
    parts: Collection[str],
    locked: Collection[str],
    closed: Collection[str],
    cut: Collection[str],
) -> Requests:
    """Say which requests can be met; groups stay whole, so a request moves all of one.

    Args:
        wanted: Part and who asks for it, by recording.
        group_of: Group of every recording that is split.
        parts: Names of the parts.
        locked: Those that are locked.
        closed: Groups of which a member lies in a locked part.
        cut: Recordings in blocks of time, and sets of stills taken apart.
    """
    pins: dict[str, str] = {}
    asked: dict[str, str] = {}
    impossible: dict[str, str] = {}
    by_group: dict[str, set[str]] = {}
    for recording, (part, _) in wanted.items():
        by_group.setdefault(group_of[recording], set()).add(part)
    for recording, (part, who) in wanted.items():
        group = group_of[recording]
        if part not in parts:
            impossible[recording] = f"there is no part '{part}'; there are {', '.join(parts)}"
        elif recording in cut:
            impossible[recording] = "it is cut, and lies in several parts"
        elif part in locked:
            impossible[recording] = f"part '{part}' is locked"
        elif group in closed:
            impossible[recording] = "its group lies in a locked part"
        elif len(by_group[group]) > 1:
            impossible[recording] = f"its group is asked for as {' and '.join(sorted(by_group[group]))}"
        else:
            asked[recording] = who
            pins |= {each: part for each, name in group_of.items() if name == group and each not in cut}
    return Requests(pins=pins, asked=asked, impossible=impossible)


def findings(requests: Requests, names: Mapping[str, str], wanted: Mapping[str, tuple[str, str]]) -> list[Finding]:
    """Tell which requests were not met: ``split.request`` (warning) for each."""
    return [
        Finding(
            check="split.request",
            severity="warning",
            message=f"'{names[recording]}' is not put into '{part}', as {who} asks: {why}",
        )
        for recording, why in requests.impossible.items()
        for part, who in [wanted[recording]]
    ]
