"""What the arrivals of a live stream say of it: rate, jitter, holes, gaps, silence, and how its clock runs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.capturing import Form, Samples
from rushes.model import Times

SECOND_NS = 1_000_000_000
WINDOW_NS = 5 * SECOND_NS
RESTART = 1_000_000
"""A count that leaps further was set anew; nothing was lost."""
CLOCK_STEP_NS = SECOND_NS
GAP_PERIODS, GAP_NS = 5, 250_000_000
SILENT_PERIODS, SILENT_NS = 10, SECOND_NS
ENOUGH = 10
"""Samples after which the rate of a stream that states none is known."""
HELD = 1 << 14
"""Samples that the last seconds are told from, at most; those of five seconds at 3 kHz."""
STEADY: tuple[Form, ...] = ("pictures", "inertial", "sound", "numbers")
"""Forms whose samples come at a rate, so that silence means something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a stream is doing over the last seconds; fields as in ``live.StreamStatus``."""

    rate_hz: float | None = None
    jitter_ns: int | None = None
    bytes_per_s: float = 0.0
    offset_ns: int | None = None


class _Window:
    """The last samples of a stream: arrivals, offsets and sizes, in arrays that do not grow."""

    def __init__(self) -> None:
        self._rows = np.empty((3, HELD), np.int64)
        self._count = 0

    def add(self, arrival: Times, offset: Times, size: int) -> None:
        """Add samples that have so many bytes together."""
        each = size // len(arrival)
        if len(arrival) > HELD // 2:
            arrival, offset = arrival[-HELD // 2 :], offset[-HELD // 2 :]
        n = len(arrival)
        if self._count + n > HELD:
            kept = HELD - HELD // 2
            self._rows[:, :kept] = self._rows[:, self._count - kept : self._count]
            self._count = kept
        into = self._rows[:, self._count : self._count + n]
        into[0], into[1], into[2] = arrival, offset, each
        self._count += n

    def since(self, from_ns: int) -> npt.NDArray[np.int64]:
        """Give the samples from a time on: shape (3, n), arrivals, offsets, sizes."""
        held = self._rows[:, : self._count]
        return held[:, int(np.searchsorted(held[0], from_ns, "left")) :]


class Gauge:
    """Watches the arrivals of one stream. Not safe from several threads at once.

    Attributes:
        arrived: Samples so far.
        holes: Samples that their sequence numbers say were lost before they came here.
        gaps: Intervals that are longer than five periods and a quarter of a second.
        first_offset_ns, last_offset_ns: Host clock less device clock, least of the first and of the last seconds.
    """

    def __init__(self, form: Form, nominal_rate_hz: float | None) -> None:
        self._steady, self._nominal_hz = form in STEADY, nominal_rate_hz
        self._window = _Window()
        self._timed = False
        self._seq: int | None = None
        self._device_ns: int | None = None
        self._breaks: list[int] = []
        self.arrived = self.holes = self.gaps = self.longest_gap_ns = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.first_offset_ns: int | None = None

    def observe(self, samples: Samples, size: int) -> None:
        """Take note of what arrived, ``size`` bytes of it."""
        n, arrival, device = len(samples), samples.arrival_ns, samples.device_ns
        self._count_holes(samples)
        if device is not None:
            self._watch_clock(arrival, device)
        self._count_gaps(arrival)
        self.arrived += n
        self.first_ns = int(arrival[0]) if self.first_ns is None else self.first_ns
        self.last_ns = int(arrival[-1])
        self._timed = device is not None
        self._window.add(arrival, arrival if device is None else arrival - device, size)
        if device is not None and self.last_ns - self.first_ns < WINDOW_NS:
            least = int((arrival - device).min())
            self.first_offset_ns = least if self.first_offset_ns is None else min(self.first_offset_ns, least)

    def breaks(self) -> list[int]:
        """Give by how many nanoseconds the device's clock leapt, each time since this was asked last."""
        found, self._breaks = self._breaks, []
        return found

    def silent_after_ns(self) -> int | None:
        """How long nothing may come; None for a stream that may be silent."""
        period = self._period_ns() if self._steady else None
        return None if period is None else max(SILENT_NS, int(SILENT_PERIODS * period))

    def read(self, now_ns: int) -> Reading:
        """Give what the last seconds say."""
        times, offsets, sizes = self._window.since(now_ns - WINDOW_NS)
        if not len(times):
            return Reading()
        span_ns = max(now_ns - int(times[0]), 1)
        rate = jitter = None
        if len(times) > 1 and times[-1] > times[0]:  # what came at one instant, all together, has no rate
            intervals = np.diff(times)
            median = np.median(intervals)
            jitter = int(np.percentile(np.abs(intervals - median), 95))
            quiet = now_ns - int(times[-1]) > max(SILENT_NS // 2, 5 * int(median))
            heard_ns = span_ns if quiet else int(times[-1] - times[0])
            rate = (len(times) - 1) / heard_ns * SECOND_NS
        return Reading(
            rate_hz=rate,
            jitter_ns=jitter,
            bytes_per_s=float(sizes.sum()) / max(span_ns, SECOND_NS) * SECOND_NS,
            offset_ns=int(offsets.min()) if self._timed else None,
        )

    @property
    def last_offset_ns(self) -> int | None:
        """Host clock less device clock, least of the last seconds that had samples."""
        return None if self.last_ns is None else self.read(self.last_ns).offset_ns

    @property
    def rate_hz(self) -> float | None:
        """Over all that arrived."""
        if self.arrived < 2 or self.first_ns is None or self.last_ns is None or self.last_ns <= self.first_ns:
            return None
        return (self.arrived - 1) / (self.last_ns - self.first_ns) * SECOND_NS

    def _period_ns(self) -> float | None:
        if self._nominal_hz:
            return SECOND_NS / self._nominal_hz
        rate = self.rate_hz if self.arrived >= ENOUGH else None
        return None if rate is None else SECOND_NS / rate

    def _count_holes(self, samples: Samples) -> None:
        first, last = int(samples.seq[0]), int(samples.seq[-1])
        if self._seq is not None and 1 < first - self._seq <= RESTART:
            self.holes += first - self._seq - 1
        if len(samples) > 1 and last - first != len(samples) - 1:
            steps = np.diff(samples.seq)
            self.holes += int((steps[(steps > 1) & (steps <= RESTART)] - 1).sum())
        self._seq = last

    def _watch_clock(self, arrival: Times, device: Times) -> None:
        """Find where the device's clock went back, or leapt ahead of the arrivals.

        A sample that is merely late is none: its clock lags, then comes back.
        """
        if self._device_ns is not None and self.last_ns is not None:
            step = int(device[0]) - self._device_ns
            if step < 0 or step - (int(arrival[0]) - self.last_ns) > CLOCK_STEP_NS:
                self._breaks.append(step)
        if len(device) > 1:
            steps = np.diff(device)
            leapt = (steps < 0) | (steps - np.diff(arrival) > CLOCK_STEP_NS)
            if leapt.any():
                self._breaks += steps[leapt].tolist()
        self._device_ns = int(device[-1])

    def _count_gaps(self, arrival: Times) -> None:
        period = self._period_ns() if self._steady else None
        if period is None:
            return
        limit = max(GAP_NS, int(GAP_PERIODS * period))
        if self.last_ns is not None:
            self._gap(int(arrival[0]) - self.last_ns, limit)
        if len(arrival) > 1 and int(arrival[-1]) - int(arrival[0]) > limit:
            for length in np.diff(arrival).tolist():
                self._gap(length, limit)

    def _gap(self, length_ns: int, limit_ns: int) -> None:
        self.longest_gap_ns = max(self.longest_gap_ns, length_ns)
        self.gaps += length_ns > limit_ns
