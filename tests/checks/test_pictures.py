"""Picture checks judge from measures taken once; planted faults are found in real and made pictures."""

from functools import cache

import cv2
import numpy as np
import pytest

from contracts.checks import StreamCheckContract, camera, findings, ticks
from looks import look_at, measure
from rushes.checks import PICTURE_MEASURES
from rushes.checks._pixels import perceptual_hashes
from rushes.checks.depth_holes import PLUGIN as HOLES
from rushes.checks.depth_stuck import PLUGIN as STUCK
from rushes.checks.image_aspect import PLUGIN as ASPECT
from rushes.checks.image_blur import PLUGIN as BLUR
from rushes.checks.image_blur import rolling_median
from rushes.checks.image_bright import PLUGIN as BRIGHT
from rushes.checks.image_cast import PLUGIN as CAST
from rushes.checks.image_clipped import PLUGIN as CLIPPED
from rushes.checks.image_covered import PLUGIN as COVERED
from rushes.checks.image_dark import PLUGIN as DARK
from rushes.checks.image_format import PLUGIN as FORMAT
from rushes.checks.image_frozen import PLUGIN as FROZEN
from rushes.checks.image_grey import PLUGIN as GREY
from rushes.checks.image_half import PLUGIN as HALF
from rushes.checks.image_low_information import PLUGIN as LOW
from rushes.checks.image_size import PLUGIN as SIZE
from rushes.checks.image_unreadable import PLUGIN as UNREADABLE
from rushes.model import FrameFlag, Stream


@cache
def film(count=40):
    """A camera that turns slowly over one textured scene; grey, 512 x 288."""
    generator = np.random.default_rng(0)
    coarse = cv2.resize(generator.integers(30, 220, (24, 48), dtype=np.uint8), (600, 300))
    fine = generator.integers(0, 30, (300, 600), dtype=np.uint8)
    scene = coarse // 2 + coarse // 4 + fine
    return [np.ascontiguousarray(scene[:288, at : at + 512]) for at in range(count)]


@cache
def clean_film():
    return view_of(film())


def view_of(pictures, **changes):
    return camera(ticks(30, len(pictures)), pictures=measure(enumerate(pictures), len(pictures)), **changes)


def change(pictures, places, how):
    return [how(picture) if at in places else picture for at, picture in enumerate(pictures)]


def darken(stops):
    """Close the aperture by stops, in linear light."""
    return lambda picture: (255 * ((picture / 255.0) ** 2.2 * 2.0**-stops) ** (1 / 2.2)).astype(np.uint8)


def open_up(stops):
    """Open the aperture by stops, in linear light; what is too much is cut off."""

    def brighten(picture):
        light = np.minimum(1, (picture / 255.0) ** 2.2 * 2.0**stops)
        return (255 * light ** (1 / 2.2)).astype(np.uint8)

    return brighten


class TestUnreadable(StreamCheckContract):
    check = UNREADABLE

    def faulty(self):
        pictures = film()
        return view_of([*pictures[:10], None, None, *pictures[12:20], None, *pictures[21:]])

    def test_each_fault_is_told_by_its_name(self):
        pictures = [*film()[:10], "cut", "cut", "empty", "no-picture", "too-large", *film()[15:]]
        assert [f.message for f in findings(UNREADABLE, view_of(pictures))] == [
            "cam0: frame 12: its file or message is empty",
            "cam0: frames 10 to 11: it ends in the middle: the bytes were cut",
            "cam0: frame 13: the bytes are no picture",
            "cam0: frame 14: it states more pixels than are decoded",
        ]

    def test_runs_are_one_finding_each(self):
        assert [f.message for f in findings(UNREADABLE, self.faulty())] == [
            "cam0: frames 10 to 11: the bytes do not decode as jpeg",
            "cam0: frame 20: the bytes do not decode as jpeg",
        ]

    def test_a_frame_that_a_reader_flagged_is_told_without_a_look(self):
        flags = np.zeros(300, np.int32)
        flags[5] = FrameFlag.CORRUPT
        flags[9] = FrameFlag.MISSING
        unlooked = {"unreadable": np.full(300, np.nan)}
        (found,) = findings(UNREADABLE, camera(flags=flags, pictures=unlooked))
        assert found.index == 5


class TestDark(StreamCheckContract):
    check = DARK

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), range(10, 15), darken(5)))

    def test_a_dark_run_is_one_finding(self):
        (found,) = findings(DARK, self.faulty())
        assert found.message.startswith("cam0: frames 10 to 14: too dark, 99% of the pixels are at or below")
        assert (found.severity, found.count) == ("error", 5)

    def test_a_little_dark_is_a_warning(self):
        (found,) = findings(DARK, view_of(change(film(), [7], darken(2.7))))
        assert (found.severity, found.index) == ("warning", 7)

    def test_infrared_may_be_dim(self):
        infrared = Stream(name="ir", modality="infrared", table="frames")
        assert not DARK.applies(infrared)
        assert LOW.applies(infrared)
        assert COVERED.applies(infrared)


class TestBright(StreamCheckContract):
    check = BRIGHT

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), [3], lambda picture: 207 + picture // 4))


class TestClipped(StreamCheckContract):
    check = CLIPPED

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), [3], open_up(4)))

    def test_the_burnt_out_share_is_said(self):
        (found,) = findings(CLIPPED, self.faulty())
        share = np.mean(open_up(4)(film()[3]) >= 252)
        assert found.value == pytest.approx(share, abs=0.02)
        assert found.index == 3


class TestLowInformation(StreamCheckContract):
    check = LOW

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), [9], lambda picture: (120 + picture * 0.03).astype(np.uint8)))

    def test_the_spread_is_said(self):
        (found,) = findings(LOW, self.faulty())
        assert "nothing to see, grey values spread by 0.9 only" in found.message


def black(_):
    return np.random.default_rng(0).integers(0, 6, (288, 512), dtype=np.uint8)


class TestCovered(StreamCheckContract):
    check = COVERED

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), [20, 21], black))

    def test_it_is_told_by_this_check_alone(self):
        (found,) = findings(COVERED, self.faulty())
        assert (found.index, found.count, found.severity) == (20, 2, "error")
        for other in (DARK, BRIGHT, CLIPPED, LOW, HALF):
            assert findings(other, self.faulty()) == []


@cache
def colour_film(count=40):
    """The same film with a warm wall in it."""
    return [np.stack([grey, grey // 2 + 60, grey // 3 + 70], axis=2) for grey in film(count)]


class TestGrey(StreamCheckContract):
    check = GREY

    def clean(self):
        return view_of(colour_film())

    def faulty(self):
        return view_of(change(colour_film(), [4, 5], lambda p: np.repeat(p[:, :, :1], 3, axis=2)))

    def test_one_channel_and_three_equal_ones_are_the_same_fault(self):
        pictures = change(colour_film(), [8], lambda picture: np.ascontiguousarray(picture[:, :, 0]))
        assert [f.index for f in findings(GREY, view_of(pictures))] == [8]
        assert [(f.index, f.count) for f in findings(GREY, self.faulty())] == [(4, 2)]


class TestCast(StreamCheckContract):
    check = CAST

    def clean(self):
        return view_of(colour_film())

    def faulty(self):
        return view_of(change(colour_film(), [6], lambda p: (p * [0.25, 1, 0.25]).astype(np.uint8)))

    def test_a_cast_that_comes_is_told_against_the_stream(self):
        tinted = view_of(change(colour_film(), [30], lambda p: (p * [0.6, 1, 1]).astype(np.uint8)))
        (found,) = findings(CAST, tinted)
        assert found.index == 30
        assert "coloured unlike the stream" in found.message


class TestHalf(StreamCheckContract):
    check = HALF

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), [11], lambda p: np.vstack([p[:144], np.full((144, 512), 128, np.uint8)])))

    def test_the_missing_share_is_said(self):
        (found,) = findings(HALF, self.faulty())
        assert found.value == 0.5
        assert (
            found.message
            == "cam0: frame 11: 50% of its height is one grey value (limit 20%): the rest never came?"
        )

    def test_black_bars_at_both_sides_and_a_night_sky_are_none(self):
        bars = np.full((60, 512), 16, np.uint8)
        letterbox = change(film(), range(40), lambda p: np.vstack([bars, p[60:228], bars]))
        sky = change(film(), range(40), lambda p: np.vstack([np.zeros((100, 512), np.uint8), p[100:]]))
        assert findings(HALF, view_of(letterbox)) == findings(HALF, view_of(sky)) == []


class TestAspect(StreamCheckContract):
    check = ASPECT

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), [2], lambda p: np.ascontiguousarray(p[:80])))

    def test_a_strip_and_a_shape_unlike_the_rest_are_told(self):
        assert [f.severity for f in findings(ASPECT, self.faulty())] == ["warning", "error"]
        squarer = view_of(change(film(), [2], lambda p: np.ascontiguousarray(p[:, :400])))
        (found,) = findings(ASPECT, squarer)
        assert found.severity == "error"

    def test_pictures_of_a_set_may_have_any_shape(self):
        free = Stream(name="images", modality="color", table="frames", codec="jpeg", clock="none")
        squarer = view_of(change(film(), [2], lambda p: np.ascontiguousarray(p[:, :400])), stream=free)
        assert findings(ASPECT, squarer) == []


class TestSize(StreamCheckContract):
    check = SIZE

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), [2], lambda p: np.ascontiguousarray(p[:, :500])))

    def test_bytes_are_held_against_what_the_row_declares(self):
        declared = {"width": np.full(40, 512), "height": np.full(40, 288)}
        declared["height"][7] = 290
        (found,) = findings(SIZE, view_of(film(), **declared))
        assert found.message == "cam0: frame 7: 512 x 288 px by its bytes, where 512 x 290 is declared"


class TestFormat(StreamCheckContract):
    check = FORMAT

    def clean(self):
        return clean_film()

    def faulty(self):
        turned = np.full(40, 1.0)
        turned[5] = 6
        return camera(ticks(30, 40), pictures=dict(clean_film().pictures) | {"orientation": turned})

    def test_depth_of_bits_and_cmyk_are_told(self):
        bits, channels = np.full(40, 8.0), np.full(40, 3.0)
        bits[3], channels[9] = 16, 4
        view = camera(ticks(30, 40), pictures=dict(clean_film().pictures) | {"bits": bits, "channels": channels})
        assert [(f.index, f.severity) for f in findings(FORMAT, view)] == [(3, "info"), (9, "info")]


@cache
def depth_film(count=20):
    """A room in millimetres with noise, a fifth of it out of range."""
    generator = np.random.default_rng(2)
    room = np.linspace(800, 3000, 240 * 320).reshape(240, 320)
    return [
        np.where(np.arange(320) < 64, 0, room + generator.normal(0, 3, room.shape)).astype(np.uint16)
        for _ in range(count)
    ]


def depth_view(pictures):
    sensor = Stream(name="depth", modality="depth", table="frames", codec="png", clock="header")
    measures = measure(enumerate(pictures), len(pictures), depth=True)
    return camera(ticks(30, len(pictures)), stream=sensor, pictures=measures)


class TestDepthHoles(StreamCheckContract):
    check = HOLES

    def clean(self):
        return depth_view(depth_film())

    def faulty(self):
        return depth_view(
            change(depth_film(), [4], lambda p: np.where(np.arange(320) < 200, 0, p).astype(np.uint16))
        )

    def test_the_share_is_said(self):
        (found,) = findings(HOLES, self.faulty())
        assert (found.value, found.severity) == (200 / 320, "warning")
        (found,) = findings(HOLES, depth_view(change(depth_film(), [4], np.zeros_like)))
        assert (found.value, found.severity) == (1, "error")


class TestDepthStuck(StreamCheckContract):
    check = STUCK

    def clean(self):
        return depth_view(depth_film())

    def faulty(self):
        pictures = depth_film()
        return depth_view([*pictures[:7], pictures[6], *pictures[8:]])

    def test_a_repeat_and_one_value_are_told(self):
        (found,) = findings(STUCK, self.faulty())
        assert (found.index, found.value) == (7, 1)
        one = depth_view(change(depth_film(), [9], lambda p: np.full_like(p, 1500)))
        (found,) = findings(STUCK, one)
        assert (found.index, found.severity) == (9, "error")


class TestBlur(StreamCheckContract):
    check = BLUR

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), range(12, 17), lambda picture: cv2.GaussianBlur(picture, (0, 0), 4)))

    def test_a_blurred_run_is_one_finding(self):
        (found,) = findings(BLUR, self.faulty())
        assert found.message.startswith("cam0: frames 12 to 16: blurred")
        assert found.value < 0.35

    def test_motion_blur_is_found(self):
        smear = view_of(change(film(), [5], lambda picture: cv2.blur(picture, (21, 1))))
        assert [f.index for f in findings(BLUR, smear)] == [5]

    def test_a_dimmer_picture_is_not_blurred(self):
        assert findings(BLUR, view_of(change(film(), range(15, 25), lambda picture: picture // 3 + 40))) == []

    def test_a_rolling_median_is_that_of_the_neighbours(self):
        values = np.random.default_rng(0).random(30)
        medians = rolling_median(values, 5)
        assert medians[10] == np.median(values[8:13])
        assert medians[0] == np.median(values[:5])
        assert medians[-1] == np.median(values[-5:])
        assert len(rolling_median(values, 100)) == 30


class TestFrozen(StreamCheckContract):
    check = FROZEN

    def clean(self):
        return clean_film()

    def faulty(self):
        pictures = film(80)
        return view_of([*pictures[:20], *[pictures[20]] * 31, *pictures[51:]])

    def test_a_second_of_one_picture_is_an_error(self):
        (found,) = findings(FROZEN, self.faulty())
        assert found.message == "cam0: frames 20 to 50 are the same picture for 1 s (limit 1 s)"
        assert (found.severity, found.count) == ("error", 31)

    def test_four_equal_frames_are_told_as_a_run(self):
        pictures = film()
        (found,) = findings(FROZEN, view_of([*pictures[:9], *[pictures[9]] * 4, *pictures[13:]]))
        assert (found.severity, found.index, found.count) == ("info", 9, 4)

    def test_a_single_repeat_amid_motion_is_told(self):
        pictures = film()
        (found,) = findings(FROZEN, view_of([*pictures[:9], *[pictures[9]] * 2, *pictures[11:]]))
        assert found.message == "cam0: frame 10 repeats the picture before, while the scene moves"
        assert (found.severity, found.index, found.count) == ("info", 10, 1)

    def test_a_single_repeat_in_a_still_scene_is_none(self):
        still = film()[9]
        rng = np.random.default_rng(0)
        pictures = [(still + (rng.random(still.shape) < 0.1)).astype(np.uint8) for _ in range(30)]
        assert findings(FROZEN, view_of([*pictures[:9], *[pictures[9]] * 2, *pictures[11:]])) == []

    def test_four_flat_pictures_say_nothing_about_a_rate(self):
        assert findings(FROZEN, view_of([film()[0]] * 2)) == []

    def test_a_made_up_rate_shows_as_repeats(self):
        (found,) = findings(FROZEN, view_of([picture for picture in film(20) for _ in range(2)]))
        assert found.message.startswith("cam0: 51% of the frames repeat the one before")

    def test_flags_of_a_reader_count(self):
        flags = np.zeros(300, np.int32)
        flags[100:140] = FrameFlag.REPEATED
        (found,) = findings(FROZEN, camera(flags=flags))
        assert found.severity == "error"


def test_every_measure_is_measured_and_a_gap_in_the_look_has_no_difference():
    pictures = film(5)
    measured = measure([(0, pictures[0]), (1, pictures[1]), (3, pictures[3])], 5)
    assert set(measured) == set(PICTURE_MEASURES)
    assert np.isnan(measured["mean"]).tolist() == [False, False, True, False, True]
    assert np.isnan(measured["difference"]).tolist() == [True, False, True, True, True]


def test_measures_are_what_their_names_say():
    picture = np.zeros((100, 100), np.uint8)
    picture[:, 50:] = 255
    measured = look_at(picture).measures
    assert measured["mean"] == 127.5
    assert measured["std"] == 127.5
    assert (measured["dark_share"], measured["bright_share"]) == (0.5, 0.5)
    assert measured["entropy"] == pytest.approx(1)
    assert (measured["p01"], measured["p99"]) == (0, 255)
    assert look_at(np.full((9, 9), 7, np.uint8)).measures["sharpness"] == 0
    red = look_at(np.full((90, 160, 3), (200, 50, 20), np.uint8)).measures
    assert (red["spread"], red["red_shift"], red["blue_shift"]) == (180, 150, -30)


def test_large_pictures_are_shrunk_and_empty_ones_unreadable():
    large = cv2.resize(film()[0], (2048, 1152))
    measured = measure([(0, large), (1, np.zeros((0, 0), np.uint8))], 2)
    assert measured["mean"][0] == pytest.approx(film()[0].mean(), abs=1)
    assert measured["unreadable"].tolist() == [0, 5]


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (2, 3), (63, 65), (512, 3)])
def test_no_shape_is_a_crash(shape):
    for picture in (np.full(shape, 9, np.uint8), np.full((*shape, 3), 9, np.uint8)):
        assert set(look_at(picture).measures) <= set(PICTURE_MEASURES)


def test_the_mirrored_hash_is_the_hash_of_the_mirrored_picture():
    for picture in film(5):
        even = np.ascontiguousarray(picture[:, :512])
        plain, mirrored = perceptual_hashes(even)
        again, back = perceptual_hashes(np.ascontiguousarray(even[:, ::-1]))
        assert (mirrored ^ again).bit_count() <= 1  # a coefficient beside the median may round either way
        assert (plain ^ back).bit_count() <= 1
        assert (plain ^ mirrored).bit_count() > 8
