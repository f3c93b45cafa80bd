"""A clap: its onset in sound against a jolt in an accelerometer or a flash in pictures.

Events of both streams are matched as sets: the offset under which most of them meet. One clap on each side is
enough; where several offsets do equally well, or one side has none, nothing is said.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.timing.crosscheck.verdict import Crosscheck, judged, milliseconds

QUIET_S = 0.05
"""How long it must be quiet before an onset."""
ABOVE = 8.0
"""How much louder than what was before."""
ONSET_SHARE = 0.25
"""The onset is the first sample that reaches this share of the clap's peak."""
SAME_NS = 100_000_000
"""Onsets closer together are one event and its echo."""
OUTLYING = 12.0
"""Robust standard deviations of its usual change that a jolt or a flash must exceed."""
MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Instants at which something happened, ascending.

    Args:
        t_ns: Shape (n,).
        half_ns: How far off each may be, either way.
    """

    t_ns: Times
    half_ns: int


def sound_onsets(samples: npt.NDArray[np.float64], starts: Times, rate_hz: float) -> Events:
    """Find claps in sound, to the sample.

    Args:
        samples: Shape (blocks, length), any unit: the samples of each block.
        starts: Shape (blocks,), time of the first sample of each block, nanoseconds, ascending.
        rate_hz: Samples a second.
    """
    if not samples.size:
        return Events(t_ns=np.zeros(0, np.int64), half_ns=round(0.5e9 / rate_hz))
    flat = np.abs(samples - np.median(samples)).ravel()
    short = max(1, round(rate_hz * 0.002))
    peaks = flat[: len(flat) // short * short].reshape(-1, short).max(axis=1)
    before = max(1, round(QUIET_S * rate_hz / short))
    padded = np.concatenate([np.full(before, np.median(peaks)), peaks])
    quiet = np.lib.stride_tricks.sliding_window_view(padded, before)[: len(peaks)].max(axis=1)
    loud = (peaks > ABOVE * np.maximum(quiet, 1e-12)) & (peaks > 0.1 * peaks.max())
    found: list[int] = []
    for at in np.flatnonzero(loud)[:MOST].tolist():
        begin = at * short
        stretch = flat[begin : begin + round(0.02 * rate_hz)]
        first = begin + int(np.argmax(stretch >= ONSET_SHARE * stretch.max()))
        block, offset = divmod(first, samples.shape[1])
        t_ns = int(starts[block]) + round(offset * 1e9 / rate_hz)
        if not found or t_ns - found[-1] > SAME_NS:
            found.append(t_ns)
    return Events(t_ns=np.array(found, np.int64), half_ns=round(1e9 / rate_hz))


def jumps(times: Times, values: npt.NDArray[np.float64], *, least: float) -> Events:
    """Find sudden rises of a value: a jolt of an accelerometer's magnitude, or the brightness of pictures.

    Args:
        times: Shape (n,), ascending.
        values: Shape (n,).
        least: Smallest rise from one sample to the next that counts, in the values' unit.

    Returns:
        Each in the middle of the interval in which it rose.
    """
    if len(times) < 8:
        return Events(t_ns=np.zeros(0, np.int64), half_ns=0)
    steps = np.diff(values)
    usual = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    found: list[int] = []
    for at in np.flatnonzero(steps > max(least, OUTLYING * usual)).tolist():
        t_ns = int(times[at] // 2 + times[at + 1] // 2)
        if not found or t_ns - found[-1] > SAME_NS:
            found.append(t_ns)
    half = float(np.median(np.diff(times))) / 2
    return Events(t_ns=np.array(found[: MOST + 1], np.int64), half_ns=round(half))


def compare_events(
    first: str, second: str, events: tuple[Events, Events], *, max_lag_ns: int = 1_000_000_000
) -> Crosscheck:
    """Hold the second stream's events against the first's.

    Args:
        first: Name of the stream that is held to be right.
        second: Name of the other.
        events: Of both.
        max_lag_ns: The offset is looked for within this, either way.
    """
    one, other = events
    for name, side in ((first, one), (second, other)):
        if not len(side.t_ns):
            return _unseen(first, second, f"no clap stands out in {name}")
        if len(side.t_ns) > MOST:
            return _unseen(
                first, second, f"{name} holds more than {MOST} sudden events: none can be told for a clap"
            )
    apart = (one.t_ns[:, None] - other.t_ns[None, :]).ravel()
    apart = np.sort(apart[np.abs(apart) <= max_lag_ns])
    if not len(apart):
        return _unseen(first, second, f"no event of {first} lies within {max_lag_ns / 1e9:g} s of one of {second}")
    reach = 2 * (one.half_ns + other.half_ns) + 1
    met = np.array([int(((apart >= d) & (apart <= d + reach)).sum()) for d in apart.tolist()])
    most = int(met.max())
    alike = apart[met == most]
    if alike[-1] - alike[0] > reach or most < (min(len(one.t_ns), len(other.t_ns)) + 1) // 2:
        return _unseen(
            first,
            second,
            f"{len(one.t_ns)} events of {first} and {len(other.t_ns)} of {second} can be matched in several ways",
        )
    group = apart[(apart >= alike[0]) & (apart <= alike[0] + reach)]
    offset, half = round(float(np.mean(group - apart[0])) + int(apart[0])), one.half_ns + other.half_ns
    verdict, limit = judged(offset, half)
    relation = "within" if verdict == "agrees" else "beyond"
    return Crosscheck(
        kind="clap",
        first=first,
        second=second,
        verdict=verdict,
        offset_ns=offset,
        ci95_ns=half,
        reason=(
            f"{most} of {len(one.t_ns)} claps in {first} meet those of {second} with "
            f"{milliseconds(offset)} ± {half / 1e6:.1f} ms, {relation} the limit of {limit / 1e6:.1f} ms"
        ),
        start_ns=int(other.t_ns[0]),
        end_ns=int(other.t_ns[-1]),
    )


def _unseen(first: str, second: str, reason: str) -> Crosscheck:
    return Crosscheck(kind="clap", first=first, second=second, verdict="not observable", reason=reason)
