"""Shapes that rays can hit: boxes, balls, cups and capsules, each with its surface.

Rays are ``origin + t * direction``. Directions are not of unit length: a camera makes them so that t is the depth
along its optical axis. Shapes in metres, colours RGB 0–255.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rushes.virtual.motion import Array, Pose, apply
from rushes.virtual.textures import sample

FAR = np.inf
NEAR = 1e-4


class Shape(Protocol):
    """Something that can be seen."""

    @property
    def instance(self) -> int:
        """What it belongs to; 0 for the room."""
        ...

    def spheres(self) -> tuple[Array, Array] | None:
        """Give centres (n, 3) and radii (n,) whose hull holds the shape; None if it surrounds the camera."""
        ...

    def hit(self, origin: Array, directions: Array) -> Array:
        """Give t of the nearest hit of each ray of shape (n, 3): shape (n,), infinite where it misses."""
        ...

    def surface(self, points: Array) -> tuple[Array, Array]:
        """Give colour and outward normal at points of the surface: each shape (n, 3)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box; of a room the inside is seen.

    Args:
        half_m: Shape (3,), half its size.
        textures: Of the faces −x, +x, −y, +y, −z, +z.
        inside: 1.0 to see the outside, −1.0 to see the inside.
    """

    instance: int
    pose: Pose
    half_m: Array
    textures: tuple[Array, ...]
    outward: float = 1.0

    def spheres(self) -> tuple[Array, Array] | None:
        """Give its corners."""
        if self.outward < 0:
            return None
        return self.corners(), np.zeros(8)

    def corners(self) -> Array:
        """Give its corners in the world: shape (8, 3)."""
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
        return apply(self.pose.rotation, signs * self.half_m) + self.pose.translation

    def hit(self, origin: Array, directions: Array) -> Array:
        """Meet the ray with three slabs."""
        back = self.pose.inverse()
        start = apply(back.rotation, origin) + back.translation
        along = apply(back.rotation, directions)
        along = np.where(np.abs(along) < 1e-12, 1e-12, along)
        first = (-np.copysign(self.half_m, along) - start) / along
        last = (np.copysign(self.half_m, along) - start) / along
        enter = np.maximum(np.maximum(first[:, 0], first[:, 1]), first[:, 2])
        leave = np.minimum(np.minimum(last[:, 0], last[:, 1]), last[:, 2])
        t = enter if self.outward > 0 else leave
        return np.where((enter <= leave) & (t > NEAR), t, FAR)

    def surface(self, points: Array) -> tuple[Array, Array]:
        """Look up the face that each point lies on."""
        local = apply(self.pose.inverse().rotation, points - self.pose.translation) / self.half_m
        axis = np.argmax(np.abs(local), axis=1)
        sign = np.sign(local[np.arange(len(local)), axis])
        face = axis * 2 + (sign > 0)
        color = np.empty((len(points), 3))
        for number, texture in enumerate(self.textures):
            on = np.flatnonzero(face == number)
            if len(on):
                across, upward = ((1, 2), (0, 2), (1, 0))[number // 2]
                u, v = local[on, across] * 0.5 + 0.5, 0.5 - local[on, upward] * 0.5
                color[on] = sample(texture, u, v)
        normal = np.zeros((len(points), 3))
        normal[np.arange(len(points)), axis] = sign * self.outward
        return color, apply(self.pose.rotation, normal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball:
    """A ball; its texture wraps around the vertical of its own axes."""

    instance: int
    pose: Pose
    radius_m: float
    texture: Array

    def spheres(self) -> tuple[Array, Array]:
        """Give itself."""
        return self.pose.translation[None, :], np.array([self.radius_m])

    def hit(self, origin: Array, directions: Array) -> Array:
        """Solve the quadratic."""
        return _sphere(origin - self.pose.translation, directions, self.radius_m)

    def surface(self, points: Array) -> tuple[Array, Array]:
        """Look up by the local height, which needs no angle."""
        normal = (points - self.pose.translation) / self.radius_m
        local = apply(self.pose.inverse().rotation, normal)
        return sample(self.texture, local[:, 2] * 0.5 + 0.5, np.full(len(points), 0.5)), normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Cup:
    """An upright cylinder on its foot: a textured side and a dark top with a light rim."""

    instance: int
    foot_m: Array
    radius_m: float
    height_m: float
    texture: Array

    def spheres(self) -> tuple[Array, Array]:
        """Give foot and rim."""
        rim = self.foot_m + np.array([0.0, 0.0, self.height_m])
        return np.stack([self.foot_m, rim]), np.full(2, self.radius_m)

    def hit(self, origin: Array, directions: Array) -> Array:
        """Meet the side, then the top and the bottom."""
        start = origin - self.foot_m
        dx, dy, dz = directions.T
        a = dx * dx + dy * dy
        b = start[0] * dx + start[1] * dy
        c = start[0] ** 2 + start[1] ** 2 - self.radius_m**2
        root = b * b - a * c
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (-b - np.sqrt(root)) / a
            height = start[2] + t * dz
            t = np.where((root > 0) & (t > NEAR) & (height >= 0) & (height <= self.height_m), t, FAR)
            for level in (0.0, self.height_m):
                cap = (level - start[2]) / dz
                x, y = start[0] + cap * dx, start[1] + cap * dy
                t = np.where((cap > NEAR) & (x * x + y * y <= self.radius_m**2) & (cap < t), cap, t)
        return t

    def surface(self, points: Array) -> tuple[Array, Array]:
        """Wrap the texture round the side; the top is tea."""
        local = points - self.foot_m
        turn = np.arctan2(local[:, 1], local[:, 0]) / (2 * np.pi) + 0.5
        color = sample(self.texture, turn, 1.0 - local[:, 2] / self.height_m)
        normal = np.stack([local[:, 0], local[:, 1], np.zeros(len(local))], axis=-1) / self.radius_m
        flat = local[:, 0] ** 2 + local[:, 1] ** 2
        top = (local[:, 2] > self.height_m - 1e-7) & (flat < (self.radius_m - 1e-7) ** 2)
        color[top] = np.where(
            (flat[top] > (0.84 * self.radius_m) ** 2)[:, None], color[top] * 0 + 238.0, [92, 48, 20]
        )
        normal[top] = [0.0, 0.0, 1.0]
        return color, normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """All points within a radius of a segment, in one colour."""

    instance: int
    a_m: Array
    b_m: Array
    radius_m: float
    color: Array

    def spheres(self) -> tuple[Array, Array]:
        """Give both ends."""
        return np.stack([self.a_m, self.b_m]), np.full(2, self.radius_m)

    def hit(self, origin: Array, directions: Array) -> Array:
        """Meet the side, then both round ends."""
        axis = self.b_m - self.a_m
        start = origin - self.a_m
        length2 = float(axis[0] ** 2 + axis[1] ** 2 + axis[2] ** 2)
        if length2 < 1e-12:
            return _sphere(start, directions, self.radius_m)
        square, forward = dot(directions, directions), dot(directions, start)
        axis_dir, axis_start, start2 = dot(directions, axis), float(dot(start, axis)), float(dot(start, start))
        a = length2 * square - axis_dir * axis_dir
        b = length2 * forward - axis_start * axis_dir
        c = length2 * start2 - axis_start**2 - self.radius_m**2 * length2
        root = b * b - a * c
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (-b - np.sqrt(root)) / a
        along = axis_start + t * axis_dir
        side = (root > 0) & (along > 0) & (along < length2) & (t > NEAR)
        first = _round(square, forward, start2 - self.radius_m**2)
        last = _round(square, forward - axis_dir, start2 - 2 * axis_start + length2 - self.radius_m**2)
        return np.asarray(np.minimum(np.where(side, t, FAR), np.minimum(first, last)))

    def surface(self, points: Array) -> tuple[Array, Array]:
        """Give the one colour, and the direction away from the segment."""
        axis = self.b_m - self.a_m
        length2 = max(float(dot(axis, axis)), 1e-12)
        share = np.clip(dot(points - self.a_m, axis) / length2, 0.0, 1.0)
        normal = (points - self.a_m - share[:, None] * axis) / self.radius_m
        return np.broadcast_to(self.color, points.shape), normal


def _sphere(start: Array, directions: Array, radius: float) -> Array:
    return _round(dot(directions, directions), dot(directions, start), float(dot(start, start)) - radius**2)


def _round(a: Array, b: Array, c: float) -> Array:
    """Give the nearer root of a t² + 2 b t + c, where it lies ahead."""
    root = b * b - a * c
    with np.errstate(invalid="ignore"):
        t = (-b - np.sqrt(root)) / a
    return np.asarray(np.where((root > 0) & (t > NEAR), t, FAR))


def dot(a: Array, b: Array) -> Array:
    """Multiply vectors of shape (..., 3) to (...,)."""
    return np.asarray(a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2])
