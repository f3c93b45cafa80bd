"""When each sample of a sensor is taken, stamped and logged, and which ones are lost or repeated.

Numbers in columns, thousands at a time, so that clocks and latencies can be simulated without rendering anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.virtual.clock import device_times
from rushes.virtual.spec import NANOSECONDS, RigSpec, SensorSpec, generator

BLOCK = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Samples of one sensor in the order they are taken; every array has shape (n,).

    Args:
        seq: Sequence number, from 0, counting the lost ones too.
        true_ns: When it was really taken.
        device_ns: What the device's clock said.
        log_ns: When the host logged it; meaningless for lost samples.
        arrived: Whether it reached the host.
        repeated: Whether it carries the payload of the last one that arrived.
        source: Sequence number of the sample whose payload it carries.
        content_ns: When that one was really taken.
    """

    seq: Times
    true_ns: Times
    device_ns: Times
    log_ns: Times
    arrived: npt.NDArray[np.bool_]
    repeated: npt.NDArray[np.bool_]
    source: Times
    content_ns: Times

    def delivered(self) -> "Schedule":
        """Give only the samples that reached the host."""
        return Schedule(**{f.name: getattr(self, f.name)[self.arrived] for f in fields(self)})


def schedule(rig: RigSpec, sensor: SensorSpec) -> Schedule:
    """Plan a whole take of one sensor."""
    blocks = list(schedule_blocks(rig, sensor)) or [_NOTHING]
    return Schedule(**{f.name: np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Schedule)})


def schedule_blocks(rig: RigSpec, sensor: SensorSpec) -> Iterator[Schedule]:
    """Plan a take block by block, in bounded memory; the blocks joined equal :func:`schedule`."""
    draw = {
        purpose: generator(rig.seed, sensor.stream, purpose)
        for purpose in ("jitter", "latency", "burst", "burst-size", "glitch", "glitch-size", "drop", "repeat")
    }
    count = sample_count(rig, sensor)
    period = NANOSECONDS / sensor.rate_hz
    last_log = np.iinfo(np.int64).min
    last_source, last_content = -1, rig.start_ns
    for first in range(0, count, BLOCK):
        seq = np.arange(first, min(first + BLOCK, count), dtype=np.int64)
        grid = np.rint(sensor.phase_s * NANOSECONDS + seq * period).astype(np.int64)
        true_ns = rig.start_ns + grid + _jitter(sensor, draw["jitter"], len(seq), period)
        latency, glitch = _latency(sensor, draw, len(seq))
        arrived = ~_dropped(rig, sensor, draw["drop"], seq, true_ns)
        log_ns = true_ns + latency
        if sensor.latency.order == "fifo":
            log_ns = np.maximum.accumulate(np.where(arrived, log_ns, np.iinfo(np.int64).min))
            log_ns = np.maximum(log_ns, last_log)
            last_log = int(log_ns[-1])
        repeated = arrived & _chosen(sensor.faults.repeated, sensor.faults.repeat_probability, draw["repeat"], seq)
        fresh = np.maximum.accumulate(np.where(arrived & ~repeated, seq, -1))
        fresh = np.maximum(fresh, last_source)
        repeated &= fresh >= 0  # nothing to repeat before the first arrival
        source = np.where(repeated, fresh, seq)
        content_ns = np.where(source >= first, true_ns[np.maximum(source - first, 0)], last_content)
        last_source = int(fresh[-1])
        last_content = int(true_ns[last_source - first]) if last_source >= first else last_content
        yield Schedule(
            seq=seq,
            true_ns=true_ns,
            device_ns=device_times(sensor.clock, true_ns, start_ns=rig.start_ns),
            log_ns=np.where(arrived, log_ns - glitch, true_ns),
            arrived=arrived,
            repeated=repeated,
            source=source,
            content_ns=content_ns,
        )


def sample_count(rig: RigSpec, sensor: SensorSpec) -> int:
    """Count the samples that a sensor takes, lost ones included."""
    return max(0, int(np.ceil((rig.seconds - sensor.phase_s) * sensor.rate_hz - 1e-9)))


def _jitter(sensor: SensorSpec, draw: np.random.Generator, n: int, period: float) -> Times:
    if not sensor.jitter_ns:
        return np.zeros(n, np.int64)
    limit = period * 0.45  # so that order is kept
    return np.rint(np.clip(draw.normal(0.0, sensor.jitter_ns, n), -limit, limit)).astype(np.int64)


def _latency(sensor: SensorSpec, draw: dict[str, np.random.Generator], n: int) -> tuple[Times, Times]:
    spec = sensor.latency
    milliseconds: npt.NDArray[np.float64] = np.full(n, spec.minimum_ms)
    if spec.gamma_scale_ms:
        milliseconds += draw["latency"].gamma(spec.gamma_shape, spec.gamma_scale_ms, n)
    if spec.burst_probability:
        burst = draw["burst"].random(n) < spec.burst_probability
        milliseconds += burst * draw["burst-size"].exponential(spec.burst_mean_ms, n)
    glitch: npt.NDArray[np.float64] = np.zeros(n)
    if spec.glitch_probability:
        hit = draw["glitch"].random(n) < spec.glitch_probability
        glitch = hit * draw["glitch-size"].exponential(spec.glitch_mean_ms, n)
    return np.rint(milliseconds * 1e6).astype(np.int64), np.rint(glitch * 1e6).astype(np.int64)


def _dropped(
    rig: RigSpec, sensor: SensorSpec, draw: np.random.Generator, seq: Times, true_ns: Times
) -> npt.NDArray[np.bool_]:
    dropped = _chosen(sensor.faults.dropped, sensor.faults.drop_probability, draw, seq)
    since = (true_ns - rig.start_ns) / NANOSECONDS
    for begin, end in sensor.faults.gaps_s:
        dropped |= (since >= begin) & (since < end)
    return dropped


def _chosen(
    listed: tuple[int, ...], probability: float, draw: np.random.Generator, seq: Times
) -> npt.NDArray[np.bool_]:
    chosen = np.isin(seq, np.array(listed, np.int64))
    if probability:
        chosen |= draw.random(len(seq)) < probability
    return np.asarray(chosen, np.bool_)


_NONE, _NEVER = np.empty(0, np.int64), np.empty(0, np.bool_)
_NOTHING = Schedule(
    seq=_NONE,
    true_ns=_NONE,
    device_ns=_NONE,
    log_ns=_NONE,
    arrived=_NEVER,
    repeated=_NEVER,
    source=_NONE,
    content_ns=_NONE,
)
