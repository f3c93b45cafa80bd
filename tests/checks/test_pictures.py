"""Picture checks judge from measures taken once; planted faults are found in real and made pictures."""

from functools import cache

import cv2
import numpy as np
import pytest

from contracts.checks import StreamCheckContract, camera, findings, ticks
from rushes.checks import PICTURE_MEASURES
from rushes.checks._pixels import measure, measure_one
from rushes.checks.image_blur import PLUGIN as BLUR
from rushes.checks.image_blur import rolling_median
from rushes.checks.image_exposure import PLUGIN as EXPOSURE
from rushes.checks.image_frozen import PLUGIN as FROZEN
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


class TestExposure(StreamCheckContract):
    check = EXPOSURE

    def clean(self):
        return clean_film()

    def faulty(self):
        return view_of(change(film(), range(10, 15), darken(5)))

    def test_a_dark_run_is_one_finding(self):
        (found,) = findings(EXPOSURE, self.faulty())
        assert found.message.startswith("cam0: frames 10 to 14: too dark, 99% of the pixels are at or below")
        assert (found.severity, found.count) == ("error", 5)

    def test_a_little_dark_is_a_warning(self):
        (found,) = findings(EXPOSURE, view_of(change(film(), [7], darken(2.7))))
        assert (found.severity, found.index) == ("warning", 7)

    def test_burnt_out_flat_and_covered_are_told_apart(self):
        pictures = change(film(), [3], open_up(4))
        pictures = change(pictures, [9], lambda picture: (120 + picture * 0.03).astype(np.uint8))
        noise = np.random.default_rng(0).integers(0, 6, (288, 512), dtype=np.uint8)
        pictures = change(pictures, [20, 21], lambda _: noise)
        found = {f.index: (f.severity, f.message.split(": ", 2)[2]) for f in findings(EXPOSURE, view_of(pictures))}
        assert found[3][1].startswith("too bright")
        assert found[9][0] == "warning"
        assert found[9][1].startswith("nothing to see, grey values spread by 0.9 only")
        assert found[20][0] == "error"
        assert found[20][1].endswith("lens covered?")
        assert set(found) == {3, 9, 20}

    def test_infrared_may_be_dim(self):
        infrared = Stream(name="ir", modality="infrared", table="frames")
        assert findings(EXPOSURE, view_of(change(film(), range(40), darken(5)), stream=infrared)) == []


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
    measured = measure_one(picture)
    assert measured["mean"] == 127.5
    assert measured["std"] == 127.5
    assert (measured["dark_share"], measured["bright_share"]) == (0.5, 0.5)
    assert measured["entropy"] == pytest.approx(1)
    assert (measured["p01"], measured["p99"]) == (0, 255)
    assert measure_one(np.full((9, 9), 7, np.uint8))["sharpness"] == 0


def test_large_pictures_are_shrunk_and_empty_ones_unreadable():
    large = cv2.resize(film()[0], (2048, 1152))
    measured = measure([(0, large), (1, np.zeros((0, 0), np.uint8))], 2)
    assert measured["mean"][0] == pytest.approx(film()[0].mean(), abs=1)
    assert measured["unreadable"].tolist() == [0, 1]
