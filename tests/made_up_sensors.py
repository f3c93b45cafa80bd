"""Sources that are made up in the process: each sample is known beforehand."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rushes.capturing import (
    Inertial,
    Intake,
    LiveStream,
    MessageForm,
    Messages,
    Numbers,
    Pictures,
    Places,
    Samples,
    Sound,
    Texts,
)
from rushes.sensors import Rig, SensorOfRig

STREAMS = {
    "pictures": LiveStream(
        name="/cam/image/compressed",
        form="pictures",
        modality="color",
        nominal_rate_hz=30.0,
        device_clock="cam",
        codec="jpeg",
        frame_of_reference="cam",
    ),
    "inertial": LiveStream(
        name="/imu", form="inertial", modality="imu", device_clock="imu", frame_of_reference="imu_link"
    ),
    "sound": LiveStream(
        name="/mic", form="sound", modality="audio", device_clock="mic", sample_rate_hz=48_000, channels=2
    ),
    "numbers": LiveStream(
        name="/eeg/raw",
        form="numbers",
        modality="signal",
        device_clock="eeg",
        channel_names=("Fp 1", "Fp-1", "µ"),
        channel_units=("µV", "µV", ""),
    ),
    "texts": LiveStream(name="/marks", form="texts", modality="event", device_clock="marks"),
    "places": LiveStream(name="/tracker/tf", form="places", modality="pose", device_clock="tracker"),
    "messages": LiveStream(
        name="/odd",
        form="messages",
        modality="message",
        message_form=MessageForm(encoding="json", schema_name="Odd", schema_encoding="jsonschema", schema=b"{}"),
    ),
}
STEPS = np.array([0, 0.25, 0.5])


def samples_of(form: str, first: int, n: int, arrival_ns: int, *, step_ns: int = 1_000_000) -> Samples:
    """Make ``n`` samples, the one numbered ``k`` always the same; a block of sound is one."""
    stream = STREAMS[form]
    numbers = np.arange(first, first + (1 if form == "sound" else n), dtype=np.int64)
    arrival = arrival_ns + np.arange(len(numbers), dtype=np.int64) * step_ns
    device = None if stream.device_clock is None else 5_000_000_000 + numbers * 1_000_000
    rows = numbers.astype(float)[:, None]
    contents = {
        "pictures": lambda: Pictures(data=tuple(picture(k) for k in numbers), width_px=4, height_px=3),
        "inertial": lambda: Inertial(gyro_rad_s=rows + STEPS, accel_m_s2=rows - STEPS),
        "sound": lambda: Sound(samples=sound(first, n)),
        "numbers": lambda: Numbers(values=rows + STEPS / 2),
        "texts": lambda: Texts(values=tuple(f"mark {k} ü" for k in numbers)),
        "places": lambda: Places(
            parents=("world",) * len(numbers),
            children=("hand",) * len(numbers),
            values=np.concatenate([rows + STEPS * 4, np.tile([1.0, 0, 0, 0], (len(numbers), 1))], axis=1),
        ),
        "messages": lambda: Messages(data=tuple(b'{"k":%d}' % k for k in numbers)),
    }
    return Samples(stream=stream.name, arrival_ns=arrival, device_ns=device, seq=numbers, content=contents[form]())


def picture(k: int) -> bytes:
    """Give what stands for an encoded picture."""
    return b"\xff\xd8" + int(k).to_bytes(8, "big") * 50 + b"\xff\xd9"


def sound(first: int, n: int) -> np.ndarray:
    """Give a block of two channels."""
    left = (np.arange(n) + first).astype(np.int16)
    return np.stack([left, -left], axis=1)


@dataclass
class MadeUp:
    """A source whose sensors do as a function says; ``device`` of the sensor is the form of its stream."""

    run: Callable[[Intake, SensorOfRig], None]
    before_open: Callable[[SensorOfRig], None] = lambda sensor: None
    streams: Sequence[LiveStream] = ()
    name: str = "made-up"
    version: str = "1"
    closed: list[str] = field(default_factory=list)

    def scan(self):
        return []

    def open(self, sensor: SensorOfRig) -> "Opened":
        self.before_open(sensor)
        return Opened(self, sensor)


class Opened:
    """A sensor that is open."""

    def __init__(self, source: MadeUp, sensor: SensorOfRig) -> None:
        self._source, self._sensor = source, sensor
        self.streams = source.streams or (STREAMS[sensor.device],)

    def run(self, into: Intake) -> None:
        self._source.run(into, self._sensor)

    def close(self) -> None:
        self._source.closed.append(self._sensor.name)


def sensor(form: str, **more) -> SensorOfRig:
    """A sensor of one stream."""
    return SensorOfRig(name=more.pop("name", form), source="made-up", device=form, **more)


def rig_of(*sensors: SensorOfRig) -> Rig:
    """A rig of such sensors."""
    return Rig(name="bench", about="", sensors=sensors, text="name: bench\n", digest="0123")


def wait_for(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so; fails when it takes too long."""
    tick = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if done():
            return
        tick.wait(0.01)
    raise AssertionError("it did not come about in time")
