"""Skeletons out of points: Label Studio knows single points only, and here they become hands again.

Points belong to the box that they name as their parent; a loose point to the smallest box that it lies in. The
same point once more in one box is another hand.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rushes.annotate.label_studio import geometry
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.regions import Result, name_of
from rushes.annotate.label_studio.template import HIDDEN, Control
from rushes.labels import Box, Keypoints, Label
from rushes.vocabulary import Ontology, Skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One drawn point.

    Args:
        region: Its id.
        entries: The drawn entry, and what was chosen for it.
    """

    region: str
    entries: Sequence[Result]
    control: Control
    passport: Passport

    @property
    def name(self) -> str:
        """Which point of the skeleton it is."""
        return name_of(self.entries[0])


@dataclass(slots=True)
class Gathered:
    """The points of one skeleton.

    Args:
        parent_id: Label of the box that they belong to; None for loose ones that lie in none.
    """

    parent_id: str | None
    points: list[Point] = field(default_factory=list)

    @property
    def results(self) -> list[Result]:
        """All entries, point by point."""
        return [entry for point in self.points for entry in point.entries]


def gather(
    points: Iterable[Point], label_of: Mapping[str, str], boxes: Sequence[Label], ontology: Ontology
) -> Iterator[Gathered]:
    """Put points together that are of one skeleton.

    Args:
        points: In the order of their drawing.
        label_of: Label id by region.
        boxes: Labels that have been read.
        ontology: Says which classes have which skeleton.
    """
    found: dict[tuple[str, str | None, int], Gathered] = {}
    for point in points:
        parent = point.entries[0].get("parentID")
        parent_id = label_of.get(str(parent)) if parent else _around(point, boxes, ontology)
        turn = 0
        while any(point.name == other.name for other in _members(found, (point.control.name, parent_id, turn))):
            turn += 1  # the same point once more: another hand
        key = (point.control.name, parent_id, turn)
        found.setdefault(key, Gathered(parent_id=parent_id)).points.append(point)
    yield from found.values()


def keypoints_of(points: Sequence[Point], skeleton: Skeleton, strange: Callable[[str], None]) -> Keypoints:
    """Lay points out in the skeleton's order; ``strange`` is told the name of each that it does not have."""
    triples = [0.0] * (3 * len(skeleton.points))
    for point in points:
        if point.name not in skeleton.points:
            strange(point.name)
            continue
        at = 3 * skeleton.points.index(point.name)
        x, y = geometry.point_of(point.entries[0]["value"], point.passport.turn)
        hidden = any(HIDDEN in (entry.get("value", {}).get("choices") or ()) for entry in point.entries[1:])
        triples[at : at + 3] = [x, y, 1.0 if hidden else 2.0]
    return Keypoints(triples=tuple(triples))


def _members(
    found: Mapping[tuple[str, str | None, int], Gathered], key: tuple[str, str | None, int]
) -> list[Point]:
    return found[key].points if key in found else []


def _around(point: Point, boxes: Sequence[Label], ontology: Ontology) -> str | None:
    """Find the smallest box of the skeleton's classes that a loose point lies in."""
    having = {spec.name for spec in ontology.classes if spec.skeleton == point.control.of}
    try:
        x, y = geometry.point_of(point.entries[0]["value"], point.passport.turn)
    except (KeyError, TypeError):
        return None
    around = [
        label
        for label in boxes
        if label.kind == "box"
        and label.stream == point.passport.stream
        and label.class_name in having
        and isinstance(label.geometry, Box)
        and 0 <= x - label.geometry.x_px <= label.geometry.width_px
        and 0 <= y - label.geometry.y_px <= label.geometry.height_px
    ]
    smallest = min(around, key=_area, default=None)
    return smallest.label_id if smallest else None


def _area(label: Label) -> float:
    assert isinstance(label.geometry, Box)
    return label.geometry.width_px * label.geometry.height_px
