"""Which sample of a stream belongs to which reference time: the nearest, each used at most once.

**Semantics of** :func:`nearest`. A pair is a reference time and a sample at most ``within`` apart. Of all ways to
pair them up, each time and each sample used at most once, it takes the one with the smallest
``sum of |skew| + (2 * within + 1 ns) * (reference times left alone)``. It follows that

- where no two reference times want the same sample, each gets its nearest: ties go to the earlier sample;
- order is kept: a later reference time never gets an earlier sample;
- where two want the same one, the loser takes a free neighbour within the tolerance, if the pairs near it need not
  give way by more than that price in all. So two streams half an interval apart stay paired one to one instead
  of losing samples to jitter, and one surplus sample cannot shift a long row of good pairs;
- no time within reach of a free sample is left alone.

Where several pairings cost the same, as with equal reference times that want one sample, which of them is taken
can depend on whether there are more samples or more reference times; the same input always gives the same answer.

The answer is exact, not a heuristic. Plain nearest is worked out for all at once; only around collisions is the
best pairing searched for, as the heaviest increasing run of (time, sample) pairs.
"""

from bisect import bisect_left

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.timing.matches import Indices, Matches, Window, demand_ascending, demand_tolerance, nobody, windows


def closest(times: Times, reference: Times) -> Matches:
    """Give each reference time its nearest sample, however far, each used as often as wanted.

    Args:
        times: Shape (n,), ascending, n > 0.
        reference: Shape (m,), ascending.

    Returns:
        None is alone. On a tie the earlier sample, of equal times the first.

    Raises:
        TimingError: ``timing.not-ascending`` if ``times`` go back.
    """
    index = np.empty(len(reference), np.int64)
    skew = np.empty(len(reference), np.int64)
    for window in windows(times, reference):
        block = window.block
        _closest(window, index[block], skew[block])
        index[block] += window.first
        if not window.distinct:  # the search goes to the first of equals, but stepping back lands on the last
            index[block] = np.searchsorted(times, times[index[block]])
    return Matches(index=index, skew_ns=skew)


def _closest(window: Window, index: Indices, skew: npt.NDArray[np.int64]) -> None:
    """Fill ``index``, a place in the window's part, and ``skew`` for one block."""
    after = window.part.searchsorted(window.sought)  # first sample at or after
    np.subtract(after, 1, out=index)
    before = window.part.take(index, mode="clip")
    skew_after = window.part.take(after, mode="clip")
    np.subtract(before, window.sought, out=skew)
    skew_after -= window.sought
    # Samples before have a negative skew: what is nearer shows in the sum. Beyond the ends both are one sample.
    np.add(skew, skew_after, out=before)
    later = before < 0
    index += later
    np.copyto(skew, skew_after, where=later)
    if index[0] < 0 or index[-1] >= len(window.part):  # places rise with the times that are sought
        np.clip(index, 0, len(window.part) - 1, out=index)


def nearest(times: Times, reference: Times, *, within: int) -> Matches:
    """Pair each reference time with the nearest sample, one to one; see the head of this module.

    Args:
        times: Shape (n,), int64 nanoseconds, ascending (equal times allowed), in the clock of the reference.
        reference: Shape (m,), as above.
        within: Largest distance that still counts, itself included.

    Raises:
        TimingError: ``timing.not-ascending`` if either goes back; ``timing.tolerance`` if ``within`` is negative.
    """
    demand_tolerance(within)
    demand_ascending(reference, "the reference")
    if len(times) == 0 or len(reference) == 0:
        demand_ascending(times, "the stream")
        return nobody(len(reference))
    if len(reference) <= len(times):
        return _pair(times, reference, within)
    demand_ascending(times, "the stream")
    # Pairing is the same from both sides; from the smaller side it meets fewer collisions.
    turned = _pair(reference, times, within)
    taken = np.flatnonzero(turned.matched)
    index, skew = np.full(len(reference), -1), np.zeros(len(reference), np.int64)
    index[turned.index[taken]] = taken
    skew[turned.index[taken]] = -turned.skew_ns[taken]
    return Matches(index=index, skew_ns=skew)


def _pair(times: Times, reference: Times, within: int) -> Matches:
    plain = closest(times, reference)
    if int(plain.skew_ns.max()) > within or int(plain.skew_ns.min()) < -within:
        far = np.abs(plain.skew_ns) > within
        plain.index[far] = -1
        plain.skew_ns[far] = 0
    if plain.index[0] >= 0 and (plain.index[1:] > plain.index[:-1]).all():
        return plain
    starts, stops = _collisions(plain.index, np.zeros(len(reference), np.bool_), 1)
    if len(starts) == 0:
        return plain
    wanted, index = plain.index, plain.index.copy()
    solved = np.zeros(len(reference), np.bool_)
    margin = 1
    while len(starts):
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            index[start:stop] = _best(times, reference[start:stop], wanted[start:stop], within)
            solved[start:stop] = True
        margin *= 2
        starts, stops = _collisions(index, solved, margin)
    return Matches(index=index, skew_ns=np.where(index >= 0, times[index] - reference, 0))


def _collisions(index: Indices, solved: npt.NDArray[np.bool_], margin: int) -> tuple[Indices, Indices]:
    """Give the stretches to solve (again): around each pair out of order, with what was solved beside it.

    Everything outside has its own nearest sample and every stretch its own best, so that the whole is the best as
    soon as nothing collides any more.
    """
    taken = np.flatnonzero(index >= 0)
    got = index[taken]
    clash = np.flatnonzero(got[1:] <= got[:-1])
    if len(clash) == 0:
        return clash, clash
    size = len(index)
    edges = np.zeros(size + 1, np.int64)
    np.add.at(edges, np.maximum(taken[clash] - margin, 0), 1)
    np.add.at(edges, np.minimum(taken[clash + 1] + margin + 1, size), -1)
    dirty = np.cumsum(edges[:-1]) > 0
    open_ = dirty | solved
    steps = np.diff(np.concatenate(([0], open_.view(np.int8), [0])))
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    again = np.add.reduceat(dirty.astype(np.int64), starts) > 0
    return starts[again], stops[again]


def _best(times: Times, reference: Times, wanted: Indices, within: int) -> Indices:
    """Pair a short stretch in the best way, as if its samples were wanted by nobody else.

    The stretch has k reference times, so that none can be pushed further than k samples from its nearest: among
    the k nearer ones one is always free. The pairs that remain are walked through in order; kept are, for rising
    samples, the best gains of a run that ends there.
    """
    count = len(reference)
    answer = np.full(count, -1)
    ends: list[int] = []  # sample that a run ends with, ascending
    gains: list[int] = []  # what that run gains, ascending
    runs: list[int] = []  # its last pair, an index into the three lists below
    pair_time: list[int] = []
    pair_sample: list[int] = []
    pair_before: list[int] = []
    for place in np.flatnonzero(wanted >= 0).tolist():
        first = max(int(wanted[place]) - count, 0)
        skews = np.abs(times[first : int(wanted[place]) + count + 1] - reference[place])
        near = np.flatnonzero(skews <= within)
        for sample in near[::-1].tolist():
            at = bisect_left(ends, first + sample)
            gain = 2 * within + 1 - int(skews[sample]) + (gains[at - 1] if at else 0)
            if at < len(ends) and ends[at] == first + sample and gains[at] >= gain:
                continue
            if at and gains[at - 1] >= gain:
                continue
            stop = at
            while stop < len(ends) and gains[stop] <= gain:
                stop += 1
            pair_time.append(place)
            pair_sample.append(first + sample)
            pair_before.append(runs[at - 1] if at else -1)
            ends[at:stop] = [first + sample]
            gains[at:stop] = [gain]
            runs[at:stop] = [len(pair_time) - 1]
    at = runs[-1] if runs else -1
    while at >= 0:
        answer[pair_time[at]] = pair_sample[at]
        at = pair_before[at]
    return answer
