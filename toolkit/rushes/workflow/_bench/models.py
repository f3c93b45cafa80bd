"""Noise models with their truth: how stamps and arrivals of a 30 Hz camera come about."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rushes.model import ClockPairs, Times
from rushes.virtual.schedule import schedule
from rushes.virtual.spec import (
    DRIFTING,
    USB,
    USB_GLITCHES,
    WANDERING,
    WIFI,
    ClockSpec,
    FaultSpec,
    LatencySpec,
    RigSpec,
    SensorSpec,
)

RATE_HZ = 30.0
NO_FAULTS = FaultSpec()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel:
    """A clock, a line and a length; ``said`` is how a table names it."""

    said: str
    latency: LatencySpec
    clock: ClockSpec = DRIFTING
    seconds: float = 600.0
    faults: FaultSpec = NO_FAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What one take gave.

    Args:
        pairs: Stamps and arrivals, in the order taken.
        truth_ns: Shape (n,): what a perfect map makes of ``from_ns``, the true time plus the smallest latency.
    """

    pairs: ClockPairs
    truth_ns: Times


MODELS: Mapping[str, NoiseModel] = {
    "usb": NoiseModel(said="USB, 2 % bursts", latency=USB),
    "wifi": NoiseModel(said="Wi-Fi, heavy tail", latency=WIFI),
    "wander": NoiseModel(said="3 ms of non-linear drift", latency=USB, clock=WANDERING),
    "glitches": NoiseModel(said="0.1 % stamped too early", latency=USB_GLITCHES),
    "resets": NoiseModel(
        said="two resets of the clock", latency=USB, clock=replace(DRIFTING, resets_s=(200.0, 400.0))
    ),
    "drops": NoiseModel(
        said="5 % lost, a gap of 20 s",
        latency=USB,
        faults=FaultSpec(drop_probability=0.05, gaps_s=((290.0, 310.0),)),
    ),
    "clip": NoiseModel(said="clip of 20 s", latency=USB, seconds=20.0),
}


def take(model: NoiseModel, seed: int) -> Take:
    """Simulate one take; the same seed gives the same numbers."""
    camera = SensorSpec(
        stream="/cam0",
        kind="color",
        rate_hz=RATE_HZ,
        clock=model.clock,
        latency=model.latency,
        faults=model.faults,
    )
    rig = RigSpec(name="bench", seed=seed, seconds=model.seconds, sensors=(camera,))
    taken = schedule(rig, camera).delivered()
    pairs = ClockPairs(
        from_clock="cam0",
        to_clock="log",
        from_ns=taken.device_ns,
        to_ns=taken.log_ns,
        relation="one-way",
        source="log-header",
    )
    return Take(pairs=pairs, truth_ns=taken.true_ns + np.int64(round(model.latency.minimum_ms * 1e6)))
