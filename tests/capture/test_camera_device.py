"""Cameras at this machine: a stand-in at OpenCV's edge behaves as V4L2 does, for no test machine has a camera."""

import time

import cv2
import numpy as np
import pytest

from cameras import HEIGHT, WIDTH, drawn, jpeg
from contracts.sources import Gathered, SourceContract, running
from rushes.capture import _camera_device, camera
from rushes.capture._camera_device import DeviceFeed
from rushes.capture._camera_wishes import camera_wishes
from rushes.capture.camera import PLUGIN
from rushes.errors import CaptureError
from rushes.sensors import SensorOfRig

MJPG, YUYV = cv2.VideoWriter.fourcc(*"MJPG"), cv2.VideoWriter.fourcc(*"YUYV")


class StandIn:
    """Behaves as ``cv2.VideoCapture`` over V4L2: what is asked for and not there is not taken, in silence.

    Args:
        own_jpeg: Whether the camera makes JPEG itself.
        late_s: By how much its stamps are behind the monotonic clock; None where it gives none.
        lives: Pictures after which it is unplugged.
    """

    def __init__(self, *, own_jpeg=True, late_s: float | None = 0.02, lives=None, pause_s=0.0) -> None:
        self._own_jpeg, self._late_s, self._lives, self._pause_s = own_jpeg, late_s, lives, pause_s
        self._has = {
            cv2.CAP_PROP_FOURCC: YUYV,
            cv2.CAP_PROP_FRAME_WIDTH: WIDTH,
            cv2.CAP_PROP_FRAME_HEIGHT: HEIGHT,
            cv2.CAP_PROP_FPS: 30.0,
            cv2.CAP_PROP_CONVERT_RGB: 1,
        }
        self.number = -1
        self.released = 0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def set(self, key: int, value: float) -> bool:
        if key == cv2.CAP_PROP_CONVERT_RGB or (key == cv2.CAP_PROP_FOURCC and self._own_jpeg):
            self._has[key] = int(value)
            return True
        return self._has[key] == value

    def get(self, key: int) -> float:
        if key == cv2.CAP_PROP_POS_MSEC:
            return 0.0 if self._late_s is None else self._stamp_ms
        return self._has[key]

    def grab(self) -> bool:
        time.sleep(self._pause_s)
        self.number += 1
        self._stamp_ms = time.monotonic() * 1e3 - (self._late_s or 0) * 1e3
        return self._lives is None or self.number < self._lives

    def retrieve(self):
        if self._has[cv2.CAP_PROP_CONVERT_RGB]:
            return True, drawn(self.number)
        padded = jpeg(self.number) + bytes(1000)
        return True, np.frombuffer(padded, np.uint8).reshape(1, -1)

    def release(self) -> None:
        self.released += 1


def sensor(*, form=None, options=None, rate_hz=None) -> SensorOfRig:
    return SensorOfRig(
        name="cam", source="camera", device="0", format=form or {}, options=options or {}, rate_hz=rate_hz
    )


def feed_of(stand_in: StandIn, rig_sensor: SensorOfRig, *, v4l2=True) -> DeviceFeed:
    return DeviceFeed(camera_wishes(rig_sensor), stand_in, v4l2=v4l2)


@pytest.fixture
def plugged(monkeypatch):
    """Plug stand-ins in, one after another as the camera is opened; gives the list of those to come."""
    to_come: list[StandIn] = []

    def open_device(wishes):
        if not to_come:
            raise wishes.absent("there is no /dev/video0")
        return DeviceFeed(wishes, to_come.pop(0), v4l2=True)

    monkeypatch.setattr(camera, "open_device", open_device)
    return to_come


class TestDeviceContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self, plugged):
        plugged.append(StandIn(pause_s=0.01))
        return sensor()

    @pytest.fixture
    def absent(self):
        return SensorOfRig(name="cam", source="camera", device="/dev/video99")


def test_the_cameras_own_jpeg_is_passed_on_without_its_padding():
    feed = feed_of(StandIn(), sensor())
    pictures = feed.pictures()

    assert [next(pictures).data for _ in range(3)] == [jpeg(1), jpeg(2), jpeg(3)]
    assert feed.facts.codec == "jpeg"
    assert (feed.facts.width_px, feed.facts.height_px) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("encoding", ["jpeg", "png"])
def test_raw_pictures_are_encoded_here(encoding):
    feed = feed_of(StandIn(own_jpeg=False), sensor(options={"encoding": encoding}))
    picture = next(feed.pictures())

    pixels = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert feed.facts.codec == encoding
    off = np.abs(pixels.astype(int) - drawn(1))
    assert off.max() == 0 if encoding == "png" else off.mean() < 2


def test_stamps_that_fit_this_machines_clock_are_its_clock():
    feed = feed_of(StandIn(late_s=0.02), sensor())
    picture = next(feed.pictures())

    assert feed.facts.device_clock == _camera_device.MONOTONIC
    assert picture.arrived_ns - picture.device_ns == pytest.approx(20e6, abs=20e6)


def test_stamps_of_another_clock_have_a_name_of_their_own_and_none_are_none():
    assert feed_of(StandIn(late_s=5000), sensor()).facts.device_clock == "cam"
    assert feed_of(StandIn(late_s=None), sensor()).facts.device_clock is None
    assert feed_of(StandIn(), sensor(), v4l2=False).facts.device_clock is None


@pytest.mark.parametrize(
    ("stand_in", "asked", "said"),
    [
        (StandIn(), {"form": {"width_px": 1920}}, "asked for 1920 × 48 pixels, it gives 64 × 48"),
        (StandIn(), {"rate_hz": 60}, "asked for 60 pictures a second, it gives 30"),
        (StandIn(own_jpeg=False), {"form": {"codec": "jpeg"}}, "asked for its own JPEG, it gives raw pictures"),
    ],
)
def test_what_a_camera_does_not_do_is_refused_or_told(stand_in, asked, said):
    with pytest.raises(CaptureError) as told:
        feed_of(stand_in, sensor(**asked))
    assert told.value.code == "capture.refused"
    assert said in told.value.message

    assert feed_of(stand_in, sensor(**asked, options={"any_format": True})).facts.unmet == said


def test_a_camera_that_gives_nothing_is_absent():
    with pytest.raises(CaptureError) as told:
        feed_of(StandIn(lives=0), sensor())

    assert told.value.code == "capture.absent"


def test_an_unplugged_camera_is_opened_again_and_everything_is_let_go(plugged):
    cameras = [StandIn(lives=5), StandIn(pause_s=0.01)]
    plugged.extend(cameras)
    into, opened = Gathered(), PLUGIN.open(sensor())
    with running(opened, into):
        into.wait(lambda: into.count() >= 8)
    opened.close()

    assert [each.what for each in into.troubles] == ["stopped", "returned"]
    assert [each.released for each in cameras] == [1, 1]
    assert [int(each.seq[0]) for each in into.samples] == list(range(into.count()))


def test_a_camera_that_comes_back_another_is_not_taken_for_the_same(plugged):
    plugged.extend([StandIn(lives=5), StandIn(late_s=None), StandIn(pause_s=0.01)])
    into, opened = Gathered(), PLUGIN.open(sensor())
    with running(opened, into):
        into.wait(lambda: into.count() >= 8)
    opened.close()

    assert [each.what for each in into.troubles] == ["stopped", "stopped", "returned"]
    assert "another codec or clock" in into.troubles[1].message


def test_this_machines_clock_is_held_against_the_recorders(plugged):
    plugged.append(StandIn(pause_s=0.01))
    into, opened = Gathered(), PLUGIN.open(sensor())
    with running(opened, into):
        into.wait(lambda: bool(into.pairs) and into.count() >= 3)
    opened.close()

    (pair,) = into.pairs
    assert (pair.from_clock, pair.to_clock, pair.relation) == ("monotonic", "log", "same")
    assert int(pair.to_ns[0]) == into.clock.of_monotonic(int(pair.from_ns[0]))
