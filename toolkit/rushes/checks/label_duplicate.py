"""label.duplicate: two labels of one maker for one thing."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._labels import MAKER, Places, Values, groups, name_of, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView

BY_CLASS = ("class", "text")


class LabelDuplicate:
    """Labels of one maker, frame, kind and class that cover one another; the later one is told."""

    name = "label.duplicate"
    version = "1"
    reason = (
        "A second box on the same thing counts it twice, and teaches a detector to answer twice. It comes from a "
        "double click, an import that was run twice, or a prediction that was kept beside the correction."
    )
    known_limits = (
        "Polygons, masks and keypoints are compared by their bounds: two people who embrace may share them. "
        "Labels of different makers are never duplicates of each other. Tracks and segments are left to their own "
        "checks."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "iou": Option(
            default=0.9, unit="", reason="two things of a class seldom share nine tenths; two drawings of one do"
        ),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find pairs by their intersection over union; classes and texts where they are the same."""
        if not len(view):
            return
        group = groups(view, *MAKER, "stream", "index", "moment", "kind", "class_name", "text")
        kind = view.columns["kind"]
        limit = min(max(options["iou"], 1e-6), 1.0)
        placed = ~np.isnan(view.bounds).any(axis=1) & (kind != "track") & (view.columns["index"] >= 0)
        one, two, overlap = overlapping(view.bounds, group, np.flatnonzero(placed), limit)
        said = np.flatnonzero(np.isin(kind, BY_CLASS))
        again = said[np.argsort(group[said], kind="stable")]
        same = np.flatnonzero(np.diff(group[again]) == 0)
        one, two = np.concatenate((one, again[same])), np.concatenate((two, again[same + 1]))
        overlap = np.concatenate((overlap, np.ones(len(same))))
        # Of a heap of copies each later one is told once, against the one that it is most like.
        order = np.lexsort((one, -overlap, two))
        order = order[np.diff(two[order], prepend=-1) != 0]
        first, later, overlap = one[order], two[order], overlap[order]
        yield Metric(metric="labels_duplicate", value=float(len(later)), unit="1")
        partner = dict(zip(later.tolist(), zip(first.tolist(), overlap.tolist(), strict=True), strict=True))

        def say(at: int) -> str:
            other, share = partner[at]
            if kind[at] in BY_CLASS:
                return f"said before, by {name_of(view, other)}"
            return f"covers {name_of(view, other)} of the same maker, IoU {share:.3f} (limit {limit:g})"

        yield from told(
            view, later, check=self.name, severity="warning", say=say,
            values=overlap, limit=limit, unit="1", rank=overlap,
        )  # fmt: skip


def overlapping(bounds: Values, group: Places, rows: Places, least: float) -> tuple[Places, Places, Values]:
    """Find all pairs of one group whose bounds overlap by so much.

    Sorted by left edge, a pair that overlaps by ``least`` lies close together: what is compared shrinks with each
    step aside, so that it costs little more than the pairs that there are.

    Args:
        bounds: Shape (n, 4): left, top, right, bottom.
        group: Shape (n,).
        rows: Rows to compare.
        least: Least intersection over union, above 0.

    Returns:
        The smaller and the larger row of each pair, and its intersection over union.
    """
    order = rows[np.lexsort((bounds[rows, 0], group[rows]))]
    box, owner = bounds[order], group[order]
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    furthest = box[:, 0] + (1 - least) * (box[:, 2] - box[:, 0])
    found: list[tuple[Places, Places, Values]] = []
    active: Places = np.arange(len(order))
    step = 1
    while len(active):
        active = active[active + step < len(order)]
        other = active + step
        near = (owner[other] == owner[active]) & (box[other, 0] <= furthest[active])
        active, other = active[near], other[near]
        shared = np.clip(
            np.minimum(box[active, 2:], box[other, 2:]) - np.maximum(box[active, :2], box[other, :2]), 0, None
        )
        inside = shared[:, 0] * shared[:, 1]
        union = area[active] + area[other] - inside
        overlap = np.divide(inside, union, out=np.zeros(len(active)), where=union > 0)
        hit = overlap >= least
        if hit.any():
            a, b = order[active[hit]], order[other[hit]]
            found.append((np.minimum(a, b), np.maximum(a, b), overlap[hit]))
        step += 1
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    return (
        np.concatenate([pair[0] for pair in found]),
        np.concatenate([pair[1] for pair in found]),
        np.concatenate([pair[2] for pair in found]),
    )


PLUGIN: LabelsCheck = LabelDuplicate()
