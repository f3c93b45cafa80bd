"""Which streams can be drawn over one time axis: those whose clocks tell of the same time."""

from collections.abc import Sequence
from dataclasses import dataclass

from rushes.model import Times
from rushes.report import amounts
from rushes.workflow._look.survey import StreamSurvey

REACH = 3
"""Streams share an axis unless they lie apart by more than so many lengths of the longer one."""
LEAST_NS = 10**9
"""A stream is taken to be at least this long, so that single samples near others join them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis and the streams on it, each with the times it is drawn by; None for those with an order only.

    Args:
        raw: Whether the times are the raw times of the streams, in which their gaps are told.
    """

    title: str
    note: str
    start_ns: int
    end_ns: int
    raw: bool
    lanes: tuple[tuple[StreamSurvey, Times | None], ...]


def axes(streams: Sequence[StreamSurvey]) -> list[Axis]:
    """Lay streams on as few axes as their clocks allow.

    Raw times are used where they agree. Where they do not, and the recorder stamped every sample, its clock is.
    """
    timed = [stream for stream in streams if len(stream.drawn)]
    groups = _groups([(stream, stream.drawn) for stream in timed])
    raw = True
    note = ""
    if len(groups) > 1:
        logged = [(stream, times) for stream in timed if (times := stream.drawn_log) is not None]
        by_log = _groups(logged)
        if len(logged) == len(timed) and len(by_log) < len(groups):
            groups, raw = by_log, False
            note = "by the recorder's clock, as the streams' own stamps lie far apart"
    made = [_axis(group, raw=raw, note=note) for group in groups]
    orderly = tuple((stream, None) for stream in streams if stream.count > 1 and not len(stream.drawn))
    if orderly:
        made.append(Axis(title="Order", note="no times", start_ns=0, end_ns=0, raw=True, lanes=orderly))
    return made


def _axis(group: Sequence[tuple[StreamSurvey, Times]], *, raw: bool, note: str) -> Axis:
    start_ns = min(int(times[0]) for _, times in group)
    end_ns = max(int(times[-1]) for _, times in group)
    return Axis(
        title=f"{amounts.span(end_ns - start_ns)} from {amounts.instant(start_ns)}",
        note=note,
        start_ns=start_ns,
        end_ns=end_ns,
        raw=raw,
        lanes=tuple(group),
    )


def _groups(content: Sequence[tuple[StreamSurvey, Times]]) -> list[list[tuple[StreamSurvey, Times]]]:
    """Put together what lies near, earliest group first; inside a group the given order stays."""
    groups: list[tuple[int, int, list[int]]] = []
    for at in sorted(range(len(content)), key=lambda at: int(content[at][1][0])):
        first, last = int(content[at][1][0]), int(content[at][1][-1])
        if groups:
            start, end, members = groups[-1]
            if first - end <= REACH * max(end - start, last - first, LEAST_NS):
                groups[-1] = (start, max(end, last), [*members, at])
                continue
        groups.append((first, last, [at]))
    return [[content[at] for at in sorted(members)] for _, _, members in groups]
