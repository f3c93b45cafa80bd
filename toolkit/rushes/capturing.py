"""Live sensors as a recorder meets them: what there is, what arrives, and what a plugin that opens them must do.

Two clocks are kept apart from the first moment. ``arrival_ns`` is the recorder's own clock, :class:`HostClock`:
Unix time at the start plus monotonic time since, so that it never steps, whatever is done to the system's clock.
It becomes the log time of the recording. ``device_ns`` is what the sensor's clock said, as it said it; it becomes
the stamp in the header. What relates the two, beyond the samples, travels as ``model.ClockPairs``.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.model import ClockPairs, Modality, Times
from rushes.sensors import SensorOfRig

Form = Literal["pictures", "inertial", "sound", "numbers", "texts", "places", "messages"]
"""What the content of a stream's samples is: a class of :data:`Content` each."""
Mishap = Literal["absent", "refused", "stopped", "returned", "garbage", "lost", "paused", "clock", "disk"]
"""``refused``: it does not do what the rig asks; ``lost``: samples that were there and are not in the file;
``paused``: left out because somebody asked for it; ``clock``: a clock that was set or began again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostClock:
    """The recorder's clock: never steps, never goes back.

    Args:
        utc_ns: Unix time at its start, in nanoseconds.
        monotonic_ns: Reading of ``time.monotonic_ns`` at that instant.
    """

    utc_ns: int
    monotonic_ns: int

    @classmethod
    def started(cls) -> "HostClock":
        """Start one now."""
        return cls(utc_ns=time.time_ns(), monotonic_ns=time.monotonic_ns())

    def now_ns(self) -> int:
        """Read it."""
        return self.utc_ns + time.monotonic_ns() - self.monotonic_ns

    def of_monotonic(self, monotonic_ns: int) -> int:
        """Give the reading that belongs to a reading of ``time.monotonic_ns``."""
        return self.utc_ns + monotonic_ns - self.monotonic_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDevice:
    """A device that this machine offers, as a rig file names it.

    Args:
        source: Plugin that opens it.
        device: What the rig's ``device`` has to say.
        title: For people.
        facts: Formats, rates, serial number … by name.
    """

    source: str
    device: str
    title: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageForm:
    """How the messages of a stream are written that is passed on as it came.

    Args:
        encoding: Of a message: cdr, protobuf, json …
        schema_name, schema_encoding, schema: As in MCAP's schema record.
    """

    encoding: str
    schema_name: str
    schema_encoding: str
    schema: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStream:
    """One track of a live sensor.

    Args:
        name: Topic in the recording, such as ``/cam_left/image/compressed``; unique in the rig.
        device_clock: Name of the clock that ``device_ns`` is read from, the same for streams that share it; empty
            where nobody says whose clock it is; None where the sensor states no time.
        time_meaning: As ``model.Stream.time_meaning``, of ``device_ns``, or of ``arrival_ns`` where that is all.
        latency_ns: Known time from the instant to ``arrival_ns``; None where it was not calibrated.
        codec: Of pictures, as ``CompressedImage.format`` says it: jpeg, png, ``16UC1; compressedDepth png``, h264.
        pixel_format: Of pictures that are raw pixels, as ``Image.encoding`` says it, ``_be`` behind it where their
            samples are big endian; None where they are encoded.
        depth_unit_m: Metres per count of depth, where its codec does not say so by itself.
        rotation_deg: Clockwise turn that shows pictures upright; None where nothing says that they need any.
        sample_rate_hz, channels: Of sound.
        channel_names, channel_units: Of numbers; unique names; a unit may be empty.
        message_form: Of messages.
        first_messages: What holds for the whole recording, such as a calibration; written once, before the
            first sample: ``("/cam_left/camera_info", form, bytes)`` each.
    """

    name: str
    form: Form
    modality: Modality
    nominal_rate_hz: float | None = None
    device_clock: str | None = None
    time_meaning: str = "arrival"
    latency_ns: int | None = None
    frame_of_reference: str = ""
    codec: str | None = None
    pixel_format: str | None = None
    depth_unit_m: float | None = None
    rotation_deg: int | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    channel_names: tuple[str, ...] = ()
    channel_units: tuple[str, ...] = ()
    message_form: MessageForm | None = None
    first_messages: Sequence[tuple[str, MessageForm, bytes]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Pictures, ``n`` of one size, as the sensor delivered them where that is possible: encoded, or raw pixels."""

    data: tuple[bytes, ...]
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inertial:
    """IMU samples in the sensor's axes: rad/s and m/s², each of shape (n, 3); NaN where not measured."""

    gyro_rad_s: npt.NDArray[np.float64]
    accel_m_s2: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One block of sound (``n`` is 1): int16, shape (samples, channels); times are those of its first sample."""

    samples: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Channels sampled together, shape (n, channels)."""

    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Markers: ``n`` texts."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where frames of reference are in others, ``n`` at a time of arrival each.

    Args:
        parents, children: Names, ``n`` each.
        values: Shape (n, 7): x, y, z in metres, then the quaternion w, x, y, z; ``T_parent_child``.
    """

    parents: tuple[str, ...]
    children: tuple[str, ...]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Messages that are written as they came, ``n`` of them."""

    data: tuple[bytes, ...]


Content: TypeAlias = Pictures | Inertial | Sound | Numbers | Texts | Places | Messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Consecutive samples of one stream, in the order in which they arrived; one block of sound.

    Args:
        stream: Name of a :class:`LiveStream` of the same source.
        arrival_ns: Shape (n,), the recorder's clock, ascending.
        device_ns: Shape (n,), raw, the device's clock; None where it states no time.
        seq: Shape (n,), the device's own count where it has one, else the source's; a hole is a lost sample.
    """

    stream: str
    arrival_ns: Times
    device_ns: Times | None
    seq: npt.NDArray[np.int64]
    content: Content

    def __len__(self) -> int:
        return len(self.arrival_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something went wrong with a sensor, or right again: told on the spot, and written into the recording.

    Args:
        stream: None where it concerns a sensor as a whole, or the recording.
        sensor: None where it concerns the recording.
        message: A sentence with the facts.
        count: Samples that are lost, or were garbage.
        at_ns: The recorder's clock.
        from_ns: Since when, where it lasted.
    """

    what: Mishap
    message: str
    at_ns: int
    sensor: str | None = None
    stream: str | None = None
    count: int = 0
    from_ns: int | None = None


class Intake(Protocol):
    """Where a source puts what arrives. Every method may be called from any thread."""

    clock: HostClock
    stopping: Event
    """Set when the source shall end its ``run``."""

    def put(self, samples: Samples) -> None:
        """Take samples. Waits, or drops and counts, where the recorder cannot keep up: as the rig says."""
        ...

    def pair(self, pairs: ClockPairs) -> None:
        """Take readings of two clocks; ``log`` is the recorder's own."""
        ...

    def trouble(self, trouble: Trouble) -> None:
        """Take note of something that went wrong."""
        ...


class OpenSource(Protocol):
    """A live sensor that is held open."""

    @property
    def streams(self) -> Sequence[LiveStream]:
        """What it will give; known once it is open, and the same after a reconnection."""
        ...

    def run(self, into: Intake) -> None:
        """Give what arrives until ``into.stopping`` is set or there will be no more; runs in a thread of its own.

        A sensor that goes away is waited for and opened again, which is told by ``into.trouble``; what cannot be
        understood is counted there too. Returns within a second of ``stopping``.

        Raises:
            CaptureError: If it cannot go on. What was given stays.
        """
        ...

    def close(self) -> None:
        """Let go of the device; can be called twice."""
        ...


class Source(Protocol):
    """A kind of live sensor. ``capture/NAME.py``."""

    name: str
    version: str

    def scan(self) -> Sequence[FoundDevice]:
        """List the devices of this kind that this machine offers, within a few seconds, without disturbing them.

        Raises:
            CaptureError: ``capture.missing-library``, if what is needed to look for them is not there.
        """
        ...

    def open(self, sensor: SensorOfRig) -> OpenSource:
        """Open one sensor of a rig.

        Raises:
            CaptureError: ``capture.absent`` if it is not there; ``capture.refused`` if it cannot do what is asked.
            RecipeError: ``rig.invalid``, if the rig asks for something that the plugin does not know.
        """
        ...
