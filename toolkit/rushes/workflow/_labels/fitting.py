"""Whether a label that somebody writes fits the ontology, its picture and the labels that it names."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rushes import registry
from rushes.errors import UsageError
from rushes.labels import Box, Keypoints, Label, Polygon, Relation, RotatedBox
from rushes.vocabulary import AttributeSpec, ClassSpec, Ontology, RelationSpec


def check(label: Label, was: Label | None, others: Mapping[str, Label], ontology: Ontology) -> None:
    """Hold what is new of a label against what it must fit.

    Args:
        label: As somebody wants it.
        was: As it was; what stays of it is not looked at.
        others: Labels of the dataset, by id.
        ontology: Of the dataset.

    Raises:
        UsageError: ``labels.misfit`` with the first thing that does not fit.
    """
    for what, hint in _misfits(label, was, others, ontology):
        raise UsageError(what, code="labels.misfit", hint=hint, facts={"label_id": label.label_id})


def spec_of(label: Label, ontology: Ontology) -> ClassSpec | RelationSpec | None:
    """Find the class, gesture or relation of a label."""
    if label.class_name is None:
        return None
    if label.kind == "relation":
        return ontology.relation_of(label.class_name)
    return (ontology.gesture_of if label.kind == "segment" else ontology.class_of)(label.class_name)


def _misfits(
    label: Label, was: Label | None, others: Mapping[str, Label], ontology: Ontology
) -> Iterator[tuple[str, str]]:
    spec = spec_of(label, ontology)
    if label.class_name is not None and spec is None and (was is None or was.class_name != label.class_name):
        word = {"segment": "gestures", "relation": "relations"}.get(label.kind, "classes")
        offered = [one.name for one in getattr(ontology, word)]
        yield (
            f"'{label.class_name}' is not among the {word} of the ontology '{ontology.name}'",
            _near(label.class_name, offered),
        )
    held = was.attributes if was else {}
    new = {name: value for name, value in label.attributes.items() if name not in held or held[name] != value}
    yield from _attributes(label, new, spec, ontology)
    if was is None or was.geometry != label.geometry:
        if not all(math.isfinite(number) for number in _numbers(label)):
            yield "its geometry is not finite", "write plain numbers, in pixels of the stored picture"
        yield from _shape(label, ontology)
    ends = [label.parent_id] if label.parent_id else []
    if isinstance(label.geometry, Relation):
        ends += [label.geometry.subject_id, label.geometry.object_id]
    for end in ends:
        if end not in others:
            yield f"it names the label '{end}', which is not there", _near(end, list(others))


def _attributes(
    label: Label, new: Mapping[str, Any], spec: ClassSpec | RelationSpec | None, ontology: Ontology
) -> Iterator[tuple[str, str]]:
    having = spec.attributes if isinstance(spec, ClassSpec) else ()
    for name, value in new.items():
        found = ontology.attribute(name)
        if found is None or (isinstance(spec, ClassSpec) and name not in having):
            yield f"a {label.class_name or label.kind} has no attribute '{name}'", _near(name, list(having))
        elif not _fits(found, value):
            said = f"one of {', '.join(found.values)}" if found.values else f"a {found.kind}"
            yield f"'{value}' cannot be the {name} of a label", f"it is {said}"


def _fits(spec: AttributeSpec, value: Any) -> bool:
    match spec.kind:
        case "choice":
            return value in spec.values
        case "choices":
            return isinstance(value, list | tuple) and all(one in spec.values for one in value)
        case "flag":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "text":
            return isinstance(value, str)


def _shape(label: Label, ontology: Ontology) -> Iterator[tuple[str, str]]:
    width, height = label.image_width_px, label.image_height_px
    match label.geometry:
        case Box() | RotatedBox() as box:
            if box.width_px <= 0 or box.height_px <= 0:
                yield "its box is empty", "width and height are more than 0"
            elif isinstance(box, Box) and width and height and not _touches(box, width, height):
                yield (
                    f"its box lies outside the picture of {width}x{height}",
                    "places are pixels: x, y, width, height",
                )
        case Keypoints(triples=triples):
            skeleton = ontology.skeleton_of(label.class_name)
            if skeleton and len(triples) != 3 * len(skeleton.points):
                wanted = f"x, y, v of each of the {len(skeleton.points)} points of '{skeleton.name}'"
                yield f"it has {len(triples)} numbers", f"give {wanted}"


def _touches(box: Box, width: int, height: int) -> bool:
    return box.x_px < width and box.y_px < height and box.x_px + box.width_px > 0 and box.y_px + box.height_px > 0


def _numbers(label: Label) -> Iterator[float]:
    match label.geometry:
        case Box() | RotatedBox() as box:
            yield from (box.x_px, box.y_px, box.width_px, box.height_px, getattr(box, "rotation_deg", 0.0))
        case Polygon(rings=rings):
            yield from (number for ring in rings for number in ring)
        case Keypoints(triples=triples):
            yield from triples


def _near(name: str, offered: list[str]) -> str:
    near = registry.close_to(name, offered)
    return f"did you mean '{near}'?" if near else f"there are {', '.join(offered) or 'none'}"
