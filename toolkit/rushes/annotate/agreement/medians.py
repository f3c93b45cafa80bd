"""The middle of several shapes, or spans, that mean the same thing."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from rushes import masks, shapes
from rushes.annotate.tracks import box_at
from rushes.labels import Box, Geometry, Keypoints, Label, Mask, Polygon, RotatedBox, Track, TrackKey


class Span(TypedDict, total=False):
    """The fields of a label that say from when to when."""

    index: int
    index_end: int
    t_start_ns: int
    t_end_ns: int


def of(geometries: Sequence[Geometry], labels: Sequence[Label]) -> Geometry | None:
    """Give the middle of shapes of one sort: boxes of both kinds, outlines, keypoints or tracks.

    Args:
        geometries: None of them empty; an empty sequence has no middle, None.
        labels: That they are of, for the size of the picture and the ends of tracks.
    """
    if not geometries:
        return None
    boxes = [shape for shape in geometries if isinstance(shape, Box | RotatedBox)]
    if boxes:
        return box([shape for shape in boxes if isinstance(shape, Box)]) if _upright(boxes) else turned_box(boxes)
    if isinstance(geometries[0], Keypoints):
        return keypoints([shape for shape in geometries if isinstance(shape, Keypoints)])
    if isinstance(geometries[0], Track):
        return track(labels)
    return outline(geometries, width_px=labels[0].image_width_px or 0, height_px=labels[0].image_height_px or 0)


def box(boxes: Sequence[Box]) -> Box:
    """Give the median of each edge."""
    edges = np.array([(b.x_px, b.y_px, b.x_px + b.width_px, b.y_px + b.height_px) for b in boxes])
    left, top, right, bottom = (float(x) for x in np.median(edges, axis=0))
    return Box(x_px=left, y_px=top, width_px=right - left, height_px=bottom - top)


def turned_box(boxes: Sequence[Box | RotatedBox]) -> RotatedBox:
    """Give the median of centre, sides and turn; of a rectangle's four names the nearest turn is taken."""
    rows: list[tuple[float, float, float, float, float]] = []
    for each in boxes:
        x, y = np.mean(shapes.corners(each), axis=0)
        turn, width, height = getattr(each, "rotation_deg", 0.0), each.width_px, each.height_px
        reference = rows[0][4] if rows else turn
        quarters = round((reference - turn) / 90)
        if quarters % 2:
            width, height = height, width
        rows.append((float(x), float(y), width, height, turn + 90 * quarters))
    x, y, width, height, turn = (float(v) for v in np.median(np.array(rows), axis=0))
    along = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
    down = np.array([-along[1], along[0]])
    corner = np.array([x, y]) - along * width / 2 - down * height / 2
    return RotatedBox(
        x_px=float(corner[0]), y_px=float(corner[1]), width_px=width, height_px=height, rotation_deg=turn
    )


def keypoints(several: Sequence[Keypoints]) -> Keypoints:
    """Give each point that more than half have labelled: its median place, hidden where most of these say so."""
    rows = np.array([points.triples for points in several]).reshape(len(several), -1, 3)
    found: list[float] = []
    for at in range(rows.shape[1]):
        labelled = rows[rows[:, at, 2] > 0, at]
        if 2 * len(labelled) <= len(several):
            found += (0.0, 0.0, 0.0)
            continue
        x, y = np.median(labelled[:, :2], axis=0)
        found += (float(x), float(y), 2.0 if 2 * (labelled[:, 2] > 1).sum() > len(labelled) else 1.0)
    return Keypoints(triples=tuple(found))


def outline(several: Sequence[Geometry], *, width_px: int, height_px: int) -> Mask:
    """Give the pixels that more than half have covered; of two, those that both have."""
    covered = np.zeros((height_px, width_px), np.int32)
    for shape in several:
        assert isinstance(shape, Polygon | Mask)
        mask = shape if isinstance(shape, Mask) else masks.filled(shape, width_px=width_px, height_px=height_px)
        covered += masks.decode(mask)
    return masks.encode(2 * covered > len(several))


def track(labels: Sequence[Label]) -> Track:
    """Give the median box on every sample that anybody has drawn; shown where more than half show it."""
    tracks = [(label.geometry, label.index_end) for label in labels if isinstance(label.geometry, Track)]
    keys = []
    for index in sorted({key.index for each, _ in tracks for key in each.keys}):
        there = [shown for each, end in tracks if (shown := box_at(each, index, end=end)) is not None]
        if there:
            middle = turned_box(there)
            keys.append(
                TrackKey(
                    index=index,
                    x_px=middle.x_px,
                    y_px=middle.y_px,
                    width_px=middle.width_px,
                    height_px=middle.height_px,
                    rotation_deg=middle.rotation_deg,
                    shown=2 * len(there) > len(tracks),
                )
            )
    return Track(keys=tuple(keys))


def span(labels: Sequence[Label]) -> Span:
    """Give the median of each end of spans, rounded down; nothing for what is no span."""
    found: Span = {}
    for name in ("index", "index_end", "t_start_ns", "t_end_ns"):
        values = [value for label in labels if (value := getattr(label, name)) is not None]
        if len(values) == len(labels) and labels[0].kind in ("segment", "track"):
            found[name] = _middle(values)
    return found


def _middle(values: Sequence[int]) -> int:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2


def _upright(boxes: Sequence[Box | RotatedBox]) -> bool:
    return all(isinstance(shape, Box) for shape in boxes)
