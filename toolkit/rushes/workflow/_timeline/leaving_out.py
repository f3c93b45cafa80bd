"""A timeline without some of its samples: those of discarded takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from rushes.timelines import (
    FrameLane,
    FrameOfReferenceLane,
    Happening,
    MessageLane,
    NumberLane,
    Omission,
    SoundLane,
    Timeline,
)

Kept = npt.NDArray[np.bool_]
Span = tuple[int, int]
_Lane = TypeVar("_Lane", FrameLane, NumberLane, FrameOfReferenceLane, MessageLane)


def without(timeline: Timeline, kept: Mapping[str, Kept], spans: Sequence[Span], *, reason: str) -> Timeline:
    """Give the timeline with only the samples that are kept.

    Args:
        timeline: Of one recording.
        kept: By stream, shape (n,), by index; streams that are not named stay whole.
        spans: Stretches of the reference clock, start included and end not: what happens wholly in one goes too,
            but for the takes themselves.
        reason: A clause, for what is omitted.
    """
    lost = [
        Omission(effect="lost", stream=stream, count=int((~mask).sum()), reason=reason)
        for stream, mask in kept.items()
        if not mask.all()
    ]
    stays = [each for each in timeline.happenings if _is_take(each) or not within_one(each, spans)]
    return replace(
        timeline,
        frames=_lanes(timeline.frames, kept, _pictures),
        numbers=_lanes(timeline.numbers, kept, _numbers),
        sounds=[
            made for lane in timeline.sounds if (made := _sound(lane, kept.get(lane.stream.name))) is not None
        ],
        places=_lanes(timeline.places, kept, _places),
        messages=_lanes(timeline.messages, kept, _messages),
        happenings=stays,
        omissions=[*timeline.omissions, *lost],
    )


def within_one(happening: Happening, spans: Sequence[Span]) -> bool:
    """Tell whether something happened wholly within one of some stretches."""
    return any(
        start <= happening.start_ns < end and (happening.end_ns <= end or happening.end_ns == happening.start_ns)
        for start, end in spans
    )


def _is_take(happening: Happening) -> bool:
    return happening.kind == "event" and happening.more.get("event") == "take"


def _lanes(
    lanes: Sequence[_Lane], kept: Mapping[str, Kept], cut: Callable[[_Lane, npt.NDArray[np.int64]], _Lane]
) -> list[_Lane]:
    """Cut lanes; one of which nothing is left goes."""
    made = []
    for lane in lanes:
        mask = kept.get(lane.stream.name)
        if mask is None or mask.all() or len(mask) != len(lane.t_ns):
            made.append(lane)
        elif mask.any() or isinstance(lane, FrameOfReferenceLane):
            made.append(cut(lane, np.flatnonzero(mask)))
    return made


def _pictures(lane: FrameLane, rows: npt.NDArray[np.int64]) -> FrameLane:
    encoded, pixels, rendered, order = lane.encoded, lane.pixels, lane.rendered, rows.tolist()

    def rendered_at(index: int, given: npt.NDArray[Any] | None) -> bytes:
        return rendered(order[index], given)

    return replace(
        lane,
        t_ns=lane.t_ns[rows],
        there=lane.there[rows],
        encoded=lambda index: encoded(order[index]),
        pixels=lambda index: pixels(order[index]),
        rendered=rendered_at,
        pts=lane.pts[rows] if len(lane.pts) else lane.pts,
        labels={new: lane.labels[old] for new, old in enumerate(order) if old in lane.labels},
    )


def _numbers(lane: NumberLane, rows: npt.NDArray[np.int64]) -> NumberLane:
    columns = {name: values[rows] for name, values in lane.columns.items()}
    return replace(lane, t_ns=lane.t_ns[rows], columns=columns)


def _places(lane: FrameOfReferenceLane, rows: npt.NDArray[np.int64]) -> FrameOfReferenceLane:
    """Cut a lane; what holds for the whole recording stays, whenever it was said."""
    rows = np.union1d(rows, np.flatnonzero(lane.static))
    return replace(
        lane,
        t_ns=lane.t_ns[rows],
        parents=[lane.parents[row] for row in rows.tolist()],
        children=[lane.children[row] for row in rows.tolist()],
        static=lane.static[rows],
        values=lane.values[rows],
    )


def _messages(lane: MessageLane, rows: npt.NDArray[np.int64]) -> MessageLane:
    return replace(lane, t_ns=lane.t_ns[rows], values=[lane.values[row] for row in rows.tolist()])


def _sound(lane: SoundLane, mask: Kept | None) -> SoundLane | None:
    """Cut sound that comes in blocks, by index; None where nothing is left."""
    if mask is None or mask.all() or len(mask) != len(lane.t_ns):
        return lane
    if not mask.any():
        return None
    gone, blocks = frozenset(lane.t_ns[~mask].tolist()) - frozenset(lane.t_ns[mask].tolist()), lane.blocks

    def kept_blocks() -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
        return (block for block in blocks() if block[0] not in gone)

    left = lane.t_ns[mask]
    return replace(lane, t_ns=left, first_ns=int(left.min()), last_ns=int(left.max()), blocks=kept_blocks)
