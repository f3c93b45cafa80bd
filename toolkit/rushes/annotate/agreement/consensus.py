"""One answer from several: the majority of values, the median of boxes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rushes.annotate.agreement.matching import best_pairs, overlaps
from rushes.labels import Box, Label


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


def _median(group: Sequence[Label]) -> Label:
    boxes = [label.geometry for label in group if isinstance(label.geometry, Box)]
    edges = np.array([(b.x_px, b.y_px, b.x_px + b.width_px, b.y_px + b.height_px) for b in boxes])
    left, top, right, bottom = (float(x) for x in np.median(edges, axis=0))
    return replace(group[0], geometry=Box(x_px=left, y_px=top, width_px=right - left, height_px=bottom - top))
