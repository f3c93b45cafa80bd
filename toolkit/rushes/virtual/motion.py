"""How the rig moves, and what an IMU on it feels: every derivative is analytic.

World: x forward, y left, z up, metres. Body axes of the rig are the same at rest. Angles are yaw, then pitch,
then roll (z, y', x''); positive pitch looks down.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.virtual.spec import GRAVITY_M_S2, MotionSpec, generator

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """A rigid transform: ``x_parent = rotation @ x_child + translation``; shapes (..., 3, 3) and (..., 3)."""

    rotation: Array
    translation: Array

    def then(self, child: "Pose") -> "Pose":
        """Give parent → grandchild from this (parent → child) and ``child`` (child → grandchild)."""
        return Pose(
            rotation=matmul(self.rotation, child.rotation),
            translation=apply(self.rotation, child.translation) + self.translation,
        )

    def inverse(self) -> "Pose":
        """Give the transform the other way."""
        back = np.swapaxes(self.rotation, -1, -2)
        return Pose(rotation=back, translation=-apply(back, self.translation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """The rig's motion, ready to be asked at any instants.

    Args:
        mean: Shape (6,): position in metres, then roll, pitch, yaw in radians.
        amplitude: Shape (6, k).
        omega: Shape (k,) rad/s.
        phase: Shape (6, k).
    """

    mean: Array
    amplitude: Array
    omega: Array
    phase: Array

    def pose(self, seconds: Array | float) -> Pose:
        """Give T_world_rig at instants of shape (n,), or at one."""
        state = self._state(seconds, 0)
        return Pose(rotation=rotation_of(state[..., 3], state[..., 4], state[..., 5]), translation=state[..., :3])

    def imu(self, seconds: Array, place: Pose) -> tuple[Array, Array]:
        """Give what an IMU mounted at ``place`` (T_rig_imu) measures at instants of shape (n,).

        Returns:
            Angular velocity in rad/s and specific force in m/s² (+9.81 upwards at rest), each shape (n, 3), in the
            IMU's own axes.
        """
        state, rate, second = (self._state(seconds, order) for order in (0, 1, 2))
        roll, pitch = state[:, 3], state[:, 4]
        turn = rotation_of(roll, pitch, state[:, 5])
        omega = _body_rate(roll, pitch, rate[:, 3:])
        alpha = _body_acceleration(roll, pitch, rate[:, 3:], second[:, 3:])
        upwards = second[:, :3] + np.array([0.0, 0.0, GRAVITY_M_S2])
        arm = np.broadcast_to(place.translation, omega.shape)
        force = apply(np.swapaxes(turn, -1, -2), upwards)
        force = force + np.cross(alpha, arm) + np.cross(omega, np.cross(omega, arm))
        own = place.rotation.T
        return apply(own, omega), apply(own, force)

    def _state(self, seconds: Array | float, order: int) -> Array:
        """Give position and angles, or their first or second derivative: shape (..., 6)."""
        t = np.asarray(seconds, np.float64)[..., None]
        columns = []
        for axis in range(6):
            angle = self.omega * t + self.phase[axis]
            scale = self.amplitude[axis] * self.omega**order
            wave = (np.sin(angle), np.cos(angle), -np.sin(angle))[order]
            columns.append((scale * wave).sum(axis=-1) + (self.mean[axis] if order == 0 else 0.0))
        return np.stack(columns, axis=-1)


def motion_of(spec: MotionSpec, seed: int) -> Motion:
    """Draw the phases of a motion."""
    count = len(spec.frequencies_hz)
    draw = generator(seed, "motion")
    omega = 2 * np.pi * np.array(spec.frequencies_hz, np.float64)
    falling = 1.0 / (1.0 + np.arange(count))
    size = np.array([spec.sway_m] * 3 + [np.deg2rad(spec.turn_deg)] * 3)
    return Motion(
        mean=np.array([*spec.place_m, *np.deg2rad(spec.heading_deg)]),
        amplitude=size[:, None] * falling[None, :],
        omega=omega,
        phase=draw.uniform(0.0, 2 * np.pi, (6, count)),
    )


def pose_from(numbers: tuple[float, float, float, float, float, float]) -> Pose:
    """Make a pose of x, y, z in metres and roll, pitch, yaw in degrees."""
    roll, pitch, yaw = np.deg2rad(numbers[3:])
    return Pose(rotation=rotation_of(roll, pitch, yaw), translation=np.array(numbers[:3], np.float64))


OPTICAL = Pose(rotation=np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), translation=np.zeros(3))
"""T_body_optical: from z forward, x right, y down to x forward, y left, z up."""


def rotation_of(roll: Array | float, pitch: Array | float, yaw: Array | float) -> Array:
    """Give the matrix of yaw, pitch and roll in radians: shape (..., 3, 3)."""
    cr, sr, cp, sp, cy, sy = (f(angle) for angle in (roll, pitch, yaw) for f in (np.cos, np.sin))
    rows = (
        (cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr),
        (sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr),
        (-sp, cp * sr, cp * cr),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternion_of(rotation: Array) -> tuple[float, float, float, float]:
    """Give w, x, y, z (w ≥ 0) of one rotation matrix, by Shepperd's method."""
    m = rotation
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    squares = np.array([1 + trace, *(1 - trace + 2 * m[i, i] for i in range(3))])
    table = (
        (squares[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]),
        (m[2, 1] - m[1, 2], squares[1], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]),
        (m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], squares[2], m[1, 2] + m[2, 1]),
        (m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[3]),
    )
    best = int(np.argmax(squares))
    scale = 0.5 / float(np.sqrt(squares[best])) * (-1.0 if table[best][0] < 0 else 1.0)
    w, x, y, z = (float(value) * scale for value in table[best])
    return w, x, y, z


def apply(rotation: Array, vectors: Array) -> Array:
    """Rotate vectors: shapes (..., 3, 3) and (..., 3), broadcast.

    Written out, because a linear algebra library rounds differently from one processor to the next.
    """
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack(
        [rotation[..., i, 0] * x + rotation[..., i, 1] * y + rotation[..., i, 2] * z for i in range(3)], -1
    )


def matmul(a: Array, b: Array) -> Array:
    """Multiply matrices of shape (..., 3, 3), for the same reason written out."""
    return np.stack([apply(a, b[..., :, j]) for j in range(3)], axis=-1)


def _body_rate(roll: Array, pitch: Array, rate: Array) -> Array:
    sr, cr, sp, cp = np.sin(roll), np.cos(roll), np.sin(pitch), np.cos(pitch)
    dr, dp, dy = rate[:, 0], rate[:, 1], rate[:, 2]
    return np.stack([dr - dy * sp, dp * cr + dy * sr * cp, dy * cp * cr - dp * sr], axis=-1)


def _body_acceleration(roll: Array, pitch: Array, rate: Array, second: Array) -> Array:
    sr, cr, sp, cp = np.sin(roll), np.cos(roll), np.sin(pitch), np.cos(pitch)
    dr, dp, dy = rate[:, 0], rate[:, 1], rate[:, 2]
    ddr, ddp, ddy = second[:, 0], second[:, 1], second[:, 2]
    x = ddr - ddy * sp - dy * dp * cp
    y = ddp * cr - dp * dr * sr + ddy * sr * cp + dy * dr * cr * cp - dy * dp * sr * sp
    z = ddy * cp * cr - dy * dp * sp * cr - dy * dr * cp * sr - ddp * sr - dp * dr * cr
    return np.stack([x, y, z], axis=-1)
