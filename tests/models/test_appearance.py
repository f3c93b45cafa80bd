"""Points of pictures without weights: what looks alike is near, what does not is far."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rushes.models import _appearance

PICTURES = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)) | st.tuples(*[st.integers(1, 40)] * 2)
)


@given(PICTURES)
def test_any_picture_has_a_point_of_length_one(picture):
    point = _appearance.point_of(picture)
    assert point.shape == (_appearance.LENGTH,)
    assert point.dtype == np.float32
    assert np.linalg.norm(point) == pytest.approx(1, abs=1e-5)
    assert (point >= 0).all()


def scene(hue, *, stripes):
    """A plain coloured wall, with stripes that stand or lie."""
    wall = np.zeros((120, 160, 3), np.uint8)
    wall[:] = hue
    if stripes == "stand":
        wall[:, ::8] = 255
    else:
        wall[::8] = 255
    return wall


def distance(one, other):
    return float(np.linalg.norm(_appearance.point_of(one) - _appearance.point_of(other)))


def test_noise_and_size_move_a_point_less_than_another_colour_or_direction():
    wall = scene((200, 40, 30), stripes="stand")
    noisy = np.clip(wall + np.random.default_rng(7).normal(0, 4, wall.shape), 0, 255).astype(np.uint8)
    larger = np.repeat(np.repeat(wall, 2, axis=0), 2, axis=1)
    near = max(distance(wall, noisy), distance(wall, larger))
    assert near < distance(wall, scene((30, 40, 200), stripes="stand"))
    assert near < distance(wall, scene((200, 40, 30), stripes="lie"))


def test_grey_pictures_are_as_grey_pictures_in_colour():
    grey = np.random.default_rng(7).integers(0, 255, (50, 60), np.uint8)
    assert distance(grey, np.repeat(grey[:, :, None], 3, axis=2)) < 1e-6
