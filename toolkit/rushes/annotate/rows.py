"""Labels and their raw versions ⇄ columns of the tables ``labels`` and ``label_events``."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

from rushes.labels import (
    Box,
    Geometry,
    Keypoints,
    Label,
    LabelEvent,
    Mask,
    Polygon,
    Relation,
    RotatedBox,
    Track,
    TrackKey,
    digest_of,
)
from rushes.texts import as_json

_PLAIN = tuple(f.name for f in fields(Label) if f.name not in ("geometry", "attributes", "received"))
_SPREAD = (
    "x_px",
    "y_px",
    "width_px",
    "height_px",
    "rotation_deg",
    "points",
    "ring_ends",
    "mask",
    "subject_id",
    "object_id",
)
_KEY_WIDTH = 7
"""Numbers of one key of a track."""
_RECKONED = 2
"""What the last of them is for a key that is shown and was not drawn."""


def event_id(
    *,
    tool: str,
    project: str | None,
    task: str | None,
    annotation: str | None,
    action: str,
    updated_ns: int | None,
    payload: str,
) -> str:
    """Name one version of one annotation; the same version met again has the same name."""
    return digest_of(tool, project, task, annotation, action, updated_ns, payload)


def label_columns(labels: Sequence[Label]) -> dict[str, list[Any]]:
    """Spread labels over the columns of ``labels``, a value a row."""
    columns: dict[str, list[Any]] = {name: [getattr(label, name) for label in labels] for name in _PLAIN}
    columns["attributes"] = [as_json(dict(label.attributes)) if label.attributes else None for label in labels]
    columns["received"] = [None if label.received is None else as_json(dict(label.received)) for label in labels]
    spread = [_spread(label.geometry) for label in labels]
    for name in _SPREAD:
        columns[name] = [row.get(name) for row in spread]
    return columns


def labels_of(rows: Iterable[Mapping[str, Any]]) -> list[Label]:
    """Read labels from rows of ``labels``, all columns by name."""
    return [
        Label(
            **{name: row[name] for name in _PLAIN},
            geometry=_geometry(row),
            attributes=json.loads(row["attributes"]) if row["attributes"] else {},
            received=json.loads(row["received"]) if row["received"] else None,
        )
        for row in rows
    ]


def event_columns(events: Sequence[LabelEvent]) -> dict[str, list[Any]]:
    """Spread raw versions over the columns of ``label_events``, a value a row."""
    return {f.name: [getattr(event, f.name) for event in events] for f in fields(LabelEvent)}


def events_of(rows: Iterable[Mapping[str, Any]]) -> list[LabelEvent]:
    """Read raw versions from rows of ``label_events``, all columns by name."""
    return [LabelEvent(**{f.name: row[f.name] for f in fields(LabelEvent)}) for row in rows]


def _spread(geometry: Geometry | None) -> dict[str, Any]:
    match geometry:
        case Box() | RotatedBox():
            names = ("x_px", "y_px", "width_px", "height_px", "rotation_deg")
            return {name: getattr(geometry, name) for name in names if hasattr(geometry, name)}
        case Polygon(rings=rings):
            ends = [sum(len(ring) // 2 for ring in rings[: at + 1]) for at in range(len(rings))]
            return {"points": [x for ring in rings for x in ring], "ring_ends": ends}
        case Mask(counts=counts):
            return {"mask": counts}
        case Keypoints(triples=triples):
            return {"points": list(triples)}
        case Track(keys=keys):
            return {"points": [float(x) for key in keys for x in _key_numbers(key)]}
        case Relation(subject_id=subject, object_id=object_):
            return {"subject_id": subject, "object_id": object_}
        case None:
            return {}


def _key_numbers(key: TrackKey) -> tuple[float, ...]:
    shown = 0 if not key.shown else 1 if key.drawn else _RECKONED
    return (key.index, key.x_px, key.y_px, key.width_px, key.height_px, key.rotation_deg, shown)


def _geometry(row: Mapping[str, Any]) -> Geometry | None:
    match row["kind"]:
        case "box":
            return Box(**_corner_and_size(row))
        case "rotated_box":
            return RotatedBox(**_corner_and_size(row), rotation_deg=row["rotation_deg"])
        case "polygon":
            ends = [0, *row["ring_ends"]]
            return Polygon(rings=tuple(tuple(row["points"][2 * a : 2 * b]) for a, b in pairwise(ends)))
        case "mask":
            return Mask(width_px=row["image_width_px"], height_px=row["image_height_px"], counts=row["mask"])
        case "keypoints":
            return Keypoints(triples=tuple(row["points"]))
        case "track":
            return Track(keys=tuple(track_keys(row["points"])))
        case "relation":
            return Relation(subject_id=row["subject_id"], object_id=row["object_id"])
        case _:
            return None


def _corner_and_size(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: row[name] for name in ("x_px", "y_px", "width_px", "height_px")}


def track_keys(numbers: Sequence[float]) -> Iterable[TrackKey]:
    """Read the keys of a track from its row's ``points``."""
    for at in range(0, len(numbers), _KEY_WIDTH):
        index, x, y, width, height, rotation, shown = numbers[at : at + _KEY_WIDTH]
        yield TrackKey(
            index=int(index),
            x_px=x,
            y_px=y,
            width_px=width,
            height_px=height,
            rotation_deg=rotation,
            shown=bool(shown),
            drawn=shown != _RECKONED,
        )
