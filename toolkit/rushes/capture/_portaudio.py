"""Sound through PortAudio; importing this needs its library, which is OSError where it is missing.

``Ear`` is all that the source sees of it: it listens, and names devices. Its callback runs in PortAudio's own
thread, in which nothing may wait, so it copies a block and puts it into a queue.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock
from typing import Any

import sounddevice

from rushes.capture._blocks import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A device that hears.

    Args:
        index: PortAudio's number, which changes when devices come and go.
    """

    index: int
    name: str
    host: str
    channels: int
    rate_hz: float


_LOCK = Lock()
_OPEN: set["Ear"] = set()
"""What is open now: it would end if PortAudio began anew."""


class NoSoundError(Exception):
    """PortAudio cannot do what is asked; the reason is its message."""


def inputs() -> Sequence[Input]:
    """List the devices that hear."""
    hosts = sounddevice.query_hostapis()
    return [
        Input(
            index=int(each["index"]),
            name=str(each["name"]),
            host=str(hosts[each["hostapi"]]["name"]),
            channels=int(each["max_input_channels"]),
            rate_hz=float(each["default_samplerate"]),
        )
        for each in sounddevice.query_devices()
        if each["max_input_channels"] > 0
    ]


def look_again() -> None:
    """Let PortAudio look for its devices anew, which it does only when it starts; not while anything is open."""
    with _LOCK:
        if not _OPEN:
            sounddevice._terminate()
            sounddevice._initialize()


def default_input() -> int | None:
    """Give the number of the device that the system hears with; None where there is none."""
    index = sounddevice.default.device[0]
    try:
        return int(sounddevice.query_devices(index if index >= 0 else None, "input")["index"])
    except (sounddevice.PortAudioError, ValueError):
        return None


class Ear:
    """An open input.

    Args:
        index: PortAudio's number of the device.
        block: Samples a block.

    Raises:
        NoSoundError: If it does not open so.
    """

    def __init__(self, *, index: int, channels: int, rate_hz: int, block: int) -> None:
        self.blocks: SimpleQueue[Block] = SimpleQueue()
        with _LOCK:
            try:
                self._stream = sounddevice.RawInputStream(
                    samplerate=rate_hz,
                    blocksize=block,
                    device=index,
                    channels=channels,
                    dtype="int16",
                    callback=self._hear,
                )
            except (sounddevice.PortAudioError, ValueError) as error:
                raise NoSoundError(str(error)) from error
            _OPEN.add(self)

    def start(self) -> None:
        """Begin to listen.

        Raises:
            NoSoundError: If it does not.
        """
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise NoSoundError(str(error)) from error

    @property
    def alive(self) -> bool:
        """Whether it still listens: PortAudio stops when the device goes away."""
        return bool(self._stream.active)

    def clock_ns(self) -> int:
        """Read the clock in which the times of blocks are."""
        return round(float(self._stream.time) * 1e9)

    def close(self) -> None:
        """Stop listening; can be called twice."""
        with _LOCK:
            if self in _OPEN:
                _OPEN.remove(self)
                self._stream.close(ignore_errors=True)

    def _hear(self, data: Any, frames: int, times: Any, status: Any) -> None:
        self.blocks.put(
            Block(
                data=bytes(data),
                frames=frames,
                first_s=float(times.inputBufferAdcTime),
                called_s=float(times.currentTime),
                arrived_ns=time.monotonic_ns(),
                overflowed=bool(status.input_overflow),
            )
        )
