"""What the hands do and when: reach, grasp, lift, put down, clap; or one gesture. The labels of a take follow.

Tracks are key frames blended with a smooth step, so that positions and velocities have no jumps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rushes.errors import UsageError
from rushes.virtual.hand import GRIPS, Side
from rushes.virtual.motion import Array, Pose, apply, matmul, quaternion_of, rotation_of
from rushes.virtual.spec import RigSpec, generator

TABLE_TOP_M = 0.75
CUP_RADIUS_M = 0.036
CUP_HEIGHT_M = 0.095
FLASH_S = 0.05

GESTURES = ("wave", "pinch", "fist", "point", "victory", "thumb_up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Where a hand is at one time: seconds, wrist in the world, axes in the world, name of the grip."""

    at_s: float
    wrist_m: tuple[float, float, float]
    axes: Array
    grip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One hand through a take."""

    side: Side
    keys: tuple[Key, ...]

    def at(self, seconds: float) -> tuple[Pose, Array]:
        """Give T_world_hand and the grip's eight numbers."""
        keys = self.keys
        i = max(0, min(len(keys) - 2, sum(key.at_s <= seconds for key in keys) - 1))
        a, b = keys[i], keys[i + 1]
        x = min(1.0, max(0.0, (seconds - a.at_s) / (b.at_s - a.at_s)))
        share = x * x * (3.0 - 2.0 * x)
        wrist = (1 - share) * np.array(a.wrist_m) + share * np.array(b.wrist_m)
        grip = (1 - share) * GRIPS[a.grip].numbers() + share * GRIPS[b.grip].numbers()
        return Pose(rotation=_blend(a.axes, b.axes, share), translation=wrist), grip


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A subject does something to an object from one time to another (seconds, end excluded)."""

    subject: str
    verb: str
    object: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gesture:
    """A hand shows something from one time to another (seconds, end excluded)."""

    subject: str
    label: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All that happens in a take.

    Args:
        hands: A track for each hand.
        cup_m: Centre of the cup's foot on the table.
        carried_s: When the cup moves with the right hand, end excluded; None for never.
    """

    hands: tuple[Track, ...]
    cup_m: tuple[float, float, float]
    carried_s: tuple[float, float] | None
    relations: tuple[Relation, ...]
    gestures: tuple[Gesture, ...]

    def cup(self, seconds: float) -> Array:
        """Give the centre of the cup's foot."""
        foot = np.array(self.cup_m)
        if self.carried_s is None or seconds < self.carried_s[0]:
            return foot
        right = self.hands[0]
        taken = right.at(self.carried_s[0])[0].translation
        now = right.at(min(seconds, self.carried_s[1]))[0].translation
        return foot + now - taken


@lru_cache(maxsize=16)
def script_of(rig: RigSpec) -> Script:
    """Write the script that a rig names.

    Raises:
        UsageError: If there is no script of that name.
    """
    if rig.script == "drink":
        return _drink(rig)
    if rig.script in GESTURES:
        return _gesture(rig)
    raise UsageError(
        f"the virtual rig knows no script '{rig.script}'",
        code="virtual.no-script",
        hint="it knows " + ", ".join(("drink", *GESTURES)),
    )


_DRINK = {"go": 0.06, "there": 0.24, "shut": 0.33, "lift": 0.36, "top": 0.50, "hold": 0.58} | {
    "down": 0.70,
    "free": 0.76,
    "apart": 0.89,
}
"""When each step is reached, as a share of the time until the clap."""


def _drink(rig: RigSpec) -> Script:
    draw = generator(rig.seed, "script")
    until = rig.clap_s if rig.clap_s is not None else rig.seconds
    shift = draw.uniform(-0.02, 0.02, 4)
    cup = (0.03 + float(shift[0]), -0.09 + float(shift[1]), TABLE_TOP_M)
    size = rig.actor.hand_length_m / 0.193
    grasp_axes = rotation_of(np.pi / 2, -0.1, np.deg2rad(38.0) + float(shift[2]) * 4)
    holds = np.array([0.098 * size, 0.004, -(CUP_RADIUS_M + 0.014 * size)])
    wrist = np.array([cup[0], cup[1], cup[2] + 0.055]) - apply(grasp_axes, holds)
    ready = wrist + apply(grasp_axes, np.array([-0.05, 0.0, 0.035]))
    up = wrist + np.array([-0.05, 0.03, 0.13 + float(shift[3])])
    palm_down, facing = rotation_of(0.15, 0.05, 0.25), rotation_of(np.pi / 2, -0.55, 0.1)
    t = {name: share * until for name, share in _DRINK.items()}
    rest_right, rest_left = (-0.16, -0.24, 0.79), (-0.15, 0.24, 0.785)

    def key(at_s: float, place: Sequence[float] | Array, axes: Array, grip: str) -> Key:
        return Key(at_s=at_s, wrist_m=(float(place[0]), float(place[1]), float(place[2])), axes=axes, grip=grip)

    right = [key(0.0, rest_right, palm_down, "rest"), key(t["go"], rest_right, palm_down, "rest")]
    right += [key(t["there"], ready, grasp_axes, "ready"), key(t["shut"], wrist, grasp_axes, "hold")]
    right += [key(t["lift"], wrist, grasp_axes, "hold"), key(t["top"], up, grasp_axes, "hold")]
    right += [key(t["hold"], up, grasp_axes, "hold"), key(t["down"], wrist, grasp_axes, "hold")]
    right += [key(t["free"], ready, grasp_axes, "ready")]
    mirrored = rotation_of(-0.15, 0.05, -0.25)
    facing_left = rotation_of(-np.pi / 2, -0.55, -0.1)
    left = [key(0.0, rest_left, mirrored, "rest"), key(t["free"], rest_left, mirrored, "rest")]
    relations = [
        Relation(subject="hand_right", verb="reach", object="cup", from_s=t["go"], to_s=t["there"]),
        Relation(subject="hand_right", verb="grasp", object="cup", from_s=t["there"], to_s=t["shut"]),
        Relation(subject="hand_right", verb="hold", object="cup", from_s=t["shut"], to_s=t["down"]),
        Relation(subject="hand_right", verb="lift", object="cup", from_s=t["lift"], to_s=t["top"]),
        Relation(subject="hand_right", verb="release", object="cup", from_s=t["down"], to_s=t["free"]),
    ]
    gestures: list[Gesture] = []
    if rig.clap_s is None:
        right.append(key(rig.seconds, rest_right, palm_down, "rest"))
        left.append(key(rig.seconds, rest_left, mirrored, "rest"))
    else:
        skin = 0.0165 * size
        after = rig.clap_s + 0.3
        for keys, axes, side in ((right, facing, -1.0), (left, facing_left, 1.0)):
            keys.append(key(t["apart"], (-0.14, side * 0.13, 0.86), axes, "flat"))
            keys.append(key(rig.clap_s, (-0.12, side * skin, 0.87), axes, "flat"))
            keys.append(key(after, (-0.14, side * 0.15, 0.85), axes, "flat"))
        touch = Relation(
            subject="hand_right", verb="touch", object="hand_left", from_s=rig.clap_s, to_s=rig.clap_s + FLASH_S
        )
        relations.append(touch)
        gestures.append(Gesture(subject="hands", label="clap", from_s=t["apart"], to_s=min(after, rig.seconds)))
    return Script(
        hands=(Track(side="right", keys=tuple(right)), Track(side="left", keys=tuple(left))),
        cup_m=cup,
        carried_s=(t["shut"], t["down"]),
        relations=tuple(relations),
        gestures=tuple(gestures),
    )


def _gesture(rig: RigSpec) -> Script:
    draw = generator(rig.seed, "script")
    shift = draw.uniform(-0.015, 0.015, 3)
    place = (-0.10 + float(shift[0]), -0.02 + float(shift[1]), 0.89 + float(shift[2]))
    to_viewer = matmul(rotation_of(0.0, 0.0, np.pi), rotation_of(0.0, -np.pi / 2 - 0.25, 0.0))
    low = (place[0] - 0.08, place[1] - 0.10, place[2] - 0.07)
    first, last = 0.25 * rig.seconds, 0.85 * rig.seconds
    shown = "open" if rig.script == "wave" else rig.script
    axes = _TURNS[rig.script](to_viewer)
    keys = [Key(at_s=0.0, wrist_m=low, axes=to_viewer, grip="rest")]
    if rig.script == "wave":
        for i in range(9):
            swing = matmul(to_viewer, rotation_of(0.0, 0.0, 0.45 * (0, 1, 0, -1)[i % 4]))
            at = first + (last - first) * i / 8
            sideways = (place[0], place[1] + 0.05 * (0, 1, 0, -1)[i % 4], place[2])
            keys.append(Key(at_s=at, wrist_m=sideways, axes=swing, grip=shown))
    elif rig.script == "pinch":
        for i in range(5):
            at = first + (last - first) * i / 4
            keys.append(Key(at_s=at, wrist_m=place, axes=axes, grip="open" if i % 2 else "pinch"))
    else:
        keys += [Key(at_s=at, wrist_m=place, axes=axes, grip=shown) for at in (first, last)]
    keys.append(Key(at_s=rig.seconds, wrist_m=low, axes=to_viewer, grip="rest"))
    return Script(
        hands=(Track(side="right", keys=tuple(keys)),),
        cup_m=(-0.02, 0.30, TABLE_TOP_M),
        carried_s=None,
        relations=(),
        gestures=(Gesture(subject="hand_right", label=rig.script, from_s=first, to_s=last),),
    )


def _unturned(axes: Array) -> Array:
    return axes


def _sideways(axes: Array) -> Array:
    return matmul(axes, rotation_of(0.0, 0.0, 0.15 - np.pi / 2))


def _slanted(axes: Array) -> Array:
    return matmul(axes, rotation_of(0.5, 0.0, 0.0))


_TURNS: dict[str, Callable[[Array], Array]] = {
    "wave": _unturned,
    "pinch": _slanted,
    "fist": _unturned,
    "point": _unturned,
    "victory": _unturned,
    "thumb_up": _sideways,
}


def _blend(a: Array, b: Array, share: float) -> Array:
    """Blend two rotations on the shorter arc."""
    p, q = np.array(quaternion_of(a)), np.array(quaternion_of(b))
    dot = float((p * q).sum())
    w, x, y, z = (1 - share) * p + share * (q if dot >= 0 else -q)
    n = float(np.sqrt(w * w + x * x + y * y + z * z))
    w, x, y, z = w / n, x / n, y / n, z / n
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
