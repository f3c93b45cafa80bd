"""Movement that is known, and what a camera measures of it."""

import numpy as np

from rushes.timing.crosscheck.signals import averaged, from_intervals, from_samples

MS = 1_000_000
SECOND = 1_000_000_000


def movement(seed, seconds=24.0, k=3, step_s=0.005):
    """Smooth random movement of about 2 Hz: times and values, shape (n,) and (n, k)."""
    draw = np.random.default_rng(seed)
    t = np.arange(0, seconds, step_s)
    values = draw.normal(size=(len(t), k))
    for _ in range(3):
        values = np.stack([np.convolve(column, np.ones(30) / 30, "same") for column in values.T], axis=1)
    return np.rint(t * SECOND).astype(np.int64), values / values.std()


def frames_of(times, values, *, offset_ns=0, rate_hz=30, noise=0.0, seed=0, origin_ns=0):
    """What a camera measures of a movement between its frames, stamped too early by ``offset_ns``."""
    edges = np.arange(SECOND, times[-1] - SECOND, round(SECOND / rate_hz))
    fine = from_samples(times, values)
    means = averaged(fine, edges[:-1].astype(float), edges[1:].astype(float), origin_ns=0)
    means = means + np.random.default_rng(seed).normal(0, noise, means.shape)
    return from_intervals(edges - offset_ns + origin_ns, means)
