"""A hand of 21 keypoints: its shape, its poses, and the capsules that make it visible.

Hand axes: origin at the wrist, x along the middle finger, y to the thumb's side, z out of the back of the hand,
for a right hand; a left hand is the mirror image (y the other way). Keypoints are in the order of MediaPipe and
COCO hands: wrist, thumb 1–4, index 1–4, middle 1–4, ring 1–4, little 1–4, each from the palm to the tip.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rushes.virtual.motion import Array, apply, rotation_of

Side = Literal["right", "left"]

KEYPOINTS = (
    "wrist",
    *(f"{finger}_{joint}" for finger in ("thumb", "index", "middle", "ring", "little") for joint in (1, 2, 3, 4)),
)
BONES = tuple((0 if j % 4 == 1 else j - 1, j) for j in range(1, 21))
REFERENCE_LENGTH_M = 0.193

_KNUCKLES = np.array([[0.092, 0.027, 0.0], [0.095, 0.005, 0.002], [0.089, -0.016, 0.0], [0.080, -0.035, -0.004]])
_PHALANGES = np.array([[0.044, 0.026, 0.021], [0.048, 0.029, 0.021], [0.044, 0.028, 0.021], [0.035, 0.021, 0.019]])
_SPREAD = np.array([1.0, 0.15, -0.6, -1.3])
_FLEX_DEG = np.array([72.0, 100.0, 62.0])
_THUMB_BASE = np.array([0.024, 0.026, -0.010])
_THUMB_BONES = np.array([0.043, 0.033, 0.027])
_THUMB_FLEX_DEG = np.array([12.0, 45.0, 60.0])
_FINGER_RADII = np.array([0.0100, 0.0088, 0.0078])
_THUMB_RADII = np.array([0.0135, 0.0115, 0.0095])
_PALM_RADIUS = 0.0145


@dataclass(frozen=True, slots=True, kw_only=True)
class Grip:
    """How the fingers stand.

    Args:
        curl: Thumb, index, middle, ring, little; 0 straight, 1 closed.
        spread_deg: Angle between neighbouring fingers, about.
        thumb_out_deg: Of the thumb away from the index finger.
        thumb_roll_deg: Of the thumb across the palm; 90 faces the fingers.
    """

    curl: tuple[float, float, float, float, float]
    spread_deg: float = 5.0
    thumb_out_deg: float = 38.0
    thumb_roll_deg: float = 30.0

    def numbers(self) -> Array:
        """Give the eight numbers, so that grips can be blended."""
        return np.array([*self.curl, self.spread_deg, self.thumb_out_deg, self.thumb_roll_deg])


GRIPS = {
    "open": Grip(curl=(0.0, 0.03, 0.03, 0.03, 0.05), spread_deg=9.0, thumb_out_deg=50.0),
    "flat": Grip(curl=(0.05, 0.04, 0.04, 0.04, 0.05), spread_deg=3.0, thumb_out_deg=30.0, thumb_roll_deg=10.0),
    "rest": Grip(curl=(0.2, 0.24, 0.28, 0.32, 0.34), spread_deg=5.0),
    "ready": Grip(curl=(0.05, 0.22, 0.22, 0.24, 0.26), spread_deg=6.0, thumb_out_deg=42.0, thumb_roll_deg=75.0),
    "hold": Grip(curl=(0.45, 0.50, 0.50, 0.52, 0.54), spread_deg=4.0, thumb_out_deg=40.0, thumb_roll_deg=85.0),
    "fist": Grip(curl=(0.85, 1.0, 1.0, 1.0, 1.0), spread_deg=1.0, thumb_out_deg=32.0, thumb_roll_deg=65.0),
    "point": Grip(curl=(0.8, 0.0, 0.95, 1.0, 1.0), spread_deg=1.0, thumb_out_deg=30.0, thumb_roll_deg=65.0),
    "pinch": Grip(curl=(0.42, 0.50, 0.20, 0.16, 0.14), spread_deg=7.0, thumb_out_deg=33.0, thumb_roll_deg=70.0),
    "victory": Grip(curl=(0.85, 0.0, 0.0, 1.0, 1.0), spread_deg=16.0, thumb_out_deg=25.0, thumb_roll_deg=70.0),
    "thumb_up": Grip(curl=(0.0, 1.0, 1.0, 1.0, 1.0), spread_deg=1.0, thumb_out_deg=80.0, thumb_roll_deg=0.0),
}


def keypoints(grip: Array, *, length_m: float, side: Side) -> Array:
    """Place the 21 keypoints of a grip in hand axes.

    Args:
        grip: Shape (8,), as :meth:`Grip.numbers` gives.
        length_m: Wrist to the tip of the straight middle finger.
        side: Which hand.

    Returns:
        Shape (21, 3), metres.
    """
    points = np.zeros((21, 3))
    out, roll = np.deg2rad(grip[6]), np.deg2rad(grip[7])
    thumb = rotation_of(roll, np.deg2rad(15.0), out)
    points[1] = _THUMB_BASE
    for j in range(3):
        flex = np.deg2rad(grip[0] * _THUMB_FLEX_DEG[: j + 1].sum())
        points[2 + j] = points[1 + j] + _THUMB_BONES[j] * apply(
            thumb, np.array([np.cos(flex), -np.sin(flex), 0.0])
        )
    for finger in range(4):
        first = 5 + 4 * finger
        points[first] = _KNUCKLES[finger]
        aside = np.deg2rad(grip[5] * _SPREAD[finger]) * (1.0 - 0.8 * grip[1 + finger])
        for j in range(3):
            flex = np.deg2rad(grip[1 + finger] * _FLEX_DEG[: j + 1].sum())
            forward = np.cos(flex)
            direction = np.array([forward * np.cos(aside), forward * np.sin(aside), -np.sin(flex)])
            points[first + 1 + j] = points[first + j] + _PHALANGES[finger, j] * direction
    points *= length_m / REFERENCE_LENGTH_M
    if side == "left":
        points[:, 1] *= -1.0
    return points


def joint_radii(length_m: float) -> Array:
    """Give how deep each keypoint lies below the skin: shape (21,), metres."""
    radii = np.empty(21)
    radii[0] = 0.022
    radii[1:5] = [*_THUMB_RADII, _THUMB_RADII[2]]
    for finger in range(4):
        radii[5 + 4 * finger : 9 + 4 * finger] = [_PALM_RADIUS, *_FINGER_RADII[1:], _FINGER_RADII[2]]
    return radii * (length_m / REFERENCE_LENGTH_M)


def capsules(points: Array, *, length_m: float) -> list[tuple[Array, Array, float]]:
    """Cover a hand's keypoints with capsules.

    Args:
        points: Shape (21, 3), in any axes.
        length_m: As in :func:`keypoints`.

    Returns:
        Both ends and the radius of each, metres.
    """
    size = length_m / REFERENCE_LENGTH_M
    parts = [(points[0], points[1], 0.0165), (points[1], points[5], 0.0125)]
    parts += [(points[1 + j], points[2 + j], float(_THUMB_RADII[j])) for j in range(3)]
    for finger in range(4):
        first = 5 + 4 * finger
        parts.append((points[0], points[first], _PALM_RADIUS))
        parts += [(points[first + j], points[first + j + 1], float(_FINGER_RADII[j])) for j in range(3)]
    parts += [(points[5 + 4 * f], points[9 + 4 * f], 0.0125) for f in range(3)]
    return [(a, b, radius * size) for a, b, radius in parts]
