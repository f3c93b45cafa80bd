"""The rig's motion and what an IMU on it feels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.virtual.motion import OPTICAL, matmul, motion_of, pose_from, quaternion_of, rotation_of
from rushes.virtual.spec import GRAVITY_M_S2, MotionSpec

LIVELY = MotionSpec(sway_m=0.1, turn_deg=15.0, heading_deg=(10.0, 30.0, -50.0))
PLACE = pose_from((0.05, -0.03, 0.08, 20.0, -40.0, 100.0))
STEP = 1e-4
seeds = st.integers(0, 2**31)


def skew(w: np.ndarray) -> np.ndarray:
    return np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])


def rotated(w: np.ndarray) -> np.ndarray:
    """Rodrigues."""
    angle = float(np.linalg.norm(w))
    k = skew(w / angle) if angle else np.zeros((3, 3))
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


@settings(max_examples=15)
@given(seeds)
def test_the_gyro_integrates_to_the_rotation(seed: int) -> None:
    motion = motion_of(LIVELY, seed)
    edges = np.arange(0, 2001) * 1e-3
    gyro, _ = motion.imu((edges[:-1] + edges[1:]) / 2, PLACE)
    turned = motion.pose(0.0).then(PLACE).rotation
    for rate in gyro:
        turned = turned @ rotated(rate * 1e-3)
    assert np.abs(turned - motion.pose(2.0).then(PLACE).rotation).max() < 2e-6


@settings(max_examples=15)
@given(seeds)
def test_the_accelerometer_less_gravity_integrates_twice_to_the_position(seed: int) -> None:
    motion = motion_of(LIVELY, seed)
    t = np.arange(0, 3001) * STEP
    poses = motion.pose(t).then(PLACE)
    _, force = motion.imu(t, PLACE)
    world = np.einsum("nij,nj->ni", poses.rotation, force) - [0, 0, GRAVITY_M_S2]
    speed = np.concatenate([np.zeros((1, 3)), np.cumsum((world[1:] + world[:-1]) / 2 * STEP, axis=0)])
    begins = (poses.translation[1] - poses.translation[0]) / STEP - world[0] * STEP / 2
    moved = np.cumsum((speed[1:] + speed[:-1]) / 2 * STEP, axis=0)[-1] + begins * t[-1]
    assert np.abs(moved - (poses.translation[-1] - poses.translation[0])).max() < 2e-6


def test_a_rig_at_rest_feels_gravity_upwards_and_no_turn() -> None:
    still = MotionSpec(frequencies_hz=(), heading_deg=(0.0, 0.0, 70.0))
    gyro, force = motion_of(still, 1).imu(np.array([0.0, 1.0]), pose_from((0.1, 0.2, 0.3, 0, 0, 0)))
    assert np.abs(gyro).max() == 0.0
    assert np.allclose(force, [0, 0, GRAVITY_M_S2], atol=1e-12)


@given(st.floats(-3, 3), st.floats(-1.5, 1.5), st.floats(-3, 3))
def test_a_quaternion_means_the_same_rotation(roll: float, pitch: float, yaw: float) -> None:
    turn = rotation_of(roll, pitch, yaw)
    w, x, y, z = quaternion_of(turn)
    v = np.array([x, y, z])
    back = np.eye(3) + 2 * w * skew(v) + 2 * skew(v) @ skew(v)
    assert w >= 0
    assert np.allclose(turn, back, atol=1e-12)
    assert np.allclose(matmul(turn, OPTICAL.rotation), turn @ OPTICAL.rotation)


def test_optical_axes_look_along_x_with_y_down() -> None:
    assert OPTICAL.rotation @ [0, 0, 1] == pytest.approx([1, 0, 0])
    assert OPTICAL.rotation @ [0, 1, 0] == pytest.approx([0, 0, -1])
