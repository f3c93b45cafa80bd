"""Geometry of labels: corners, bounds, areas, overlap, and quarter turns of a picture; pixels from the corner."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rushes import masks
from rushes.labels import Box, Geometry, Keypoints, Mask, Picture, Polygon, Relation, RotatedBox, Track, TrackKey

Boxes: TypeAlias = npt.NDArray[np.float64]
"""Shape (n, 4): left, top, width, height."""


def corners(box: Box | RotatedBox | TrackKey) -> tuple[tuple[float, float], ...]:
    """Give the four corners, clockwise as the picture is seen, from the box's own top left one."""
    turn = math.radians(getattr(box, "rotation_deg", 0.0))
    along, down = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
    steps = ((0.0, 0.0), (box.width_px, 0.0), (box.width_px, box.height_px), (0.0, box.height_px))
    return tuple((box.x_px + w * along[0] + h * down[0], box.y_px + w * along[1] + h * down[1]) for w, h in steps)


def from_corners(points: Sequence[tuple[float, float]]) -> RotatedBox:
    """Make a rotated box of its four corners, clockwise from its own top left one.

    Raises:
        ValueError: If they are not those of a rectangle, to a hundredth of its size.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points
    width, height = math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)
    box = RotatedBox(
        x_px=x0, y_px=y0, width_px=width, height_px=height, rotation_deg=math.degrees(math.atan2(y1 - y0, x1 - x0))
    )
    slack = 0.01 * max(width, height)
    wanted = corners(box)
    if math.dist(wanted[2], (x2, y2)) > slack or math.dist(wanted[3], (x3, y3)) > slack:
        raise ValueError("the four corners are not those of a rectangle")
    return box


def bounds(geometry: Geometry) -> Box | None:
    """Give the smallest upright box around a shape; of keypoints, around those that are labelled.

    None for what has no place in one picture (a track, a relation) or is empty.
    """
    match geometry:
        case Box():
            return geometry
        case RotatedBox():
            return _around(corners(geometry))
        case Polygon(rings=rings):
            return _around([pair for ring in rings for pair in zip(ring[::2], ring[1::2], strict=True)])
        case Mask():
            edges = masks.bounds(geometry)
            return _around([edges[:2], edges[2:]]) if edges else None
        case Keypoints():
            return _around([(x, y) for x, y, v in triples(geometry) if v > 0])
        case _:
            return None


def triples(points: Keypoints) -> list[tuple[float, float, float]]:
    """Give keypoints one by one: x, y, v."""
    numbers = points.triples
    return [(numbers[at], numbers[at + 1], numbers[at + 2]) for at in range(0, len(numbers), 3)]


def area_px(geometry: Geometry) -> float:
    """Give the area of a shape; of keypoints and what has no area, 0. Rings that overlap count twice."""
    match geometry:
        case Box() | RotatedBox():
            return geometry.width_px * geometry.height_px
        case Polygon(rings=rings):
            return sum(ring_area_px(ring) for ring in rings)
        case Mask():
            return float(masks.area_px(geometry))
        case _:
            return 0.0


def finite(geometry: Geometry) -> bool:
    """Tell whether every number of a shape is one; infinity and NaN are none."""
    match geometry:
        case Box() | RotatedBox():
            numbers = [*corners(geometry)[0], *corners(geometry)[2]]
        case Polygon(rings=rings):
            numbers = [x for ring in rings for x in ring]
        case Keypoints():
            numbers = list(geometry.triples)
        case Track(keys=keys):
            numbers = [x for key in keys for point in corners(key) for x in point]
        case _:
            return True
    return all(math.isfinite(x) for x in numbers)


def ring_area_px(ring: Sequence[float]) -> float:
    """Give the area of one ring x, y, x, y, and so on."""
    x, y = np.asarray(ring[::2], np.float64), np.asarray(ring[1::2], np.float64)
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def box_overlaps(first: Boxes, second: Boxes) -> npt.NDArray[np.float64]:
    """Give the intersection over union of each of the first with each of the second, shape (n, m)."""
    shared = box_intersections(first, second)
    union = (first[:, 2] * first[:, 3])[:, None] + (second[:, 2] * second[:, 3])[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def box_intersections(first: Boxes, second: Boxes) -> npt.NDArray[np.float64]:
    """Give the area that each of the first shares with each of the second, shape (n, m)."""
    near = np.maximum(first[:, None, :2], second[None, :, :2])
    far = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    sides = np.clip(far - near, 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float64)


def boxes_of(geometries: Sequence[Box]) -> Boxes:
    """Put boxes into an array."""
    rows = [(box.x_px, box.y_px, box.width_px, box.height_px) for box in geometries]
    return np.asarray(rows, np.float64).reshape(-1, 4)


def turned_size(width_px: int, height_px: int, turn_deg: int) -> tuple[int, int]:
    """Give width and height of a picture after a clockwise turn of 0, 90, 180 or 270 degrees."""
    return (height_px, width_px) if turn_deg % 180 else (width_px, height_px)


def turned(geometry: Geometry, width_px: int, height_px: int, turn_deg: int) -> Geometry:
    """Give a shape as it lies after its picture was turned clockwise.

    Args:
        geometry: In the picture before the turn.
        width_px, height_px: Of the picture before the turn.
        turn_deg: 0, 90, 180 or 270.
    """
    turn_deg %= 360
    if turn_deg == 0 or isinstance(geometry, Relation):
        return geometry
    at = _Turn(width_px, height_px, turn_deg)
    match geometry:
        case Box():
            return at.box(geometry)
        case RotatedBox():
            x, y = at.point(geometry.x_px, geometry.y_px)
            return RotatedBox(
                x_px=x,
                y_px=y,
                width_px=geometry.width_px,
                height_px=geometry.height_px,
                rotation_deg=geometry.rotation_deg + turn_deg,
            )
        case Polygon(rings=rings):
            return Polygon(rings=tuple(at.ring(ring) for ring in rings))
        case Mask():
            return masks.encode(np.rot90(masks.decode(geometry), k=-(turn_deg // 90)))
        case Keypoints():
            seen = [(*at.point(x, y), v) if v else (0.0, 0.0, v) for x, y, v in triples(geometry)]
            return Keypoints(triples=tuple(number for point in seen for number in point))
        case Track(keys=keys):
            return Track(keys=tuple(at.key(key) for key in keys))


def mirrored(geometry: Geometry, width_px: int) -> Geometry:
    """Give a shape as it lies in the mirror image of its picture, left and right swapped.

    Args:
        geometry: In the picture.
        width_px: Of the picture.
    """

    def flipped(ring: Sequence[float]) -> tuple[float, ...]:
        return tuple(width_px - number if at % 2 == 0 else number for at, number in enumerate(ring))

    match geometry:
        case Box():
            return replace(geometry, x_px=width_px - geometry.x_px - geometry.width_px)
        case RotatedBox():
            (_, right, *_) = corners(geometry)
            angle = (360 - geometry.rotation_deg) % 360
            return replace(geometry, x_px=width_px - right[0], y_px=right[1], rotation_deg=angle)
        case Polygon(rings=rings):
            return Polygon(rings=tuple(flipped(ring) for ring in rings))
        case Mask():
            return masks.encode(masks.decode(geometry)[:, ::-1])
        case Keypoints():
            seen = [(width_px - x if v else 0.0, y, v) for x, y, v in triples(geometry)]
            return Keypoints(triples=tuple(number for point in seen for number in point))
        case Track(keys=keys):
            return Track(keys=tuple(_mirrored_key(key, width_px) for key in keys))
        case Relation():
            return geometry


def as_shown(geometry: Geometry, picture: Picture) -> Geometry:
    """Give a shape as it lies on the picture that EXIF shows."""
    shape = mirrored(geometry, picture.width_px) if picture.mirrored else geometry
    return turned(shape, picture.width_px, picture.height_px, picture.turn_deg)


def as_stored(geometry: Geometry, picture: Picture) -> Geometry:
    """Give a shape of the picture that EXIF shows as it lies on the stored one."""
    width, height = turned_size(picture.width_px, picture.height_px, picture.turn_deg)
    shape = turned(geometry, width, height, (360 - picture.turn_deg) % 360)
    return mirrored(shape, picture.width_px) if picture.mirrored else shape


def _mirrored_key(key: TrackKey, width_px: int) -> TrackKey:
    if not key.rotation_deg:
        return replace(key, x_px=width_px - key.x_px - key.width_px)
    (_, right, *_) = corners(key)
    return replace(key, x_px=width_px - right[0], y_px=right[1], rotation_deg=(360 - key.rotation_deg) % 360)


class _Turn:
    """One quarter turn, or several, of a picture of some size."""

    def __init__(self, width: int, height: int, turn_deg: int) -> None:
        self._width, self._height, self._turn = width, height, turn_deg

    def point(self, x: float, y: float) -> tuple[float, float]:
        match self._turn:
            case 90:
                return self._height - y, x
            case 180:
                return self._width - x, self._height - y
            case _:
                return y, self._width - x

    def ring(self, ring: Sequence[float]) -> tuple[float, ...]:
        pairs = (self.point(x, y) for x, y in zip(ring[::2], ring[1::2], strict=True))
        return tuple(number for pair in pairs for number in pair)

    def box(self, box: Box) -> Box:
        """Turn a box; its size changes sides, so that no digit of it is lost."""
        ends = ((box.x_px, box.y_px), (box.x_px + box.width_px, box.y_px + box.height_px))
        (x0, y0), (x1, y1) = (self.point(*end) for end in ends)
        width, height = box.width_px, box.height_px
        if self._turn % 180:
            width, height = height, width
        return Box(x_px=min(x0, x1), y_px=min(y0, y1), width_px=width, height_px=height)

    def key(self, key: TrackKey) -> TrackKey:
        if key.rotation_deg:
            x, y = self.point(key.x_px, key.y_px)
            width, height, rotation = key.width_px, key.height_px, key.rotation_deg + self._turn
        else:
            upright = Box(x_px=key.x_px, y_px=key.y_px, width_px=key.width_px, height_px=key.height_px)
            box = self.box(upright)
            x, y, width, height, rotation = box.x_px, box.y_px, box.width_px, box.height_px, 0.0
        return TrackKey(
            index=key.index,
            x_px=x,
            y_px=y,
            width_px=width,
            height_px=height,
            rotation_deg=rotation,
            shown=key.shown,
        )


def _around(points: Sequence[tuple[float, ...]]) -> Box | None:
    if not points:
        return None
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return Box(x_px=min(xs), y_px=min(ys), width_px=max(xs) - min(xs), height_px=max(ys) - min(ys))
