"""The sets that ROS's ApproximateTime policy makes of any number of streams at once.

This is the C++ policy ``message_filters::sync_policies::ApproximateTime`` of ROS 1 and 2; the slop pairing of
the Python ``ApproximateTimeSynchronizer`` is another algorithm, closer to :mod:`rushes.timing.tum`.

**Semantics of** :func:`approximate_time`. A set takes one sample of every stream. Sets do not cross, and no
sample is in two. One set follows another like this:

1. The earliest samples that are left, one a stream, are the first candidate. The latest of them is the *pivot*:
   every candidate of this round must hold it. A candidate that is wider than ``max_interval`` is passed over by
   dropping its earliest sample.
2. Further candidates come from dropping the earliest sample again and again. With ``grown`` and ``moved`` for
   how much later the new candidate ends and starts than the best so far, it replaces the best where ``grown *
   (1 + age_penalty) < moved``: it must be narrower, and clearly so.
3. The best is given out when the pivot itself would have to be dropped, or when no later candidate can beat it:
   ``grown * (1 + age_penalty) >= pivot - start of the best``. All samples up to the best's own are then spent.
4. Where a stream has no further sample, the policy reckons with the earliest that could still come: not before
   the pivot and not closer to the last than that stream's lower bound. What cannot be proven best so is never
   given out. So a recording may end with samples that look like a set and are none; ROS would still be waiting,
   too.

On equal times the earliest sample is that of the first stream, the latest that of the last stream.

Samples are taken to arrive in order of time, those of equal time in order of the streams, and queues to be long
enough. Another order of arrival changes at most whether the last sets of a recording are given out, since the
policy looks ahead only when a sample comes for which it waits. A short queue drops samples, and which ones does
depend on arrival. Times are whole nanoseconds; the factor is compared exactly, as in ROS 2 but for its last
binary digit (ROS 1 rounds to the nearest nanosecond).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from rushes.errors import TimingError
from rushes.model import Times
from rushes.timing.matches import Indices, demand_ascending, demand_tolerance

AGE_PENALTY = 0.1
"""What ROS uses unless told otherwise."""

RUN = 64
"""Samples of each stream that are tried at once where the streams tick together; doubled while it goes well."""

LONGEST_RUN = 16_384
LONGEST_WALK = 1_024
"""Sets that are made step by step before whole runs are tried again."""


def approximate_time(
    times: Mapping[str, Times],
    *,
    max_interval: int | None = None,
    age_penalty: float = AGE_PENALTY,
    lower_bounds: Mapping[str, int] | None = None,
) -> Indices:
    """Make the sets; see the head of this module.

    Args:
        times: Each stream's times, shape (n,), int64 nanoseconds, ascending, of one common time. At least two
            streams. Their order matters where times are equal.
        max_interval: Greatest width of a set in nanoseconds, itself included; None for any.
        age_penalty: How much narrower a later candidate must be; 0 or more.
        lower_bounds: By stream, least distance of neighbouring samples in nanoseconds. It changes what can be
            proven at the end of a stream, and nothing else.

    Returns:
        Shape (sets, streams): the place of each set's sample in each stream, in the order given.

    Raises:
        TimingError: ``timing.not-ascending``; ``timing.tolerance`` if ``max_interval`` or ``age_penalty`` is
            negative; ``timing.lower-bound`` if a stream's samples are closer than its bound.
    """
    if max_interval is not None:
        demand_tolerance(max_interval)
    if not 0 <= age_penalty < np.inf:
        raise TimingError(
            f"the age penalty is {age_penalty:g}; it must be 0 or more",
            code="timing.tolerance",
            hint="leave it at 0.1, which is what ROS uses",
        )
    for name, column in times.items():
        demand_ascending(column, name)
    bounds = [_bound(name, column, (lower_bounds or {}).get(name, 0)) for name, column in times.items()]
    columns = list(times.values())
    if len(columns) < 2 or min(map(len, columns)) == 0:
        return np.zeros((0, len(columns)), np.int64)
    return _Policy(columns, bounds, max_interval, age_penalty).sets()


def _bound(name: str, times: Times, bound: int) -> int:
    least = int(np.diff(times).min()) if len(times) > 1 else bound
    if bound < 0 or least < bound:
        raise TimingError(
            f"{name}: samples are {least} ns apart, closer than the lower bound of {bound} ns",
            code="timing.lower-bound",
            hint="give a bound that the stream keeps, or none",
            facts={"stream": name, "least_ns": least, "bound_ns": bound},
        )
    return bound


class _Policy:
    """Walks through the streams: long runs of plain sets by whole arrays, whatever is not plain step by step."""

    def __init__(
        self, columns: Sequence[Times], bounds: Sequence[int], max_interval: int | None, age_penalty: float
    ) -> None:
        self.columns = columns
        self.views = [memoryview(np.ascontiguousarray(column).data) for column in columns]
        self.bounds = bounds
        self.max_interval = max_interval if max_interval is not None else np.iinfo(np.int64).max
        # The factor is a double; as a fraction it can be compared without rounding.
        self.factor, self.whole = (1 + age_penalty).as_integer_ratio()
        self.factor_float = 1 + age_penalty
        self.heads = [0] * len(columns)

    def sets(self) -> Indices:
        found: list[Indices] = [np.zeros((0, len(self.columns)), np.int64)]
        run, walk = RUN, 1
        while True:
            plain = self._plain_run(run)
            if plain:
                found.append(np.asarray(self.heads) + np.arange(plain)[:, None])
                self.heads = [head + plain for head in self.heads]
            if plain == run:
                run, walk = min(2 * run, LONGEST_RUN), 1
                continue
            run, walk = RUN, 1 if plain > RUN // 4 else min(2 * walk, LONGEST_WALK)
            walked = self._walk(walk)
            found.append(np.array(walked, np.int64).reshape(-1, len(self.columns)))
            if len(walked) < walk:
                return np.concatenate(found)

    def _plain_run(self, run: int) -> int:
        """Count the sets to come that are just the next sample of every stream.

        Such a set is the first candidate of its round, and the one after dropping its earliest sample already ends
        so late that nothing can beat it any more.
        """
        parts = [c[h : h + run + 1] for c, h in zip(self.columns, self.heads, strict=True)]
        rows = min(map(len, parts)) - 1
        if rows < 1:
            return 0
        block = np.stack([part[: rows + 1] for part in parts])
        now = block[:, :-1]
        start, end = now.min(axis=0), now.max(axis=0)
        following = block[now.argmin(axis=0), np.arange(1, rows + 1)]
        grown = np.maximum(following - end, 0)
        # A margin against the rounding of the product: what is close goes the exact way.
        proven = grown * (self.factor_float * (1 - 1e-12)) >= end - start
        plain = proven & (end - start <= self.max_interval)
        return rows if plain.all() else int(plain.argmin())

    def _walk(self, most: int) -> list[list[int]]:
        """Give up to so many sets from the heads on; fewer only where the samples end."""
        found: list[list[int]] = []
        while len(found) < most:
            best = self._one_set() if self._left() else None
            if best is None:
                break
            found.append(best)
            self.heads = [place + 1 for place in best]
        return found

    def _left(self) -> bool:
        return all(head < len(column) for head, column in zip(self.heads, self.columns, strict=True))

    def _narrow(self, heads: list[int], now: list[int]) -> bool:
        """Drop earliest samples until a set is narrow enough; say whether there is one."""
        while max(now) - min(now) > self.max_interval:
            earliest = now.index(min(now))
            heads[earliest] += 1
            if heads[earliest] == len(self.views[earliest]):
                return False
            now[earliest] = self.views[earliest][heads[earliest]]
        return True

    def _one_set(self) -> list[int] | None:
        """Give the next set, from the heads on; None where the samples end before one is proven best."""
        views, heads = self.views, list(self.heads)
        now: list[int] = [view[head] for view, head in zip(views, heads, strict=True)]
        if not self._narrow(heads, now):
            return None
        best, best_start, best_end = list(heads), min(now), max(now)
        pivot_time = best_end
        pivot = max(i for i, time in enumerate(now) if time == pivot_time)
        newest: tuple[int, int, int] | None = None  # time, stream and place of the newest message once one ends
        while True:
            start, end = min(now), max(now)
            earliest = now.index(start)
            grown = (end - best_end) * self.factor
            if grown < (start - best_start) * self.whole:
                if newest:  # a sample that has yet to come might make a better set
                    return None
                best, best_start, best_end, grown = list(heads), start, end, 0
            if earliest == pivot or grown >= (pivot_time - best_start) * self.whole:
                return best
            following = heads[earliest] + 1
            if newest is None and following == len(views[earliest]):
                latest = max(i for i, time in enumerate(now) if time == end)
                newest = end, latest, heads[latest]
            heads[earliest] = following
            if newest is None or self._had_come(earliest, following, newest):
                now[earliest] = views[earliest][following]
            else:
                now[earliest] = max(views[earliest][following - 1] + self.bounds[earliest], pivot_time)

    def _had_come(self, stream: int, place: int, newest: tuple[int, int, int]) -> bool:
        """Say whether a sample had come when the policy was last asked, which was when the newest one came."""
        time, latest, last = newest
        if place >= len(self.views[stream]) or (stream == latest and place > last):
            return False
        return (self.views[stream][place], stream) <= (time, latest)
