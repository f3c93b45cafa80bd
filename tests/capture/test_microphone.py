"""Microphones: PortAudio reads a known file through ALSA; a stand-in does what no machine can be made to do."""

import ctypes
import os
import sys
from queue import SimpleQueue
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.sources import Gathered, SourceContract, running
from rushes.capture import microphone
from rushes.capture._blocks import Block, BlockClock
from rushes.capture.microphone import PLUGIN, OpenMicrophone
from rushes.errors import CaptureError, RecipeError
from rushes.sensors import SensorOfRig

RATE = 48_000
ALSA = """
pcm.tone {{
  type plug
  slave {{
    pcm {{ type file slave {{ pcm {{ type null }} }} file "/dev/null" infile "{tone}" format "raw" }}
    format S16_LE
    rate 48000
    channels 1
  }}
}}
pcm.default {{ type null }}
"""


def sensor(device="tone", *, form=None, options=None) -> SensorOfRig:
    return SensorOfRig(
        name="mic", source="microphone", device=device, format=form or {}, options=options or {"block": 4800}
    )


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    """A sound of which every stretch is like no other: two seconds of noise."""
    return np.random.default_rng(7).integers(-30_000, 30_000, 2 * RATE).astype("<i2")


@pytest.fixture(scope="module")
def card(tmp_path_factory, tone):
    """A sound card that plays a known file into PortAudio, as fast as it is read."""
    if sys.platform != "linux":
        pytest.skip("ALSA is of Linux")
    place = tmp_path_factory.mktemp("alsa")
    tone.tofile(place / "tone.raw")
    (place / "asound.conf").write_text(ALSA.format(tone=place / "tone.raw"))
    before = os.environ.get("ALSA_CONFIG_PATH")
    os.environ["ALSA_CONFIG_PATH"] = str(place / "asound.conf")
    try:
        found = microphone._portaudio()
    except CaptureError as error:
        if os.environ.get("CI"):
            pytest.fail(error.hint)  # make tools installs it
        pytest.skip(error.hint)
    ctypes.CDLL("libasound.so.2").snd_config_update_free_global()
    found.look_again()
    yield
    if before is None:
        del os.environ["ALSA_CONFIG_PATH"]
    else:
        os.environ["ALSA_CONFIG_PATH"] = before


@pytest.mark.live
@pytest.mark.usefixtures("card")
class TestMicrophoneContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self):
        return sensor()

    @pytest.fixture
    def absent(self):
        return sensor("no such card")


@pytest.mark.live
@pytest.mark.usefixtures("card")
def test_every_sample_of_a_known_sound_arrives(tone):
    into, opened = Gathered(), PLUGIN.open(sensor())
    with running(opened, into):
        into.wait(lambda: into.count() >= 15)
    opened.close()

    heard = np.concatenate([each.content.samples[:, 0] for each in into.samples])[: len(tone)]
    assert np.array_equal(heard, tone[: len(heard)])
    assert not into.told("garbage")


@pytest.mark.live
@pytest.mark.usefixtures("card")
def test_the_clock_of_the_library_is_held_against_the_recorders():
    into, opened = Gathered(), PLUGIN.open(sensor())
    with running(opened, into):
        into.wait(lambda: bool(into.pairs) and into.count() >= 5)
    opened.close()

    (stream,) = opened.streams
    pair = into.pairs[0]
    assert (pair.from_clock, pair.to_clock, pair.relation) == (stream.device_clock, "log", "two-way")
    assert pair.round_trip_ns[0] < 50_000_000
    offset_ns = int(pair.to_ns[0] - pair.from_ns[0])
    handed_over = np.concatenate([each.arrival_ns for each in into.samples]) + 4800 * 1_000_000_000 // RATE
    taken = np.concatenate([each.device_ns for each in into.samples]) + offset_ns
    assert (handed_over - taken > -200_000_000).all()  # nothing is handed over before it was taken; a busy machine


@pytest.mark.live
@pytest.mark.usefixtures("card")
def test_more_channels_than_there_are_is_refused():
    with pytest.raises(CaptureError) as told:
        PLUGIN.open(sensor(form={"channels": 200}))

    assert told.value.code == "capture.refused"
    assert "it has 128" in told.value.message


class StandIn:
    """Behaves as ``_portaudio``; a test says what the device does."""

    class NoSoundError(Exception):
        pass

    def __init__(self, channels: int = 2) -> None:
        self.there = True
        self.ears: list[SimpleNamespace] = []
        self._channels = channels

    def inputs(self):
        found = SimpleNamespace(index=3, name="Desk mic", host="ALSA", channels=self._channels, rate_hz=48_000.0)
        return [found] if self.there else []

    def default_input(self):
        return 3 if self.there else None

    def look_again(self):
        pass

    def Ear(self, **asked):  # noqa: N802 - a class in the module that it stands for
        if not self.there:
            raise self.NoSoundError("Device unavailable")
        ear = SimpleNamespace(blocks=SimpleQueue(), alive=True, asked=asked)
        ear.start = ear.close = lambda: None
        ear.clock_ns = lambda: 5_000_000_000
        self.ears.append(ear)
        return ear


def block(number: int, *, frames=480, begun_s=100.0, overflowed=False, first_s=None) -> Block:
    first_s = begun_s + number * frames / RATE if first_s is None else first_s
    return Block(
        data=np.full(frames, number, np.int16).tobytes(),
        frames=frames,
        first_s=first_s,
        called_s=begun_s + (number + 1) * frames / RATE,
        arrived_ns=round((50 + (number + 1) * frames / RATE) * 1e9),
        overflowed=overflowed,
    )


def test_lost_sound_is_counted_and_leaves_a_hole():
    library, into = StandIn(), Gathered()
    opened = OpenMicrophone(sensor("", options={"block": 480}), lambda: library)
    for number in (0, 1, 5, 6):
        library.ears[0].blocks.put(block(number, overflowed=number == 5))
    with running(opened, into):
        into.wait(lambda: into.count() == 4)
    opened.close()

    assert [int(each.seq[0]) for each in into.samples] == [0, 1, 5, 6]
    (told,) = into.told("lost")
    assert told.count == 3
    assert "1440 samples" in told.message


def test_a_microphone_that_is_unplugged_is_told_and_opened_again():
    library, into = StandIn(), Gathered()
    opened = OpenMicrophone(sensor(device="desk", options={"block": 480}), lambda: library)
    library.ears[0].blocks.put(block(0))
    with running(opened, into):
        into.wait(lambda: into.count() == 1)
        library.there = False
        library.ears[0].alive = False
        into.wait(lambda: bool(into.told("stopped")))
        Event().wait(0.3)
        library.there = True
        for _ in range(200):
            if len(library.ears) > 1:
                break
            Event().wait(0.05)
        library.ears[1].blocks.put(block(900))
        into.wait(lambda: into.count() == 2)
    opened.close()

    assert [each.what for each in into.troubles] == ["stopped", "returned"]
    assert [int(each.seq[0]) for each in into.samples] == [0, 1]


@pytest.mark.parametrize("device", ["Desk mic", "desk", "3", ""])
def test_a_device_is_found_by_a_part_of_its_name_its_number_or_as_the_usual_one(device):
    library = StandIn()

    OpenMicrophone(sensor(device=device), lambda: library).close()

    assert library.ears[0].asked["index"] == 3


def test_what_is_not_there_is_absent_and_the_hint_lists_what_is():
    with pytest.raises(CaptureError) as told:
        OpenMicrophone(sensor(device="studio"), StandIn)

    assert told.value.code == "capture.absent"
    assert "'Desk mic'" in told.value.hint


def test_without_portaudio_the_hint_says_how_to_get_it(monkeypatch):
    def missing(name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(microphone, "late", missing)
    for ask in (PLUGIN.scan, lambda: PLUGIN.open(sensor())):
        with pytest.raises(CaptureError) as told:
            ask()
        assert told.value.code == "capture.missing-library"
        assert "apt-get install libportaudio2" in told.value.hint


def test_what_a_rig_cannot_mean_is_refused():
    with pytest.raises(RecipeError) as told:
        OpenMicrophone(sensor("", form={"sample_rate": 16_000}), StandIn)

    assert "sample_rate_hz" in told.value.hint


@given(
    frames=st.integers(1, 4096),
    rate=st.sampled_from([8_000, 16_000, 44_100, 48_000, 96_000]),
    jitter_ms=st.lists(st.integers(0, 30), min_size=1, max_size=30),
)
def test_arrivals_never_go_back_and_never_come_before_the_sound(frames, rate, jitter_ms):
    clock, last, over_ns = BlockClock(rate), 0, 0
    lasts_ns = frames * 1_000_000_000 // rate
    for number, late_ms in enumerate(jitter_ms):
        over_ns = max(over_ns, 1_000_000_000 + (number + 1) * lasts_ns + late_ms * 1_000_000)
        placed = clock.place(
            Block(data=b"", frames=frames, first_s=7 + number * frames / rate, called_s=0, arrived_ns=over_ns)
        )
        assert placed.seq == number
        assert placed.arrival_ns >= max(last, 1_000_000_000 + number * lasts_ns)
        assert placed.arrival_ns <= over_ns
        assert abs(placed.device_ns - (7_000_000_000 + number * frames * 1_000_000_000 // rate)) <= 2
        last = placed.arrival_ns


def test_a_library_that_cannot_say_when_a_block_began_is_taken_at_its_hand_over():
    placed = BlockClock(RATE).place(block(0, first_s=0.0))

    assert placed.device_ns == 100_000_000_000


@given(lost=st.integers(1, 500), frames=st.sampled_from([64, 480, 1024]))
def test_a_gap_after_an_overflow_is_told_to_the_sample(lost, frames):
    clock = BlockClock(RATE)
    clock.place(block(0, frames=frames))
    placed = clock.place(
        block(1, frames=frames, overflowed=True, first_s=100.0 + (frames + lost) / RATE),
    )

    assert placed.lost == lost
    assert placed.seq == 1 + -(-lost // frames)
