"""What stands in the room at an instant: walls, table, board, carton, ball, lamp, cup and hands."""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np

from rushes.virtual import hand, textures
from rushes.virtual.motion import Array, Pose, apply, rotation_of
from rushes.virtual.script import CUP_HEIGHT_M, CUP_RADIUS_M, FLASH_S, TABLE_TOP_M, script_of
from rushes.virtual.shapes import Ball, Box, Capsule, Cup, Shape
from rushes.virtual.spec import RigSpec

ROOM, TABLE, BOARD, CARTON, BALL, LAMP, CUP, HAND_RIGHT, HAND_LEFT, SLEEVE = range(10)
INSTANCES = ("room", "table", "board", "carton", "ball", "lamp", "cup", "hand_right", "hand_left", "sleeve")
"""Names of the instances, by their number in a picture's instance mask."""
CLASSES = {"board": "board", "carton": "box", "ball": "ball", "lamp": "lamp", "cup": "cup"} | {
    "hand_right": "hand",
    "hand_left": "hand",
}
"""Class of every instance that is labelled."""

_UP = np.array([0.0, 0.0, 1.0])
LIGHT_M = np.array([-0.2, 0.7, 2.3])
_BOARD_AT = Pose(
    rotation=rotation_of(0.0, 0.0, np.deg2rad(8.0)), translation=np.array([0.20, 0.13, TABLE_TOP_M + 0.002])
)
_BOARD_HALF_M = 0.5 * textures.BOARD_SQUARE_M * (np.array(textures.BOARD_SQUARES) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """One hand at an instant: keypoints in the world, shape (21, 3), and how deep each lies under the skin."""

    side: hand.Side
    instance: int
    keypoints_m: Array
    radii_m: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that can be seen at an instant.

    Args:
        shadows: Capsules (ends and radius) that shade the table.
        gain: How much brighter the flash makes everything.
        glowing: Instance that shines by itself, if any.
    """

    shapes: tuple[Shape, ...]
    hands: tuple[Hand, ...]
    shadows: tuple[tuple[Array, Array, float], ...] = field(default=())
    gain: float = 1.0
    glowing: int | None = None


def scene_at(rig: RigSpec, seconds: float) -> Scene:
    """Set up the scene at a true time.

    Args:
        rig: The take.
        seconds: Since its start.
    """
    script = script_of(rig)
    foot = script.cup(seconds)
    ball_at = np.array([-0.02, 0.06, TABLE_TOP_M + 0.034])
    rim = foot + np.array([0.0, 0.0, CUP_HEIGHT_M])
    shapes: list[Shape] = list(_furniture(rig.room_seed))
    shapes.append(
        Cup(instance=CUP, foot_m=foot, radius_m=CUP_RADIUS_M, height_m=CUP_HEIGHT_M, texture=_cup_side())
    )
    side = np.array([0.25, -0.97, 0.0]) * CUP_RADIUS_M
    out = side * 1.75
    bow = ((side, 0.074), (out, 0.066), (out, 0.036), (side, 0.026))
    handle = [foot + aside + _UP * height for aside, height in bow]
    blue = np.array([226.0, 232.0, 240.0])
    shapes += [Capsule(instance=CUP, a_m=a, b_m=b, radius_m=0.0055, color=blue) for a, b in pairwise(handle)]
    shadows = [(foot + _UP * 0.02, rim - _UP * 0.02, CUP_RADIUS_M * 0.95), (ball_at, ball_at, 0.034)]
    shadows.append(
        (np.array([0.33, -0.22, TABLE_TOP_M + 0.05]), np.array([0.33, -0.22, TABLE_TOP_M + 0.13]), 0.05)
    )
    hands = []
    for track in script.hands:
        pose, grip = track.at(seconds)
        seen, parts = _hand(rig, track.side, pose, grip)
        hands.append(seen)
        shapes += parts
        shadows += [(p.a_m, p.b_m, p.radius_m) for p in parts]
    flash = rig.clap_s is not None and rig.clap_s <= seconds < rig.clap_s + FLASH_S
    return Scene(
        shapes=tuple(shapes),
        hands=tuple(hands),
        shadows=tuple(shadows),
        gain=1.3 if flash else 1.0,
        glowing=LAMP if flash else None,
    )


def board_corners() -> Array:
    """Give the inner corners of the calibration board in the world: shape (6 * 4, 3), row by row."""
    columns, rows = textures.BOARD_SQUARES
    step = textures.BOARD_SQUARE_M
    grid = [
        ((j - rows / 2) * -step, (i - columns / 2) * step, 0.002)
        for j in range(1, rows)
        for i in range(1, columns)
    ]
    # On an upper face u runs along y and v against x.
    return apply(_BOARD_AT.rotation, np.array(grid)) + _BOARD_AT.translation


@lru_cache(maxsize=4)
def _furniture(seed: int) -> tuple[Shape, ...]:
    wall = textures.wallpaper(seed, "wall", (160, 240), color=(196, 202, 186), stripes=18)
    floor = textures.planks(seed, "floor", (240, 320), color=(150, 118, 88), boards=14)
    wood = textures.planks(seed, "table", (256, 320), color=(190, 146, 98), boards=5)
    edge = textures.planks(seed, "edge", (16, 64), color=(150, 108, 66), boards=1)
    print_ = textures.carton(seed, "carton", (96, 64), color=(70, 128, 150))
    plain = textures.bands((8, 8), color=(70, 128, 150), other=(70, 128, 150), count=1)
    white = textures.bands((4, 4), color=(236, 236, 236), other=(236, 236, 236), count=1)
    stripes = textures.bands((4, 64), color=(206, 58, 44), other=(240, 236, 226), count=5)
    black = textures.bands((4, 4), color=(46, 46, 50), other=(46, 46, 50), count=1)

    def standing(x: float, y: float, z: float, yaw_deg: float = 0.0) -> Pose:
        return Pose(rotation=rotation_of(0.0, 0.0, np.deg2rad(yaw_deg)), translation=np.array([x, y, z]))

    glass = textures.bands((4, 4), color=(120, 124, 110), other=(120, 124, 110), count=1)
    return (
        Box(
            instance=ROOM,
            pose=standing(0.6, 0.0, 1.4),
            half_m=np.array([2.2, 1.9, 1.4]),
            textures=(wall, wall, wall, wall, floor, white),
            outward=-1.0,
        ),
        Box(
            instance=TABLE,
            pose=standing(0.05, 0.0, TABLE_TOP_M - 0.02),
            half_m=np.array([0.45, 0.62, 0.02]),
            textures=(edge, edge, edge, edge, edge, wood),
        ),
        Box(
            instance=BOARD,
            pose=_BOARD_AT,
            half_m=np.array([_BOARD_HALF_M[1], _BOARD_HALF_M[0], 0.002]),
            textures=(white, white, white, white, white, textures.checkers()),
        ),
        Box(
            instance=CARTON,
            pose=standing(0.33, -0.22, TABLE_TOP_M + 0.09, 20.0),
            half_m=np.array([0.03, 0.06, 0.09]),
            textures=(print_, print_, plain, plain, plain, plain),
        ),
        Ball(
            instance=BALL,
            pose=Pose(
                rotation=rotation_of(0.5, 0.6, 0.0), translation=np.array([-0.02, 0.06, TABLE_TOP_M + 0.034])
            ),
            radius_m=0.034,
            texture=stripes,
        ),
        Box(
            instance=LAMP,
            pose=standing(0.34, 0.33, TABLE_TOP_M + 0.02),
            half_m=np.array([0.025, 0.025, 0.02]),
            textures=(black,) * 6,
        ),
        Ball(
            instance=LAMP,
            pose=standing(0.34, 0.33, TABLE_TOP_M + 0.062),
            radius_m=0.026,
            texture=glass,
        ),
    )


@lru_cache(maxsize=1)
def _cup_side() -> Array:
    return textures.ringed((48, 128), color=(232, 236, 242), ring=(44, 92, 168))


def _hand(rig: RigSpec, side: hand.Side, pose: Pose, grip: Array) -> tuple[Hand, list[Capsule]]:
    length = rig.actor.hand_length_m
    local = hand.keypoints(grip, length_m=length, side=side)
    points = apply(pose.rotation, local) + pose.translation
    instance = HAND_RIGHT if side == "right" else HAND_LEFT
    skin = np.array(rig.actor.skin, np.float64)
    parts = [
        Capsule(instance=instance, a_m=a, b_m=b, radius_m=radius, color=skin)
        for a, b, radius in hand.capsules(points, length_m=length)
    ]
    wrist = points[0]
    elbow = np.array([-0.62, -0.34 if side == "right" else 0.34, 0.80])
    arm = elbow - wrist
    arm = arm / np.sqrt((arm * arm).sum())
    size = length / hand.REFERENCE_LENGTH_M
    parts.append(
        Capsule(instance=instance, a_m=wrist, b_m=wrist + 0.035 * arm, radius_m=0.0215 * size, color=skin)
    )
    sleeve = np.array(rig.actor.sleeve, np.float64)
    parts.append(
        Capsule(
            instance=SLEEVE, a_m=wrist + 0.062 * arm, b_m=wrist + 0.5 * arm, radius_m=0.035 * size, color=sleeve
        )
    )
    return Hand(side=side, instance=instance, keypoints_m=points, radii_m=hand.joint_radii(length)), parts
