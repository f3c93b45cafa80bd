"""What is measured of each block of sound, for all checks together; full scale is 1."""

import numpy as np
import numpy.typing as npt

SOUND_MEASURES = ("level_rms", "level_rms_least", "level_peak", "level_mean", "level_clipped")
"""Of a block: root mean square of the loudest and the quietest channel, the largest sample, the largest mean of a
channel, and the share of samples that stand at full scale in runs of two or more. The largest sample is infinite
where some are no numbers, as sound of floating point can hold; they count as 0 for the others."""

FULL = 0.999


def measure_block(wave: npt.NDArray[np.float32]) -> tuple[float, float, float, float, float]:
    """Give ``SOUND_MEASURES`` of one block.

    Args:
        wave: Shape (n, channels), full scale 1; n is at least 1.
    """
    broken = not np.isfinite(wave).all()
    if broken:
        wave = np.nan_to_num(wave, nan=0.0, posinf=0.0, neginf=0.0)
    rms = np.sqrt(np.mean(np.square(wave, dtype=np.float64), axis=0))
    size = np.abs(wave)
    full = size >= FULL
    clipped = 0.0
    if full.any():
        # One sample at full scale is a peak that fits; the flat top of a wave that does not is wider.
        same = full[1:] & full[:-1] & (np.sign(wave[1:]) == np.sign(wave[:-1]))
        beside = np.zeros_like(full)
        beside[1:] |= same
        beside[:-1] |= same
        clipped = float(beside.mean())
    means = wave.mean(axis=0, dtype=np.float64)
    offset = float(means[np.argmax(np.abs(means))])
    peak = float("inf") if broken else float(size.max())
    return float(rms.max()), float(rms.min()), peak, offset, clipped
