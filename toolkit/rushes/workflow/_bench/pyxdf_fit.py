"""pyxdf's own clock synchronisation on the same pairs: a robust line through one in 5 s, as LSL records them."""

import logging
from types import SimpleNamespace

import numpy as np
from pyxdf import pyxdf

from rushes.model import ClockPairs, Times

logging.getLogger("pyxdf").setLevel(logging.ERROR)  # what it cannot place shows in its row
EVERY_NS = 5_000_000_000


def synchronised(pairs: ClockPairs) -> Times:
    """Give the stamps as ``pyxdf.load_xdf`` would, its handling of resets included."""
    first, base = int(pairs.from_ns[0]), int(pairs.to_ns[0] - pairs.from_ns[0])
    taken = np.searchsorted(pairs.to_ns - pairs.to_ns[0], np.arange(0, np.ptp(pairs.to_ns) + 1, EVERY_NS))
    taken = np.unique(np.minimum(taken, len(pairs.to_ns) - 1))
    stamps = (pairs.from_ns - first) * 1e-9
    offsets = (pairs.to_ns - pairs.from_ns - base) * 1e-9
    stream = SimpleNamespace(
        time_stamps=stamps.copy(),
        clock_times=stamps[taken].tolist(),
        clock_values=offsets[taken].tolist(),
        clock_segments=[],
    )
    pyxdf._clock_sync({1: stream})
    return np.asarray(first + base + np.rint(stream.time_stamps * 1e9).astype(np.int64), np.int64)
