"""The nouns of annotation: a label, its geometry, and the raw version it came from; frozen values.

Pixels of labels are counted on the stored picture (before any EXIF turn) from its outer corner: (0, 0) is the top
left corner of the first pixel, whose centre is (0.5, 0.5). The picture spans 0 to width and 0 to height. That is
what Label Studio, COCO and YOLO mean, so nothing is lost on the way to them and back. What is measured in centres
(a projected point, an index into an array) gains 0.5 to become a label.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

LabelKind = Literal[
    "box", "rotated_box", "polygon", "mask", "keypoints", "class", "text", "segment", "track", "relation"
]
LabelSource = Literal["human", "consensus", "model", "import"]
LabelOrigin = Literal["manual", "prediction", "prediction-changed"]
LabelAction = Literal["created", "updated", "deleted", "merged", "predicted", "imported"]
LabelRole = Literal["adjudicate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box whose sides are those of the picture; may reach over its edge."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedBox:
    """A box that is turned clockwise by ``rotation_deg`` about its own top left corner, (x_px, y_px)."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    rotation_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """One or more rings; the shape is all of them together.

    Args:
        rings: Each x, y, x, y … of at least three corners, without the first one again at the end.
    """

    rings: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Pixels of the whole stored picture.

    Args:
        counts: Runs of zeros and ones by turns, column by column, compressed as COCO does.
    """

    width_px: int
    height_px: int
    counts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keypoints:
    """Points in the order of the class's skeleton.

    Args:
        triples: x, y, v of every point; v is 0 not labelled (then x and y are 0), 1 hidden, 2 visible.
    """

    triples: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackKey:
    """A box that was drawn on one sample; up to the next key it moves in a straight line, while it is shown.

    Args:
        index: Sample of the stream.
        shown: False: from this sample on, itself included, it is not to be seen until the next key.
        drawn: False: nobody drew it; it is where the tool showed it, and a straight line would not have been.
    """

    index: int
    x_px: float
    y_px: float
    width_px: float
    height_px: float
    rotation_deg: float = 0.0
    shown: bool = True
    drawn: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One thing over a span of samples; keys in ascending order."""

    keys: tuple[TrackKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A statement about two labels; its class is the verb."""

    subject_id: str
    object_id: str


Geometry: TypeAlias = Box | RotatedBox | Polygon | Mask | Keypoints | Track | Relation

_KINDS: Mapping[type, LabelKind] = {
    Box: "box",
    RotatedBox: "rotated_box",
    Polygon: "polygon",
    Mask: "mask",
    Keypoints: "keypoints",
    Track: "track",
    Relation: "relation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One current label. The fields are ``labels`` columns; the geometry is spread over several.

    Args:
        kind: That of the geometry; class, text or segment where there is none.
        class_name: Of the ontology: a class, the gesture of a segment, the verb of a relation.
        index_end: One past the last sample of a span.
        t_end_ns: End of a span, not itself included.
        parent_id: Label that it is a part of: the box whose keypoints, mask or polygon it is.
        attributes: By name; JSON values.
        annotator: Whom the plan gave the task to, whoever is logged in as author.
        role: ``adjudicate`` where it settles what others had labelled.
        received: Geometry as the source gave it, in the source's own units; JSON values.
    """

    label_id: str
    recording_id: str
    kind: LabelKind
    source: LabelSource
    class_name: str | None = None
    geometry: Geometry | None = None
    stream: str | None = None
    index: int | None = None
    index_end: int | None = None
    moment: int | None = None
    t_start_ns: int | None = None
    t_end_ns: int | None = None
    instance: str | None = None
    parent_id: str | None = None
    image_width_px: int | None = None
    image_height_px: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    score: float | None = None
    tool: str | None = None
    author: str | None = None
    annotator: str | None = None
    role: LabelRole | None = None
    model: str | None = None
    origin: LabelOrigin | None = None
    received: Mapping[str, Any] | None = None
    created_ns: int | None = None
    updated_ns: int | None = None
    event_id: str | None = None

    def __post_init__(self) -> None:
        wanted = _KINDS.get(type(self.geometry))
        fits = self.kind == wanted if wanted else self.kind in ("class", "text", "segment")
        assert fits, f"a label of kind '{self.kind}' with {type(self.geometry).__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEvent:
    """One version of one annotation as received. The fields are ``label_events`` columns.

    Args:
        event_id: As ``annotate.rows.event_id`` makes it.
        payload: JSON text, to the last digit as received.
        task_data: JSON text; the task as the tool showed it.
    """

    event_id: str
    action: LabelAction
    tool: str
    payload: str
    received_ns: int
    server: str | None = None
    project: str | None = None
    task: str | None = None
    annotation: str | None = None
    task_key: str | None = None
    task_revision: str | None = None
    task_data: str | None = None
    recording_id: str | None = None
    author: str | None = None
    annotator: str | None = None
    role: LabelRole | None = None
    created_ns: int | None = None
    updated_ns: int | None = None
    lead_time_s: float | None = None
    cancelled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that labels are drawn on.

    Args:
        name: Of its file in a foreign format, relative, with ``/``.
        width_px, height_px: As stored.
        part: Of a split, such as train; None where there is no split.
        turn_deg: Clockwise turn, 0, 90, 180 or 270, that shows it upright; what heeds EXIF sees it so turned.
        mirrored: Whether what heeds EXIF sees its mirror image: left and right change places before the turn.
    """

    name: str
    width_px: int
    height_px: int
    recording_id: str = ""
    stream: str | None = None
    index: int | None = None
    moment: int | None = None
    t_ns: int | None = None
    turn_deg: int = 0
    mirrored: bool = False
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """A picture and all that is known of it."""

    picture: Picture
    labels: tuple[Label, ...]


def digest_of(*parts: str | int | float | None) -> str:
    """Make a name of 16 hexadecimal digits of what tells a thing from all others; None and "" differ."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:16]


def kind_of(geometry: Geometry) -> LabelKind:
    """Name the kind of label that has such a geometry."""
    return _KINDS[type(geometry)]
