"""What the microphone hears: a quiet room, and the clap at its very instant."""

import numpy as np
import numpy.typing as npt

from rushes.virtual.motion import Array
from rushes.virtual.spec import RigSpec, SensorSpec, generator

CLAP_PEAK = 22_000.0
CLAP_S = 0.12


def heard(rig: RigSpec, sensor: SensorSpec, seq: int, *, begins_s: float) -> npt.NDArray[np.int16]:
    """Give one block of 16-bit samples.

    Args:
        rig: The take.
        sensor: The microphone; ``noise`` is the room's, in counts.
        seq: Number of the block.
        begins_s: True time of its first sample.

    Returns:
        Shape (sample_rate / rate,). The first sample at or after the clap's instant is the first that carries it.
    """
    count = round(sensor.sample_rate_hz / sensor.rate_hz)
    wave = np.zeros(count)
    if sensor.noise:
        wave += generator(rig.seed, sensor.stream, "noise", str(seq)).normal(0.0, sensor.noise, count)
    if rig.clap_s is not None:
        first = int(np.ceil((rig.clap_s - begins_s) * sensor.sample_rate_hz - 1e-6))
        clap = _clap(rig.seed, sensor.sample_rate_hz)
        low, high = max(0, first), min(count, first + len(clap))
        if low < high:
            wave[low:high] += clap[low - first : high - first]
    return np.clip(np.rint(wave), -32_768, 32_767).astype(np.int16)


def _clap(seed: int, rate_hz: int) -> Array:
    """Give noise that starts at full strength and dies away, then a weaker echo of the room."""
    t = np.arange(int(CLAP_S * rate_hz)) / rate_hz
    raw = generator(seed, "clap").uniform(-1.0, 1.0, len(t))
    strength = np.exp(-t / 0.006) + 0.08 * np.exp(-t / 0.03)
    wave = raw * strength
    wave[0] = 1.0  # the onset is one sample sharp
    return wave * CLAP_PEAK
