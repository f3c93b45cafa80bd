"""What is to be seen in a picture: boxes from the instance mask, keypoints by projection and a depth test."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.virtual.hand import Side
from rushes.virtual.motion import Array
from rushes.virtual.render import Picture, Pinhole
from rushes.virtual.scene import CLASSES, INSTANCES, Hand, Scene

LEAST_PIXELS = 12
SKIN_SLACK_M = 0.006


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxLabel:
    """What is visible of one instance.

    Args:
        box_px: Left, top, right, bottom; edges of pixels, so that a single pixel (3, 5) is 2.5, 4.5, 3.5, 5.5.
    """

    instance: str
    label: str
    box_px: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLabel:
    """A hand's 21 keypoints.

    Args:
        points_px: Shape (21, 2), rounded to 0.01; may lie outside the picture.
        visible: Shape (21,): inside the picture, and nothing but the hand's own skin before it.
    """

    side: Side
    points_px: Array
    visible: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLabels:
    """All labels of one picture; instances of fewer than 12 visible pixels are left out."""

    boxes: tuple[BoxLabel, ...]
    hands: tuple[HandLabel, ...]


def label(scene: Scene, camera: Pinhole, picture: Picture) -> FrameLabels:
    """Label a picture that was rendered from the scene."""
    boxes = []
    for number, instance in enumerate(INSTANCES):
        if instance not in CLASSES:
            continue
        mask = picture.instance == number
        if int(mask.sum()) < LEAST_PIXELS:
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5)
        boxes.append(BoxLabel(instance=instance, label=CLASSES[instance], box_px=tuple(float(x) for x in box)))  # type: ignore[arg-type]  # four of them
    seen = {box.instance for box in boxes}
    hands = tuple(_hand(hand, camera, picture) for hand in scene.hands if INSTANCES[hand.instance] in seen)
    return FrameLabels(boxes=tuple(boxes), hands=hands)


def _hand(hand: Hand, camera: Pinhole, picture: Picture) -> HandLabel:
    points, depth = camera.project(hand.keypoints_m)
    points = np.round(points, 2)
    column, row = np.rint(points).astype(np.intp).T
    inside = (depth > 0) & (column >= 0) & (column < camera.width_px) & (row >= 0) & (row < camera.height_px)
    column, row = np.where(inside, column, 0), np.where(inside, row, 0)
    own = picture.instance[row, column] == hand.instance
    near = depth - picture.depth_m[row, column] <= hand.radii_m + SKIN_SLACK_M
    return HandLabel(side=hand.side, points_px=points, visible=inside & own & near)
