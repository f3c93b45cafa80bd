"""Ready-made takes: a tiny one for tests, the rig of the samples, one gesture."""

from dataclasses import replace

from rushes.virtual.spec import (
    BUS,
    USB_QUIET,
    ActorSpec,
    ClockSpec,
    FaultSpec,
    LatencySpec,
    RigSpec,
    SensorSpec,
)

SUBJECTS = {
    "s01": ActorSpec(subject="s01"),
    "s02": ActorSpec(subject="s02", hand_length_m=0.165, skin=(150, 103, 78), sleeve=(150, 58, 62)),
}

CAM0 = SensorSpec(
    stream="/cam0/image/compressed",
    kind="color",
    rate_hz=20.0,
    phase_s=0.004,
    jpeg_quality=72,
    clock=ClockSpec(offset_ns=1_800_000, drift_ppm=38.0),
    latency=USB_QUIET,
    jitter_ns=60_000,
    T_rig_sensor=(0.0, 0.03, 0.0, 0.0, 0.0, -3.0),
)
CAM1 = SensorSpec(
    stream="/cam1/image/compressed",
    kind="color",
    rate_hz=10.0,
    phase_s=0.009,
    width_px=240,
    height_px=180,
    jpeg_quality=72,
    clock=ClockSpec(offset_ns=-6_400_000, drift_ppm=-22.0),
    latency=USB_QUIET,
    jitter_ns=60_000,
    focal_px=190.0,
    T_rig_sensor=(0.02, -0.16, 0.05, 0.0, 4.0, 12.0),
)
DEPTH = SensorSpec(
    stream="/depth/image/compressedDepth",
    kind="depth",
    rate_hz=10.0,
    phase_s=0.012,
    clock=ClockSpec(offset_ns=9_100_000, drift_ppm=75.0),
    latency=USB_QUIET,
    jitter_ns=60_000,
    width_px=160,
    height_px=120,
    focal_px=140.0,
    T_rig_sensor=(0.0, -0.02, 0.0, 0.0, 0.0, 0.0),
)
IMU = SensorSpec(
    stream="/imu",
    kind="imu",
    rate_hz=1000.0,
    phase_s=0.0005,
    clock=ClockSpec(offset_ns=-2_700_000, drift_ppm=12.0),
    latency=BUS,
    T_rig_sensor=(0.01, 0.0, -0.02, 0.0, 0.0, 0.0),
    gyro_noise_rad_s=0.002,
    accel_noise_m_s2=0.02,
)
AUDIO = SensorSpec(
    stream="/audio",
    kind="audio",
    rate_hz=50.0,
    clock=ClockSpec(offset_ns=4_900_000, drift_ppm=-55.0),
    # A block is only there when its last sample is.
    latency=LatencySpec(minimum_ms=21.0, gamma_shape=2.0, gamma_scale_ms=0.2),
    noise=0.6,
)
TRACKER = SensorSpec(stream="/tf", kind="pose", rate_hz=30.0, latency=BUS)


def tabletop_spec(
    name: str,
    *,
    seed: int,
    subject: str = "s01",
    seconds: float = 3.0,
    clap_s: float | None = 2.7,
) -> RigSpec:
    """Give the samples' rig: someone takes a cup, puts it back and claps.

    Args:
        name: Of the take.
        seed: Of the take's randomness.
        subject: ``s01`` or ``s02``.
        seconds: Length.
        clap_s: The clap's true time since the start; None for none.
    """
    return RigSpec(
        name=name,
        seed=seed,
        seconds=seconds,
        clap_s=clap_s,
        sensors=(CAM0, CAM1, DEPTH, IMU, AUDIO, TRACKER),
        actor=SUBJECTS[subject],
        metadata=(("place", "kitchen-lab"), ("session", f"{subject}-morning"), ("task", "take the cup, clap")),
    )


def tiny_spec(
    *,
    seed: int = 1,
    seconds: float = 0.5,
    clap_s: float | None = 0.4,
    faults: FaultSpec | None = None,
) -> RigSpec:
    """Give the whole rig in small, for tests: pictures of 64 × 48 px, made in less than a second of CPU.

    Args:
        seed: Of the take's randomness.
        seconds: Length.
        clap_s: The clap's true time since the start; None for none.
        faults: Of the first camera.
    """
    cameras = tuple(
        replace(sensor, width_px=64, height_px=48, focal_px=sensor.focal_px * 64 / sensor.width_px)
        for sensor in (CAM0, CAM1, DEPTH)
    )
    first = replace(cameras[0], faults=faults or FaultSpec())
    return RigSpec(
        name="tiny",
        seed=seed,
        seconds=seconds,
        clap_s=clap_s,
        sensors=(first, *cameras[1:], IMU, AUDIO, TRACKER),
    )


def gesture_spec(label: str, *, seed: int, subject: str = "s01", seconds: float = 1.6) -> RigSpec:
    """Give one camera on a still stand that sees one gesture.

    Args:
        label: A name of :data:`rushes.virtual.script.GESTURES`.
        seed: Of the take's randomness.
        subject: ``s01`` or ``s02``.
        seconds: Length.
    """
    rig = tabletop_spec(f"{label}_{subject}", seed=seed, subject=subject, seconds=seconds, clap_s=None)
    camera = replace(CAM0, rate_hz=15.0, phase_s=0.0, jitter_ns=0, width_px=240, height_px=180, focal_px=235.0)
    still = replace(
        rig.motion, sway_m=0.002, turn_deg=0.25, place_m=(-0.52, 0.0, 1.12), heading_deg=(0.0, 19.0, -3.0)
    )
    return replace(rig, script=label, sensors=(camera,), motion=still)
