"""What the App is told of each label: FiftyOne's own documents, one field a kind of label.

They are as FiftyOne stores them; a test holds them equal to what its public classes store. FiftyOne counts from
the top left corner, in shares of the picture's width and height. Each element bears ``label_id``, ``event_id``
(names the version that is shown), ``author``, ``origin``, and its attributes by their own names.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from bson import ObjectId

from rushes.browse import drawing
from rushes.browse.labelled import BrowseLabels
from rushes.labels import LabelKind
from rushes.vocabulary import AttributeSpec, Ontology, Skeleton

Kind = Literal["text", "integer", "number", "yes_no", "texts", "integers"]
Document: TypeAlias = dict[str, Any]
CHUNK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelField:
    """A field of labels.

    Args:
        container: FiftyOne's class of it.
        inner: The key of the container that holds the elements.
        attributes: What an element bears besides what FiftyOne defines, by name.
        skeleton: Of its keypoints.
    """

    name: str
    container: str
    inner: str
    attributes: Mapping[str, Kind]
    skeleton: Skeleton | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    field: str
    container: str
    inner: str
    element: str
    draw: Callable[[Document, drawing.Drawn], None]
    own: Mapping[str, Kind]


def _shape(
    field: str,
    element: str,
    draw: Callable[[Document, drawing.Drawn], None],
    own: Mapping[str, Kind] | None = None,
) -> _Shape:
    inner = f"{element.lower()}s"
    return _Shape(field=field, container=f"{element}s", inner=inner, element=element, draw=draw, own=own or {})


_SHAPES: Mapping[LabelKind, _Shape] = {
    "box": _shape("boxes", "Detection", drawing.box),
    "rotated_box": _shape("rotated_boxes", "Polyline", drawing.rotated_box, {"turn_deg": "number"}),
    "track": _shape("tracks", "Detection", drawing.box),
    "polygon": _shape("polygons", "Polyline", drawing.polygon),
    "mask": _shape("masks", "Detection", drawing.mask),
    "keypoints": _shape("keypoints", "Keypoint", drawing.keypoints, {"visibility": "integers", "score": "number"}),
    "class": _shape("classes", "Classification", drawing.nothing),
    "text": _shape("texts", "Classification", drawing.text, {"class_name": "text"}),
}
_PLACELESS = ("class", "text")
_COMMON: Mapping[str, Kind] = {"label_id": "text", "event_id": "text", "author": "text", "origin": "text"}
TAKEN = frozenset(
    {
        *(
            "id",
            "tags",
            "label",
            "bounding_box",
            "mask",
            "mask_path",
            "confidence",
            "index",
            "instance",
            "attributes",
        ),
        *("points", "closed", "filled", "logits", "location", "dimensions", "rotation"),
        *_COMMON,
        *(name for shape in _SHAPES.values() for name in shape.own),
    }
)
"""Fields of an element that are no attributes of its label."""
AS_GIVEN = "_as_given"
"""Ends the name of the field that takes a value which is not of its attribute's kind, as JSON text."""


class Elements:
    """Makes the label documents of pictures.

    Args:
        labels: Of the view.
        ontology: Whose attributes and skeletons they have; None where the dataset has none.

    Attributes:
        unshown: How many labels could not be shown so far: nobody knows how large their picture is, or their mask
            cannot be read.
    """

    def __init__(self, labels: BrowseLabels, ontology: Ontology | None) -> None:
        self._labels = labels
        ontology = ontology or Ontology(name="")
        self._specs = {spec.name: spec for spec in ontology.attributes}
        self._skeletons = {
            spec.name: spec.skeleton for spec in (*ontology.classes, *ontology.gestures) if spec.skeleton
        }
        self._known = {skeleton.name: skeleton for skeleton in ontology.skeletons}
        self._attributes = lru_cache(65536)(self._read_attributes)
        self.unshown = 0

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of each field that holds an attribute of the ontology."""
        return {field_of(name): _kind_of(spec) for name, spec in self._specs.items()}

    @cached_property
    def fields(self) -> tuple[LabelField, ...]:
        """The fields that the view needs, in a fixed order."""
        found: dict[tuple[bool, int, str], set[str]] = {}
        order = list(_SHAPES)
        for kind, predicted, class_name, text in self._distinct("kind", "predicted", "class_name", "attributes"):
            if kind in _SHAPES:
                seen = found.setdefault(
                    (predicted, order.index(kind), self._field(kind, predicted, class_name)), set()
                )
                seen.update(self._attributes(text) if text else ())
        return tuple(self._field_with(name, order[at], seen) for (_, at, name), seen in sorted(found.items()))

    @cached_property
    def attribute_names(self) -> Mapping[str, str]:
        """What the attribute is called that a field of an element holds, where the field is called otherwise."""
        names = {name for (text,) in self._distinct("attributes") if text for name in json.loads(text)}
        return {field_of(name): name for name in sorted(names) if field_of(name) != name}

    def _distinct(self, *columns: str) -> Iterator[tuple[Any, ...]]:
        """Give what is found in some columns together, each once, in no order."""
        found = self._labels.table.select(columns).group_by(list(columns)).aggregate([])
        return zip(*(found[name].to_pylist() for name in columns), strict=True)

    def of(
        self, rows: npt.NDArray[np.int64], ids: Sequence[bytes], sizes: Sequence[tuple[int, int] | None]
    ) -> Iterator[Document]:
        """Give the label documents of pictures, by field; an empty one where a picture has no labels.

        Args:
            rows: Positions in ``BrowseSamples``, ascending.
            ids: Of these samples in the App; a label has another id on each.
            sizes: Width and height of these pictures in pixels, for labels that do not say it themselves.
        """
        for at in range(0, len(rows), CHUNK):
            some = slice(at, at + CHUNK)
            first, end = (np.searchsorted(self._labels.row, rows[some], side) for side in ("left", "right"))
            low, high = int(first[0]), int(end[-1])
            labels = self._labels.between(low, high)
            places = zip(ids[some], (first - low).tolist(), (end - low).tolist(), sizes[some], strict=True)
            for name, a, b, size in places:
                yield self._documents(name, labels[a:b], size, low + a) if b > a else {}

    def _documents(
        self, sample: bytes, labels: Sequence[tuple[Any, ...]], size: tuple[int, int] | None, first: int
    ) -> Document:
        documents: Document = {}
        for place, label in enumerate(labels, first):
            kind, predicted, _, _, class_name, *_ = label
            if kind not in _SHAPES:
                continue
            shape, field = _SHAPES[kind], self._field(kind, predicted, class_name)
            try:
                element = self._element(shape, sample, label, size)
            except ValueError:
                self.unshown += 1
                continue
            element["tags"] = list(self._labels.tags.get(place, ()))
            if field in documents:
                documents[field][shape.inner].append(element)
            else:
                documents[field] = {"_cls": shape.container, shape.inner: [element]}
        return documents

    def _element(
        self, shape: _Shape, sample: bytes, label: tuple[Any, ...], size: tuple[int, int] | None
    ) -> Document:
        (
            kind, _, label_id, event_id, class_name, origin, author, thing, text, score, x, y, w, h, turn_deg,
            width, height, points, ring_ends, mask, attributes,
        ) = label  # fmt: skip
        element: Document = {
            "_cls": shape.element,
            "_id": ObjectId(blake2b(label_id.encode() + sample, digest_size=12).digest()),
            "tags": [],
            "label_id": label_id,
            "event_id": event_id,
            "author": author,
            "origin": origin,
        }
        if class_name is not None:
            element["label"] = class_name
        if kind not in _PLACELESS:
            element["attributes"] = {}
            if thing is not None:
                element["instance"] = {"_cls": "Instance", "_id": _thing(thing)}
        if score is not None:
            element["score" if kind == "keypoints" else "confidence"] = score
        if not (width and height):
            width, height = size or (0, 0)
        shape.draw(element, (width, height, (x, y, w, h, turn_deg), points, ring_ends, mask, text))
        if attributes:
            element.update(self._attributes(attributes))
        return element

    def _field(self, kind: LabelKind, predicted: bool, class_name: str | None) -> str:
        name = _SHAPES[kind].field
        if kind == "keypoints":
            # The App draws all points of a field by one skeleton.
            skeleton = self._skeletons.get(class_name or "")
            name = f"{name}_{field_of(skeleton)}" if skeleton and skeleton != self._main_skeleton else name
        return f"predicted_{name}" if predicted else name

    @cached_property
    def _main_skeleton(self) -> str | None:
        return next(iter(self._known), None)

    def _field_with(self, name: str, kind: LabelKind, attributes: set[str]) -> LabelField:
        shape = _SHAPES[kind]
        plain = name.removeprefix("predicted_")
        by_field = {
            "keypoints" if skeleton == self._main_skeleton else f"keypoints_{field_of(skeleton)}": found
            for skeleton, found in self._known.items()
        }
        return LabelField(
            name=name,
            container=shape.container,
            inner=shape.inner,
            attributes={
                **_COMMON,
                **shape.own,
                **{one: self.kinds.get(one, "text") for one in sorted(attributes)},
            },
            skeleton=by_field.get(plain) if kind == "keypoints" else None,
        )

    def _read_attributes(self, text: str) -> Document:
        """Give the attributes of a label by the fields that hold them."""
        values: Document = {}
        for name, value in json.loads(text).items():
            spec, field = self._specs.get(name), field_of(name)
            if value is None:
                continue
            if spec is None:
                values[field] = value if isinstance(value, str) else json.dumps(value)
            elif _fits(value, _kind_of(spec)):
                values[field] = float(value) if spec.kind == "number" else value
            else:
                values[field + AS_GIVEN] = json.dumps(value)
        return values


@lru_cache(4096)
def field_of(attribute: str) -> str:
    """Name the field that holds an attribute: as the attribute, unless FiftyOne cannot take that name."""
    word = re.sub(r"\W+", "_", attribute).strip("_") or "attribute"
    if word == attribute:
        return f"own_{word}" if word in TAKEN else word
    return f"{word}_{blake2b(attribute.encode(), digest_size=2).hexdigest()}"  # unlike names stay unlike


def _kind_of(spec: AttributeSpec) -> Kind:
    kinds: Mapping[str, Kind] = {"choice": "text", "choices": "texts", "flag": "yes_no", "number": "number"}
    return kinds.get(spec.kind, "text")


def _fits(value: Any, kind: Kind) -> bool:
    match kind:
        case "yes_no":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "texts":
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case _:
            return isinstance(value, str)


@lru_cache(65536)
def _thing(name: str) -> ObjectId:
    return ObjectId(blake2b(name.encode(), digest_size=12, person=b"thing").digest())
