"""By how much one signal is late against another, from their shapes alone; or why that cannot be told.

The sign: the offset is what must be **added to the times of the second** so that both show the same at the same
time. Swapping the two negates it.

Signals of one value are held against each other by their normalised cross-correlation. Signals of three values are
vectors in the axes of two sensors that are fixed to each other; for each lag the best rotation between the axes is
part of the score (Kabsch), so that no extrinsics are needed.

A number is only given where it can be believed: enough overlap, a clear and single peak away from the ends of the
range, and enough independent movement that chance does not reach the score.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.timing.crosscheck.signals import Array, Signal, averaged

DRAWS = 200
HIGHEST_RATIO = 99.0
STRAY = 4.0
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a correlation must reach to be believed.

    Args:
        max_lag_ns: The offset is looked for within this, either way.
        least_score: Normalised cross-correlation at the peak.
        least_peak_ratio: The peak over the second highest one.
        least_overlap_ns: Of both signals, at the offset.
        least_significance: Fisher's z of the score, in standard deviations for as many independent values as the
            signals hold.
        systematic_ns: Added to the half width of the interval: what scattering cannot show.
    """

    max_lag_ns: int = 1_000_000_000
    least_score: float = 0.6
    least_peak_ratio: float = 1.2
    least_overlap_ns: int = 3_000_000_000
    least_significance: float = 4.0
    systematic_ns: int = 500_000


DEFAULTS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """What the correlation of two signals says.

    Args:
        offset_ns: What must be added to the second's times; None where it cannot be told.
        ci95_ns: Half width of its 95 % interval; None likewise.
        score: At the best lag, whether it is believed or not; None where nothing could be scored.
        peak_ratio: The peak over the second peak, at most 99; None likewise.
        why_not: Why it cannot be told, as a clause; empty where it can.
        cells: How many intervals were compared.
    """

    offset_ns: int | None
    ci95_ns: int | None
    score: float | None
    peak_ratio: float | None
    why_not: str = ""
    cells: int = 0


def correlate(first: Signal, second: Signal, *, limits: Limits = DEFAULTS) -> Lag:
    """Find the offset of the second signal against the first.

    Args:
        first: With k values, 1 or 3.
        second: With as many.
        limits: What must be reached.
    """
    if not len(first) or not len(second):
        return _unknown("one of the two holds nothing that could be compared")
    if first.interval_ns > second.interval_ns:
        return _negated(_in_cells(second, first, limits))
    return _in_cells(first, second, limits)


def _in_cells(fine: Signal, cells: Signal, limits: Limits) -> Lag:
    """Find what must be added to the times of ``cells`` so that it agrees with the finer signal."""
    pair = _Pair(fine, cells)
    step = float(np.clip(cells.interval_ns / 8, 1e6, limits.max_lag_ns / 20))
    count = int(np.ceil(limits.max_lag_ns / step))
    lags = np.arange(-count, count + 1) * step
    scores, overlap = pair.scores(np.asarray(lags, np.float64))
    scores = np.where(overlap * cells.interval_ns >= limits.least_overlap_ns, scores, np.nan)
    if not np.isfinite(scores).any():
        longest = float(overlap.max()) * cells.interval_ns / 1e9
        return _unknown(
            f"both are known together for {longest:.3g} s at most, less than the "
            f"{limits.least_overlap_ns / 1e9:g} s it takes"
        )
    peak = int(np.nanargmax(scores))
    score, ratio = float(scores[peak]), _peak_ratio(scores, peak)
    fault = _fault(scores, peak, score, ratio, limits, pair, float(lags[peak]))
    if fault:
        return Lag(
            offset_ns=None, ci95_ns=None, score=score, peak_ratio=ratio, why_not=fault, cells=int(overlap[peak])
        )
    pair.leave_out_strays(float(lags[peak]))
    fine_lags = lags[peak] + np.arange(-20, 21) * (step / 10)
    offset, half, best = pair.refined(fine_lags)
    return Lag(
        offset_ns=round(offset),
        ci95_ns=round(half) + limits.systematic_ns,
        score=best,
        peak_ratio=ratio,
        cells=int(overlap[peak]),
    )


def _fault(scores: Array, peak: int, score: float, ratio: float, limits: Limits, pair: "_Pair", lag: float) -> str:
    if score < limits.least_score:
        return f"they are alike to {score:.2f} at best, below {limits.least_score:g}"
    known = np.flatnonzero(np.isfinite(scores))
    if peak - known[0] < 2 or known[-1] - peak < 2:
        return (
            f"they are most alike at the end of the range that was searched, {lag / 1e6:+.0f} ms: "
            "the true offset may lie outside"
        )
    if ratio < limits.least_peak_ratio:
        return (
            f"the motion repeats itself: the second peak is nearly as high as the first (ratio {ratio:.2f}, "
            f"below {limits.least_peak_ratio:g})"
        )
    independent = pair.independent(lag)
    significance = float(np.arctanh(min(score, 0.999999)) * np.sqrt(max(independent - 3, 0.0)))
    if significance < limits.least_significance:
        return (
            f"there is too little movement to tell it from chance: {independent:.0f} independent values, alike to "
            f"{score:.2f}"
        )
    return ""


class _Pair:
    """Two signals, ready to be compared at any lags."""

    def __init__(self, fine: Signal, cells: Signal) -> None:
        self.fine = fine
        self.origin = int(cells.start_ns[0])
        self.start = (cells.start_ns - self.origin).astype(np.float64)
        self.end = (cells.end_ns - self.origin).astype(np.float64)
        self.values = cells.values
        self.known = cells.known

    def matched(self, lags: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Give the finer signal in the shifted cells, shape (lags, n, k), and where both are known (lags, n)."""
        means = averaged(self.fine, self.start + lags[:, None], self.end + lags[:, None], origin_ns=self.origin)
        return means, np.isfinite(means).all(axis=2) & self.known

    def scores(self, lags: Array) -> tuple[Array, Array]:
        """Give the score and the number of cells compared at each lag."""
        scores, counts = [], []
        for some in np.array_split(lags, max(1, len(lags) * len(self.start) // 200_000)):
            means, both = self.matched(some)
            sums = _sums(means, self.values, both)
            scores.append(_score(sums.sum(axis=1), self.values.shape[1]))
            counts.append(both.sum(axis=1))
        return np.concatenate(scores), np.concatenate(counts).astype(np.float64)

    def leave_out_strays(self, lag: float) -> None:
        """Leave out cells that stray from the others at a lag, such as where a camera lost what it followed.

        At most every tenth: with more, there are no strays, there is disagreement.
        """
        means, both = self.matched(np.array([lag]))
        keep = np.flatnonzero(both[0])
        a, b = means[0][keep], self.values[keep]
        a, b = a - np.median(a, axis=0), b - np.median(b, axis=0)
        left = b - a @ _best_map(a, b)
        size = np.linalg.norm(left, axis=1)
        limit = max(STRAY * 1.4826 * float(np.median(size)), float(np.quantile(size, 0.9)))
        known = self.known.copy()
        known[keep[size > limit]] = False
        self.known = known

    def independent(self, lag: float) -> float:
        """Estimate how many independent values are compared at a lag (Bartlett)."""
        means, both = self.matched(np.array([lag]))
        keep = both[0]
        a, b = means[0][keep], self.values[keep]
        n = len(a)
        lags = min(n - 1, n // 4)
        product = _autocorrelation(a, lags) * _autocorrelation(b, lags)
        return float(n / max(1.0, 1.0 + 2.0 * product[1:].sum()))

    def refined(self, lags: Array) -> tuple[float, float, float]:
        """Give the best lag, the half width of its 95 % interval by block bootstrap, and its score."""
        means, both = self.matched(lags)
        both = np.broadcast_to(both.all(axis=0), both.shape)  # the same cells at all lags: no steps in the curve
        sums = _sums(means, self.values, both)
        kind = self.values.shape[1]
        curve = _score(sums.sum(axis=1), kind)
        offset, score = _vertex(lags, curve[None, :])[0], float(np.nanmax(curve))
        blocks = _blocks(self.start, self.end)
        if blocks[-1] < 3:
            return float(offset), float(lags[-1] - lags[0]), score
        by_block = np.stack([sums[:, blocks == b].sum(axis=1) for b in range(blocks[-1] + 1)])
        draw = np.random.Generator(np.random.PCG64(SEED))
        counts = draw.multinomial(len(by_block), np.full(len(by_block), 1 / len(by_block)), DRAWS)
        drawn = np.tensordot(counts.astype(np.float64), by_block, axes=1)
        curves = _score(drawn.reshape(-1, drawn.shape[-1]), kind).reshape(DRAWS, len(lags))
        offsets = _vertex(lags, curves)
        return float(offset), 1.96 * float(np.sqrt(np.mean((offsets - offset) ** 2))), score


def _best_map(a: Array, b: Array) -> Array:
    """Give the k × k matrix, a scale times a rotation, by which ``a`` comes closest to ``b``."""
    found = np.eye(a.shape[1])
    for _ in range(2):
        cross = a.T @ b
        u, power, v = np.linalg.svd(cross)
        signs = np.ones(len(power))
        if len(power) > 1:
            signs[-1] = np.sign(np.linalg.det(u @ v))
        scale = float((power * signs).sum()) / max(float((a**2).sum()), 1e-300)
        found = scale * (u * signs) @ v
        size = np.linalg.norm(b - a @ found, axis=1)
        near = size <= np.quantile(size, 0.9)
        a, b = a[near], b[near]
    return np.asarray(found)


def _sums(means: Array, values: Array, both: npt.NDArray[np.bool_]) -> Array:
    """Give what the score is made of, a cell: 1, a, b, |a|², |b|², a bᵀ; shape (lags, n, 3 + 2k + k²)."""
    a = np.where(both[..., None], means, 0.0)
    b = np.where(both[..., None], values, 0.0)
    k = a.shape[2]
    cross = [a[..., i] * b[..., j] for i in range(k) for j in range(k)]
    columns = [both.astype(np.float64), *np.moveaxis(a, 2, 0), *np.moveaxis(b, 2, 0)]
    return np.stack([*columns, (a**2).sum(axis=2), (b**2).sum(axis=2), *cross], axis=-1)


def _score(sums: Array, k: int) -> Array:
    """Give the normalised cross-correlation from sums of shape (m, ...): shape (m,), NaN where undefined."""
    n = np.maximum(sums[:, 0], 1.0)
    a, b = sums[:, 1 : 1 + k], sums[:, 1 + k : 1 + 2 * k]
    power_a = sums[:, 1 + 2 * k] - (a**2).sum(axis=1) / n
    power_b = sums[:, 2 + 2 * k] - (b**2).sum(axis=1) / n
    cross = sums[:, 3 + 2 * k :].reshape(-1, k, k) - a[:, :, None] * b[:, None, :] / n[:, None, None]
    if k == 1:
        alike = cross[:, 0, 0]
    else:
        parts = np.linalg.svd(cross, compute_uv=False)
        alike = parts[:, :-1].sum(axis=1) + np.sign(np.linalg.det(cross)) * parts[:, -1]
    size = np.sqrt(np.maximum(power_a, 0.0) * np.maximum(power_b, 0.0))
    enough = (size > 1e-300) & (sums[:, 0] >= 4)
    return np.where(enough, alike / np.where(enough, size, 1.0), np.nan)


def _peak_ratio(scores: Array, peak: int) -> float:
    """Give the peak over the highest value outside its own hill."""
    filled = np.where(np.isfinite(scores), scores, -1.0)
    left, right = peak, peak
    while left > 0 and filled[left - 1] <= filled[left]:
        left -= 1
    while right < len(filled) - 1 and filled[right + 1] <= filled[right]:
        right += 1
    outside = np.concatenate([filled[:left], filled[right + 1 :]])
    second = max(float(outside.max()), 0.0) if len(outside) else 0.0
    return float(min(HIGHEST_RATIO, filled[peak] / second)) if second > 0 else HIGHEST_RATIO


def _vertex(lags: Array, curves: Array) -> Array:
    """Give the place of each curve's maximum, by the parabola through it and its neighbours: shape (m,)."""
    step = float(lags[1] - lags[0])
    at = np.clip(np.nanargmax(np.where(np.isfinite(curves), curves, -2.0), axis=1), 1, len(lags) - 2)
    rows = np.arange(len(curves))
    before, here, after = curves[rows, at - 1], curves[rows, at], curves[rows, at + 1]
    bend = before - 2 * here + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    return np.asarray(lags[at] + np.clip(np.nan_to_num(shift), -1.0, 1.0) * step)


def _autocorrelation(values: Array, lags: int) -> Array:
    centred = values - values.mean(axis=0)
    power = float((centred**2).sum()) or 1.0
    n = len(centred)
    return np.array([float((centred[: n - k] * centred[k:]).sum()) / power for k in range(max(lags, 0) + 1)])


def _blocks(start: Array, end: Array) -> npt.NDArray[np.int64]:
    """Number the cells' blocks: about 1 s each, longer in long signals, so that there are at most 60."""
    span = float(end[-1] - start[0])
    length = max(1e9, span / 60)
    return np.asarray((start - start[0]) // length, np.int64)


def _unknown(why: str) -> Lag:
    return Lag(offset_ns=None, ci95_ns=None, score=None, peak_ratio=None, why_not=why)


def _negated(lag: Lag) -> Lag:
    return Lag(
        offset_ns=None if lag.offset_ns is None else -lag.offset_ns,
        ci95_ns=lag.ci95_ns,
        score=lag.score,
        peak_ratio=lag.peak_ratio,
        why_not=lag.why_not,
        cells=lag.cells,
    )
