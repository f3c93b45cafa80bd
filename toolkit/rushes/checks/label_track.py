"""label.track: things that jump from one place to another, or change their size at once."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._label_shapes import items_of
from rushes.checks._labels import MAKER, Places, Values, given, groups, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView

BOXES = ("box", "rotated_box", "mask", "polygon")


class LabelTrack:
    """The keys of tracks, and the boxes of one instance, from each to the next."""

    name = "label.track"
    version = "1"
    reason = (
        "A thing moves on; it does not jump. A box that leaves its thing for another, an instance number that was "
        "given to two things, or a slip in one key shows as a jump far beyond what the thing does otherwise."
    )
    known_limits = (
        "A cut in the film and a thing that was hidden for long jump honestly. Speed is in diagonals of the box "
        "per frame, so that near and far are alike; boxes of a few pixels jitter by their own size."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "diagonals": Option(
            default=1.0,
            unit="box diagonals a frame",
            reason="a hand at 3 m/s moves half its length a frame at 30 Hz",
        ),
        "times_median": Option(
            default=5.0, unit="", reason="of the track's own median speed, so that fast ones pass"
        ),
        "grows": Option(
            default=3.0, unit="times", reason="nothing comes that much nearer from one frame to the next"
        ),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find jumps, then sizes that change at once."""
        rows, thing, index, box = _sightings(view)
        if len(rows) < 2:
            return
        order = np.lexsort((index, thing))
        rows, thing, index, box = rows[order], thing[order], index[order], box[order]
        follows = (np.diff(thing) == 0) & (np.diff(index) > 0)
        step = np.maximum(np.diff(index), 1)
        centre = box[:, :2] + box[:, 2:] / 2
        reach = np.hypot(box[:, 2], box[:, 3])
        scale = np.maximum((reach[1:] + reach[:-1]) / 2, 1e-9)
        speed = np.hypot(*np.diff(centre, axis=0).T) / scale / step
        usual = _median_of(speed, thing[1:], follows)
        with np.errstate(invalid="ignore"):
            jumps = follows & (speed > options["diagonals"]) & (speed > options["times_median"] * usual)
        yield Metric(metric="track_jumps", value=float(jumps.sum()), unit="1")
        fast = _worst_by_row(rows[1:][jumps], speed[jumps], index[:-1][jumps], index[1:][jumps])
        yield from told(
            view, list(fast), check=self.name, severity="warning",
            say=lambda at: f"from frame {fast[at][1]} to {fast[at][2]} it moves {fast[at][0]:.1f} diagonals a "
            f"frame (limit {options['diagonals']:g}, and {options['times_median']:g} times its median)",
            values=np.array([value for value, _, _ in fast.values()]), limit=options["diagonals"], unit="1",
            rank=np.array([value for value, _, _ in fast.values()]),
        )  # fmt: skip
        grown = np.exp(np.abs(np.diff(np.log(np.maximum(reach, 1e-9)))))
        sudden = follows & (step <= 2) & (grown > options["grows"])
        swollen = _worst_by_row(rows[1:][sudden], grown[sudden], index[:-1][sudden], index[1:][sudden])
        yield from told(
            view, list(swollen), check=self.name, severity="warning",
            say=lambda at: f"from frame {swollen[at][1]} to {swollen[at][2]} its size changes "
            f"{swollen[at][0]:.1f} "
            f"times (limit {options['grows']:g})",
            values=np.array([value for value, _, _ in swollen.values()]), limit=options["grows"], unit="1",
        )  # fmt: skip


def _sightings(view: LabelsView) -> tuple[Places, Places, Places, Values]:
    """Give every box of every thing that is followed: row of its label, thing, frame, and x, y, width, height."""
    kind = view.columns["kind"]
    keyed, keys = items_of(kind, view.points, view.starts, "track")
    shown = (keys[:, 6] > 0) & np.isfinite(keys).all(axis=1)
    keyed, keys = keyed[shown], keys[shown]
    named = given(view.columns["instance"]) & np.isin(kind, BOXES) & (view.columns["index"] >= 0)
    named &= ~np.isnan(view.bounds).any(axis=1)
    rows = np.flatnonzero(named)
    thing = groups(view, *MAKER, "stream", "kind", "class_name", "instance")[rows]
    bounds = view.bounds[rows]
    boxes = np.column_stack((bounds[:, :2], bounds[:, 2:] - bounds[:, :2]))
    return (
        np.concatenate((keyed, rows)),
        np.concatenate((keyed, thing + len(view))),
        np.concatenate((keys[:, 0].astype(np.int64), view.columns["index"][rows])),
        np.concatenate((keys[:, 1:5], boxes)),
    )


def _median_of(speed: Values, thing: Places, valid: np.ndarray) -> Values:  # type: ignore[type-arg]
    """Give the median speed of the thing that each step belongs to."""
    medians = np.full(len(speed), np.inf)
    at = np.flatnonzero(valid)
    for steps in np.split(at, np.flatnonzero(np.diff(thing[at])) + 1):
        if len(steps):
            medians[steps] = np.median(speed[steps])
    return medians


def _worst_by_row(rows: Places, values: Values, first: Places, last: Places) -> dict[int, tuple[float, int, int]]:
    """Keep of each label the worst step, with the frames before and after."""
    worst: dict[int, tuple[float, int, int]] = {}
    for row, value, one, two in zip(rows.tolist(), values.tolist(), first.tolist(), last.tolist(), strict=True):
        if row not in worst or value > worst[row][0]:
            worst[row] = (value, one, two)
    return worst


PLUGIN: LabelsCheck = LabelTrack()
