"""A rig of sensors that run at their true rates: two cameras, depth, an IMU, sound, numbers and markers.

``python -m live_rig record RIG …`` runs the command line with them, for tests that need a process of its own.
"""

import sys
import threading
from dataclasses import dataclass

import cv2
import numpy as np

import made_up_sensors
from rushes import registry
from rushes.capturing import FoundDevice, Inertial, Intake, LiveStream, Pictures, Samples, Trouble
from rushes.cli import main
from rushes.errors import CaptureError
from rushes.sensors import Rig, SensorOfRig

RIG = """
rig: 1
name: bench
about: Sensors that are made up.
session:
  subject: {about: pseudonym, required: true, pattern: 's\\d\\d'}
  task: {}
sensors:
  - {name: cam_left, source: paced, device: color, rate_hz: 30}
  - {name: depth, source: paced, device: depth, rate_hz: 15}
  - {name: imu, source: paced, device: inertial, rate_hz: 200}
  - {name: mic, source: paced, device: sound, rate_hz: 50}
  - {name: eeg, source: paced, device: numbers, rate_hz: 100}
  - {name: marks, source: paced, device: texts, rate_hz: 1}
"""
AT_ONCE_S = 0.02
WIDTH_PX, HEIGHT_PX = 640, 480
_OWN = {
    "color": ("image/compressed", "jpeg", "color"),
    "depth": ("depth/compressed", "16UC1; compressedDepth png", "depth"),
}


def rig_of(*sensors: SensorOfRig) -> Rig:
    """A rig of such sensors."""
    return Rig(name="bench", about="", sensors=sensors, text="name: bench\n", digest="0123")


def sensor(device: str, rate_hz: float, name: str | None = None) -> SensorOfRig:
    """A sensor of one stream."""
    return SensorOfRig(name=name or device, source="paced", device=device, rate_hz=rate_hz)


def color(k: int) -> bytes:
    """A picture with a square that wanders."""
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), (60, 90, 40), np.uint8)
    at = 8 * k % (WIDTH_PX - 100)
    cv2.rectangle(picture, (at, 180), (at + 100, 280), (40, 120, 230), -1)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def depth(k: int) -> bytes:
    """A slope, near on the left, in millimetres."""
    slope = np.tile(np.linspace(300, 3_900, 320).astype(np.uint16), (240, 1))
    slope[100:140, 4 * k % 280 :][:, :40] = 0
    return bytes(12) + cv2.imencode(".png", slope)[1].tobytes()


PICTURES = {"color": color, "depth": depth}


@dataclass
class Paced:
    """Sensors that give ``rate_hz`` samples a second; ``device`` is what they measure, or ``absent``."""

    name: str = "paced"
    version: str = "1"

    def scan(self):
        return [FoundDevice(source="paced", device="color", title="a made-up camera", facts={"rate": "30 Hz"})]

    def open(self, sensor: SensorOfRig) -> "Opened":
        if sensor.device == "absent":
            raise CaptureError(f"{sensor.name} is not there", code="capture.absent", hint="plug it in")
        return Opened(sensor)


class Opened:
    """A sensor that is open."""

    def __init__(self, sensor: SensorOfRig) -> None:
        self._sensor, device = sensor, sensor.device
        if device in _OWN:
            topic, codec, modality = _OWN[device]
            self.stream = LiveStream(
                name=f"/{sensor.name}/{topic}",
                form="pictures",
                modality=modality,
                codec=codec,
                nominal_rate_hz=sensor.rate_hz,
                device_clock=sensor.name,
            )
        else:
            like = made_up_sensors.STREAMS["inertial" if device == "dying" else device]
            names = {name: getattr(like, name) for name in LiveStream.__slots__}
            self.stream = LiveStream(
                **names | {"name": f"/{sensor.name}", "nominal_rate_hz": sensor.rate_hz, "device_clock": None}
            )
        self.streams = (self.stream,)

    def run(self, into: Intake) -> None:
        rate = self._sensor.rate_hz
        start, given = into.clock.now_ns(), 0
        while not into.stopping.wait(AT_ONCE_S):
            due = int((into.clock.now_ns() - start) * rate / 1e9)
            if due > given:
                first_ns = start + round(given * 1e9 / rate)
                for batch in self._batches(given, due - given, first_ns, round(1e9 / rate)):
                    into.put(batch)
                given = due
            if self._sensor.device == "dying" and given > rate:
                into.trouble(
                    Trouble(what="stopped", message="it fell silent", at_ns=into.clock.now_ns(), sensor="dying")
                )
                into.stopping.wait()

    def _batches(self, first: int, n: int, first_ns: int, step_ns: int):
        numbers = np.arange(first, first + n, dtype=np.int64)
        arrival = first_ns + np.arange(n, dtype=np.int64) * step_ns
        device = self._sensor.device
        if device in PICTURES:
            content = Pictures(
                data=tuple(PICTURES[device](k) for k in numbers.tolist()), width_px=WIDTH_PX, height_px=HEIGHT_PX
            )
            yield self._samples(arrival, numbers, content, arrival - 5_000_000)
        elif device in ("inertial", "dying"):
            wave = np.sin(numbers / 30.0)[:, None] * np.array([1.0, 0.5, 0.25])
            yield self._samples(arrival, numbers, Inertial(gyro_rad_s=wave, accel_m_s2=wave * 3 + 9.81))
        elif device == "sound":
            for k in numbers.tolist():
                made = made_up_sensors.samples_of("sound", k * 960, 960, first_ns + (k - first) * step_ns)
                yield self._samples(made.arrival_ns, np.array([k]), made.content)
        else:
            made = made_up_sensors.samples_of(device, first, n, first_ns, step_ns=step_ns)
            yield self._samples(arrival, numbers, made.content)

    def _samples(self, arrival, numbers, content, device_ns=None) -> Samples:
        return Samples(
            stream=self.stream.name, arrival_ns=arrival, device_ns=device_ns, seq=numbers, content=content
        )

    def close(self) -> None:
        """Nothing is held."""


def run() -> None:
    """Run the command line with these sensors beside the others."""
    load, names = registry.load, registry.names
    registry.load = lambda kind, name: Paced() if (kind, name) == ("capture", "paced") else load(kind, name)
    registry.names = lambda kind: sorted([*names(kind), "paced"]) if kind == "capture" else names(kind)
    sys.argv[0] = "rushes"
    threading.current_thread().name = "main"
    main()


if __name__ == "__main__":
    run()
