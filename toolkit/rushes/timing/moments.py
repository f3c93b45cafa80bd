"""Moments: for each sample of a reference stream, the nearest sample of every other stream, with its skew.

A moment stands for every reference sample, also where no other stream takes part. Each sample belongs to one
moment at most; see :mod:`rushes.timing.associate` for what nearest means. Skew is sample time minus moment time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.errors import TimingError
from rushes.intervals import median_interval
from rushes.model import Column, Times
from rushes.registry import close_to
from rushes.timing.associate import Matches, closest, nearest, order


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """How one stream fits the reference.

    Args:
        samples: Of the stream.
        matched: Moments in which it takes part.
        unmatched_moments: Moments without a sample of it.
        unmatched_samples: Its samples that belong to no moment.
        within_ns: Tolerance that was used.
        interval_ns: Its median interval; None where it has none.
        skew_p50_ns, skew_p95_ns, skew_max_ns: Of the absolute skew over its members; None without members.
        skew_median_ns: Median of the signed skew; a constant offset between the clocks shows here.
        phase_margin: How clear the choice was, median over its members: 1 where the chosen sample lies on the
            moment, 0 where its neighbour is as near. None where the stream is at least twice as fast as the
            reference, since then a neighbour serves as well, and where nothing was matched.
        reason: Why nothing was matched; empty where something was.
    """

    stream: str
    samples: int
    matched: int
    unmatched_moments: int
    unmatched_samples: int
    within_ns: int
    interval_ns: int | None
    skew_p50_ns: int | None
    skew_p95_ns: int | None
    skew_max_ns: int | None
    skew_median_ns: int | None
    phase_margin: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """The moments of one recording.

    Args:
        reference: Stream that sets the moments.
        reason: Why it is the reference.
        moments: Columns of the table ``moments`` but ``recording_id`` and ``time``, a row a moment in time order.
        members: By stream, columns of ``moment_members`` but ``recording_id``, in order of their moment. The
            reference is among them. A scalar holds for every row.
        pairings: One for each stream but the reference, in the order given.
    """

    reference: str
    reason: str
    moments: Mapping[str, Column]
    members: Mapping[str, Mapping[str, Column]]
    pairings: tuple[Pairing, ...]


def align(
    times: Mapping[str, Times],
    *,
    reference: str | None = None,
    pictures: Collection[str] = (),
    within: int | None = None,
) -> Alignment:
    """Make the moments of one recording.

    Args:
        times: Each stream's times, shape (n,), int64 nanoseconds of one common time, in recorded order.
        reference: Stream that sets the moments; None for the slowest of ``pictures``.
        pictures: Which of the streams are pictures.
        within: Tolerance in nanoseconds, itself included; None for half of the slower interval of each pair.

    Raises:
        TimingError: ``timing.no-reference`` if the reference is not there, has no samples or cannot be chosen;
            ``timing.tolerance`` if ``within`` is negative.
    """
    if reference is None:
        reference, reason = choose_reference(times, pictures)
    else:
        reason = "it was named"
        _demand(reference, times)
    place = order(times[reference])
    moment_times = times[reference][place]
    size = len(moment_times)
    taking_part = np.ones(size, np.int32)
    max_skew = np.zeros(size, np.int64)
    members: dict[str, Mapping[str, Column]] = {
        reference: _member_columns(
            reference, "reference", np.arange(size), place, moment_times, np.zeros(size, np.int64)
        )
    }
    pairings = []
    for stream, raw in times.items():
        if stream == reference:
            continue
        there = order(raw)
        ordered = raw[there]
        limit = _tolerance(moment_times, ordered) if within is None else within
        matches = nearest(ordered, moment_times, within=limit)
        moment = np.flatnonzero(matches.matched)
        skew = matches.skew_ns[moment]
        sample = matches.index[moment]
        members[stream] = _member_columns(stream, "nearest", moment, there[sample], ordered[sample], skew)
        taking_part[moment] += 1
        max_skew[moment] = np.maximum(max_skew[moment], np.abs(skew))
        pairings.append(_pairing(stream, ordered, moment_times, matches, limit))
    moments: dict[str, Column] = {
        "moment": np.arange(size),
        "t_ns": moment_times,
        "reference": reference,
        "members": taking_part,
        "complete": taking_part == len(times),
        "max_skew_ns": max_skew,
    }
    return Alignment(
        reference=reference, reason=reason, moments=moments, members=members, pairings=tuple(pairings)
    )


def choose_reference(times: Mapping[str, Times], pictures: Collection[str]) -> tuple[str, str]:
    """Give the slowest picture stream and why: a slower reference needs no sample twice.

    A stream that covers less than half the time of the longest picture stream is passed over, since the moments
    would end with it. Among equals the one with more samples, then the first by name.

    Raises:
        TimingError: ``timing.no-reference`` without a picture stream that has samples.
    """
    usable = {name: times[name] for name in sorted(pictures) if name in times and len(times[name])}
    if not usable:
        raise TimingError(
            "there is no picture stream with samples that could set the moments",
            code="timing.no-reference",
            hint="name another stream with --to",
        )
    spans = {name: int(column.max()) - int(column.min()) for name, column in usable.items()}
    long = {name: column for name, column in usable.items() if 2 * spans[name] >= max(spans.values())}
    intervals = {name: median_interval(column) or 0 for name, column in long.items()}
    chosen = min(long, key=lambda name: (-intervals[name], -len(long[name]), name))
    if len(usable) == 1:
        return chosen, "it is the only picture stream"
    if not intervals[chosen]:
        return chosen, "no picture stream has more than one time"
    return chosen, f"it is the slowest picture stream ({1e9 / intervals[chosen]:.4g} Hz)"


def _demand(reference: str, times: Mapping[str, Times]) -> None:
    if reference not in times:
        near = close_to(reference, times)
        raise TimingError(
            f"there is no stream '{reference}' with times that could set the moments",
            code="timing.no-reference",
            hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(sorted(times)) or 'none'}",
            facts={"reference": reference},
        )
    if len(times[reference]) == 0:
        raise TimingError(
            f"{reference}: has no samples and so cannot set the moments",
            code="timing.no-reference",
            hint="name another stream with --reference",
            facts={"reference": reference},
        )


def _tolerance(reference: Times, times: Times) -> int:
    """Half of the slower interval; 0 where neither has one."""
    return max(median_interval(reference) or 0, median_interval(times) or 0) // 2


def _member_columns(
    stream: str,
    method: str,
    moment: npt.NDArray[np.int64],
    index: npt.NDArray[np.int64],
    times: Times,
    skew: npt.NDArray[np.int64],
) -> Mapping[str, Column]:
    return {
        "moment": moment,
        "stream": stream,
        "index": index,
        "t_ns": times,
        "skew_ns": skew,
        "method": method,
        "is_repeat": False,  # one to one
        "uncertainty_ns": None,
    }


def _pairing(stream: str, times: Times, reference: Times, matches: Matches, within: int) -> Pairing:
    matched = int(matches.matched.sum())
    skew = matches.skew_ns[matches.matched]
    size = np.abs(skew)
    p50, p95, most = np.percentile(size, [50, 95, 100]).astype(np.int64).tolist() if matched else (None,) * 3
    return Pairing(
        stream=stream,
        samples=len(times),
        matched=matched,
        unmatched_moments=len(reference) - matched,
        unmatched_samples=len(times) - matched,
        within_ns=within,
        interval_ns=median_interval(times),
        skew_p50_ns=p50,
        skew_p95_ns=p95,
        skew_max_ns=most,
        skew_median_ns=int(np.median(skew)) if matched else None,
        phase_margin=_phase_margin(times, reference, matches),
        reason="" if matched else _why_nothing(stream, times, reference, within),
    )


def _phase_margin(times: Times, reference: Times, matches: Matches) -> float | None:
    interval = median_interval(times)
    index = matches.index[matches.matched]
    if len(index) == 0 or interval is None or 2 * interval <= (median_interval(reference) or 0):
        return None
    chosen = np.abs(matches.skew_ns[matches.matched])
    moment = reference[matches.matched]
    far = np.iinfo(np.int64).max // 4
    before = np.where(index > 0, np.abs(moment - times[np.maximum(index - 1, 0)]), far)
    last = len(times) - 1
    after = np.where(index < last, np.abs(times[np.minimum(index + 1, last)] - moment), far)
    other = np.minimum(before, after)
    both = np.maximum(other + chosen, 1)
    return float(np.median(np.maximum(other - chosen, 0) / both))


def _why_nothing(stream: str, times: Times, reference: Times, within: int) -> str:
    if len(times) == 0:
        return f"{stream} has no samples"
    away = max(int(times[0]) - int(reference[-1]), int(reference[0]) - int(times[-1]))
    if away > 0:
        side = "after the reference ends" if times[0] > reference[-1] else "before the reference starts"
        return f"{stream} does not overlap the reference: it is {away / 1e9:.6g} s {side}"
    least = int(np.abs(closest(times, reference).skew_ns).min())
    return f"no sample of {stream} is within {within / 1e6:g} ms of a reference sample; nearest {least / 1e6:g} ms"
