"""A pinhole camera's picture of a scene, by casting a ray through every pixel.

Pixel (0, 0) is the centre of the first one. Depth is along the optical axis, in metres, exact. Colour is RGB; only
edges are cast again with four rays a pixel, so that they are smooth. Nothing here depends on the processor: plain
sums and products, no linear algebra library.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.virtual.motion import Array, Pose, apply
from rushes.virtual.scene import BOARD, HAND_LEFT, HAND_RIGHT, LIGHT_M, ROOM, SLEEVE, TABLE, Scene
from rushes.virtual.script import TABLE_TOP_M
from rushes.virtual.shapes import Shape, dot

Bound: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom of a rectangle of pixels."""
OUTLINE_M = 0.012
SUBPIXELS = np.array([(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinhole:
    """A camera at an instant.

    Args:
        width_px, height_px: Of its picture.
        focal_px: Focal length, the same both ways; the principal point is the picture's centre.
        pose: T_world_optical; z forward, x right, y down.
    """

    width_px: int
    height_px: int
    focal_px: float
    pose: Pose

    @property
    def center_px(self) -> tuple[float, float]:
        """Give the principal point."""
        return (self.width_px - 1) / 2, (self.height_px - 1) / 2

    def project(self, points: Array) -> tuple[Array, Array]:
        """Give pixel coordinates (n, 2) and depth (n,) of world points (n, 3).

        The coordinates mean nothing where the depth is not positive.
        """
        back = self.pose.inverse()
        local = apply(back.rotation, points) + back.translation
        z = np.where(np.abs(local[:, 2]) < 1e-9, 1e-9, local[:, 2])
        cx, cy = self.center_px
        return np.stack([self.focal_px * local[:, 0] / z + cx, self.focal_px * local[:, 1] / z + cy], -1), local[
            :, 2
        ]

    def rays(self, u: Array, v: Array) -> Array:
        """Give world directions of pixels whose optical component is 1: shape (n, 3)."""
        cx, cy = self.center_px
        local = np.stack([(u - cx) / self.focal_px, (v - cy) / self.focal_px, np.ones_like(u)], axis=-1)
        return apply(self.pose.rotation, local)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a camera sees.

    Args:
        color: Shape (h, w, 3), RGB 0–255 as float64, or None where only depth was asked for.
        depth_m: Shape (h, w).
        instance: Shape (h, w), numbers as in :data:`rushes.virtual.scene.INSTANCES`.
    """

    color: Array | None
    depth_m: Array
    instance: npt.NDArray[np.uint8]


def render_depth(scene: Scene, camera: Pinhole) -> Picture:
    """Cast one ray a pixel; no colour."""
    view = _View(scene, camera)
    depth, which = view.cast(view.grid())
    return view.picture(depth, which, None)


def render_color(scene: Scene, camera: Pinhole) -> Picture:
    """Cast one ray a pixel, four at edges."""
    view = _View(scene, camera)
    grid = view.grid()
    depth, which = view.cast(grid)
    color = view.shade(grid, depth, which)
    plain = view.picture(depth, which, None)
    edge = _edges(plain.instance, plain.depth_m)
    if len(edge):
        u = (grid.u[edge] + SUBPIXELS[:, :1]).ravel()
        v = (grid.v[edge] + SUBPIXELS[:, 1:]).ravel()
        finer = _Rays(u, v, camera, width=0)
        parts = view.shade(finer, *view.cast(finer)).reshape(len(SUBPIXELS), len(edge), 3)
        color[edge] = (parts[0] + parts[1] + parts[2] + parts[3]) / len(SUBPIXELS)
    return view.picture(depth, which, color)


class _Rays:
    """Rays through pixel places; ``width`` is that of a full grid in reading order, 0 where they are none."""

    def __init__(self, u: Array, v: Array, camera: Pinhole, *, width: int) -> None:
        self.u, self.v, self.width = u, v, width
        self.directions = camera.rays(u, v)

    def within(self, bound: Bound) -> npt.NDArray[np.intp]:
        """Give the rays inside a rectangle of pixels."""
        left, top, right, bottom = bound
        if not self.width:
            return np.flatnonzero((self.u >= left) & (self.u <= right) & (self.v >= top) & (self.v <= bottom))
        height = len(self.u) // self.width
        columns = np.arange(max(0, int(np.ceil(left))), min(self.width, int(np.floor(right)) + 1))
        rows = np.arange(max(0, int(np.ceil(top))), min(height, int(np.floor(bottom)) + 1))
        return (rows[:, None] * self.width + columns[None, :]).ravel()


class _View:
    """A scene as one camera sees it: where on the picture each shape and shadow can be, worked out once."""

    def __init__(self, scene: Scene, camera: Pinhole) -> None:
        self.scene, self.camera = scene, camera
        self.bounds = _bounds([shape.spheres() for shape in scene.shapes], camera)
        self.shadows = [_Shadow(*shadow) for shadow in scene.shadows]
        self.shadow_bounds = _bounds([shadow.spheres() for shadow in self.shadows], camera)

    def grid(self) -> _Rays:
        """Give a ray for each pixel."""
        v, u = np.divmod(np.arange(self.camera.width_px * self.camera.height_px), self.camera.width_px)
        return _Rays(u.astype(np.float64), v.astype(np.float64), self.camera, width=self.camera.width_px)

    def cast(self, rays: _Rays) -> tuple[Array, npt.NDArray[np.intp]]:
        """Give depth and the number of the nearest shape for each ray."""
        origin = self.camera.pose.translation
        depth = np.full(len(rays.u), np.inf)
        which = np.zeros(len(rays.u), np.intp)
        for number, (shape, bound) in enumerate(zip(self.scene.shapes, self.bounds, strict=True)):
            inside = rays.within(bound)
            if len(inside):
                t = shape.hit(origin, rays.directions[inside])
                nearer = t < depth[inside]
                depth[inside[nearer]], which[inside[nearer]] = t[nearer], number
        return depth, which

    def shade(self, rays: _Rays, depth: Array, which: npt.NDArray[np.intp]) -> Array:
        """Give the colour of what each ray hit."""
        color = np.empty((len(rays.u), 3))
        points = self.camera.pose.translation + depth[:, None] * rays.directions
        order = np.argsort(which, kind="stable")
        starts = np.searchsorted(which[order], np.arange(len(self.scene.shapes) + 1))
        names = np.array([shape.instance for shape in self.scene.shapes], np.uint8)[which]
        shadow = self._shadow(rays, points, (names == TABLE) | (names == BOARD))
        for number, shape in enumerate(self.scene.shapes):
            on = order[starts[number] : starts[number + 1]]
            if not len(on):
                continue
            lit = self._lit(shape, points[on])
            color[on] = lit * shadow[on, None] if shape.instance in (TABLE, BOARD) else lit
        return np.clip(color * self.scene.gain, 0.0, 255.0)

    def picture(self, depth: Array, which: npt.NDArray[np.intp], color: Array | None) -> Picture:
        """Bring flat arrays into the picture's shape."""
        size = self.camera.height_px, self.camera.width_px
        names = np.array([shape.instance for shape in self.scene.shapes], np.uint8)
        return Picture(
            color=None if color is None else color.reshape(*size, 3),
            depth_m=depth.reshape(size),
            instance=names[which].reshape(size),
        )

    def _lit(self, shape: Shape, points: Array) -> Array:
        albedo, normal = shape.surface(points)
        if shape.instance == self.scene.glowing:
            return np.full(albedo.shape, 255.0)
        to_light = LIGHT_M - points
        facing = np.maximum(dot(normal, to_light) / np.sqrt(dot(to_light, to_light)), 0.0)
        light = 0.5 + 0.55 * facing
        if shape.instance in (HAND_RIGHT, HAND_LEFT, SLEEVE):  # darker outlines make fingers readable
            view = self.camera.pose.translation - points
            towards = dot(normal, view) / np.sqrt(dot(view, view))
            light = light * (0.62 + 0.38 * np.clip(towards * 1.6, 0.0, 1.0))
        return np.asarray(albedo * light[:, None])

    def _shadow(self, rays: _Rays, points: Array, table: npt.NDArray[np.bool_]) -> Array:
        """Give 1 in the light and less under things, for the points that are on the table."""
        shade = np.ones(len(points))
        for shadow, bound in zip(self.shadows, self.shadow_bounds, strict=True):
            near = rays.within(bound)
            near = near[table[near]]
            if len(near):
                shade[near] = np.minimum(shade[near], shadow.darkness(points[near]))
        return shade


class _Shadow:
    """The shadow of a capsule on the table: softer the higher it is."""

    def __init__(self, a: Array, b: Array, radius: float) -> None:
        self.ends = np.stack([_fallen(a), _fallen(b)])
        self.radius = radius
        self.soft = radius * 0.35 + 0.12 * max(0.0, float(a[2] + b[2]) / 2 - TABLE_TOP_M)

    def spheres(self) -> tuple[Array, Array]:
        return self.ends, np.full(2, self.radius + self.soft)

    def darkness(self, points: Array) -> Array:
        x, y = points[:, 0] - self.ends[0, 0], points[:, 1] - self.ends[0, 1]
        ax, ay = self.ends[1, :2] - self.ends[0, :2]
        share = np.clip((x * ax + y * ay) / max(float(ax * ax + ay * ay), 1e-12), 0.0, 1.0)
        x, y = x - share * ax, y - share * ay
        far = np.clip((np.sqrt(x * x + y * y) - (self.radius - self.soft)) / (2 * self.soft), 0.0, 1.0)
        return np.asarray(0.58 + 0.42 * far * far * (3.0 - 2.0 * far))


def _fallen(point: Array) -> Array:
    """Give where a point's shadow falls on the table."""
    share = (LIGHT_M[2] - TABLE_TOP_M) / max(LIGHT_M[2] - float(point[2]), 0.2)
    return np.asarray(LIGHT_M + (point - LIGHT_M) * share)


def _bounds(hulls: Sequence[tuple[Array, Array] | None], camera: Pinhole) -> list[Bound]:
    """Give the rectangle of pixels outside which no ray meets a hull of spheres."""
    whole = (-1.0, -1.0, float(camera.width_px), float(camera.height_px))
    nothing = (0.0, 0.0, -1.0, -1.0)
    known = [hull for hull in hulls if hull is not None]
    if not known:
        return [whole] * len(hulls)
    radii = np.concatenate([hull[1] for hull in known])
    at, z = camera.project(np.concatenate([hull[0] for hull in known]))
    cx, cy = camera.center_px
    # A ball's outline reaches further than its radius at its depth, the more the farther from the axis.
    wide = 1.0 + np.maximum(np.abs(at[:, 0] - cx), np.abs(at[:, 1] - cy)) / camera.focal_px
    reach = (camera.focal_px * radii / np.maximum(z - radii, 1e-3) * wide + 1.0)[:, None]
    low, high = at - reach, at + reach
    bounds: list[Bound] = []
    first = 0
    for hull in hulls:
        if hull is None:
            bounds.append(whole)
            continue
        mine = slice(first, first + len(hull[1]))
        first += len(hull[1])
        if bool((z[mine] - radii[mine] <= 0.02).any()):  # beside or behind the camera: no bound, or nothing
            bounds.append(whole if bool((z[mine] + radii[mine] > 0.0).any()) else nothing)
            continue
        left, top = (float(x) for x in low[mine].min(axis=0))
        right, bottom = (float(x) for x in high[mine].max(axis=0))
        bounds.append((left, top, right, bottom))
    return bounds


def _edges(instance: npt.NDArray[np.uint8], depth: Array) -> npt.NDArray[np.intp]:
    """Find pixels at an outline: beside another instance, or beside the same one some way off. As flat numbers."""
    edge = np.zeros(depth.shape, np.bool_)
    beside = (instance[:, 1:] != instance[:, :-1]) | (np.abs(depth[:, 1:] - depth[:, :-1]) > OUTLINE_M)
    below = (instance[1:] != instance[:-1]) | (np.abs(depth[1:] - depth[:-1]) > OUTLINE_M)
    beside &= (instance[:, 1:] != ROOM) | (instance[:, :-1] != ROOM)
    below &= (instance[1:] != ROOM) | (instance[:-1] != ROOM)
    edge[:, 1:] |= beside
    edge[:, :-1] |= beside
    edge[1:] |= below
    edge[:-1] |= below
    return np.flatnonzero(edge)
