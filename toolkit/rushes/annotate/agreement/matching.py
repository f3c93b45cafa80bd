"""Who means the same: the best pairing of two sets, and how much the members of a pair overlap."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rushes import masks, shapes
from rushes.annotate.tracks import boxes_of
from rushes.labels import Box, Keypoints, Label, Mask, Polygon, RotatedBox, Track, kind_of

Numbers = npt.NDArray[np.float64]

DEFAULT_SIGMA = 0.05
"""For points whose skeleton states none; between the tightest and the loosest of COCO's."""


def best_pairs(scores: Numbers, at_least: float) -> list[tuple[int, int]]:
    """Pair rows with columns so that the sum of the scores is largest; pairs below ``at_least`` are no pairs.

    The Hungarian method; of equal pairings the one of the smallest numbers.

    Args:
        scores: Shape (n, m), 0 or more.
        at_least: Least score of a pair, itself included; more than 0.
    """
    if not scores.size:
        return []
    worth = np.where(scores >= at_least, scores, 0.0)
    wide = worth if worth.shape[0] <= worth.shape[1] else worth.T
    chosen = _assign(-wide)
    pairs = [(row, column) for row, column in enumerate(chosen) if wide[row, column] > 0]
    return pairs if wide is worth else sorted((column, row) for row, column in pairs)


def overlaps(first: Sequence[Label], second: Sequence[Label]) -> Numbers:
    """Give the intersection over union of each of the first with each of the second; of one picture, one kind."""
    geometries = [label.geometry for label in (*first, *second)]
    if all(isinstance(shape, Box) for shape in geometries):
        return shapes.box_overlaps(_boxes(first), _boxes(second))
    if all(isinstance(shape, Box | RotatedBox) for shape in geometries):
        return np.array([[_quad_overlap(a, b) for b in second] for a in first]).reshape(len(first), len(second))
    ours, theirs = ([_mask(label) for label in side] for side in (first, second))
    shared = masks.intersections(ours, theirs)
    areas = [np.array([masks.area_px(mask) for mask in side], np.float64) for side in (ours, theirs)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def oks(first: Keypoints, second: Keypoints, *, area_px: float, sigmas: Sequence[float]) -> float:
    """Give COCO's object keypoint similarity, over the points that the first one has labelled.

    Args:
        first, second: Of as many points.
        area_px: Of the object, which sets the scale.
        sigmas: One a point; ``DEFAULT_SIGMA`` where there are none.
    """
    a, b = (np.asarray(points.triples, np.float64).reshape(-1, 3) for points in (first, second))
    labelled = a[:, 2] > 0
    if a.shape != b.shape or not labelled.any():
        return float("nan")
    spread = (2 * (np.asarray(sigmas, np.float64) if len(sigmas) else np.full(len(a), DEFAULT_SIGMA))) ** 2
    squared = ((a[:, :2] - b[:, :2]) ** 2).sum(axis=1)
    scale = 2 * (area_px + np.spacing(1)) * spread
    return float(np.exp(-squared / scale)[labelled].mean())


def span_overlap(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Give the intersection over union of two spans of time; ends are not included."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    union = max(first[1], second[1]) - min(first[0], second[0])
    return max(shared, 0) / union if union > 0 else 0.0


def track_overlap(first: Label, second: Label) -> float:
    """Give the mean intersection over union of two tracks' boxes, over the samples on which either is shown."""
    assert isinstance(first.geometry, Track)
    assert isinstance(second.geometry, Track)
    ours = dict(boxes_of(first.geometry, end=first.index_end))
    theirs = dict(boxes_of(second.geometry, end=second.index_end))
    shared = [
        float(overlaps([_as_label(first, ours[at])], [_as_label(second, theirs[at])])[0, 0])
        for at in sorted(ours.keys() & theirs.keys())
    ]
    either = len(ours.keys() | theirs.keys())
    return sum(shared) / either if either else 0.0


def _as_label(track: Label, box: Box | RotatedBox) -> Label:
    return replace(track, kind=kind_of(box), geometry=box)


def _boxes(labels: Sequence[Label]) -> Numbers:
    return shapes.boxes_of([label.geometry for label in labels if isinstance(label.geometry, Box)])


def _mask(label: Label) -> Mask:
    width, height = label.image_width_px or 0, label.image_height_px or 0
    match label.geometry:
        case Mask():
            return label.geometry
        case Polygon():
            return masks.filled(label.geometry, width_px=width, height_px=height)
        case Box() | RotatedBox():
            ring = tuple(x for point in shapes.corners(label.geometry) for x in point)
            return masks.filled(Polygon(rings=(ring,)), width_px=width, height_px=height)
        case _:
            raise TypeError(f"a label of kind '{label.kind}' has no area")


def _quad_overlap(first: Label, second: Label) -> float:
    a, b = first.geometry, second.geometry
    assert isinstance(a, Box | RotatedBox)
    assert isinstance(b, Box | RotatedBox)
    piece = list(shapes.corners(a))
    edges = shapes.corners(b)
    for (x0, y0), (x1, y1) in zip(edges, [*edges[1:], edges[0]], strict=True):
        piece = _cut(piece, x0, y0, x1, y1)
    shared = shapes.ring_area_px([x for point in piece for x in point]) if len(piece) > 2 else 0.0
    union = shapes.area_px(a) + shapes.area_px(b) - shared
    return shared / union if union > 0 else 0.0


def _cut(
    piece: list[tuple[float, float]], x0: float, y0: float, x1: float, y1: float
) -> list[tuple[float, float]]:
    """Keep what lies to the right of a line, as the picture is seen."""

    def side(x: float, y: float) -> float:
        return (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)

    kept: list[tuple[float, float]] = []
    for (xa, ya), (xb, yb) in zip(piece, [*piece[1:], *piece[:1]], strict=True):
        sa, sb = side(xa, ya), side(xb, yb)
        if sa >= 0:
            kept.append((xa, ya))
        if (sa > 0 > sb) or (sa < 0 < sb):
            share = sa / (sa - sb)
            kept.append((xa + share * (xb - xa), ya + share * (yb - ya)))
    return kept


def _assign(costs: Numbers) -> list[int]:
    """Give each row a column of its own at the least sum of costs; at least as many columns as rows."""
    rows, columns = costs.shape
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)
    owner = np.zeros(columns + 1, np.intp)  # row that a column belongs to, counted from 1; 0: none
    for row in range(1, rows + 1):
        owner[0] = row
        least = np.full(columns + 1, math.inf)
        came = np.zeros(columns + 1, np.intp)
        used = np.zeros(columns + 1, np.bool_)
        at = 0
        while True:
            used[at] = True
            free = np.flatnonzero(~used)
            reduced = costs[owner[at] - 1, free - 1] - of_row[owner[at]] - of_column[free]
            better = reduced < least[free]
            least[free[better]] = reduced[better]
            came[free[better]] = at
            nearest = free[int(np.argmin(least[free]))]
            step = least[nearest]
            of_row[owner[used]] += step
            of_column[used] -= step
            least[free] -= step
            at = int(nearest)
            if owner[at] == 0:
                break
        while at:
            owner[at] = owner[came[at]]
            at = int(came[at])
    chosen = [0] * rows
    for column in range(1, columns + 1):
        if owner[column]:
            chosen[owner[column] - 1] = column - 1
    return chosen
