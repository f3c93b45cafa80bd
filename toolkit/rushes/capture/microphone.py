"""Microphones and line inputs, through PortAudio.

``device`` is a part of a device's name as ``rushes rig scan`` lists it, its number, or empty for the one that the
system hears with.

``format``:
    sample_rate_hz: 48000, where nothing is said.
    channels: 1, where nothing is said.

``options``:
    block: Samples a block; a fiftieth of a second, where nothing is said.

The sound is int16. ``device_ns`` is PortAudio's time of the first sample of a block, as it reckons it from the
moment at which the block was handed over and the latency that the driver states. Its clock is one of this machine,
not the sound card's own, and it jitters as hand-overs do; it is called ``portaudio:NAME`` and is held against the
recorder's every ten seconds, both ways. How the card's own clock drifts shows in the number of samples over time.
``arrival_ns`` is the hand-over less the time that the block lasts: when the first sample would have come alone.
"""

import time
from collections.abc import Callable, Sequence
from queue import Empty
from types import ModuleType
from typing import Any

import numpy as np

from rushes.capture._blocks import Block, BlockClock
from rushes.capture._mishaps import Absence, waits
from rushes.capture._wishes import Wishes
from rushes.capturing import FoundDevice, Intake, LiveStream, OpenSource, Samples, Sound, Source, Trouble
from rushes.errors import CaptureError
from rushes.model import ClockPairs
from rushes.registry import late
from rushes.sensors import SensorOfRig

PAIR_EVERY_NS = 10_000_000_000
SILENT_NS = 3_000_000_000
"""Without a block for so long, the device counts as gone."""
_LOOK_S = 0.1
_TRIES = 8


class MicrophoneSource:
    """Opens microphones."""

    name = "microphone"
    version = "1"

    def scan(self) -> Sequence[FoundDevice]:
        """List the devices that hear.

        Raises:
            CaptureError: ``capture.missing-library`` without PortAudio.
        """
        return [
            FoundDevice(
                source=self.name,
                device=each.name,
                title=f"{each.name} ({each.host})",
                facts={
                    "channels": str(each.channels),
                    "sample_rate_hz": f"{each.rate_hz:g}",
                    "number": str(each.index),
                },
            )
            for each in _portaudio().inputs()
        ]

    def open(self, sensor: SensorOfRig) -> OpenSource:
        """Open a microphone; it hears nothing before it runs.

        Raises:
            CaptureError: ``capture.absent``, ``capture.refused`` or ``capture.missing-library``.
            RecipeError: ``rig.invalid``.
        """
        return OpenMicrophone(sensor, _portaudio)


class OpenMicrophone:
    """A microphone that is open.

    Args:
        library: Gives the module ``_portaudio``, or what behaves like it.
    """

    def __init__(self, sensor: SensorOfRig, library: Callable[[], Any]) -> None:
        form, options = Wishes(sensor, "format"), Wishes(sensor, "options")
        self._name, self._device = sensor.name, sensor.device
        self._rate_hz = form.whole("sample_rate_hz", 48_000, least=1_000, most=768_000) or 48_000
        self._channels = form.whole("channels", 1, most=256) or 1
        self._block = options.whole("block", max(1, self._rate_hz // 50), most=1_000_000) or 1
        form.finish()
        options.finish()
        self._portaudio = library()
        self._clock_name = f"portaudio:{sensor.name}"
        self._ear: Any = self._opened()
        self.streams: Sequence[LiveStream] = (
            LiveStream(
                name=f"/{sensor.name}/audio",
                form="sound",
                modality="audio",
                nominal_rate_hz=self._rate_hz / self._block,
                device_clock=self._clock_name,
                time_meaning="exposure_start",
                latency_ns=sensor.latency_ns,
                frame_of_reference=sensor.frame_of_reference,
                sample_rate_hz=self._rate_hz,
                channels=self._channels,
            ),
        )

    def run(self, into: Intake) -> None:
        """Give blocks until told to stop; a device that goes away is opened again.

        Raises:
            CaptureError: ``capture.refused`` if it does not start at all.
        """
        absence = Absence(into, sensor=self._name)
        clock = BlockClock(self._rate_hz)
        self._started()
        while not into.stopping.is_set():
            self._listen(into, clock, absence)
            if into.stopping.is_set():
                break
            absence.begins(f"no sound came for {SILENT_NS / 1e9:g} s" if self._ear.alive else "the device ended")
            self.close()
            if self._again(into):
                clock.restart()

    def close(self) -> None:
        """Let go of the device."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None

    def _listen(self, into: Intake, clock: BlockClock, absence: Absence) -> None:
        """Give blocks while they come."""
        heard_ns, paired_ns = time.monotonic_ns(), None
        while not into.stopping.is_set():
            try:
                block = self._ear.blocks.get(timeout=_LOOK_S)
            except Empty:
                if not self._ear.alive or time.monotonic_ns() - heard_ns > SILENT_NS:
                    return
                continue
            heard_ns = block.arrived_ns
            absence.ends()
            self._give(block, into, clock)
            if paired_ns is None or heard_ns - paired_ns >= PAIR_EVERY_NS:
                paired_ns = heard_ns
                self._pair(into)

    def _give(self, block: Block, into: Intake, clock: BlockClock) -> None:
        placed = clock.place(block)
        arrival_ns = into.clock.of_monotonic(placed.arrival_ns)
        if placed.lost:
            into.trouble(
                Trouble(
                    what="lost",
                    message=f"the sound card was not read in time: about {placed.lost} samples are lost",
                    at_ns=into.clock.now_ns(),
                    sensor=self._name,
                    stream=self.streams[0].name,
                    count=max(1, -(-placed.lost // block.frames)),
                )
            )
        into.put(
            Samples(
                stream=self.streams[0].name,
                arrival_ns=np.array([arrival_ns], np.int64),
                device_ns=np.array([placed.device_ns], np.int64),
                seq=np.array([placed.seq], np.int64),
                content=Sound(samples=block.samples(self._channels)),
            )
        )

    def _pair(self, into: Intake) -> None:
        """Hold PortAudio's clock against the recorder's, by the tightest of a few readings."""
        tries = []
        for _ in range(_TRIES):
            before_ns = time.monotonic_ns()
            theirs_ns = self._ear.clock_ns()
            after_ns = time.monotonic_ns()
            tries.append((after_ns - before_ns, theirs_ns, (before_ns + after_ns) // 2))
        round_trip_ns, theirs_ns, ours_ns = min(tries)
        into.pair(
            ClockPairs(
                from_clock=self._clock_name,
                to_clock="log",
                from_ns=np.array([theirs_ns], np.int64),
                to_ns=np.array([into.clock.of_monotonic(ours_ns)], np.int64),
                relation="two-way",
                source="portaudio",
                round_trip_ns=np.array([round_trip_ns], np.int64),
                stream=self.streams[0].name,
            )
        )

    def _again(self, into: Intake) -> bool:
        """Open it anew, as often as it takes; False when told to stop meanwhile."""
        for wait_s in waits():
            if into.stopping.wait(wait_s):
                break
            try:
                self._portaudio.look_again()
                self._ear = self._opened()
                self._started()
            except CaptureError:  # it is still away, which was told
                self.close()
                continue
            return True
        return False

    def _started(self) -> None:
        try:
            self._ear.start()
        except self._portaudio.NoSoundError as error:
            raise self._refused(str(error)) from error

    def _opened(self) -> Any:
        chosen = self._chosen()
        if chosen.channels < self._channels:
            raise self._refused(f"asked for {self._channels} channels, it has {chosen.channels}")
        try:
            return self._portaudio.Ear(
                index=chosen.index, channels=self._channels, rate_hz=self._rate_hz, block=self._block
            )
        except self._portaudio.NoSoundError as error:
            raise self._refused(
                f"asked for {self._rate_hz} Hz, {self._channels} channels, int16; PortAudio says: {error} "
                f"(its own rate is {chosen.rate_hz:g} Hz)"
            ) from error

    def _chosen(self) -> Any:
        """Give the device that the rig means."""
        there = self._portaudio.inputs()
        if not self._device:
            usual = self._portaudio.default_input()
            fitting = [each for each in there if each.index == usual]
        else:
            fitting = [each for each in there if self._device in (each.name, str(each.index))]
            fitting = fitting or [each for each in there if self._device.lower() in each.name.lower()]
        if fitting:
            return fitting[0]
        offered = ", ".join(f"'{each.name}'" for each in there)
        raise CaptureError(
            f"microphone '{self._name}': "
            + (f"there is no input '{self._device}'" if self._device else "the system has no input of its choice"),
            code="capture.absent",
            hint=f"there are: {offered}"
            if offered
            else "this machine offers no input for sound; look at the cable",
            facts={"sensor": self._name, "device": self._device},
        )

    def _refused(self, why: str) -> CaptureError:
        return CaptureError(
            f"microphone '{self._name}': {why}",
            code="capture.refused",
            hint="ask for another rate or fewer channels, or close the program that holds it",
            facts={"sensor": self._name, "device": self._device},
        )


def _portaudio() -> ModuleType:
    """Import what needs PortAudio's library.

    Raises:
        CaptureError: ``capture.missing-library``, if it is not installed.
    """
    try:
        return late("rushes.capture._portaudio")
    except OSError as error:
        raise CaptureError(
            f"microphones need the library PortAudio: {error}",
            code="capture.missing-library",
            hint="apt-get install libportaudio2 (macOS: brew install portaudio)",
        ) from error


PLUGIN: Source = MicrophoneSource()
