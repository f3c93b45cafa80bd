"""The course of an offset: drift and jumps are told apart and found where they are."""

import numpy as np
import pytest

from movement import MS, SECOND, frames_of, movement
from rushes.timing.crosscheck.drift import course_of
from rushes.timing.crosscheck.signals import from_intervals, from_samples


def test_a_steady_offset_neither_drifts_nor_jumps():
    times, values = movement(1, seconds=60)
    course = course_of(from_samples(times, values), frames_of(times, values, offset_ns=80 * MS, noise=0.2))
    assert course.jump_ns is None
    assert abs(course.drift_ppm) <= course.drift_ci95_ppm + 5
    assert all(abs(w.offset_ns - 80 * MS) < 2 * MS for w in course.windows)


def test_50_ppm_are_found():
    times, values = movement(2, seconds=200)
    camera = frames_of(times, values, noise=0.2)
    edges = np.append(camera.start_ns, camera.end_ns[-1])
    slow = from_intervals(edges - np.rint(edges * 50e-6).astype(np.int64), camera.values)
    course = course_of(from_samples(times, values), slow)
    assert course.jump_ns is None
    assert course.drift_ppm == pytest.approx(50, abs=12)


@pytest.mark.parametrize("jump_ms", [-200, 67, 200])
def test_a_jump_is_found_within_half_a_frame_and_when_it_happens(jump_ms):
    times, values = movement(3, seconds=60)
    camera = frames_of(times, values, noise=0.2)
    edges = np.append(camera.start_ns, camera.end_ns[-1])
    # Stamps fall back by the jump at 31 s, or leap forward; frames that would overlap are left out.
    jumped = np.where(edges > 31 * SECOND, edges - jump_ms * MS, edges)
    late = from_intervals(jumped, camera.values)
    course = course_of(from_samples(times, values), late)
    assert course.jump_ns == pytest.approx(jump_ms * MS, abs=17 * MS)
    assert course.jump_at_ns == pytest.approx(31 * SECOND, abs=SECOND)
    assert course.drift_ppm is None
