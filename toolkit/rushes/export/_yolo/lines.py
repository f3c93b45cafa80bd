"""One line of a YOLO file ⇄ one object: shares of the picture's size, from its corner.

Sizes here are those of the picture as shown, since YOLO's trainers heed EXIF.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from rushes import masks, shapes
from rushes.export._objects import Object
from rushes.export._tally import Tally
from rushes.labels import Box, Geometry, Keypoints, Mask, Polygon, RotatedBox

Task: TypeAlias = Literal["detect", "obb", "segment", "pose"]
TASKS: tuple[Task, ...] = ("detect", "obb", "segment", "pose")

_SLACK = 1e-9
"""Share of a side that rounding may put a point beyond the edge."""
_LITTLE_PX = 0.5
_OVER = "it reaches over the edge of the picture, which trainers refuse; it was cut there"


def numbers_of(
    thing: Object, task: Task, *, width_px: int, height_px: int, points: int, tally: Tally
) -> list[float] | None:
    """Give the numbers of a line after the class; None where there is nothing to write, which is counted.

    Args:
        thing: Its geometry lies in the picture of this size.
        task: What the file is for.
        width_px, height_px: Size of the picture.
        points: How many keypoints a line of a pose file has.
        tally: Takes what is lost or changed.
    """
    match task:
        case "detect":
            return _detect(thing, width_px, height_px, tally)
        case "obb":
            return _obb(thing, width_px, height_px, tally)
        case "segment":
            return _segment(thing, width_px, height_px, tally)
        case "pose":
            return _pose(thing, width_px, height_px, points, tally)


def shapes_in(numbers: Sequence[float], task: Task, *, width_px: int, height_px: int, dims: int) -> list[Geometry]:
    """Give the shapes that the numbers after the class say; a box comes before its keypoints.

    Args:
        numbers: As many as the task wants.
        task: What the file is for.
        width_px, height_px: Size of the picture.
        dims: Numbers of a keypoint: 2 (x, y) or 3 (x, y, v).

    Raises:
        ValueError: If there are not as many numbers as the task wants.
    """
    pairs = _points(numbers, width_px, height_px)
    match task:
        case "detect" if len(numbers) in (4, 5):
            return [_box(numbers, width_px, height_px)]
        case "obb" if len(numbers) in (8, 9):
            return [shapes.from_corners(pairs[:4])]
        case "segment" if len(numbers) >= 6 and len(numbers) % 2 == 0:
            return [Polygon(rings=(tuple(x for pair in pairs for x in pair),))]
        case "pose" if len(numbers) > 4 and (len(numbers) - 4) % dims == 0:
            rest = numbers[4:]
            triples: list[float] = []
            for at in range(0, len(rest), dims):
                seen = rest[at + 2] if dims == 3 else (2.0 if rest[at] or rest[at + 1] else 0.0)
                x, y = (rest[at] * width_px, rest[at + 1] * height_px) if seen else (0.0, 0.0)
                triples += [x, y, seen]
            return [_box(numbers, width_px, height_px), Keypoints(triples=tuple(triples))]
        case _:
            raise ValueError(f"{len(numbers)} numbers after the class do not make a line for '{task}'")


def _detect(thing: Object, width: int, height: int, tally: Tally) -> list[float] | None:
    box = thing.bounds()
    if box is None:
        tally.lost("empty shapes", "there is nothing to draw a box around", len(thing.labels))
        return None
    if thing.box is None:
        tally.changed("shapes without a box", "the box around them was written", 1)
    elif isinstance(thing.box.geometry, RotatedBox):
        tally.changed("rotation", "the upright box around it was written; the task 'obb' keeps it")
    _not_written(thing, 1, "the task 'detect' has boxes only; 'segment' keeps outlines, 'pose' keypoints", tally)
    return _box_numbers(box, width, height, tally)


def _obb(thing: Object, width: int, height: int, tally: Tally) -> list[float] | None:
    if thing.box is None:
        tally.lost("shapes without a box", "the task 'obb' has boxes only", len(thing.labels))
        return None
    assert isinstance(thing.box.geometry, Box | RotatedBox)
    _not_written(thing, 1, "the task 'obb' has boxes only; 'segment' keeps outlines, 'pose' keypoints", tally)
    numbers = [
        x / size
        for point in shapes.corners(thing.box.geometry)
        for x, size in zip(point, (width, height), strict=True)
    ]
    over = max(max(-x, x - 1, 0.0) for x in numbers)
    if over * max(width, height) > _LITTLE_PX:
        # Cutting so much off a corner would change the angle.
        tally.noted("over the edge", "a corner lies outside the picture; some trainers refuse such a picture")
        return numbers
    if over > _SLACK:
        tally.changed("over the edge", f"a corner less than {_LITTLE_PX} pixels outside was put on the edge")
    return [min(max(x, 0.0), 1.0) for x in numbers]


def _segment(thing: Object, width: int, height: int, tally: Tally) -> list[float] | None:
    if thing.outline is None:
        tally.lost("objects without an outline", "the task 'segment' has outlines only", len(thing.labels))
        return None
    rings = _rings(thing.outline.geometry, tally)
    if not rings:
        tally.lost("empty shapes", "a mask without a pixel has no outline", len(thing.labels))
        return None
    if len(rings) > 1:
        tally.changed("outlines of several parts", "the parts were joined by lines without width")
    if thing.box is not None:
        tally.lost("boxes", "the task 'segment' has outlines only; a trainer takes the box around them")
    if thing.points is not None:
        tally.lost("keypoints", "the task 'segment' has outlines only")
    ring = _joined(rings)
    sizes = (width, height) * (len(ring) // 2)
    if not all(_within(x, size) for x, size in zip(ring, sizes, strict=True)):
        tally.changed("over the edge", _OVER)
    return [min(max(x / size, 0.0), 1.0) for x, size in zip(ring, sizes, strict=True)]


def _pose(thing: Object, width: int, height: int, points: int, tally: Tally) -> list[float] | None:
    box = thing.bounds()
    if box is None:
        tally.lost("empty shapes", "there is nothing to draw a box around", len(thing.labels))
        return None
    if thing.box is None:
        tally.changed("shapes without a box", "the box around them was written")
    elif isinstance(thing.box.geometry, RotatedBox):
        tally.changed("rotation", "the upright box around it was written; the task 'obb' keeps it")
    if thing.outline is not None and (thing.box is not None or thing.points is not None):
        tally.lost("outlines", "the task 'pose' has boxes and keypoints")
    numbers = _box_numbers(box, width, height, tally)
    triples = shapes.triples(thing.points.geometry) if thing.points else []  # type: ignore[arg-type]  # it is Keypoints
    for x, y, v in triples or [(0.0, 0.0, 0.0)] * points:
        # A share outside 0 to 1 makes trainers refuse the whole picture.
        if v and not (_within(x, width) and _within(y, height)):
            tally.changed("keypoints over the edge", "the point is written as not labelled")
            x, y, v = 0.0, 0.0, 0.0
        numbers += [min(max(x / width, 0.0), 1.0), min(max(y / height, 0.0), 1.0), v]
    return numbers


def _not_written(thing: Object, written: int, reason: str, tally: Tally) -> None:
    for label in thing.labels[written:]:
        tally.lost("keypoints" if label.kind == "keypoints" else "outlines", reason)


def _box_numbers(box: Box, width: int, height: int, tally: Tally) -> list[float]:
    left, top = max(box.x_px, 0.0), max(box.y_px, 0.0)
    right, bottom = min(box.x_px + box.width_px, float(width)), min(box.y_px + box.height_px, float(height))
    # The sum may miss the edge by one bit, which is no reason to change the box.
    slack = _SLACK * max(width, height)
    over = (left - box.x_px, top - box.y_px, box.x_px + box.width_px - right, box.y_px + box.height_px - bottom)
    if max(over) > slack:
        tally.changed("over the edge", _OVER)
    wide, tall = (right - left, bottom - top) if max(over) > 0 else (box.width_px, box.height_px)
    return [(left + wide / 2) / width, (top + tall / 2) / height, wide / width, tall / height]


def _box(numbers: Sequence[float], width: int, height: int) -> Box:
    x, y, wide, tall = numbers[:4]
    return Box(
        x_px=(x - wide / 2) * width, y_px=(y - tall / 2) * height, width_px=wide * width, height_px=tall * height
    )


def _points(numbers: Sequence[float], width: int, height: int) -> list[tuple[float, float]]:
    return [(numbers[at] * width, numbers[at + 1] * height) for at in range(0, len(numbers) - 1, 2)]


def _within(at: float, size: int) -> bool:
    return -_SLACK * size <= at <= (1 + _SLACK) * size


def _rings(geometry: Geometry | None, tally: Tally) -> Sequence[tuple[float, ...]]:
    if isinstance(geometry, Mask):
        rings, holes = masks.outlines(geometry)
        if holes:
            tally.changed("masks with holes", "the holes were filled: an outline has none")
        return rings
    assert isinstance(geometry, Polygon)
    return geometry.rings


def _joined(rings: Sequence[tuple[float, ...]]) -> list[float]:
    """Join rings into one: each is walked round to its first corner, and the way back is the way out."""
    if len(rings) == 1:
        return list(rings[0])
    line: list[float] = []
    for ring in rings:
        line += [*ring, *ring[:2]]
    for ring in reversed(rings[1:-1]):
        line += ring[:2]
    return line
