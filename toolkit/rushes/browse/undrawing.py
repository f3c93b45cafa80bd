"""FiftyOne's labels → geometry, class and attributes of the dataset: what ``drawing`` and ``elements`` do, undone.

Only what a person changed of an element is read back, so that what was left alone stays to the last digit.
"""

import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, isclose, isnan, radians, sin
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import masks
from rushes.browse.elements import AS_GIVEN, TAKEN
from rushes.browse.pieces import alike
from rushes.labels import Box, Geometry, Keypoints, LabelKind, Mask, Polygon, RotatedBox

PREDICTED = "predicted_"
_KINDS: Mapping[str, LabelKind] = {
    "boxes": "box",
    "rotated_boxes": "rotated_box",
    "tracks": "track",
    "polygons": "polygon",
    "masks": "mask",
    "keypoints": "keypoints",
    "classes": "class",
    "texts": "text",
}
_DRAWN = ("bounding_box", "points", "mask", "visibility", "turn_deg")
_KEPT = (
    "label_id",
    "event_id",
    "author",
    "origin",
    "score",
    "confidence",
    "index",
    "instance",
    "rotation",
    "tags",
)
_ENOUGH_PX = 1e-6


class NotReadableError(ValueError):
    """A change that has no place in the dataset; the text says why, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What an element says, or what was changed of it.

    Args:
        kind: Of the label.
        geometry: None where it was left alone, or there is none.
        class_changed: Whether ``class_name`` is to be taken over.
        text_changed: Whether ``text`` is.
        attributes: By name, only those that were changed; None takes one away.
        dropped: Fields whose change has no place in the dataset.
    """

    kind: LabelKind
    geometry: Geometry | None = None
    class_changed: bool = False
    class_name: str | None = None
    text_changed: bool = False
    text: str | None = None
    attributes: Mapping[str, Any]
    dropped: Sequence[str] = ()


def kind_of(field: str, container: str, element: Mapping[str, Any]) -> LabelKind:
    """Say what kind of label an element of a field is."""
    name = field.removeprefix(PREDICTED)
    if name.startswith("keypoints_"):
        return "keypoints"
    if name in _KINDS:
        return _KINDS[name]
    if container == "Detections":
        return "mask" if element.get("mask") is not None else "box"
    plain: Mapping[str, LabelKind] = {"Polylines": "polygon", "Keypoints": "keypoints", "Classifications": "class"}
    return plain[container]


def read(
    kind: LabelKind,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    size: tuple[int, int] | None,
    names: Mapping[str, str],
) -> Read:
    """Read what was changed of an element.

    Args:
        kind: Of the label.
        before: The element as it was loaded; empty for a new one.
        after: As it is.
        size: Width and height of the stored picture in pixels.
        names: What an attribute is called, by the field that holds it, where that is called otherwise.

    Raises:
        NotReadableError: If the change has no place in the dataset.
    """
    changed = {key for key in {*before, *after} if not alike(before.get(key), after.get(key))}
    label = "class_name" if kind == "text" else "label"
    attributes, dropped = _attributes(changed - {"_id", "_cls", "attributes", "class_name", *_DRAWN}, after, names)
    return Read(
        kind=kind,
        geometry=_geometry(kind, after, size)
        if changed & {*_DRAWN} or (not before and kind in _WITH_PLACE)
        else None,
        class_changed=label in changed,
        class_name=after.get(label),
        text_changed=kind == "text" and "label" in changed,
        text=after.get("label") if kind == "text" else None,
        attributes=attributes,
        dropped=[] if not before else dropped,
    )


_WITH_PLACE = ("box", "rotated_box", "track", "polygon", "mask", "keypoints")


def _attributes(
    changed: set[str], after: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    dropped = []
    for key in sorted(changed):
        field = key.removesuffix(AS_GIVEN)
        if key in TAKEN or key in _KEPT:
            if key not in ("label", "closed", "filled"):
                dropped.append(key)
            continue
        value = after.get(key)
        values[names.get(field, field)] = json.loads(value) if value is not None and field != key else value
    return values, dropped


def _geometry(kind: LabelKind, element: Mapping[str, Any], size: tuple[int, int] | None) -> Geometry:
    if size is None:
        raise NotReadableError("nobody knows how large its picture is")
    width, height = size
    try:
        match kind:
            case "box":
                x, y, w, h = element["bounding_box"]
                return Box(x_px=x * width, y_px=y * height, width_px=w * width, height_px=h * height)
            case "rotated_box":
                return _turned(element["points"][0], width, height)
            case "polygon":
                if not element.get("closed", True):
                    raise NotReadableError("an open line is no outline")
                rings = [tuple(v for x, y in ring for v in (x * width, y * height)) for ring in element["points"]]
                if any(len(ring) < 6 for ring in rings) or not rings:
                    raise NotReadableError("an outline has three corners at least")
                return Polygon(rings=tuple(rings))
            case "mask":
                return _mask(element, width, height)
            case "keypoints":
                return _keypoints(element, width, height)
            case _:
                raise NotReadableError("a track is drawn over many pictures; change it in Label Studio")
    except (KeyError, TypeError, IndexError) as error:
        raise NotReadableError(f"its {kind} is not whole") from error


def _turned(corners: Sequence[Sequence[float]], width: int, height: int) -> RotatedBox:
    """Read four corners, the first being the one that the box is turned about."""
    points = [(x * width, y * height) for x, y in corners]
    if len(points) != 4:
        raise NotReadableError("a turned box has four corners")
    (x, y), (x1, y1), third, fourth = points
    w, h = hypot(x1 - x, y1 - y), hypot(fourth[0] - x, fourth[1] - y)
    turn = float(np.degrees(np.arctan2(y1 - y, x1 - x)))
    c, s = cos(radians(turn)), sin(radians(turn))
    wanted = [(x + c * w - s * h, y + s * w + c * h), (x - s * h, y + c * h)]
    near = max(w, h) * _ENOUGH_PX + _ENOUGH_PX
    for (a, b), (p, q) in zip(wanted, (third, fourth), strict=True):
        if not (isclose(a, p, abs_tol=near) and isclose(b, q, abs_tol=near)):
            raise NotReadableError("its corners are those of no rectangle any more")
    return RotatedBox(x_px=x, y_px=y, width_px=w, height_px=h, rotation_deg=turn % 360)


def _mask(element: Mapping[str, Any], width: int, height: int) -> Mask:
    """Lay the pixels of a mask into its bounds; where their sizes differ, the nearest pixel is taken."""
    stored = element.get("mask")
    if stored is None:
        raise NotReadableError("a mask needs its pixels in the database; one in a file cannot be read")
    array: npt.NDArray[Any] = np.load(io.BytesIO(zlib.decompress(stored)), allow_pickle=False)
    x, y, w, h = element["bounding_box"]
    left, top = round(x * width), round(y * height)
    across, down = max(round(w * width), 1), max(round(h * height), 1)
    rows = np.minimum((np.arange(down) * array.shape[0]) // down, array.shape[0] - 1)
    columns = np.minimum((np.arange(across) * array.shape[1]) // across, array.shape[1] - 1)
    part = array[rows][:, columns] != 0
    bits = np.zeros((height, width), np.bool_)
    inside = bits[max(top, 0) : top + down, max(left, 0) : left + across]
    inside[:] = part[max(-top, 0) :, max(-left, 0) :][: inside.shape[0], : inside.shape[1]]
    return masks.encode(bits)


def _keypoints(element: Mapping[str, Any], width: int, height: int) -> Keypoints:
    points = element["points"]
    seen = element.get("visibility") or []
    triples: list[float] = []
    for at, (x, y) in enumerate(points):
        if x is None or y is None or isnan(x) or isnan(y):
            triples += [0.0, 0.0, 0.0]
            continue
        v = seen[at] if at < len(seen) else 2
        triples += [x * width, y * height, float(v or 2)]
    return Keypoints(triples=tuple(triples))
