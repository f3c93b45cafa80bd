"""Labels → COCO's JSON.

Box, outline and keypoints of one object are one annotation. What COCO has no word for (names of labels, the
rotated box behind the upright one) stands under the key ``rushes``, which other programs pass over.
"""

from collections.abc import Mapping
from typing import Any

from rushes import shapes
from rushes.export._objects import Object, dropped_facts, objects_of, shown
from rushes.export._tally import Tally
from rushes.labels import Box, Keypoints, Label, LabelledPicture, Mask, Polygon, RotatedBox
from rushes.vocabulary import ClassSpec, Ontology

CARRIED = frozenset({"attributes", "instance", "score"})


def categories(ontology: Ontology) -> list[dict[str, Any]]:
    """List the classes in the order of the ontology, with its ids."""
    return [_category(spec, ontology) for spec in ontology.classes]


def image(labelled: LabelledPicture, number: int) -> dict[str, Any]:
    """Describe a picture, as EXIF shows it; where it comes from stands under ``rushes``."""
    picture = labelled.picture
    origin = {
        name: getattr(picture, name)
        for name in ("recording_id", "stream", "index", "moment", "t_ns", "turn_deg", "mirrored")
        if getattr(picture, name) not in (None, "")
        and (name not in ("turn_deg", "mirrored") or getattr(picture, name))
    }
    width, height = shapes.turned_size(picture.width_px, picture.height_px, picture.turn_deg)
    described = {
        "id": number,
        "file_name": picture.name,
        "width": width,
        "height": height,
    }
    return {**described, "rushes": origin} if origin else described


def annotations(
    labelled: LabelledPicture, image_id: int, first_id: int, ontology: Ontology, tally: Tally
) -> list[dict[str, Any]]:
    """Give the annotations of one picture, numbered from ``first_id``."""
    made: list[dict[str, Any]] = []
    for found in objects_of(labelled, ontology, tally):
        thing = _with_fitting_points(found, ontology, tally)
        if thing is None:
            continue
        thing = shown(thing, labelled.picture)
        box = thing.bounds()
        if box is None:
            reason = "a mask without a pixel, or keypoints without a labelled point, has no box"
            tally.lost("empty shapes", reason, len(thing.labels))
            continue
        dropped_facts(thing.labels, tally, carried=CARRIED, hint="")
        made.append(_annotation(thing, box, ontology, id=first_id + len(made), image_id=image_id))
    return made


def _category(spec: ClassSpec, ontology: Ontology) -> dict[str, Any]:
    category: dict[str, Any] = {"id": spec.id, "name": spec.name, "supercategory": spec.parent or ""}
    skeleton = ontology.skeleton_of(spec.name)
    if skeleton:
        category["keypoints"] = list(skeleton.points)
        category["skeleton"] = [[a + 1, b + 1] for a, b in skeleton.edge_positions()]
    return category


def _with_fitting_points(thing: Object, ontology: Ontology, tally: Tally) -> Object | None:
    """Take out keypoints that do not fit the skeleton of their class; None if nothing is left."""
    if thing.points is None:
        return thing
    assert isinstance(thing.points.geometry, Keypoints)
    skeleton = ontology.skeleton_of(thing.class_name)
    count = len(thing.points.geometry.triples) // 3
    if skeleton and len(skeleton.points) == count:
        return thing
    wanted = f"has {len(skeleton.points)} keypoints" if skeleton else "has no keypoints"
    tally.lost("keypoints", f"{count} keypoints on a '{thing.class_name}', which {wanted} in the ontology")
    if thing.box is None and thing.outline is None:
        return None
    return Object(class_name=thing.class_name, box=thing.box, outline=thing.outline)


def _annotation(thing: Object, box: Box, ontology: Ontology, *, id: int, image_id: int) -> dict[str, Any]:
    spec = ontology.class_of(thing.class_name)
    assert spec is not None
    annotation: dict[str, Any] = {
        "id": id,
        "image_id": image_id,
        "category_id": spec.id,
        "bbox": [box.x_px, box.y_px, box.width_px, box.height_px],
        "iscrowd": int(bool(thing.head.attributes.get("iscrowd"))),
    }
    outline = thing.outline.geometry if thing.outline else None
    rotated = thing.box.geometry if thing.box and isinstance(thing.box.geometry, RotatedBox) else None
    match outline:
        case Polygon(rings=rings):
            annotation["segmentation"] = [list(ring) for ring in rings]
        case Mask(width_px=width, height_px=height, counts=counts):
            annotation["segmentation"] = {"size": [height, width], "counts": counts}
        case _:
            corners = [x for point in shapes.corners(rotated) for x in point] if rotated else None
            annotation["segmentation"] = [corners] if corners else []
    annotation["area"] = shapes.area_px(outline or rotated or box)
    if thing.points:
        assert isinstance(thing.points.geometry, Keypoints)
        annotation["keypoints"] = list(thing.points.geometry.triples)
        annotation["num_keypoints"] = sum(v > 0 for v in thing.points.geometry.triples[2::3])
    if thing.head.score is not None:
        annotation["score"] = thing.head.score
    attributes = dict(thing.head.attributes)
    if rotated:
        attributes["rotation"] = rotated.rotation_deg
    if attributes:
        annotation["attributes"] = attributes
    annotation["rushes"] = {"labels": [_part(label, label is thing.head) for label in thing.labels]}
    return annotation


def _part(label: Label, head: bool) -> dict[str, Any]:
    part: dict[str, Any] = {"label_id": label.label_id, "kind": label.kind}
    if isinstance(label.geometry, RotatedBox):
        box = label.geometry
        part["rotated_box"] = [box.x_px, box.y_px, box.width_px, box.height_px, box.rotation_deg]
    if label.instance is not None:
        part["instance"] = label.instance
    if not head:
        facts: Mapping[str, Any] = {"attributes": dict(label.attributes) or None, "score": label.score}
        part |= {name: value for name, value in facts.items() if value is not None}
    if label.parent_id is not None:
        part["parent_id"] = label.parent_id
    return part
