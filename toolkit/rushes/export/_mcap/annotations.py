"""Labels and points of regard → ``foxglove.ImageAnnotations``, at the times of the pictures that they lie on.

Both count pixels from the outer corner of the first one (docs.foxglove.dev, PointsAnnotation), so labels go in as
they are; a point of regard counts from its centre and moves by half a pixel. A picture without labels after one
with labels gets an empty message, so that nothing stays on the screen.
"""

import hashlib
from collections.abc import Iterator, Sequence
from colorsys import hsv_to_rgb

import numpy as np
from foxglove_schemas_protobuf.Color_pb2 import Color
from foxglove_schemas_protobuf.ImageAnnotations_pb2 import ImageAnnotations
from foxglove_schemas_protobuf.PointsAnnotation_pb2 import PointsAnnotation

from rushes import masks, shapes
from rushes.export._mcap.schemas import of_type, stamp
from rushes.export._mcap.sources import Message, Source, Topics
from rushes.labels import Box, Keypoints, Label, Mask, Polygon, RotatedBox
from rushes.timelines import FrameLane, NumberLane
from rushes.vocabulary import Ontology

LABELS = "/labels"
REGARD = "/point"
_LINE_PX, _POINT_PX, _TEXT_PX, _REGARD_PX = 2.0, 6.0, 14.0, 24.0
Point = tuple[float, float]


def labels(lane: FrameLane, ontology: Ontology | None, topics: Topics) -> Source | None:
    """Give what writes the labels of a lane; None where it has none."""
    if not lane.labels:
        return None
    topic = topics.declare(
        lane.stream.name + LABELS, of_type(ImageAnnotations), packed=True, stream=lane.stream, how="labels"
    )

    def messages() -> Iterator[Message]:
        shown = False
        for index in np.argsort(lane.t_ns, kind="stable").tolist():
            found = lane.labels.get(index, ())
            if found or shown:
                t_ns = int(lane.t_ns[index])
                yield topic, t_ns, (_drawn(t_ns, found, ontology).SerializeToString(),)
            shown = bool(found)

    return Source(topics.file, messages())


def _drawn(t_ns: int, found: Sequence[Label], ontology: Ontology | None) -> ImageAnnotations:
    made = ImageAnnotations(timestamp=stamp(t_ns))
    line = 0
    for label in found:
        color = color_of(label.class_name or "")
        for points, kind in outlines(label, ontology):
            into = made.points.add(timestamp=made.timestamp, type=kind, outline_color=color)
            into.thickness = _POINT_PX if kind == PointsAnnotation.POINTS else _LINE_PX
            for x, y in points:
                into.points.add(x=x, y=y)
            into.metadata.add(key="label_id", value=label.label_id)
            into.metadata.add(key="class", value=label.class_name or "")
        place = shapes.bounds(label.geometry) if label.geometry is not None else None
        said = _said(label)
        if not said:
            continue
        if place is None:
            line += 1
        text = made.texts.add(timestamp=made.timestamp, text=said, font_size=_TEXT_PX, text_color=color)
        text.position.x = place.x_px if place else 4.0
        text.position.y = place.y_px if place else line * _TEXT_PX * 1.2
        text.background_color.a = 0.6
        text.metadata.add(key="label_id", value=label.label_id)
    return made


def _said(label: Label) -> str:
    words = [word for word in (label.class_name, label.text) if word]
    if label.score is not None and label.source == "model":
        words.append(f"{label.score:.2f}")
    return " ".join(words)


def outlines(label: Label, ontology: Ontology | None) -> Iterator[tuple[list[Point], int]]:
    """Give what is drawn of a label: points in pixels, and how they are joined (``PointsAnnotation.Type``)."""
    geometry = label.geometry
    if isinstance(geometry, Box | RotatedBox):
        yield list(shapes.corners(geometry)), PointsAnnotation.LINE_LOOP
    elif isinstance(geometry, Polygon | Mask):
        rings = geometry.rings if isinstance(geometry, Polygon) else masks.outlines(geometry)[0]
        for ring in rings:
            yield list(zip(ring[::2], ring[1::2], strict=True)), PointsAnnotation.LINE_LOOP
    elif isinstance(geometry, Keypoints):
        points = shapes.triples(geometry)
        yield [(x, y) for x, y, v in points if v], PointsAnnotation.POINTS
        skeleton = ontology.skeleton_of(label.class_name) if ontology else None
        edges = skeleton.edge_positions() if skeleton else ()
        ends = [at for edge in edges if max(edge) < len(points) and all(points[i][2] for i in edge) for at in edge]
        if ends:
            yield [points[i][:2] for i in ends], PointsAnnotation.LINE_LIST


def color_of(name: str) -> Color:
    """Give a class its colour; the same in every file."""
    hue = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=2).digest(), "big") / 65536
    red, green, blue = hsv_to_rgb(hue, 0.75, 1.0)
    return Color(r=red, g=green, b=blue, a=1.0)


def regard(lane: NumberLane, topics: Topics) -> Source | None:
    """Give the points of regard of a gaze stream as circles; None where it has none in pixels."""
    x, y = lane.columns.get("x_px"), lane.columns.get("y_px")
    if x is None or y is None or not np.isfinite(x + y).any():
        return None
    topic = topics.declare(
        lane.stream.name + REGARD, of_type(ImageAnnotations), packed=True, stream=lane.stream, how="drawn"
    )

    def messages() -> Iterator[Message]:
        for row in np.argsort(lane.t_ns, kind="stable").tolist():
            t_ns = int(lane.t_ns[row])
            made = ImageAnnotations(timestamp=stamp(t_ns))
            if np.isfinite(x[row] + y[row]):
                circle = made.circles.add(timestamp=made.timestamp, diameter=_REGARD_PX, thickness=_LINE_PX)
                circle.position.x, circle.position.y = float(x[row]) + 0.5, float(y[row]) + 0.5
                circle.outline_color.CopyFrom(Color(r=1.0, g=0.2, b=0.2, a=1.0))
            yield topic, t_ns, (made.SerializeToString(),)

    return Source(topics.file, messages())
