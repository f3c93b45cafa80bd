"""label.model: frames where a model and people disagree, the most telling first."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from rushes.checks._labels import Flags, Places, Values, given, groups, name_of
from rushes.checks._spans import MOST
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.quantities import say_count
from rushes.shapes import box_overlaps
from rushes.views import ABSENT_NS, LabelsView

KINDS = ("box", "rotated_box", "mask", "polygon")


class LabelModel:
    """Boxes of people and of a model in one frame, paired by overlap; what is left over is a disagreement."""

    name = "label.model"
    version = "1"
    reason = (
        "Where a model is sure and a person said otherwise, one of the two is wrong: looking there first finds "
        "the most label errors for an hour of work. The ranking is the use; it is no verdict."
    )
    known_limits = (
        "It finds what the model knows: what it overlooks is not told. A model that was "
        "trained on these labels agrees with their errors. Masks and polygons are compared by their bounds."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "iou": Option(default=0.5, unit="", reason="COCO's loosest: the same thing, drawn differently"),
        "sure": Option(
            default=0.7, unit="", reason="of the model's score; below, it is wrong too often to trouble people"
        ),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Rank frames by how sure the model is of what people did not say, and of another class."""
        columns = view.columns
        placed: Flags = np.isin(columns["kind"], KINDS) & (columns["index"] >= 0)
        placed &= np.isfinite(view.bounds).all(axis=1) & given(columns["stream"])
        model = placed & (columns["source"] == "model")
        if not model.any():
            return
        looked = {frame for frames in view.seen.values() for frame in frames}
        frame = groups(view, "stream", "index")
        human = placed & (columns["source"] != "model")
        order = np.argsort(frame, kind="stable")
        told: list[tuple[float, Finding]] = []
        for rows in np.split(order, np.flatnonzero(np.diff(frame[order])) + 1):
            one = int(rows[0])
            stream, index = columns["stream"][one], int(columns["index"][one])
            theirs, ours = rows[model[rows]], rows[human[rows]]
            if not len(theirs) or (not len(ours) and (stream, index) not in looked):
                continue  # nobody has looked: that is no disagreement
            apart = _compare(view, theirs, ours, options)
            yield Metric(metric="disagreement", value=apart.weight, unit="1", stream=stream, index=index)
            if apart.words:
                told.append((apart.weight, self._finding(view, one, apart, options["sure"])))
        told.sort(key=lambda item: -item[0])
        yield from (finding for _, finding in told[:MOST])
        if len(told) > MOST:
            yield Finding(
                check=self.name,
                severity="info",
                message=f"{say_count(len(told) - MOST, 'more frame')} where they disagree less, all "
                "ranked in the metric disagreement",
                count=len(told) - MOST,
            )

    def _finding(self, view: LabelsView, row: int, apart: "_Apart", sure: float) -> Finding:
        stream, index = view.columns["stream"][row], int(view.columns["index"][row])
        start = int(view.columns["t_start_ns"][row])
        return Finding(
            check=self.name,
            severity="info",
            message=f"{stream}: frame {index}: {'; '.join(apart.words)}",
            value=apart.weight,
            limit=sure,
            unit="1",
            stream=stream,
            index=index,
            start_ns=None if start == ABSENT_NS else start,
            end_ns=None if start == ABSENT_NS else start,
            count=len(apart.words),
            label_id=apart.worst,
        )


class _Apart:
    """What a model and people say differently of one frame, with its weight and the model's surest label."""

    __slots__ = ("weight", "words", "worst")

    def __init__(self, words: list[str], weight: float, worst: str | None) -> None:
        self.words, self.weight, self.worst = words, weight, worst


def _compare(view: LabelsView, theirs: Places, ours: Places, options: Mapping[str, float]) -> _Apart:
    """Pair boxes by overlap, the surest of the model first, and say what is left over."""
    scores: Values = np.nan_to_num(view.columns["score"][theirs].astype(np.float64), nan=1.0)
    names: Any = view.columns["class_name"]
    overlap = box_overlaps(_sized(view.bounds[theirs]), _sized(view.bounds[ours]))
    free = np.ones(len(ours), np.bool_)
    words: list[str] = []
    weight, worst = 0.0, None
    for at in np.argsort(-scores, kind="stable").tolist():
        fits = np.flatnonzero(free & (overlap[at] >= options["iou"]))
        same = fits[names[ours[fits]] == names[theirs[at]]]
        chosen = same if len(same) else fits
        if len(chosen):
            mine = int(chosen[np.argmax(overlap[at][chosen])])
            free[mine] = False
            if len(same) or scores[at] < options["sure"]:
                continue
            words.append(
                f"people say {name_of(view, int(ours[mine]))}, "
                f"the model says {names[theirs[at]]} ({scores[at]:.2f})"
            )
        elif scores[at] >= options["sure"]:
            words.append(f"the model sees {names[theirs[at]]} ({scores[at]:.2f}) that nobody labelled")
        else:
            continue
        weight += float(scores[at])
        worst = worst or str(view.columns["label_id"][theirs[at]])
    return _Apart(words, weight, worst)


def _sized(bounds: Values) -> Values:
    return np.column_stack((bounds[:, :2], bounds[:, 2:] - bounds[:, :2]))


PLUGIN: LabelsCheck = LabelModel()
