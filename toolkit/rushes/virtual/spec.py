"""What a virtual rig is made of: its sensors, their clocks and faults, its motion and who is seen.

Every value is frozen; the same spec gives the same bytes. Seconds count from the start of the take in true time;
``_ns`` values are int64 nanoseconds. Each sensor draws from its own generators, seeded by the rig's seed, the
sensor's name and the purpose, so that a change of one sensor changes no other.
"""

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rushes.errors import UsageError

SensorKind = Literal["color", "depth", "imu", "audio", "pose"]
NANOSECONDS = 1_000_000_000
GRAVITY_M_S2 = 9.80665


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSpec:
    """How a device's clock runs against true time.

    Device time is ``offset + (1 + drift) (t - start) + wander`` after the start of the take, then resets, wrap
    and resolution are applied in this order.

    Args:
        offset_ns: Device time at the start of the take, less the start itself (``epoch_ns`` is None) or less
            ``epoch_ns``.
        drift_ppm: How much faster than true time it runs.
        wander_ns: Amplitude of a slow sine on top, as temperature causes.
        wander_period_s: Its period.
        epoch_ns: Where the clock starts counting; None for the rig's ``start_ns`` (a clock set to wall time).
        resets_s: Instants at which it starts again from its epoch, ascending.
        wrap_ns: The counter's length: device time is taken modulo this. None for a counter that never wraps.
        resolution_ns: Device time is rounded down to multiples of this.
    """

    offset_ns: int = 0
    drift_ppm: float = 0.0
    wander_ns: int = 0
    wander_period_s: float = 600.0
    epoch_ns: int | None = None
    resets_s: tuple[float, ...] = ()
    wrap_ns: int | None = None
    resolution_ns: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySpec:
    """How long a sample travels from its instant to the host's log, in milliseconds.

    Minimum plus a gamma-distributed part, plus, with ``burst_probability``, an exponential one. A sample never
    arrives before the one ahead of it (one wire, first in first out) unless ``order`` is ``free``. A glitch makes
    the host's stamp too early by an exponential time, as a stepped clock does.
    """

    minimum_ms: float = 0.0
    gamma_shape: float = 1.0
    gamma_scale_ms: float = 0.0
    burst_probability: float = 0.0
    burst_mean_ms: float = 0.0
    glitch_probability: float = 0.0
    glitch_mean_ms: float = 0.0
    order: Literal["fifo", "free"] = "fifo"


NO_LATENCY = LatencySpec()
BUS = LatencySpec(minimum_ms=0.3, gamma_shape=2.0, gamma_scale_ms=0.05)
"""A sensor on the host's own bus."""
USB_QUIET = LatencySpec(minimum_ms=4.0, gamma_shape=2.0, gamma_scale_ms=0.4)
"""A camera on a USB bus with nothing else on it."""
USB = LatencySpec(
    minimum_ms=4.0, gamma_shape=2.0, gamma_scale_ms=2.0, burst_probability=0.02, burst_mean_ms=150.0, order="free"
)
"""USB: gamma with 2 % bursts, each sample by itself, as the clock fits were measured on."""
WIFI = LatencySpec(
    minimum_ms=2.0, gamma_shape=1.0, gamma_scale_ms=20.0, burst_probability=0.1, burst_mean_ms=150.0, order="free"
)
"""Wi-Fi headset: heavy tail with 10 % bursts."""
USB_GLITCHES = LatencySpec(
    minimum_ms=4.0,
    gamma_shape=2.0,
    gamma_scale_ms=2.0,
    glitch_probability=0.001,
    glitch_mean_ms=20.0,
    order="free",
)
"""USB without bursts, with 0.1 % of the stamps too early."""
DRIFTING = ClockSpec(offset_ns=-12_300_000_000, drift_ppm=40.0)
"""A cheap crystal: 40 ppm."""
WANDERING = ClockSpec(offset_ns=-12_300_000_000, drift_ppm=40.0, wander_ns=3_000_000, wander_period_s=600.0)
"""The same with 3 ms of non-linear drift over ten minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """What goes wrong with a sensor's samples. Numbers are sequence numbers, from 0, of the samples taken.

    Args:
        dropped: Samples that never arrive.
        drop_probability: Chance that any other sample never arrives.
        gaps_s: Closed–open intervals of true time in which nothing arrives.
        repeated: Samples that carry the picture of the last one that arrived, under a stamp of their own.
        repeat_probability: Chance of that for any other sample.
        truncated: Pictures whose encoded bytes stop after a third.
        overexposed_s: Closed–open interval of true time in which pictures are burnt out.
    """

    dropped: tuple[int, ...] = ()
    drop_probability: float = 0.0
    gaps_s: tuple[tuple[float, float], ...] = ()
    repeated: tuple[int, ...] = ()
    repeat_probability: float = 0.0
    truncated: tuple[int, ...] = ()
    overexposed_s: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSpec:
    """One sensor of the rig.

    Args:
        stream: Topic of its samples.
        kind: What it measures; ``pose`` is the rig's own pose as a tracker gives it.
        rate_hz: Samples a second; for audio, blocks a second.
        phase_s: True time of the first sample.
        jitter_ns: Standard deviation of the sample instants about the regular grid.
        width_px, height_px: Of the picture.
        focal_px: Focal length; the principal point is the picture's centre.
        T_rig_sensor: Place in the rig: x, y, z in metres, then roll, pitch, yaw in degrees, of the sensor's body
            axes (x forward, y left, z up). Cameras look along x; their optical axes: z forward, x right, y down.
        jpeg_quality: Of colour pictures.
        sample_rate_hz: Of audio.
        noise: Standard deviation of white noise: grey levels, millimetres, audio counts.
        gyro_noise_rad_s, accel_noise_m_s2: Standard deviation of white noise of one IMU sample.
        gyro_bias_rad_s, accel_bias_m_s2: Constant errors.
        lsb: Resolution of IMU values, in rad/s and m/s²; a power of two.
    """

    stream: str
    kind: SensorKind
    rate_hz: float
    phase_s: float = 0.0
    jitter_ns: int = 0
    clock: ClockSpec = ClockSpec()
    latency: LatencySpec = NO_LATENCY
    faults: FaultSpec = FaultSpec()
    width_px: int = 320
    height_px: int = 240
    focal_px: float = 280.0
    T_rig_sensor: tuple[float, float, float, float, float, float] = (0.0,) * 6
    jpeg_quality: int = 80
    sample_rate_hz: int = 48_000
    noise: float = 0.0
    gyro_noise_rad_s: float = 0.0
    accel_noise_m_s2: float = 0.0
    gyro_bias_rad_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    accel_bias_m_s2: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lsb: float = 2.0**-14

    @property
    def name(self) -> str:
        """Its short name: ``/cam0/image/compressed`` is ``cam0``."""
        return self.stream.strip("/").split("/")[0]

    @property
    def frame(self) -> str:
        """Its frame of reference."""
        return f"{self.name}_optical" if self.kind in ("color", "depth") else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorSpec:
    """Whose hands are seen.

    Args:
        subject: Pseudonym.
        hand_length_m: Wrist to middle fingertip.
        skin: Colour, RGB 0–255.
        sleeve: Colour, RGB 0–255.
    """

    subject: str = "s01"
    hand_length_m: float = 0.185
    skin: tuple[int, int, int] = (224, 172, 138)
    sleeve: tuple[int, int, int] = (52, 86, 140)


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionSpec:
    """How the rig moves: sums of sines about a place above the table.

    Args:
        place_m: Mean position in the world.
        heading_deg: Mean roll, pitch and yaw; pitch down is positive.
        sway_m: Amplitude of the position's sines.
        turn_deg: Amplitude of the angles' sines.
        frequencies_hz: Of the sines; each axis has one sine of each, with a phase of its own. Empty: the rig
            stands still.
    """

    place_m: tuple[float, float, float] = (-0.60, 0.0, 1.20)
    heading_deg: tuple[float, float, float] = (0.0, 34.0, 0.0)
    sway_m: float = 0.012
    turn_deg: float = 1.6
    frequencies_hz: tuple[float, ...] = (0.31, 0.73, 1.37)


@dataclass(frozen=True, slots=True, kw_only=True)
class RigSpec:
    """A whole take.

    Args:
        name: Of the take; the file's stem.
        seed: Of everything that is drawn.
        seconds: Length; sensors take samples in [0, seconds) of true time.
        start_ns: True time at the start, Unix epoch.
        clap_s: When hands meet, the lamp flashes and the microphone hears it; None for no clap.
        script: What the hands do: a name of ``rushes.virtual.script``, or a gesture.
        room_seed: Of textures and furniture; the same for takes in one place.
        metadata: Names and values for the recording's metadata record.
    """

    name: str
    seed: int
    seconds: float
    sensors: tuple[SensorSpec, ...]
    start_ns: int = 1_767_261_600 * NANOSECONDS  # 2026-01-01T10:00:00Z
    clap_s: float | None = None
    script: str = "drink"
    room_seed: int = 7
    actor: ActorSpec = ActorSpec()
    motion: MotionSpec = MotionSpec()
    metadata: tuple[tuple[str, str], ...] = ()

    def sensor(self, stream: str) -> SensorSpec:
        """Give the sensor with that topic or short name.

        Raises:
            UsageError: If the rig has none.
        """
        for sensor in self.sensors:
            if stream in (sensor.stream, sensor.name):
                return sensor
        raise UsageError(
            f"the virtual rig '{self.name}' has no sensor '{stream}'",
            code="virtual.no-sensor",
            hint="it has " + ", ".join(s.stream for s in self.sensors),
        )


def generator(seed: int, *names: str) -> np.random.Generator:
    """Give the random numbers of one purpose: the same seed and names, the same numbers."""
    words = [seed, *(zlib.crc32(name.encode()) for name in names)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
