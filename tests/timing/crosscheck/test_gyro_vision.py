"""Turning is measured alike by gyroscopes, poses and pictures; an offset between them is found or refused."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from movement import MS, SECOND, frames_of, movement
from rushes.timing.crosscheck import rotation
from rushes.timing.crosscheck.bundle import adjust, rotation_vectors, turned
from rushes.timing.crosscheck.gyro_vision import compare_turning, gyro_turning, pose_turning
from rushes.timing.crosscheck.signals import Signal, averaged, from_intervals, from_samples
from rushes.virtual.motion import OPTICAL, motion_of, pose_from, quaternion_of, rotation_of
from rushes.virtual.play import play
from rushes.virtual.spec import MotionSpec
from rushes.virtual.takes import CAM0, IMU, TRACKER, tabletop_spec

CAMERA = replace(CAM0, width_px=160, height_px=120, focal_px=140.0)
LENS = rotation.Lens(fx=140.0, fy=140.0, cx=79.5, cy=59.5)


def played(rig):
    """Pictures with their true times, and gyro and poses with theirs."""
    pictures, inertial, poses = [], [], []
    for sample in play(rig):
        if sample.sensor.kind == "color":
            coded = np.frombuffer(sample.payload.data, np.uint8)
            pictures.append((sample.true_ns, cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)))
        elif sample.sensor.kind == "imu":
            inertial.append((sample.true_ns, sample.payload.gyro_rad_s))
        else:
            poses.append((sample.true_ns, quaternion_of(sample.payload.rotation)))
    gyro = gyro_turning(np.array([t for t, _ in inertial]), np.array([g for _, g in inertial]))
    track = pose_turning(np.array([t for t, _ in poses]), np.array([q for _, q in poses]).reshape(-1, 4))
    return pictures, gyro, track


def later(signal, offset_ns):
    return Signal(start_ns=signal.start_ns + offset_ns, end_ns=signal.end_ns + offset_ns, values=signal.values)


@pytest.fixture(scope="module")
def take():
    """Ten seconds in which hands move slowly: the clap they head for is far away."""
    rig = tabletop_spec("turning", seed=2, seconds=10.0, clap_s=40.0)
    return played(replace(rig, sensors=(CAMERA, replace(IMU, rate_hz=200.0), replace(TRACKER, rate_hz=100.0))))


@pytest.fixture(scope="module")
def seen(take):
    return rotation.turning(take[0], LENS)


@pytest.mark.slow
def test_pictures_turn_as_the_gyroscope_does(take, seen):
    origin = int(seen.start_ns[0])
    start, end = ((edge - origin).astype(float) for edge in (seen.start_ns, seen.end_ns))
    true = (
        averaged(take[1], start, end, origin_ns=origin) @ (pose_from(CAMERA.T_rig_sensor).then(OPTICAL)).rotation
    )
    assert np.median(np.abs(seen.values - true)) < 0.03
    assert np.sqrt(np.nanmean(true**2)) > 0.06


@pytest.mark.slow
@pytest.mark.parametrize("shift_ms", [0, 50, -230])
def test_a_shift_of_the_camera_is_found(take, seen, shift_ms):
    found = compare_turning("gyro-vision", "imu", "cam", (take[1], later(seen, -shift_ms * MS)))
    assert found.verdict == ("differs" if shift_ms else "agrees"), found.reason
    assert found.offset_ns == pytest.approx(shift_ms * MS, abs=6 * MS)
    assert abs(found.offset_ns - shift_ms * MS) <= found.ci95_ns + MS


@pytest.mark.slow
def test_poses_are_a_gyroscope_too(take, seen):
    found = compare_turning("pose-vision", "track", "cam", (take[2], later(seen, -50 * MS)))
    assert found.offset_ns == pytest.approx(50 * MS, abs=6 * MS)


def test_gyroscope_and_poses_agree_to_a_fraction_of_a_millisecond(take):
    found = compare_turning("gyro-pose", "imu", "track", (take[1], later(take[2], -50 * MS)))
    assert found.offset_ns == pytest.approx(50 * MS, abs=0.5 * MS)
    assert found.score > 0.99


def test_a_broken_picture_and_a_gap_are_passed_over(take):
    pictures = [(t, None if i == 20 else p) for i, (t, p) in enumerate(take[0][:60]) if not 30 <= i < 40]
    measured = rotation.turning(pictures, LENS)
    assert (measured.end_ns - measured.start_ns).max() < 130 * MS
    assert len(measured) == 60 - 10 - 1 - 2


@pytest.mark.slow
def test_a_rig_that_stands_still_is_not_observable():
    rig = replace(tabletop_spec("still", seed=3, seconds=4.0, clap_s=40.0), motion=MotionSpec(frequencies_hz=()))
    pictures, gyro, _ = played(replace(rig, sensors=(CAMERA, IMU)))
    found = compare_turning("gyro-vision", "imu", "cam", (gyro, rotation.turning(pictures, LENS)))
    assert found.verdict == "not observable"
    assert found.offset_ns is None
    assert "hardly turns" in found.reason


@pytest.mark.slow
def test_another_motion_is_not_observable(seen):
    rig = tabletop_spec("turning", seed=2, seconds=10.0)
    other = motion_of(replace(rig.motion, frequencies_hz=(0.23, 0.9, 1.81)), 77)
    t = np.arange(0, 10, 0.005)
    gyro = gyro_turning(
        rig.start_ns + np.rint(t * SECOND).astype(np.int64), other.imu(t, pose_from((0.0,) * 6))[0]
    )
    assert compare_turning("gyro-vision", "imu", "cam", (gyro, seen)).verdict == "not observable"


def test_rotation_and_translation_are_told_apart_by_depth():
    draw = np.random.default_rng(0)
    frames, points = 50, 120
    rays = np.concatenate([draw.uniform(-0.5, 0.5, (points, 2)), np.ones((points, 1))], axis=1)
    near = 1 / draw.uniform(0.7, 2.5, points)
    t = np.arange(frames) / 20
    angles = np.stack([0.03 * (np.sin(4.4 * t + i) - np.sin(i)) for i in range(3)], axis=1)
    shift = np.stack([0.015 * (np.sin(4.4 * t + 2 * i + 1) - np.sin(2 * i + 1)) for i in range(3)], axis=1)
    true = rotation_of(angles[:, 0], angles[:, 1], angles[:, 2])
    at = np.einsum("fij,nj->fni", true, rays) + near[None, :, None] * shift[:, None]
    observed = at[..., :2] / at[..., 2:]
    observed[1:] += draw.normal(0, 0.1 / 280, observed[1:].shape)
    observed[:, :12] += 0.01 * np.arange(frames)[:, None, None]  # a tenth of the points moves by itself
    found = adjust(observed, np.ones((frames, points), np.bool_), noise=0.2 / 280)
    error = turned(found.rotation) - turned(true)
    assert np.sqrt((error**2).mean()) < 0.05 * np.sqrt((turned(true) ** 2).mean())


def test_rotation_vectors_undo_rotation_matrices():
    angle = np.linspace(-1.0, 1.0, 9)
    assert rotation_vectors(rotation_of(angle, 0 * angle, 0 * angle))[:, 0] == pytest.approx(angle)


def test_flat_pictures_turn_nowhere():
    flat = np.full((120, 160), 90, np.uint8)
    measured = rotation.turning(((i * 50 * MS, flat) for i in range(40)), None)
    assert not measured.known.any()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, pytest.param(8, marks=pytest.mark.soak)])
def test_thirty_seconds_of_the_rig_give_three_milliseconds(seed):
    rig = replace(tabletop_spec("slow", seed=seed, seconds=30.0, clap_s=None), sensors=(CAM0, IMU))
    pictures, gyro, _ = played(rig)
    offset = round(np.random.default_rng(seed).uniform(-0.3, 0.3) * SECOND)
    measured = rotation.turning(pictures, rotation.Lens(fx=280.0, fy=280.0, cx=159.5, cy=119.5))
    found = compare_turning("gyro-vision", "imu", "cam", (gyro, later(measured, -offset)))
    assert found.offset_ns == pytest.approx(offset, abs=3 * MS)


def test_a_jump_differs_and_gives_no_offset_that_might_be_applied():
    times, values = movement(3, seconds=60)
    camera = frames_of(times, values, noise=0.2)
    edges = np.append(camera.start_ns, camera.end_ns[-1])
    late = from_intervals(np.where(edges > 31 * SECOND, edges + 200 * MS, edges), camera.values)
    found = compare_turning("gyro-vision", "imu", "cam", (from_samples(times, values), late), follow=True)
    assert found.verdict == "differs"
    assert found.offset_ns is None
    assert len(found.windows) >= 10
    assert "jumps by -" in found.reason
