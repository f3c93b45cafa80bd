"""What may be labelled: classes, attributes, skeletons, relations and gestures, in one fixed order.

``ontology.py`` reads one from YAML. The order of ``classes`` is the class order of every export: position 0 is
YOLO's class 0; the ``id`` is COCO's category.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

AttributeValue: TypeAlias = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSpec:
    """A property that labels of some classes have.

    Args:
        kind: ``choice`` of one of ``values``, ``choices`` of several, ``flag``, ``number`` or ``text``.
        values: In one fixed order; empty unless it is a choice.
        required: Whether a label without it is unfinished.
        formerly: Names that it had before; what labels say under them is read as this attribute.
    """

    name: str
    kind: Literal["choice", "choices", "flag", "number", "text"]
    values: tuple[str, ...] = ()
    required: bool = False
    formerly: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """Named keypoints in one fixed order.

    Args:
        edges: Pairs of points that are drawn as a line.
        flips: Pairs of points that change places when a picture is mirrored.
        sigmas: One a point, as COCO's OKS takes them (a standard deviation, relative to the object's scale); empty
            where none are known.
    """

    name: str
    points: tuple[str, ...]
    edges: tuple[tuple[str, str], ...] = ()
    flips: tuple[tuple[str, str], ...] = ()
    sigmas: tuple[float, ...] = ()
    about: str = ""

    def edge_positions(self) -> tuple[tuple[int, int], ...]:
        """Give the edges as positions in ``points``, from 0."""
        return tuple((self.points.index(a), self.points.index(b)) for a, b in self.edges)

    def flip_positions(self) -> tuple[int, ...]:
        """Give, for every point, the position of the point that it becomes in a mirrored picture."""
        turned = list(range(len(self.points)))
        for a, b in self.flips:
            left, right = self.points.index(a), self.points.index(b)
            turned[left], turned[right] = right, left
        return tuple(turned)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSpec:
    """One class of things, or one gesture.

    Args:
        id: A number that stays with the class for good.
        parent: Class that this one is a kind of.
        skeleton: Name of its keypoints, where it has any.
        kinds: Kinds of label that it is drawn as; empty: any.
        attributes: Names of its attributes.
        formerly: Names that it had before; labels under them are read as this class.
        color: ``#rrggbb``, where one is wished.
    """

    name: str
    id: int
    parent: str | None = None
    skeleton: str | None = None
    kinds: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    color: str | None = None
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationSpec:
    """A statement about two labels.

    Args:
        kind: ``verb``: the subject does it to the object; ``same``: both show one thing, in either order.
        subjects, objects: Classes that may stand there; empty: any.
    """

    name: str
    kind: Literal["verb", "same"] = "verb"
    subjects: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ontology:
    """A checked ontology; every name that one part uses of another exists.

    Args:
        digest: sha256 over what it says; 16 hexadecimal digits. Comments and the order of keys do not count.
    """

    name: str
    about: str = ""
    classes: tuple[ClassSpec, ...] = ()
    attributes: tuple[AttributeSpec, ...] = ()
    skeletons: tuple[Skeleton, ...] = ()
    relations: tuple[RelationSpec, ...] = ()
    gestures: tuple[ClassSpec, ...] = ()
    digest: str = ""
    _positions: Mapping[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_positions", {spec.name: at for at, spec in enumerate(self.classes)})

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the one order that every export uses."""
        return tuple(spec.name for spec in self.classes)

    def position(self, class_name: str) -> int:
        """Give the position of a class, from 0; KeyError if there is none of that name."""
        return self._positions[class_name]

    def class_of(self, name: str) -> ClassSpec | None:
        """Find a class by its name, or by one that it had before."""
        return named(self.classes, name)

    def gesture_of(self, name: str) -> ClassSpec | None:
        """Find a gesture by its name, or by one that it had before."""
        return named(self.gestures, name)

    def relation_of(self, name: str) -> RelationSpec | None:
        """Find a relation by its name, or by one that it had before."""
        return next((s for s in self.relations if s.name == name), None) or next(
            (s for s in self.relations if name in s.formerly), None
        )

    def attribute(self, name: str) -> AttributeSpec | None:
        """Find an attribute by its name, or by one that it had before."""
        return next((s for s in self.attributes if s.name == name), None) or next(
            (s for s in self.attributes if name in s.formerly), None
        )

    def skeleton(self, name: str) -> Skeleton | None:
        """Find a skeleton by its name."""
        return next((spec for spec in self.skeletons if spec.name == name), None)

    def skeleton_of(self, class_name: str | None) -> Skeleton | None:
        """Give the keypoints of a class; None where it has none, or is unknown."""
        spec = self.class_of(class_name) if class_name else None
        return self.skeleton(spec.skeleton) if spec and spec.skeleton else None


def named(specs: Iterable[ClassSpec], name: str) -> ClassSpec | None:
    """Find a class by its name; where none has it now, by one that it had before."""
    specs = tuple(specs)
    return next((spec for spec in specs if spec.name == name), None) or next(
        (spec for spec in specs if name in spec.formerly), None
    )
