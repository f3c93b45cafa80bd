"""What every live source must do. A source's test subclasses :class:`SourceContract` and gives it a live sensor.

class TestSerialContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self, talking_terminal):
        return SensorOfRig(name="imu", source="serial", device=talking_terminal, ...)

    @pytest.fixture
    def absent(self):
        return SensorOfRig(name="imu", source="serial", device="/dev/nowhere", ...)
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event, Thread
from typing import ClassVar

import numpy as np
import pytest

from rushes.capturing import (
    FoundDevice,
    HostClock,
    Inertial,
    LiveStream,
    Messages,
    Numbers,
    OpenSource,
    Pictures,
    Places,
    Samples,
    Sound,
    Source,
    Texts,
    Trouble,
)
from rushes.errors import CaptureError
from rushes.model import ClockPairs
from rushes.sensors import SensorOfRig

PATIENCE_S = 20.0
"""How long a test waits for what must come; it is met much earlier."""


class Gathered:
    """An intake that keeps what it is given, and lets a test wait for it."""

    def __init__(self) -> None:
        self.clock = HostClock.started()
        self.stopping = Event()
        self.samples: list[Samples] = []
        self.pairs: list[ClockPairs] = []
        self.troubles: list[Trouble] = []
        self._more = Condition()

    def put(self, samples: Samples) -> None:
        self._keep(self.samples, samples)

    def pair(self, pairs: ClockPairs) -> None:
        self._keep(self.pairs, pairs)

    def trouble(self, trouble: Trouble) -> None:
        self._keep(self.troubles, trouble)

    def of(self, stream: str) -> list[Samples]:
        """Give what came of a stream."""
        return [each for each in list(self.samples) if each.stream == stream]

    def count(self, stream: str | None = None) -> int:
        """Say how many samples came."""
        return sum(len(each) for each in list(self.samples) if stream in (None, each.stream))

    def told(self, what: str) -> list[Trouble]:
        """Give the troubles of a kind."""
        return [each for each in list(self.troubles) if each.what == what]

    def wait(self, enough: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Wait until enough has come; fails with what came, where it does not."""
        with self._more:
            if not self._more.wait_for(enough, within_s):
                said = [f"{each.what}: {each.message}" for each in self.troubles]
                pytest.fail(f"waited {within_s} s; {self.count()} samples came, and troubles {said}")

    def _keep(self, into: list, item: object) -> None:
        with self._more:
            into.append(item)
            self._more.notify_all()


@contextmanager
def running(opened: OpenSource, into: Gathered) -> Iterator[Thread]:
    """Run a source in a thread; at the end it is stopped, and what it raised is raised here."""
    raised: list[BaseException] = []

    def go() -> None:
        try:
            opened.run(into)
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the test's own thread
            raised.append(error)

    thread = Thread(target=go, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        into.stopping.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "run did not return after it was told to stop"
    if raised:
        raise raised[0]


def assert_fits(samples: Samples, stream: LiveStream) -> None:
    """Hold samples to what their stream promised."""
    n, content = len(samples), samples.content
    assert n > 0
    assert samples.arrival_ns.dtype == np.int64
    assert samples.seq.dtype == np.int64
    assert samples.seq.shape == (n,)
    assert (samples.device_ns is None) == (stream.device_clock is None)
    assert samples.device_ns is None or (samples.device_ns.dtype, samples.device_ns.shape) == (np.int64, (n,))
    match stream.form:
        case "pictures":
            assert isinstance(content, Pictures)
            assert len(content.data) == n
            assert all(content.data)
            assert min(content.width_px, content.height_px) > 0
            assert stream.codec
        case "inertial":
            assert isinstance(content, Inertial)
            assert content.gyro_rad_s.shape == content.accel_m_s2.shape == (n, 3)
        case "sound":
            assert isinstance(content, Sound)
            assert n == 1
            assert content.samples.dtype == np.int16
            assert content.samples.ndim == 2
            assert content.samples.shape[1] == stream.channels
            assert stream.sample_rate_hz
        case "numbers":
            assert isinstance(content, Numbers)
            assert content.values.shape == (n, len(stream.channel_names))
            assert content.values.dtype == np.float64
            assert len(set(stream.channel_names)) == len(stream.channel_names) == len(stream.channel_units)
        case "texts":
            assert isinstance(content, Texts)
            assert len(content.values) == n
        case "places":
            assert isinstance(content, Places)
            assert len(content.parents) == len(content.children) == n
            assert content.values.shape == (n, 7)
        case "messages":
            assert isinstance(content, Messages)
            assert len(content.data) == n
            assert stream.message_form is not None


class SourceContract:
    """Subclass it, set ``source``, and give the fixtures ``sensor`` and ``absent``."""

    source: ClassVar[Source]
    enough: ClassVar[int] = 5
    """Samples that are waited for."""

    @pytest.fixture
    def sensor(self) -> SensorOfRig:
        raise NotImplementedError("give a sensor that is there and goes on giving samples")

    @pytest.fixture
    def absent(self) -> SensorOfRig:
        raise NotImplementedError("give a sensor that is not there")

    @pytest.fixture
    def gathered(self, sensor: SensorOfRig) -> tuple[OpenSource, Gathered]:
        """Run the source until enough came."""
        into, opened = Gathered(), self.source.open(sensor)
        try:
            with running(opened, into):
                into.wait(lambda: into.count() >= self.enough)
        finally:
            opened.close()
        return opened, into

    def test_it_has_a_name_and_a_version(self):
        assert self.source.name
        assert self.source.version

    def test_scanning_lists_devices_as_a_rig_names_them(self):
        for found in self.source.scan():
            assert isinstance(found, FoundDevice)
            assert found.source == self.source.name
            assert found.device
            assert found.title

    def test_what_is_absent_is_refused_with_a_hint(self, absent):
        with pytest.raises(CaptureError) as told:
            self.source.open(absent)

        assert told.value.code == "capture.absent"
        assert absent.name in told.value.message
        assert told.value.hint

    def test_its_topics_are_paths_and_unique(self, sensor):
        opened = self.source.open(sensor)
        try:
            names = [stream.name for stream in opened.streams]
        finally:
            opened.close()

        assert names
        assert len(set(names)) == len(names)
        assert all(name.startswith("/") for name in names)

    def test_what_it_gives_is_what_its_streams_promised(self, gathered):
        opened, into = gathered
        streams = {stream.name: stream for stream in opened.streams}

        for samples in into.samples:
            assert_fits(samples, streams[samples.stream])

    def test_arrivals_ascend_and_are_of_the_recorders_clock(self, gathered):
        opened, into = gathered
        now = into.clock.now_ns()

        for stream in opened.streams:
            mine = into.of(stream.name)
            arrivals = np.concatenate([each.arrival_ns for each in mine]) if mine else np.zeros(0, np.int64)
            assert (np.diff(arrivals) >= 0).all()
            # sound arrives when the first sample of its block would: up to its length before the clock began
            assert ((arrivals <= now) & (arrivals >= into.clock.utc_ns - 1_000_000_000)).all()

    def test_sequence_numbers_ascend(self, gathered):
        opened, into = gathered

        for stream in opened.streams:
            mine = into.of(stream.name)
            numbers = np.concatenate([each.seq for each in mine]) if mine else np.zeros(0, np.int64)
            assert (np.diff(numbers) > 0).all()

    def test_it_ends_within_a_second_of_being_told_to(self, sensor):
        into, opened = Gathered(), self.source.open(sensor)
        thread = Thread(target=opened.run, args=(into,), daemon=True)
        thread.start()
        into.wait(lambda: into.count() >= 1)

        into.stopping.set()
        begun = time.monotonic()
        thread.join(PATIENCE_S)
        took_s = time.monotonic() - begun
        given = into.count()
        opened.close()

        assert not thread.is_alive()
        assert took_s < 1.5  # a second, and what a busy machine adds
        assert into.count() == given

    def test_it_can_be_closed_twice_and_without_having_run(self, sensor):
        opened = self.source.open(sensor)

        opened.close()
        opened.close()
