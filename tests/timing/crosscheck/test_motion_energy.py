"""Cameras agree on when there is movement, whatever their exposure."""

import numpy as np
import pytest

from rushes.timing.crosscheck.motion_energy import compare_energy, motion_energy, small

MS = 1_000_000
SECOND = 1_000_000_000


def speed(seconds, seed=3):
    draw = np.random.default_rng(seed)
    rough = draw.normal(size=int(seconds * 100))
    return np.abs(np.convolve(np.convolve(rough, np.ones(25), "same"), np.ones(25), "same"))


def pictures(rate_hz, seconds, *, gain=1.0, lift=0.0, offset_ns=0, still=False):
    """A texture that slides with a speed that goes up and down."""
    way = np.cumsum(speed(seconds)) / 60
    texture = np.random.default_rng(0).uniform(0, 150, (48, 40))
    texture = np.repeat(texture, 8, axis=1)
    for t_ns in range(0, int(seconds * SECOND) - SECOND, round(SECOND / rate_hz)):
        at = 0 if still else way[t_ns // (10 * MS)]
        shift = int(at)
        part = np.roll(texture, -shift, axis=1)[:, :64]
        yield t_ns - offset_ns, np.clip(part * gain + lift, 0, 255).astype(np.uint8)


def test_brightness_and_contrast_are_taken_out():
    picture = np.random.default_rng(1).uniform(0, 200, (96, 128)).astype(np.uint8)
    assert np.abs(small(picture) - small((picture // 2 + 30).astype(np.uint8))).max() < 0.05
    assert not small(np.full((10, 10), 7, np.uint8)).any()


@pytest.mark.parametrize("offset_ms", [0, 120, -210])
def test_a_camera_that_is_off_is_found_within_half_a_frame(offset_ms):
    one = motion_energy(pictures(30, 20))
    other = motion_energy(pictures(20, 20, gain=0.6, lift=20, offset_ns=offset_ms * MS))
    found = compare_energy("a", "b", (one, other))
    assert found.offset_ns == pytest.approx(offset_ms * MS, abs=25 * MS)
    assert found.verdict == ("agrees" if offset_ms == 0 else "differs")
    assert "coarse" in found.reason


def test_still_pictures_are_not_observable():
    one, other = motion_energy(pictures(30, 8, still=True)), motion_energy(pictures(20, 8))
    found = compare_energy("a", "b", (one, other))
    assert found.verdict == "not observable"
    assert "hardly anything moves in the pictures of a" in found.reason


def test_a_broken_picture_is_passed_over():
    shown = [(t, None if i == 30 else p) for i, (t, p) in enumerate(pictures(30, 20))]
    assert len(motion_energy(shown)) == len(shown) - 2
