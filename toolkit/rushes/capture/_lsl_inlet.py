"""One stream of the Lab Streaming Layer, as liblsl gives it: samples in numpy, raw stamps, clock readings.

Stamps are seconds of the sending machine's ``local_clock``, as they were sent: liblsl's own corrections
(clocksync, dejitter) stay off. ``pylsl`` is seen here and in ``_lsl_network`` alone.
"""

import ctypes
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pylsl
from pylsl.lib import lib

from rushes.texts import as_json

MOST = 2048
"""Samples that are pulled at once."""
BUFFER_S = 60
_TRIES = 8
_SETTINGS = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
lib.lsl_time_correction_ex.restype = ctypes.c_double
if "LSLAPICFG" not in os.environ and not any(Path(place).expanduser().exists() for place in _SETTINGS):
    pylsl.set_config_content(
        "[log]\nlevel = -3\n"
    )  # else it writes over the terminal; what it says is told anyway


class LostStreamError(Exception):
    """The sender is gone, and liblsl has no way to find it again, as it gave no source id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What liblsl measured between the clocks of sender and receiver, by the best of eight exchanges.

    Args:
        remote_s: Reading of the sender's clock in the middle of the exchange.
        offset_s: To be added for the receiver's.
        round_trip_s: Of the exchange; the offset is within half of it.
    """

    remote_s: float
    offset_s: float
    round_trip_s: float


class Inlet:
    """An inlet that is open.

    Args:
        info: As it was resolved.

    Raises:
        TimeoutError: If the sender does not answer.
        LostStreamError: If it has gone meanwhile.
    """

    def __init__(self, info: pylsl.StreamInfo, *, timeout_s: float) -> None:
        self._inlet = pylsl.StreamInlet(info, max_buflen=BUFFER_S, recover=True)
        self.texts = self._inlet.np_dtype is None
        self.channels: int = self._inlet.channel_count
        try:
            self.info = self._inlet.info(timeout_s)
            self._inlet.open_stream(timeout_s)
        except pylsl.util.LostError as error:
            raise LostStreamError from error
        self._room = None if self.texts else np.empty((MOST, self.channels), self._inlet.np_dtype)

    def begin(self) -> None:
        """Forget what came until now."""
        self._inlet.flush()

    def pull(self) -> tuple[Any, npt.NDArray[np.float64]]:
        """Take what has come: at most ``MOST`` samples, without waiting.

        Returns:
            Float64 of shape (n, channels), or n texts; and stamps in seconds, shape (n,).

        Raises:
            LostStreamError: If nothing will come any more.
        """
        try:
            values, stamps = self._inlet.pull_chunk(0.0, MOST, dest_obj=self._room, as_numpy=True)
        except pylsl.util.LostError as error:
            raise LostStreamError from error
        if self.texts:
            return tuple(_said(sample) for sample in values), np.asarray(stamps, np.float64)
        return values.astype(np.float64), np.asarray(stamps, np.float64)

    def correction(self) -> Correction | None:
        """Give the latest that liblsl has measured by itself, every two seconds; None before it has."""
        remote, trip, code = ctypes.c_double(), ctypes.c_double(), ctypes.c_int()
        offset = lib.lsl_time_correction_ex(
            self._inlet.obj, ctypes.byref(remote), ctypes.byref(trip), ctypes.c_double(0.0), ctypes.byref(code)
        )
        if code.value:
            return None
        return Correction(remote_s=remote.value, offset_s=float(offset), round_trip_s=trip.value)

    def began_again(self) -> bool:
        """Tell whether the sender was lost and found again since this was asked last."""
        return bool(self._inlet.was_clock_reset())

    def close(self) -> None:
        """Let go of the stream."""
        self._inlet.close_stream()


def clock_reading() -> tuple[float, int, int]:
    """Read liblsl's clock of this machine against ``time.monotonic_ns``, by the tightest of a few readings.

    Returns:
        Seconds of liblsl, monotonic nanoseconds of the same moment, and within how many nanoseconds.
    """
    tries = []
    for _ in range(_TRIES):
        before_ns = time.monotonic_ns()
        theirs_s = pylsl.local_clock()
        after_ns = time.monotonic_ns()
        tries.append((after_ns - before_ns, theirs_s, (before_ns + after_ns) // 2))
    within_ns, theirs_s, ours_ns = min(tries)
    return theirs_s, ours_ns, within_ns


def _said(sample: npt.NDArray[np.object_]) -> str:
    """Give the text of a marker; where it has several channels, all of them as a JSON list."""
    texts = [bytes(value).decode("utf-8", "backslashreplace") for value in sample]
    return texts[0] if len(texts) == 1 else as_json(texts)
