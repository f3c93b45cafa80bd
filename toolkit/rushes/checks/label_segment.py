"""label.segment: spans of time that overlap, flicker, or fall apart."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._labels import MAKER, Places, groups, name_of, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.quantities import say_ns
from rushes.views import ABSENT_NS, LabelsView


class LabelSegment:
    """The segments of one maker in one stream, in the order of their starts."""

    name = "label.segment"
    version = "1"
    reason = (
        "A gesture lasts longer than a blink. Spans of a few milliseconds, two of one gesture that overlap, and a "
        "gap of one frame in a long one are slips of the mouse; a model of time learns to stutter from them."
    )
    known_limits = (
        "Segments of different instances, such as the left and the right hand, may overlap, and so may different "
        "gestures: that is info only. Spans without times are not judged."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "least_ms": Option(default=100.0, unit="ms", reason="three frames; no gesture of people is shorter"),
        "gap_ms": Option(default=100.0, unit="ms", reason="no gesture ends and begins again within three frames"),
        "overlap_ms": Option(default=1.0, unit="ms", reason="ends that touch are rounded apart by less"),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find short ones, then overlaps and gaps between neighbours."""
        start, end = view.columns["t_start_ns"], view.columns["t_end_ns"]
        timed = (view.columns["kind"] == "segment") & (start != ABSENT_NS) & (end != ABSENT_NS)
        rows = np.flatnonzero(timed & (end > start))
        if not len(rows):
            return
        length = end - start
        short = rows[length[rows] < options["least_ms"] * 1e6]
        yield Metric(metric="segments", value=float(len(rows)), unit="1")
        yield from told(
            view, short, check=self.name, severity="warning",
            say=lambda at: f"it lasts {say_ns(int(length[at]))} (limit {options['least_ms']:g} ms)",
            values=length[short].astype(np.float64), limit=options["least_ms"] * 1e6, unit="ns",
            rank=-length[short].astype(np.float64),
        )  # fmt: skip
        owner = groups(view, *MAKER, "stream", "instance")
        same = groups(view, *MAKER, "stream", "instance", "class_name")
        first, second = _neighbours(rows, same, start)
        apart = start[second] - end[first]
        pair = dict(zip(second.tolist(), first.tolist(), strict=True))

        def between(at: int) -> int:
            return int(start[at] - end[pair[at]])

        over = second[apart < -options["overlap_ms"] * 1e6]
        yield from told(
            view, over, check=self.name, severity="warning",
            say=lambda at: f"it overlaps {name_of(view, pair[at])} of the same class by {say_ns(-between(at))}",
        )  # fmt: skip
        near = second[(apart > 0) & (apart < options["gap_ms"] * 1e6)]
        yield from told(
            view, near, check=self.name, severity="warning",
            say=lambda at: f"{name_of(view, pair[at])} ends {say_ns(between(at))} before it: one, cut in two?",
        )  # fmt: skip
        first, second = _neighbours(rows, owner, start)
        other = same[first] != same[second]
        mixed = other & (start[second] - end[first] < -options["overlap_ms"] * 1e6)
        partner = dict(zip(second[mixed].tolist(), first[mixed].tolist(), strict=True))
        yield from told(
            view, second[mixed], check=self.name, severity="info",
            say=lambda at: f"it overlaps {name_of(view, partner[at])} "
            f"by {say_ns(int(end[partner[at]] - start[at]))}",
        )  # fmt: skip


def _neighbours(rows: Places, group: Places, start: Places) -> tuple[Places, Places]:
    """Give, for every segment but the first of its group, the one that starts before it, and itself."""
    order = rows[np.lexsort((start[rows], group[rows]))]
    together = np.flatnonzero(np.diff(group[order]) == 0)
    return order[together], order[together + 1]


PLUGIN: LabelsCheck = LabelSegment()
