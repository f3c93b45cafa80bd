"""Noise models with their truth, for the tests of clock estimation."""

from dataclasses import dataclass

import numpy as np

from rushes.model import ClockPairs, Times
from rushes.virtual.schedule import schedule
from rushes.virtual.spec import (
    DRIFTING,
    NANOSECONDS,
    USB,
    USB_GLITCHES,
    WANDERING,
    WIFI,
    ClockSpec,
    LatencySpec,
    RigSpec,
    SensorSpec,
)

START = 1_767_261_600 * NANOSECONDS

MODELS: dict[str, tuple[LatencySpec, ClockSpec, float]] = {
    "usb": (USB, DRIFTING, 600.0),
    "wifi": (WIFI, DRIFTING, 600.0),
    "wander": (USB, WANDERING, 600.0),
    "glitches": (USB_GLITCHES, DRIFTING, 600.0),
    "clip": (USB, DRIFTING, 20.0),
}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Pairs, and what a perfect map would make of their ``from_ns``: the true time plus the smallest latency."""

    pairs: ClockPairs
    truth_ns: Times


def trial(
    model: str, seed: int, *, clock: ClockSpec | None = None, seconds: float | None = None, rate_hz: float = 30.0
) -> Trial:
    """Simulate one take of a noise model."""
    latency, usual, length = MODELS[model]
    camera = SensorSpec(stream="/cam0", kind="color", rate_hz=rate_hz, clock=clock or usual, latency=latency)
    rig = RigSpec(name="clock", seed=seed, seconds=seconds or length, sensors=(camera,), start_ns=START)
    taken = schedule(rig, camera)
    return Trial(
        pairs=pairs(taken.device_ns, taken.log_ns),
        truth_ns=taken.true_ns + round(latency.minimum_ms * 1e6),
    )


def pairs(from_ns, to_ns, relation="one-way", **more) -> ClockPairs:
    """Give evidence of the usual kind."""
    return ClockPairs(
        from_clock="cam0",
        to_clock="log",
        from_ns=np.asarray(from_ns, np.int64),
        to_ns=np.asarray(to_ns, np.int64),
        relation=relation,
        source="log-header",
        **more,
    )
