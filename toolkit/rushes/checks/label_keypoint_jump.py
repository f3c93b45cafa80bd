"""label.keypoint_jump: keypoints that leap away from their hand or body, and whole ones that leap."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from rushes.checks._label_shapes import items_of
from rushes.checks._labels import MAKER, Flags, Places, Values, coded, given, groups, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView


class LabelKeypointJump:
    """The steps of each keypoint between frames, beside those of all points of its label together."""

    name = "label.keypoint_jump"
    version = "1"
    reason = (
        "A tracker that loses a finger puts it on another one, or on the other hand, and says nothing. A point "
        "that leaps while the rest of the hand hardly moves, or a hand that leaps as a whole, is such a slip."
    )
    known_limits = (
        "A label is followed by its instance, that of the box it is a part of, or, where it has neither, by its "
        "class and attributes if a frame holds only one such: two nameless hands are not followed. A slip that "
        "stays within the limit is not told, nor one that starts where the label does. Limits are in sizes of "
        "the label a frame, so that near and far are alike; they are meant for 25 Hz and more, and a cut in the "
        "film is told. Proposals: tried on hands of the virtual rig and on planted slips."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "point_sizes": Option(
            default=0.5,
            unit="diagonals a frame",
            reason="a finger opens by half a hand in 100 ms, which is a sixth a frame at 30 Hz",
        ),
        "whole_sizes": Option(
            default=1.0, unit="diagonals a frame", reason="a hand at 3 m/s moves half its length a frame at 30 Hz"
        ),
        "times_median": Option(
            default=5.0, unit="", reason="of the label's own median step, so that fast ones pass"
        ),
        "most_frames": Option(
            default=5.0, unit="frames", reason="between two labels; over more, anything may have happened"
        ),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find points that leap, then labels that leap as a whole."""
        rows, triples = items_of(view.columns["kind"], view.points, view.starts, "keypoints")
        if not len(rows):
            return
        points: dict[int, tuple[float, str]] = {}
        wholes: dict[int, tuple[float, str]] = {}
        for steps in _steps(view, rows, triples, int(options["most_frames"])):
            for at, value in _leaps(steps.whole, steps, options["whole_sizes"], options["times_median"]):
                wholes[int(steps.row[at])] = value, f"as a whole it moves {value:.1f} of its size a frame"
            own = np.nanmax(np.where(np.isnan(steps.own), -1.0, steps.own), axis=1)
            for at, value in _leaps(own, steps, options["point_sizes"], options["times_median"]):
                row = int(steps.row[at])
                name = _point(view, row, int(np.nanargmax(steps.own[at])))
                points[row] = value, f"{name} moves {value:.1f} of its size a frame away from the rest"
        yield Metric(metric="keypoint_jumps", value=float(len(points) + len(wholes)), unit="1")
        for found, limit in ((points, options["point_sizes"]), (wholes, options["whole_sizes"])):
            sizes = np.array([value for value, _ in found.values()])
            yield from told(
                view, list(found), check=self.name, severity="warning", values=sizes, limit=limit, unit="1",
                say=lambda at, found=found, limit=limit: (  # type: ignore[misc]
                    f"{found[at][1]} (limit {limit:g}, and {options['times_median']:g} times its median)"
                ),
                rank=sizes,
            )  # fmt: skip


class _Steps:
    """From label to label of equally many points, in order of thing and frame, n steps.

    ``row`` is the later label, ``thing`` and ``follows`` tell which steps belong together and count at all;
    ``whole`` (n,) and ``own`` (n, points) are in sizes of the label a frame, NaN where not seen in both.
    """

    __slots__ = ("follows", "own", "row", "thing", "whole")

    def __init__(self, row: Places, thing: Places, follows: Flags, whole: Values, own: Values) -> None:
        self.row, self.thing, self.follows, self.whole, self.own = row, thing, follows, whole, own


def _steps(view: LabelsView, rows: Places, triples: Values, most: int) -> Iterator[_Steps]:
    """Lay out the steps of all labels that can be followed, those with equally many points together."""
    thing, index = _things(view), view.columns["index"]
    owner, count = np.unique(rows, return_counts=True)
    first = np.concatenate(([0], np.cumsum(count)[:-1])).astype(np.int64)
    alone = _alone(thing[owner], index[owner]) & (index[owner] >= 0)
    for number in np.unique(count[alone]).tolist():
        taken = np.flatnonzero(alone & (count == number))
        order = taken[np.lexsort((index[owner[taken]], thing[owner[taken]]))]
        if len(order) < 2:
            continue
        row = owner[order]
        held = triples[first[order][:, None] + np.arange(number)]
        place = np.where((held[..., 2:] > 0) & np.isfinite(held[..., :2]), held[..., :2], np.nan)
        frames = np.diff(index[row])
        follows = (np.diff(thing[row]) == 0) & (frames > 0) & (frames <= most)
        size = _sizes(place)
        # The smaller one, since a point that leaps makes its label large; a few points in view are no small hand.
        least = np.fmin(size[1:], size[:-1])
        scale = np.fmax(least, 0.5 * _usual(size[1:], thing[row[1:]], np.isfinite(size[1:])))
        scale = scale * np.maximum(frames, 1)
        follows &= np.isfinite(scale) & (scale > 0)
        scale = np.where(follows, scale, np.nan)
        moved = np.diff(place, axis=0)
        together = _middle(moved)
        yield _Steps(
            row[1:],
            thing[row[1:]],
            follows,
            np.hypot(*together.T) / scale,
            np.hypot(*np.moveaxis(moved - together[:, None], -1, 0)) / scale[:, None],
        )


def _leaps(value: Values, steps: _Steps, limit: float, times: float) -> Iterator[tuple[int, float]]:
    """Give the steps beyond the limit and the thing's usual; the way back of a slip of one label is left out."""
    seen = steps.follows & np.isfinite(value) & (value >= 0)
    usual = _usual(value, steps.thing, seen)
    with np.errstate(invalid="ignore"):
        far = seen & (value > limit) & (value > times * usual)
    before = -1
    for step in np.flatnonzero(far).tolist():
        if before == step - 1 and steps.thing[step] == steps.thing[step - 1]:
            before = -1  # back again
            continue
        before = step
        yield step, float(value[step])


def _usual(value: Values, thing: Places, seen: Flags) -> Values:
    """Give the median of each thing's values that were seen; NaN where none was."""
    numbers, number = np.unique(thing, return_inverse=True)
    medians = np.full(len(numbers), np.nan)
    at = np.flatnonzero(seen)
    for mine in np.split(at, np.flatnonzero(np.diff(number[at])) + 1):
        if len(mine):
            medians[number[mine[0]]] = np.median(value[mine])
    return medians[number]


def _things(view: LabelsView) -> Places:
    """Number the labels by what they show: the instance, else that of the box, else class and attributes."""
    columns = view.columns
    instance = columns["instance"].copy()
    of_box = dict(zip(columns["label_id"].tolist(), columns["instance"].tolist(), strict=True))
    nameless = np.flatnonzero(~given(instance))
    instance[nameless] = [of_box.get(parent) for parent in columns["parent_id"][nameless].tolist()]
    said = columns["attributes"].copy()
    said[given(instance)] = None
    number = groups(view, *MAKER, "stream", "class_name")
    for texts in (instance, said):
        codes = coded(texts)
        number = np.unique(number * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1]
    return number


def _alone(thing: Places, index: Places) -> Flags:
    """Tell which labels are the only one of their thing in their frame."""
    pairs = np.column_stack((thing, index))
    _, back, count = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(count[back.reshape(-1)] == 1, np.bool_)


def _sizes(place: Values) -> Values:
    """Give the diagonal of what each label's points cover, px; NaN below two points."""
    low = np.min(np.where(np.isnan(place), np.inf, place), axis=1)
    high = np.max(np.where(np.isnan(place), -np.inf, place), axis=1)
    with np.errstate(invalid="ignore"):
        size = np.hypot(*(high - low).T)
    return np.where(np.isfinite(size) & (size > 0), size, np.nan)


def _middle(moved: Values) -> Values:
    """Give the median step of each label's points, shape (n, 2); NaN where none was seen twice."""
    middle = np.full((len(moved), 2), np.nan)
    some = np.flatnonzero(np.isfinite(moved).any(axis=(1, 2)))
    if len(some):
        middle[some] = np.nanmedian(moved[some], axis=1)
    return middle


def _point(view: LabelsView, row: int, at: int) -> str:
    skeleton: Any = view.ontology.skeleton_of(view.columns["class_name"][row]) if view.ontology else None
    names: Sequence[str] = skeleton.points if skeleton else ()
    return names[at] if at < len(names) else f"point {at}"


PLUGIN: LabelsCheck = LabelKeypointJump()
