"""One answer from several: the majority of values, the median of boxes; and labels that were hardly looked at."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rushes.annotate.agreement.matching import best_pairs, overlaps
from rushes.labels import Box, Label, LabelEvent

HASTY_S = 1.0
"""Nobody reads a picture and decides in less."""


def majority(ratings: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the value that most raters gave each unit; of several, the smallest; NaN where nobody gave one.

    Args:
        ratings: Shape (raters, units); NaN where a rater gave none.
    """
    values = np.unique(ratings[~np.isnan(ratings)])
    if not len(values):
        return np.full(ratings.shape[1], np.nan)
    counts = (ratings[:, :, None] == values).sum(axis=0)
    return np.where(counts.any(axis=1), values[counts.argmax(axis=1)], np.nan)


def consensus_boxes(
    by_author: Sequence[Sequence[Label]], *, at_least: float = 0.5, quorum: int | None = None
) -> list[Label]:
    """Merge the boxes that several authors drew on one picture.

    Boxes of one class are gathered around those of the first author who drew one: each author adds the box that
    overlaps most. The outcome has the median of each edge; its score is the share of the authors who drew it.

    Args:
        by_author: Labels of kind box, author by author.
        at_least: Least intersection over union to be taken for the same box.
        quorum: How many authors must have drawn it; more than half when None.
    """
    needed = quorum if quorum is not None else len(by_author) // 2 + 1
    groups: list[list[Label]] = []
    for labels in by_author:
        mine = [label for label in labels if isinstance(label.geometry, Box)]
        scores = np.zeros((len(groups), len(mine)))
        for row, group in enumerate(groups):
            same = [at for at, label in enumerate(mine) if label.class_name == group[0].class_name]
            if same:
                scores[row, same] = overlaps([_median(group)], [mine[at] for at in same])[0]
        taken = {column: row for row, column in best_pairs(scores, at_least)}
        for at, label in enumerate(mine):
            if at in taken:
                groups[taken[at]].append(label)
            else:
                groups.append([label])
    return [replace(_median(group), score=len(group) / len(by_author)) for group in groups if len(group) >= needed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Haste:
    """How an author worked.

    Args:
        labels: That the author gave.
        unchanged: Of these, predictions that were taken over as they were.
        annotations: Versions whose time is known.
        hasty: Of these, done in less than ``HASTY_S``.
    """

    author: str
    labels: int
    unchanged: int
    annotations: int
    hasty: int


def haste(labels: Iterable[Label], events: Iterable[LabelEvent]) -> list[Haste]:
    """Count, author by author, what was taken over unchanged or done in no time; in alphabetical order."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for label in labels:
        if label.source == "human":
            counts[label.author or ""].update(labels=1, unchanged=label.origin == "prediction")
    for event in events:
        if event.action in ("created", "updated") and event.lead_time_s is not None:
            counts[event.author or ""].update(annotations=1, hasty=event.lead_time_s < HASTY_S)
    names = ("labels", "unchanged", "annotations", "hasty")
    return [Haste(author=author, **{name: counts[author][name] for name in names}) for author in sorted(counts)]


def _median(group: Sequence[Label]) -> Label:
    boxes = [label.geometry for label in group if isinstance(label.geometry, Box)]
    edges = np.array([(b.x_px, b.y_px, b.x_px + b.width_px, b.y_px + b.height_px) for b in boxes])
    left, top, right, bottom = (float(x) for x in np.median(edges, axis=0))
    return replace(group[0], geometry=Box(x_px=left, y_px=top, width_px=right - left, height_px=bottom - top))
