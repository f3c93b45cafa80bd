"""label.degenerate: labels without an extent, or whose numbers are none."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._label_shapes import items_of, uneven
from rushes.checks._labels import Flags, sides, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import ABSENT_NS, LabelsView

AREAS = ("box", "rotated_box", "polygon", "mask", "track")


class LabelDegenerate:
    """Each label by the first fault that it has."""

    name = "label.degenerate"
    version = "1"
    reason = (
        "A click that became a box, a mask of nothing or a span that ends before it begins shows no thing. Losses "
        "divide by their area, and the run ends in NaN hours later."
    )
    known_limits = (
        "A thing truly smaller than a pixel cannot be told from a slip. A polygon that crosses itself passes."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "least_px": Option(default=1.0, unit="px", reason="nothing narrower than a pixel can be seen"),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find those that have no extent in the picture, or in time."""
        if not len(view):
            return
        kind, least = view.columns["kind"], options["least_px"]
        width, height = sides(view)
        smaller = np.fmin(width, height)
        lacking = np.isnan(view.bounds).any(axis=1) & np.isin(kind, AREAS)
        with np.errstate(invalid="ignore"):
            thin = np.isin(kind, AREAS) & (smaller < least)
        few = _few_corners(view)
        start, end = view.columns["t_start_ns"], view.columns["t_end_ns"]
        first, last = view.columns["index"], view.columns["index_end"]
        backwards = (start != ABSENT_NS) & (end != ABSENT_NS) & (end <= start)
        backwards |= (first >= 0) & (last >= 0) & (last <= first)
        torn = uneven(kind, view.starts)
        found = lacking | thin | few | backwards | torn
        yield Metric(metric="labels_degenerate", value=float(found.sum()), unit="1")

        def say(at: int) -> str:
            if backwards[at]:
                return "it ends where it begins, or before"
            if torn[at]:
                return "its numbers make no whole corners, points or keys"
            if few[at]:
                return "a polygon of fewer than three corners"
            if thin[at]:
                return f"it is {width[at]:.3g}×{height[at]:.3g} px (limit {least:g} px)"
            what = {"mask": "pixels", "track": "key that is shown"}
            return f"it has no {what.get(kind[at], 'place and size in numbers')}"

        rows = np.flatnonzero(found)
        yield from told(view, rows, check=self.name, severity="error", say=say)


def _few_corners(view: LabelsView) -> Flags:
    rows, _ = items_of(view.columns["kind"], view.points, view.starts, "polygon")
    corners = np.bincount(rows, minlength=len(view))
    return np.asarray((view.columns["kind"] == "polygon") & (corners < 3), np.bool_)


PLUGIN: LabelsCheck = LabelDegenerate()
