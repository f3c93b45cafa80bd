"""Rows of ``duplicates`` → one finding for each stream that shares pictures with others."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rushes.duplicates import Duplicate, DuplicatesView
from rushes.model import Finding, Severity
from rushes.quantities import say_count


def told(
    view: DuplicatesView, found: Sequence[Duplicate], *, check: str, severity: Severity, words: str
) -> Iterator[tuple[str, Finding]]:
    """Give a finding for each stream, with the recording that it is about; the nearest pair is named.

    Args:
        view: What was searched.
        found: Those of one kind.
        check: Id of the check.
        severity: Of every finding.
        words: Completes "frame 3 is … frame 7 of …".
    """
    shared: dict[int, list[Duplicate]] = defaultdict(list)
    for each in found:
        shared[each.place[0]].append(each)
    for number, rows in sorted(shared.items()):
        pictures, name = view.sets[number], view.sets[number].stream.name
        nearest = min(rows, key=lambda row: (row.distance, row.place))
        yield (
            pictures.recording_id,
            Finding(
                check=check,
                severity=severity,
                message=f"{name}: {_said(view, nearest, words)}{_more(rows)}",
                value=float(nearest.distance),
                unit="bit",
                stream=name,
                index=int(pictures.index[nearest.place[1]]),
                start_ns=int(pictures.t_ns[nearest.place[1]]),
                end_ns=int(pictures.t_ns[nearest.place_end]),
                count=_count(rows),
            ),
        )


def _said(view: DuplicatesView, row: Duplicate, words: str) -> str:
    (number, at), (near, to) = row.place, row.near_place
    other = view.sets[near]
    elsewhere = "" if near == number else f" of {other.stream.name} in '{other.recording}'"
    apart = "" if row.exact else f" ({row.distance} of 64 bits differ)"
    mirrored = "mirrored, " if row.mirrored else ""
    first, second = int(view.sets[number].index[at]), int(other.index[to])
    return f"frame {first} is {mirrored}{words} frame {second}{elsewhere}{apart}"


def _more(rows: Sequence[Duplicate]) -> str:
    others = len({row.near_place[0] for row in rows})
    if (count := _count(rows)) == 1:
        return ""
    where = "" if others == 1 else f", like pictures of {others} streams"
    return f"; {say_count(count, 'such picture')}{where}"


def _count(rows: Sequence[Duplicate]) -> int:
    return sum(row.place_end - row.place[1] + 1 for row in rows)
