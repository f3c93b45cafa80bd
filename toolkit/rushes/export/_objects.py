"""Labels that belong to one object of one picture, taken together: a box with its mask, polygon and keypoints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rushes import shapes
from rushes.export._tally import Tally
from rushes.labels import Box, Keypoints, Label, LabelledPicture, Mask, Picture, Polygon, RotatedBox
from rushes.vocabulary import Ontology


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One object: at most one label of each sort, all of one class, at least one in all."""

    class_name: str
    box: Label | None = None
    outline: Label | None = None
    points: Label | None = None

    @property
    def labels(self) -> tuple[Label, ...]:
        """What there is of it: box, outline, keypoints."""
        return tuple(label for label in (self.box, self.outline, self.points) if label)

    @property
    def head(self) -> Label:
        """The first of its labels."""
        return self.labels[0]

    def bounds(self) -> Box | None:
        """Give the box around it: its own, else the one around its outline, else around its keypoints."""
        for label in self.labels:
            assert label.geometry is not None
            box = shapes.bounds(label.geometry)
            if box:
                return box
        return None


def objects_of(labelled: LabelledPicture, ontology: Ontology, tally: Tally) -> Iterator[Object]:
    """Put the labels of a picture together, in the order of their first one.

    A polygon, a mask and keypoints belong to the box that is their ``parent_id``, if they are of its class and it
    has none of their sort yet; all others are objects of their own. What has no place in a picture is lost.
    """
    slots: dict[str, dict[str, Label]] = {}
    for label in labelled.labels:
        sort = _sort(label)
        reason = _unfit(label, ontology)
        if sort is None:
            tally.lost(_PLURAL[label.kind], "the format knows what is drawn on one picture, and nothing else")
        elif reason:
            tally.lost("labels that cannot be written", reason)
        elif sort == "box":
            slots.setdefault(label.label_id, {})["box"] = label
    for label in labelled.labels:
        sort = _sort(label)
        if sort in (None, "box") or _unfit(label, ontology):
            continue
        assert sort is not None
        home = slots.get(label.parent_id or "")
        fits = home is not None and sort not in home and home["box"].class_name == label.class_name
        if home is not None and fits:
            home[sort] = label
        else:
            slots[f"alone {label.label_id}"] = {sort: label}
    order = {label.label_id: at for at, label in enumerate(labelled.labels)}
    for slot in sorted(slots.values(), key=lambda s: min(order[label.label_id] for label in s.values())):
        class_name = next(iter(slot.values())).class_name
        found = ontology.class_of(class_name or "")
        assert found is not None
        yield Object(class_name=found.name, **slot)


def shown(thing: Object, picture: Picture) -> Object:
    """Give an object as it lies on the picture that EXIF shows."""
    if not picture.turn_deg and not picture.mirrored:
        return thing

    def turn(label: Label | None) -> Label | None:
        if label is None or label.geometry is None:
            return label
        return replace(label, geometry=shapes.as_shown(label.geometry, picture))

    return replace(thing, box=turn(thing.box), outline=turn(thing.outline), points=turn(thing.points))


def dropped_facts(labels: Sequence[Label], tally: Tally, *, carried: frozenset[str], hint: str) -> None:
    """Note what labels state besides their geometry and class, and the format does not carry."""
    for label in labels:
        for name, what in _FACTS.items():
            if name not in carried and getattr(label, name):
                tally.changed(what, f"the format does not carry {what}{hint}")


_FACTS = {
    "attributes": "attributes",
    "instance": "instances",
    "score": "scores",
    "text": "texts",
    "author": "authors",
}
_PLURAL = {
    "class": "classes of whole pictures",
    "text": "texts",
    "segment": "segments",
    "track": "tracks",
    "relation": "relations",
}


def _sort(label: Label) -> str | None:
    match label.geometry:
        case Box() | RotatedBox():
            return "box"
        case Polygon() | Mask():
            return "outline"
        case Keypoints():
            return "points"
        case _:
            return None


def _unfit(label: Label, ontology: Ontology) -> str:
    if not label.class_name:
        return "a label without a class has no number"
    if not ontology.class_of(label.class_name):
        return f"'{label.class_name}' is no class of the ontology '{ontology.name}'"
    if label.geometry is not None and not shapes.finite(label.geometry):
        return "its geometry holds what is no number"
    return ""
