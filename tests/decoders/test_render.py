"""Pictures for a browser."""

import cv2
import numpy as np

from rushes.decoders._grey import to_8_bits
from rushes.decoders._render import colour_depth, to_jpeg

RAMP = np.tile(np.arange(0, 5000, 50, dtype=np.uint16), (20, 1))


def opened(jpeg: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_colour_stays_as_it_is() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, :, 0] = 240
    shown = opened(to_jpeg(red, "color"))
    assert np.abs(shown.astype(int) - red).max() <= 4


def test_depth_goes_from_blue_to_red_and_nothing_is_black() -> None:
    shown = colour_depth(RAMP)
    assert shown[:, 0].max() == 0
    near, far = shown[0, 10].astype(int), shown[0, -8].astype(int)
    assert near[2] > near[0]
    assert far[0] > far[2]


def test_a_given_span_makes_frames_comparable() -> None:
    span = (500.0, 4000.0)
    one = colour_depth(RAMP, span)
    other = colour_depth(RAMP[:, 20:60], span)
    assert np.array_equal(one[:, 20:60], other)


def test_the_span_of_a_frame_is_its_1st_to_99th_percentile() -> None:
    depth = np.full((100, 100), 1000, np.uint16)
    depth[0, :50] = 60_000  # stray values that would else take all the colours
    depth[50:] = 2000
    shown = colour_depth(depth)
    assert (
        np.abs(shown[10, 0].astype(int) - shown[60, 0].astype(int)).max() > 60
    )  # without the stray values, the two ends of the colours


def test_metres_with_gaps_are_shown_too() -> None:
    depth = np.full((8, 8), np.nan, np.float32)
    assert colour_depth(depth).max() == 0
    depth[:4] = np.linspace(1, 3, 8)
    depth[4, 0] = np.inf
    shown = colour_depth(depth)
    assert shown[4:].max() == 0
    assert shown[:4].max() > 0


def test_infrared_of_16_bits_is_grey() -> None:
    shown = opened(to_jpeg(RAMP, "infrared"))
    assert np.abs(shown[:, :, 0].astype(int) - shown[:, :, 2]).max() <= 1
    assert shown[10, -5, 0] > 240


def test_a_wished_long_side_shrinks_and_never_enlarges() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    assert opened(to_jpeg(picture, "color", long_side_px=80)).shape == (40, 80, 3)
    assert opened(to_jpeg(picture, "color", long_side_px=800)).shape == (100, 200, 3)


def test_a_lower_quality_is_smaller() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert len(to_jpeg(noise, "color", quality=30)) < len(to_jpeg(noise, "color"))


def test_a_picture_of_nothing_is_black() -> None:
    assert to_8_bits(np.zeros((4, 4), np.uint16)).max() == 0
    assert to_8_bits(np.full((4, 4), np.nan, np.float32)).max() == 0
