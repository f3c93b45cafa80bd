"""label.skeleton: keypoints that are not those of their skeleton, too few, or not there at all."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._label_shapes import items_of
from rushes.checks._labels import Flags, Places, people, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView

BOXES = ("box", "rotated_box")


class LabelSkeleton:
    """Keypoints by their number, their visibility and their places; then boxes that have none."""

    name = "label.skeleton"
    version = "1"
    reason = (
        "Keypoints are told apart by their order alone. One too few shifts all that follow, and points that lie "
        "on one another are a stack of clicks, not a hand."
    )
    known_limits = (
        "Points in the wrong order, with the right number, are not found here; some are by label.side. Points may "
        "truly fall on one another when a finger points at the camera: least_apart of them must lie apart."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "least_share": Option(
            default=0.25,
            unit="",
            reason="a quarter of the points is a fragment; half a person at the edge is usual",
        ),
        "least_apart": Option(default=0.5, unit="", reason="half of the labelled points at places of their own"),
        "with_points_share": Option(
            default=0.5, unit="", reason="where most boxes of a class have keypoints, one without was forgotten"
        ),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Hold keypoints against the skeletons of the ontology."""
        if not len(view):
            return
        wanted = points_wanted(view)
        lengths = np.diff(view.starts) // 3
        keypoints: Flags = view.columns["kind"] == "keypoints"
        wrong = np.flatnonzero(keypoints & (wanted > 0) & (lengths != wanted))
        yield from told(
            view, wrong, check=self.name, severity="error",
            say=lambda at: f"{lengths[at]} points, its skeleton has {wanted[at]}",
            values=lengths[wrong].astype(np.float64), unit="1",
        )  # fmt: skip
        rows, triples = items_of(view.columns["kind"], view.points, view.starts, "keypoints")
        strange = np.unique(rows[~np.isin(triples[:, 2], (0, 1, 2))])
        yield from told(
            view, strange, check=self.name, severity="error",
            say=lambda _: "a point whose visibility is none of 0, 1 and 2",
        )  # fmt: skip
        there = triples[:, 2] > 0
        labelled = np.bincount(rows[there], minlength=len(view))
        share = labelled / np.maximum(np.maximum(lengths, wanted), 1)
        few = np.flatnonzero(people(view) & keypoints & (share < options["least_share"]))
        yield from told(
            view, few, check=self.name, severity="info",
            say=lambda at: f"{labelled[at]} of {max(lengths[at], wanted[at])} points are labelled",
            values=share[few], limit=options["least_share"], unit="1", rank=-share[few],
        )  # fmt: skip
        apart = _apart(rows[there], triples[there], len(view))
        stacked = np.flatnonzero((labelled >= 3) & (apart < options["least_apart"] * labelled))
        yield from told(
            view, stacked, check=self.name, severity="warning",
            say=lambda at: f"{labelled[at]} points at {apart[at]} places",
        )  # fmt: skip
        yield from self._without(view, wanted, options["with_points_share"])

    def _without(self, view: LabelsView, wanted: Places, least: float) -> Iterator[Finding]:
        columns = view.columns
        keypoints = columns["kind"] == "keypoints"
        parents = set(columns["parent_id"][keypoints].tolist()) - {None}
        boxes = np.flatnonzero(people(view) & np.isin(columns["kind"], BOXES) & (wanted > 0))
        has = np.fromiter((columns["label_id"][at] in parents for at in boxes.tolist()), np.bool_, len(boxes))
        for name in sorted(set(columns["class_name"][boxes].tolist())):
            mine = columns["class_name"][boxes] == name
            share = float(has[mine].mean())
            if share < least or share == 1:
                continue
            yield from told(
                view, boxes[mine & ~has], check=self.name, severity="warning",
                say=lambda _, share=share: f"a box without keypoints; {share:.0%} of its class have them",  # type: ignore[misc]
            )  # fmt: skip


def points_wanted(view: LabelsView) -> Places:
    """Give the number of points of the skeleton of each label's class; 0 where it has none."""
    if view.ontology is None:
        return np.zeros(len(view), np.int64)
    names = view.columns["class_name"]
    wanted = {}
    for name in set(names.tolist()):
        skeleton = view.ontology.skeleton_of(name)
        wanted[name] = len(skeleton.points) if skeleton else 0
    return np.fromiter((wanted[name] for name in names), np.int64, len(names))


def _apart(rows: Places, triples: np.ndarray, count: int) -> Places:  # type: ignore[type-arg]
    """Count the different places of each label's points."""
    if not len(rows):
        return np.zeros(count, np.int64)
    places = np.column_stack((rows.astype(np.float64), triples[:, :2]))
    order = np.lexsort(places.T[::-1])
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(places[order], axis=0) != 0).any(axis=1)
    return np.bincount(rows[order][new], minlength=count)


PLUGIN: LabelsCheck = LabelSkeleton()
