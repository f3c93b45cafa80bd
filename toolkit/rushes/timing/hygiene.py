"""Clock hygiene: wraps undone, resets found, lost samples counted; columns of raw times in, plain values out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.intervals import find_gaps, is_regular, median_interval, missing_by_sequence
from rushes.model import Times, absent

RESET_NS, RESET_INTERVALS = 1_000_000_000, 20
"""A jump has to be longer than both to be a reset; a step back may be a reset whatever its length."""
LEAST_STEP_NS = 1_000_000
"""Shorter steps back come from several senders in one stream, and from late arrivals."""
NEIGHBOURS = 20
"""Pairs on each side whose lowest offsets are compared: one late arrival or glitch is no reset."""
TICKS_NS = {"ns": 1, "100 ns": 100, "us": 1_000, "1/90000 s": 1e9 / 90_000, "ms": 1_000_000}
BITS = (16, 32, 33, 64)
COUNTERS: dict[str, float] = {
    f"{bits} bits of {name}": 2.0**bits * tick
    for bits in BITS
    for name, tick in TICKS_NS.items()
    if 1e9 <= 2.0**bits * tick < 2.0**62
}
"""Lengths of the counters that devices have, in ns; those too short or too long to matter left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """Times of a counter that wrapped, put in a row.

    Args:
        times: Shape (n,); the first is as it was.
        period_ns: The counter's length; None where it did not wrap.
        counter: What it is, such as ``32 bits of us``; ``found`` where no usual one fits; empty without a wrap.
        wraps: How often it wrapped.
    """

    times: Times
    period_ns: int | None = None
    counter: str = ""
    wraps: int = 0


def unwrap(times: Times, *, period_ns: int | None = None) -> Unwrapped:
    """Undo the wraps of a counter.

    A step back is a wrap where the step, less a usual interval, is a counter's length: one that devices have, if
    all times lie below it; or any, if the counter fell back at least twice from the same height. A single fall of
    an unusual length is a reset, which no one can undo, and stays.

    Args:
        times: Shape (n,), int64 nanoseconds in recorded order.
        period_ns: The counter's length where it is known.
    """
    times = np.asarray(times, np.int64)
    steps = np.diff(times)
    if not (steps < 0).any() or not (steps > 0).any():
        return Unwrapped(times=times)
    interval = int(np.median(steps[steps > 0]))  # as recorded: sorted, the laps would lie on each other
    if period_ns is not None:
        return _unwrapped(times, steps, period_ns, "given")
    deep = steps < -max(0.5 * float(times.max() - times.min()), 4.0 * interval)
    falls = -steps[deep].astype(np.float64)
    if not len(falls):
        return Unwrapped(times=times)
    slack = 4.0 * interval
    for name, length in COUNTERS.items():
        fits = np.abs(falls + interval - length) <= slack
        if fits.all() and times.min() >= 0 and times.max() < length:
            return _unwrapped(times, steps, round(length), name)
    tops = times[:-1][deep]
    if len(falls) >= 2 and np.ptp(falls) <= slack and np.ptp(tops) <= slack:
        return _unwrapped(times, steps, round(float(np.median(falls)) + interval), "found")
    return Unwrapped(times=times)


def _unwrapped(times: Times, steps: npt.NDArray[np.int64], period_ns: int, counter: str) -> Unwrapped:
    turns = np.rint(steps / -period_ns).astype(np.int64)  # late samples from before a wrap turn it back
    turned = np.concatenate([np.zeros(1, np.int64), np.cumsum(turns)])
    return Unwrapped(
        times=times + turned * period_ns, period_ns=period_ns, counter=counter, wraps=int(np.abs(turns).sum())
    )


def resets(from_ns: Times, to_ns: Times) -> npt.NDArray[np.int64]:
    """Find where a clock was set anew: positions of the first pairs after it, ascending. Shape (resets,).

    A reset is a jump of ``from`` of more than 1 s and 20 usual intervals, or any step back, together with a jump
    of the offset ``to - from`` that lasts. A gap moves both clocks, a late arrival one pair; neither is a reset.
    The other clock may be set as well: a jump of the offset alone counts where it lasts for half a minute.

    Args:
        from_ns: Shape (n,), in the order in which the pairs were taken.
        to_ns: Shape (n,).
    """
    count = len(from_ns)
    if count < 2:
        return np.empty(0, np.int64)
    offset = to_ns - from_ns
    steps, jumps = np.diff(from_ns), np.diff(offset)
    moving = np.abs(steps[steps != 0])
    limit = max(RESET_NS, RESET_INTERVALS * int(np.median(moving)) if len(moving) else 0)
    back = steps < 0
    far = (np.abs(steps) > limit) & (np.abs(jumps) > limit)
    other = ~far & ~back & (np.abs(jumps) > limit)
    at = np.flatnonzero(back | far)
    shift, sure = _lasting(offset, at)
    noise = 5 * _unrest(offset)
    least = np.where(far[at], limit, np.maximum(-steps[at] // 2, max(noise, LEAST_STEP_NS)))
    found = at[(np.abs(shift) > least) & (sure | far[at])]
    more = [i for i in np.flatnonzero(other)[:200] if _lasts_long(offset, to_ns, int(i), limit)]
    return np.union1d(found, np.array(more, np.int64)).astype(np.int64) + 1


def _lasting(
    offset: npt.NDArray[np.int64], at: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Give by how much the lowest offsets after each position lie above those before, and whether several tell."""
    reach = np.arange(NEIGHBOURS)
    after = np.minimum(at[:, None] + 1 + reach, len(offset) - 1)
    before = np.maximum(at[:, None] - reach, 0)
    sure = (at >= 2) & (len(offset) - 1 - at >= 3)
    return offset[after].min(axis=1) - offset[before].min(axis=1), sure


def _unrest(offset: npt.NDArray[np.int64]) -> float:
    """Give how much the lowest offsets of neighbouring stretches differ, by their median."""
    if len(offset) < 4 * NEIGHBOURS:
        return 0.0
    whole = len(offset) // NEIGHBOURS * NEIGHBOURS
    return float(np.median(np.abs(np.diff(offset[:whole].reshape(-1, NEIGHBOURS).min(axis=1)))))


def _lasts_long(offset: npt.NDArray[np.int64], to_ns: Times, i: int, limit: float) -> bool:
    """Tell whether the offset stays apart for half a minute: a stalled line would have caught up."""
    after = offset[i + 1 :][(to_ns[i + 1 :] - to_ns[i + 1]) < 30 * RESET_NS]
    before = offset[max(0, i + 1 - NEIGHBOURS) : i + 1]
    whole = to_ns[-1] - to_ns[i + 1] >= 10 * RESET_NS
    return bool(whole and len(after) > NEIGHBOURS and abs(int(after.min()) - int(before.min())) > limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Samples that were lost.

    Args:
        count: How many.
        witness: ``sequence numbers``, ``times``, or empty where nothing tells.
    """

    count: int
    witness: str


def dropped(times: Times, sequence: npt.NDArray[np.int64] | None = None) -> Dropped:
    """Count lost samples: by sequence numbers where they count samples, else by the times of a stream that ticks.

    Args:
        times: Shape (n,), in recorded order.
        sequence: Shape (n,), masked where absent; None where the stream has none.
    """
    by_sequence = missing_by_sequence(sequence)
    if by_sequence is not None:
        return Dropped(count=by_sequence, witness="sequence numbers")
    interval = median_interval(times)
    if interval is None or not is_regular(times):
        return Dropped(count=0, witness="")
    return Dropped(count=int(find_gaps(times, interval, limit=1.5).missing.sum()), witness="times")


def present(from_ns: npt.NDArray[np.generic], to_ns: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.bool_], int]:
    """Tell which pairs have both readings, and how many lack one: masked, NaN, or the smallest int64."""
    lacking = np.zeros(len(from_ns), np.bool_)
    for column in (from_ns, to_ns):
        lacking |= absent(column)
        if column.dtype.kind == "i":
            lacking |= np.asarray(column) == np.iinfo(np.int64).min
    return ~lacking, int(lacking.sum())
