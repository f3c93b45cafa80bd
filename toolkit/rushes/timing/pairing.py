"""How one stream fits the moments: how many, how far off, how clear the choice was, and why some have none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rushes.model import Times
from rushes.quantities import say_ns
from rushes.timing.associate import closest
from rushes.timing.matches import Matches

AMBIGUOUS = 0.2
"""Phase margin below which jitter decides which sample belongs to which moment."""


ONE_TO_ONE = frozenset({"nearest", "tum", "ros-approx"})
"""Methods that choose samples by nearness and use none twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """How one stream fits the moments.

    Args:
        samples: Of the stream.
        matched: Moments in which it takes part.
        unmatched_moments: Moments without a sample of it.
        unmatched_samples: Its samples that belong to no moment.
        within_ns: Limit that was used: the tolerance; for ``interpolate`` the longest interval that is bridged,
            for ``latest`` the greatest age. None where there was none.
        interval_ns: Its median interval; None where it has none.
        skew_p50_ns, skew_p95_ns, skew_max_ns: Of the absolute skew over its members; None without members.
        skew_median_ns: Median of the signed skew; a constant offset between the clocks shows here.
        phase_margin: How clear the choice was, median over its members: 1 where the chosen sample lies on the
            moment, 0 where its neighbour is as near. None where the stream is at least twice as fast as the
            moments, since then a neighbour serves as well, where nothing was matched, and where samples are not
            chosen by nearness.
        reason: Why nothing was matched; empty where something was.
        method: How its members were chosen.
        repeats: Members that use a sample which an earlier moment has used.
        lacking: Why moments have no sample of it, with their number; the numbers sum to ``unmatched_moments``.
    """

    stream: str
    samples: int
    matched: int
    unmatched_moments: int
    unmatched_samples: int
    within_ns: int | None
    interval_ns: int | None
    skew_p50_ns: int | None
    skew_p95_ns: int | None
    skew_max_ns: int | None
    skew_median_ns: int | None
    phase_margin: float | None
    reason: str = ""
    method: str = "nearest"
    repeats: int = 0
    lacking: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One stream beside the moments, as :func:`judge` takes it.

    Args:
        times: The stream's, shape (n,), ascending.
        interval_ns: Its median interval; None where it has none.
        moments: Shape (m,), ascending.
        moments_interval_ns: Theirs.
        matches: Shape (m,).
        limit_ns: As ``Pairing.within_ns``.
    """

    stream: str
    times: Times
    interval_ns: int | None
    moments: Times
    moments_interval_ns: int | None
    matches: Matches
    method: str
    limit_ns: int | None


def judge(fit: Fit) -> Pairing:
    """Measure how a stream fits the moments."""
    matches, taken = fit.matches, fit.matches.matched
    matched = int(taken.sum())
    skew = matches.skew_ns[taken]
    p50, p95, most = (
        np.percentile(np.abs(skew), [50, 95, 100]).astype(np.int64).tolist() if matched else (None,) * 3
    )
    return Pairing(
        stream=fit.stream,
        samples=len(fit.times),
        matched=matched,
        unmatched_moments=len(fit.moments) - matched,
        unmatched_samples=len(fit.times) - (matched if fit.method in ONE_TO_ONE else _used(matches)),
        within_ns=fit.limit_ns,
        interval_ns=fit.interval_ns,
        skew_p50_ns=p50,
        skew_p95_ns=p95,
        skew_max_ns=most,
        skew_median_ns=int(np.median(skew)) if matched else None,
        phase_margin=_phase_margin(fit),
        reason="" if matched else _why_nothing(fit),
        method=fit.method,
        repeats=0 if fit.method in ONE_TO_ONE else int(matches.is_repeat.sum()),
        lacking=_lacking(fit),
    )


def doubt(pairing: Pairing, *, limit: float = AMBIGUOUS) -> str:
    """Say in a sentence that jitter decides the pairing; empty where it is clear or nothing had to be chosen."""
    margin = pairing.phase_margin
    if margin is None or margin >= limit:
        return ""
    return (
        f"{pairing.stream}: pairing is ambiguous: for half of the moments another sample is about as near as the "
        f"chosen one, {say_ns(pairing.skew_p50_ns)} away (phase margin {margin:.2f}, limit {limit:g}); "
        "jitter decides"
    )


def _used(matches: Matches) -> int:
    used = matches.index[matches.matched]
    if matches.index_after is not None:
        used = np.concatenate((used, matches.index_after[matches.index_after >= 0]))
        return len(np.unique(used))
    return len(used) - int(matches.is_repeat.sum())


def _phase_margin(fit: Fit) -> float | None:
    taken = fit.matches.matched
    index = fit.matches.index[taken]
    interval, theirs = fit.interval_ns, fit.moments_interval_ns or 0
    if fit.method not in ONE_TO_ONE or len(index) == 0 or interval is None or 2 * interval <= theirs:
        return None
    times, chosen, moment = fit.times, np.abs(fit.matches.skew_ns[taken]), fit.moments[taken]
    far = np.iinfo(np.int64).max // 4
    before = np.where(index > 0, np.abs(moment - times[np.maximum(index - 1, 0)]), far)
    last = len(times) - 1
    after = np.where(index < last, np.abs(times[np.minimum(index + 1, last)] - moment), far)
    other = np.minimum(before, after)
    both = np.maximum(other + chosen, 1)
    return float(np.median(np.maximum(other - chosen, 0) / both))


def _lacking(fit: Fit) -> Mapping[str, int]:
    """Count the moments without a sample by why they have none."""
    alone = fit.moments[~fit.matches.matched]
    if len(alone) == 0:
        return {}
    if len(fit.times) == 0:
        return {"it has no samples": len(alone)}
    early = int((alone < fit.times[0]).sum())
    if fit.method == "interpolate":
        late = int((alone > fit.times[-1]).sum())
        counts = {
            "before its first sample": early,
            "after its last sample": late,
            "within a gap": len(alone) - early - late,
        }
    elif fit.method == "latest":
        counts = {"before its first sample": early, "its latest sample is too old": len(alone) - early}
    else:
        distance = np.abs(closest(fit.times, alone).skew_ns)
        assert fit.limit_ns is not None
        reach = distance < fit.limit_ns if fit.method == "tum" else distance <= fit.limit_ns
        near = int(reach.sum())
        counts = {"no sample within the tolerance": len(alone) - near, "another moment has its sample": near}
    return {why: count for why, count in counts.items() if count}


def _why_nothing(fit: Fit) -> str:
    stream, times, moments = fit.stream, fit.times, fit.moments
    if len(times) == 0:
        return f"{stream} has no samples"
    if len(moments) == 0:
        return f"{stream} is in no set" if fit.method == "ros-approx" else f"there are no moments for {stream}"
    away = max(int(times[0]) - int(moments[-1]), int(moments[0]) - int(times[-1]))
    if away > 0 and not (fit.method == "latest" and times[-1] < moments[0]):
        side = "after the reference ends" if times[0] > moments[-1] else "before the reference starts"
        return f"{stream} does not overlap the reference: it is {away / 1e9:.6g} s {side}"
    if fit.method == "latest":
        return f"no sample of {stream} is at most {say_ns(fit.limit_ns)} old at any moment"
    if fit.method == "interpolate" and len(times) == 1:
        return f"{stream} has one sample, at {int(times[0])} ns, which is the time of no moment"
    if fit.method == "interpolate":
        return (
            f"every moment lies within a gap of {stream}: its samples are more than {say_ns(fit.limit_ns)} apart"
        )
    least = int(np.abs(closest(times, moments).skew_ns).min())
    if fit.limit_ns == 0:
        return f"no sample of {stream} has the very time of a reference sample; nearest {least / 1e6:g} ms"
    limit = (fit.limit_ns or 0) / 1e6
    return f"no sample of {stream} is within {limit:g} ms of a reference sample; nearest {least / 1e6:g} ms"
