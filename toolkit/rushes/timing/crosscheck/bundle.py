"""How a camera turned while it followed points of a scene at rest: rotation told apart from translation.

A camera that shifts sideways sees much the same flow as one that turns, and the share of one in the other keeps in
phase with the motion: an offset found from it is wrong by tens of milliseconds, however long the recording. What
tells them apart is that the depth of a point stays the same over many frames. So all frames of a window are solved
together: a pose for each frame and an inverse depth for each point, by Gauss–Newton with the points eliminated
(bundle adjustment with the Schur complement), Cauchy weights, and weak priors that keep what cannot be seen small.

Image coordinates are normalised: pixels, less the principal point, over the focal length; x right, y down,
z forward.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

STEPS = 25
PRIOR_DEPTH = 0.7
"""Standard deviation of the inverse depths about their mean, which is 1: the scale of a scene cannot be seen."""
PRIOR_SHIFT = 1.0
"""Standard deviation of the translations, in mean depths."""
PRIOR_JOLT = 0.01
"""Standard deviation of the second differences of the translations from frame to frame, in mean depths: about
5 m/s² at 30 Hz and a depth of half a metre. The same forward and back in time, so that it moves nothing."""
FEW = 8
"""Points that a window needs at least."""
ROUNDS = 2
MOVING = 2.5
"""A point that is left over by more than this many times what is usual moves by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The poses of one window's frames.

    Args:
        rotation: Shape (frames, 3, 3); turns points of the first frame's axes into those of each frame.
        translation: Shape (frames, 3), in mean depths of the scene.
        inverse_depth: Shape (points,).
        points: Shape (frames,), how many points support each pose.
        spread: Robust standard deviation of what is left over, in normalised units; NaN without observations.
    """

    rotation: Array
    translation: Array
    inverse_depth: Array
    points: npt.NDArray[np.int64]
    spread: float


def adjust(
    observed: Array, seen: Flags, *, noise: float, trust: Array | None = None, steps: int = STEPS
) -> Bundle:
    """Find the poses of a window's frames from tracked points.

    Args:
        observed: Shape (frames, points, 2), normalised; the first frame is what the others are held against.
        seen: Shape (frames, points); what is not seen may hold anything. All points are seen in the first frame.
        trust: Shape (points, 2, 2), by which a point's residual is multiplied: less across than along what a track
            cannot tell; the identity if None.
        noise: Standard deviation to start with of one coordinate, normalised.
        steps: Most Gauss–Newton steps.
    """
    frames, count = seen.shape
    trust = np.tile(np.eye(2), (count, 1, 1)) if trust is None else trust
    rays = np.concatenate([observed[0], np.ones((count, 1))], axis=1)
    target = np.where(seen[..., None], observed, 0.0)
    state = _State(
        rotation=_begin(rays, target, seen, trust, noise),
        translation=np.zeros((frames, 3)),
        inverse_depth=np.ones(count),
    )
    state, left = _settled(state, rays, target, seen, trust, noise, steps)
    # Things that move by themselves, such as hands, are followed as well as the rest, and together they can pull.
    for _ in range(ROUNDS):
        kept = seen & _resting(left, seen)
        if kept.any(axis=0).sum() < FEW:
            break
        state, left = _settled(state, rays, target, kept, trust, noise, steps)
        seen = kept
    scale = _spread(left, seen, least=noise / 4)
    good = seen & ((left**2).sum(axis=-1) < (4.0 * scale) ** 2)
    return Bundle(
        rotation=state.rotation,
        translation=state.translation,
        inverse_depth=state.inverse_depth,
        points=good.sum(axis=1),
        spread=scale if seen.any() else float("nan"),
    )


def turned(rotation: Array) -> Array:
    """Give the camera's own turn from each frame to the next, as rotation vectors in the camera's axes.

    Args:
        rotation: Shape (frames, 3, 3), as in :class:`Bundle`.

    Returns:
        Shape (frames - 1, 3), radians. Points turn the other way round.
    """
    return -rotation_vectors(rotation[1:] @ np.swapaxes(rotation[:-1], -1, -2))


def rotation_vectors(rotation: Array) -> Array:
    """Give the rotation vectors of matrices (n, 3, 3), radians, for turns well below half a circle."""
    skew = np.stack(
        [
            rotation[:, 2, 1] - rotation[:, 1, 2],
            rotation[:, 0, 2] - rotation[:, 2, 0],
            rotation[:, 1, 0] - rotation[:, 0, 1],
        ],
        axis=-1,
    )
    sine = np.linalg.norm(skew, axis=-1) / 2
    cosine = (np.trace(rotation, axis1=1, axis2=2) - 1) / 2
    angle = np.arctan2(sine, cosine)
    small = sine < 1e-9
    return np.asarray(skew * np.where(small, 0.5, angle / np.where(small, 1.0, 2 * sine))[:, None])


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    rotation: Array
    translation: Array
    inverse_depth: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class _Normal:
    """Normal equations: ``poses`` (f-1, 6, 6), ``points`` (n,), ``cross`` (6 (f-1), n), and their right sides."""

    poses: Array
    points: Array
    cross: Array
    right_poses: Array
    right_points: Array


def _settled(
    state: _State, rays: Array, target: Array, seen: Flags, trust: Array, noise: float, steps: int
) -> tuple[_State, Array]:
    """Take Gauss–Newton steps until they gain nothing; give the state and what is left over."""
    damping = 1e-3
    left = _left(state, rays, target, trust)
    for number in range(steps):
        scale = _spread(left, seen, least=noise / 4)
        weights = seen / (1.0 + (left**2).sum(axis=-1) / (3.0 * scale) ** 2) / scale**2
        cost = _cost(state, left, weights)
        system = _normal(state, rays, left, weights, trust)
        for _ in range(6):
            trial = _stepped(state, system, damping)
            new = _left(trial, rays, target, trust)
            if _cost(trial, new, weights) <= cost:
                break
            damping *= 10.0
        else:
            break
        gain = (cost - _cost(trial, new, weights)) / max(cost, 1e-300)
        state, left, damping = trial, new, max(damping / 10.0, 1e-9)
        if gain < 1e-6 and number > 4:
            break
    return state, left


def _resting(left: Array, seen: Flags) -> Flags:
    """Tell which points keep their place in the scene: shape (points,)."""
    size = np.where(seen, np.sqrt((left**2).sum(axis=-1)), np.nan)
    counted = seen[1:].sum(axis=0) > 0
    middle = np.full(seen.shape[1], np.inf)
    middle[counted] = np.nanmedian(size[1:][:, counted], axis=0)
    usual = float(np.median(middle[counted])) if counted.any() else 0.0
    return np.asarray(middle <= MOVING * usual, np.bool_)


def _begin(rays: Array, target: Array, seen: Flags, trust: Array, noise: float) -> Array:
    """Give rotations to start from: each frame by itself, from the one before it, as if there were no translation.

    Frame by frame the robust weights follow what most points do; all at once, a hand that moves through the
    picture can win.
    """
    rotation = np.tile(np.eye(3), (len(seen), 1, 1))
    for frame in range(1, len(seen)):
        rotation[frame] = rotation[frame - 1]
        for _ in range(6):
            q = rays[seen[frame]] @ rotation[frame].T
            weigh = trust[seen[frame]]
            left = np.einsum("nij,nj->ni", weigh, q[:, :2] / q[:, 2:] - target[frame][seen[frame]])
            scale = max(noise, 1.4826 * float(np.median(np.linalg.norm(left, axis=1))) if len(left) else noise)
            weights = 1.0 / (1.0 + (left**2).sum(axis=1) / scale**2)
            x, y = q[:, 0] / q[:, 2], q[:, 1] / q[:, 2]
            by_turn = np.stack([np.stack([-x * y, 1 + x * x, -y], -1), np.stack([-1 - y * y, x * y, x], -1)], 1)
            by_turn = weigh @ by_turn
            normal = np.einsum("nij,nik,n->jk", by_turn, by_turn, weights) + np.eye(3) * 1e-9
            step = np.linalg.solve(normal, -np.einsum("nij,ni,n->j", by_turn, left, weights))
            rotation[frame] = _matrices(step[None])[0] @ rotation[frame]
            if float(np.abs(step).max()) < noise / 100:
                break
    return rotation


def _placed(state: _State, rays: Array) -> tuple[Array, Array]:
    """Give the rays turned into each frame, and the points there: shapes (frames, points, 3)."""
    turned_rays = np.einsum("fij,nj->fni", state.rotation, rays)
    return turned_rays, turned_rays + state.inverse_depth[None, :, None] * state.translation[:, None, :]


def _left(state: _State, rays: Array, target: Array, trust: Array) -> Array:
    _, at = _placed(state, rays)
    depth = np.maximum(at[..., 2:], 0.05)
    return np.asarray(np.einsum("nij,fnj->fni", trust, at[..., :2] / depth - target))


def _cost(state: _State, left: Array, weights: Array) -> float:
    data = float((weights * (left**2).sum(axis=-1)).sum())
    depth = float(((state.inverse_depth - 1) ** 2).sum()) / PRIOR_DEPTH**2
    shift = state.translation[1:]
    return data + depth + float(np.einsum("fi,fg,gi->", shift, _smooth(len(shift)), shift))


@cache
def _smooth(frames: int) -> Array:
    """Give the prior on the translations of the frames after the first, as a matrix over the frames."""
    second: Array = np.zeros((max(frames - 1, 0), frames + 1))
    for row in range(frames - 1):
        second[row, row : row + 3] = (1.0, -2.0, 1.0)
    free = second[:, 1:]  # the first frame's translation is 0
    return np.asarray(free.T @ free / PRIOR_JOLT**2 + np.eye(frames) / PRIOR_SHIFT**2)


def _normal(state: _State, rays: Array, left: Array, weights: Array, trust: Array) -> _Normal:
    turned_rays, at = _placed(state, rays)
    frames, count = weights.shape
    inverse = 1.0 / np.maximum(at[..., 2], 0.05)
    x, y = at[..., 0] * inverse, at[..., 1] * inverse
    zero = np.zeros_like(x)
    # Derivative of the image point by the point: shape (frames, points, 2, 3).
    by_point = (
        np.stack([np.stack([zero + 1, zero, -x], -1), np.stack([zero, zero + 1, -y], -1)], -2)
        * (inverse[..., None, None])
    )
    by_point = np.matmul(trust, by_point)
    by_turn = np.cross(turned_rays[..., None, :], by_point)  # row r of (-[q]x): r -> q x r
    by_shift = by_point * state.inverse_depth[None, :, None, None]
    by_pose = np.concatenate([by_turn, by_shift], axis=-1)[1:]
    by_depth = np.einsum("fnij,fj->fni", by_point, state.translation)[1:]
    w, r = weights[1:], left[1:]
    weighted = by_pose * w[..., None, None]
    poses = np.matmul(weighted.reshape(frames - 1, -1, 6).swapaxes(1, 2), by_pose.reshape(frames - 1, -1, 6))
    right_poses = -np.einsum("fnij,fni->fj", weighted, r)
    right_poses[:, 3:] -= _smooth(frames - 1) @ state.translation[1:]
    cross = np.einsum("fnij,fni->fjn", weighted, by_depth)
    points = (w[..., None] * by_depth**2).sum(axis=(0, 2)) + 1.0 / PRIOR_DEPTH**2
    right_points = -(w[..., None] * by_depth * r).sum(axis=(0, 2)) - (state.inverse_depth - 1) / PRIOR_DEPTH**2
    return _Normal(
        poses=poses,
        points=points,
        cross=cross.reshape(6 * (frames - 1), count),
        right_poses=right_poses,
        right_points=right_points,
    )


def _stepped(state: _State, system: _Normal, damping: float) -> _State:
    frames = len(state.rotation)
    points = system.points * (1 + damping)
    reduced = -(system.cross / points) @ system.cross.T
    for frame in range(frames - 1):
        block = slice(6 * frame, 6 * frame + 6)
        poses = system.poses[frame]
        reduced[block, block] += poses + np.diag(np.diag(poses) * damping + 1e-9)
    smooth = _smooth(frames - 1)
    for axis in (3, 4, 5):
        reduced[axis::6, axis::6] += smooth
    right = system.right_poses.reshape(-1) - (system.cross / points) @ system.right_points
    step = np.linalg.solve(reduced, right)
    depth = (system.right_points - system.cross.T @ step) / points
    pose = np.concatenate([np.zeros((1, 6)), step.reshape(-1, 6)])
    return _State(
        rotation=_matrices(pose[:, :3]) @ state.rotation,
        translation=state.translation + pose[:, 3:],
        inverse_depth=np.clip(state.inverse_depth + depth, -1.0, 20.0),
    )


def _matrices(vectors: Array) -> Array:
    """Give the matrices of rotation vectors (n, 3), by Rodrigues."""
    angle = np.linalg.norm(vectors, axis=-1)[:, None, None]
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(-1, 3, 3)
    near = angle < 1e-9
    safe = np.where(near, 1.0, angle)
    first = np.where(near, 1.0, np.sin(safe) / safe)
    second = np.where(near, 0.5, (1 - np.cos(safe)) / safe**2)
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))


def _spread(left: Array, seen: Flags, *, least: float) -> float:
    values = np.abs(left[1:][seen[1:]])
    return max(least, 1.4826 * float(np.median(values))) if values.size else least
