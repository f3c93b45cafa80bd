"""Rows of ``duplicates`` → one finding for each two streams that share pictures."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rushes.contracts import Duplicate, DuplicatesView
from rushes.model import Finding, Severity
from rushes.quantities import say_count

MOST = 20
"""Findings of one stream that are told one by one; the rest is summed up in one more."""


def told(
    view: DuplicatesView, found: Sequence[Duplicate], *, check: str, severity: Severity, words: str
) -> Iterator[tuple[str, Finding]]:
    """Give findings with the recording that each is about, those with most pictures first.

    Args:
        view: What was searched.
        found: Those of one kind, by cluster.
        check: Id of the check.
        severity: Of every finding.
        words: Completes "3 pictures are … frame 7 of …".
    """
    shared: dict[int, dict[int, list[Duplicate]]] = defaultdict(lambda: defaultdict(list))
    for each in found:
        shared[each.place[0]][each.near_place[0]].append(each)
    for number, others in sorted(shared.items()):
        ranked = sorted(others.items(), key=lambda item: (-_count(item[1]), item[0]))
        for near, rows in ranked[:MOST]:
            yield _one(view, number, near, rows, check, severity, words)
        if rest := ranked[MOST:]:
            rows = [row for _, more in rest for row in more]
            pictures = view.sets[number]
            name = pictures.stream.name
            yield (
                pictures.recording_id,
                Finding(
                    check=check,
                    severity=severity,
                    message=f"{name}: {say_count(_count(rows), 'picture')} more in {len(rest)} other streams",
                    value=float(_count(rows)),
                    unit="1",
                    stream=name,
                    index=int(pictures.index[rows[0].place[1]]),
                    count=_count(rows),
                ),
            )


def _one(
    view: DuplicatesView,
    number: int,
    near: int,
    rows: Sequence[Duplicate],
    check: str,
    severity: Severity,
    words: str,
) -> tuple[str, Finding]:
    pictures, other = view.sets[number], view.sets[near]
    first, count = rows[0], _count(rows)
    at, to = int(pictures.index[first.place[1]]), int(other.index[first.near_place[1]])
    where = f"frame {to}" if near == number else f"frame {to} of {other.stream.name} in '{other.recording}'"
    how = "mirrored, " if first.mirrored else ""
    apart = "" if first.exact else f" ({first.distance} of 64 bits differ)"
    more = "" if count == 1 else f"; {say_count(count, 'picture')} so in all"
    return (
        pictures.recording_id,
        Finding(
            check=check,
            severity=severity,
            message=f"{pictures.stream.name}: frame {at} is {how}{words} {where}{apart}{more}",
            value=float(first.distance),
            unit="bit",
            stream=pictures.stream.name,
            index=at,
            start_ns=int(pictures.t_ns[first.place[1]]),
            end_ns=int(pictures.t_ns[rows[-1].place_end]),
            count=count,
        ),
    )


def _count(rows: Sequence[Duplicate]) -> int:
    return sum(row.place_end - row.place[1] + 1 for row in rows)
