"""Geometry as Label Studio writes it, percent of the picture as shown ⇄ pixels of the stored picture.

A value is what stands under ``value`` of a result. Where a percent exists that reads back as the very same pixel,
that one is written.
"""

import math
from collections.abc import Mapping
from typing import Any

from rushes import masks
from rushes.annotate.label_studio import brush
from rushes.annotate.label_studio.orientation import Turn
from rushes.labels import Box, Geometry, Mask, Polygon, RotatedBox


def to_pixels(percent: float, size_px: int) -> float:
    """Give a length or place in pixels: percent of a picture's size."""
    return percent * size_px / 100


def to_percent(pixels: float, size_px: int) -> float:
    """Give the percent that reads back as these pixels; where there is none, the one that comes nearest.

    That is within one unit of the last digit, for 0 and for anything of at least 1e-300 pixels: below, the percent
    may be a subnormal number, which has fewer digits.
    """
    percent = pixels * 100 / size_px
    near = (percent, math.nextafter(percent, math.inf), math.nextafter(percent, -math.inf))
    return min(near, key=lambda tried: abs(to_pixels(tried, size_px) - pixels))


def box_of(value: Mapping[str, Any], turn: Turn) -> Box | RotatedBox:
    """Read a rectangle; a KeyError, TypeError or ValueError if it is none."""
    width, height = turn.shown_width_px, turn.shown_height_px
    x, y = to_pixels(value["x"], width), to_pixels(value["y"], height)
    wide, tall = to_pixels(value["width"], width), to_pixels(value["height"], height)
    rotation = value.get("rotation") or 0
    if rotation:
        return turn.rotated_box_stored(
            RotatedBox(x_px=x, y_px=y, width_px=wide, height_px=tall, rotation_deg=float(rotation))
        )
    return turn.box_stored(Box(x_px=x, y_px=y, width_px=wide, height_px=tall))


def polygon_of(value: Mapping[str, Any], turn: Turn) -> Polygon:
    """Read a polygon; an error as :func:`box_of`."""
    ring: list[float] = []
    for x, y in value["points"]:
        ring += turn.point_stored(to_pixels(x, turn.shown_width_px), to_pixels(y, turn.shown_height_px))
    return Polygon(rings=(tuple(ring),))


def mask_of(value: Mapping[str, Any], turn: Turn) -> Geometry:
    """Read a brush mask; an error as :func:`box_of`."""
    shown = brush.decode(value["rle"], width_px=turn.shown_width_px, height_px=turn.shown_height_px)
    return masks.encode(turn.pixels_stored(shown))


def point_of(value: Mapping[str, Any], turn: Turn) -> tuple[float, float]:
    """Read a point; an error as :func:`box_of`."""
    return turn.point_stored(
        to_pixels(value["x"], turn.shown_width_px), to_pixels(value["y"], turn.shown_height_px)
    )


def value_of(geometry: Geometry | None, turn: Turn) -> dict[str, Any]:
    """Write a box, rotated box, mask, or polygon of one ring."""
    back = turn.inverse()
    match geometry:
        case Box():
            shown = back.box_stored(geometry)
            return {**_corner_and_size(shown, turn), "rotation": 0}
        case RotatedBox():
            turned = back.rotated_box_stored(geometry)
            return {**_corner_and_size(turned, turn), "rotation": turned.rotation_deg}
        case Polygon(rings=(ring,)):
            corners = zip(ring[::2], ring[1::2], strict=True)
            return {"points": [list(point_value(x, y, turn).values()) for x, y in corners], "closed": True}
        case Mask():
            return {"format": "rle", "rle": brush.encode(back.pixels_stored(masks.decode(geometry)))}
    raise AssertionError(f"{type(geometry).__name__} has no such value")


def point_value(x_px: float, y_px: float, turn: Turn) -> dict[str, float]:
    """Write a point of the stored picture."""
    x, y = turn.point_shown(x_px, y_px)
    return {"x": to_percent(x, turn.shown_width_px), "y": to_percent(y, turn.shown_height_px)}


def _corner_and_size(box: Box | RotatedBox, turn: Turn) -> dict[str, float]:
    return {
        "x": to_percent(box.x_px, turn.shown_width_px),
        "y": to_percent(box.y_px, turn.shown_height_px),
        "width": to_percent(box.width_px, turn.shown_width_px),
        "height": to_percent(box.height_px, turn.shown_height_px),
    }
