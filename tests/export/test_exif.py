"""A label lies on the picture as EXIF shows it where the picture's own pixels lie."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from contracts.label_formats import ORIENTATIONS
from rushes import masks, shapes
from rushes.annotate.label_studio.orientation import Turn
from rushes.export._pictures import header
from rushes.labels import Box, Keypoints, Picture, Polygon, RotatedBox, Track, TrackKey

WIDTH, HEIGHT = 60, 40


@pytest.fixture(params=range(1, 9))
def orientation(request):
    return request.param


@pytest.fixture
def picture(orientation):
    (turn, mirrored), *_ = (facts for facts, number in ORIENTATIONS.items() if number == orientation)
    return Picture(name="a.jpg", width_px=WIDTH, height_px=HEIGHT, turn_deg=turn, mirrored=mirrored)


def test_a_header_tells_turn_and_mirror_image(orientation, picture, tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", exif=exif)
    found = header(tmp_path / "a.jpg")
    assert (found.turn_deg, found.mirrored) == (picture.turn_deg, picture.mirrored)
    turn = Turn(WIDTH, HEIGHT, orientation)
    assert found.upright == (turn.shown_width_px, turn.shown_height_px)


def test_a_mask_is_shown_as_pillow_shows_its_picture(orientation, picture) -> None:
    stored = np.random.default_rng(3).random((HEIGHT, WIDTH)) > 0.5
    made = Image.fromarray(stored.astype(np.uint8))
    made.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(made)).astype(bool)
    mask = masks.encode(stored)
    assert (masks.decode(shapes.as_shown(mask, picture)) == shown).all()
    assert shapes.as_stored(masks.encode(shown), picture) == mask


def test_points_and_corners_are_those_of_the_other_way_of_counting(orientation, picture) -> None:
    turn = Turn(WIDTH, HEIGHT, orientation)
    ring = (6.0, 4.0, 26.5, 4.0, 26.5, 14.25)
    wanted = [number for at in range(0, 6, 2) for number in turn.point_shown(ring[at], ring[at + 1])]
    assert list(shapes.as_shown(Polygon(rings=(ring,)), picture).rings[0]) == wanted
    drawn = RotatedBox(x_px=30.0, y_px=12.0, width_px=16.0, height_px=8.0, rotation_deg=25.0)
    shown = shapes.corners(shapes.as_shown(drawn, picture))
    for corner in shapes.corners(drawn):
        place = turn.point_shown(*corner)
        assert min(np.hypot(place[0] - x, place[1] - y) for x, y in shown) < 1e-9


@pytest.mark.parametrize(
    "shape",
    [
        Box(x_px=6.0, y_px=4.0, width_px=20.0, height_px=10.0),
        RotatedBox(x_px=30.0, y_px=12.0, width_px=16.0, height_px=8.0, rotation_deg=25.0),
        Polygon(rings=((6.0, 4.0, 26.0, 4.0, 26.0, 14.0), (1.0, 1.0, 2.0, 1.0, 2.0, 2.0))),
        Keypoints(triples=(3.0, 4.0, 2.0, 0.0, 0.0, 0.0, 5.5, 6.0, 1.0)),
        Track(keys=(TrackKey(index=3, x_px=6.0, y_px=4.0, width_px=20.0, height_px=10.0, rotation_deg=0.0),)),
    ],
)
def test_what_is_shown_and_taken_back_is_what_it_was(shape, picture) -> None:
    back = shapes.as_stored(shapes.as_shown(shape, picture), picture)
    if isinstance(shape, RotatedBox):
        assert np.allclose(shapes.corners(back), shapes.corners(shape), atol=1e-9)
    else:
        assert back == shape
