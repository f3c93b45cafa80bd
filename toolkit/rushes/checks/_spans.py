"""Runs of consecutive samples with one fault → one finding each, and a last one that sums up the many."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from rushes.checks._streams import noun, where
from rushes.contracts import StreamView
from rushes.model import Finding, Severity
from rushes.quantities import say_count

MOST = 20
"""Findings of one kind that are told one by one; the longest are, the rest is summed up in one more."""


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Give start and stop (excluded) of every run of true values."""
    steps = np.diff(np.concatenate(([0], np.asarray(mask, np.int8), [0])))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def span_findings(
    view: StreamView,
    at: npt.NDArray[np.int64],
    faulty: npt.NDArray[np.bool_],
    *,
    check: str,
    severity: Severity,
    values: npt.NDArray[np.float64],
    limit: float | None,
    unit: str,
    say: Callable[[float], str],
    worst: Callable[[npt.NDArray[np.float64]], float],
) -> Iterator[Finding]:
    """Give a finding for each run of neighbouring faulty samples.

    Args:
        view: The stream.
        check: Id of the check.
        severity: Of each finding.
        limit: What was held against; None where there is no single limit.
        unit: Of values and limit.
        at: Shape (k,), ascending positions of the samples that were judged; neighbours here are neighbours.
        faulty: Shape (k,).
        values: Shape (k,), what was measured.
        say: Completes "frame 3: …" for the worst value of a run.
        worst: Picks that value, such as ``np.min``.
    """
    index, times = view.columns["index"], view.columns["t_ns"]
    found = sorted(_unbroken(runs(faulty), index, at), key=lambda run: (run[0] - run[1], run[0]))
    told, rest = sorted(found[:MOST]), sorted(found[MOST:])
    for start, stop in told:
        first, last = int(at[start]), int(at[stop - 1])
        value = float(worst(values[start:stop]))
        yield Finding(
            check=check,
            severity=severity,
            message=f"{view.stream.name}: {where(view, first, last)}: {say(value)}",
            value=value,
            limit=limit,
            unit=unit,
            stream=view.stream.name,
            index=int(index[first]),
            start_ns=int(times[first]),
            end_ns=int(times[last]),
            count=stop - start,
        )
    if rest:
        count = sum(stop - start for start, stop in rest)
        value = float(worst(np.concatenate([values[start:stop] for start, stop in rest])))
        first, last = int(at[rest[0][0]]), int(at[rest[-1][1] - 1])
        yield Finding(
            check=check,
            severity=severity,
            message=f"{view.stream.name}: {say_count(count, noun(view))} in {len(rest)} more places: {say(value)}",
            value=value,
            limit=limit,
            unit=unit,
            stream=view.stream.name,
            index=int(index[first]),
            start_ns=int(times[first]),
            end_ns=int(times[last]),
            count=count,
        )


def _unbroken(
    found: list[tuple[int, int]], index: npt.NDArray[np.int64], at: npt.NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """Part runs where samples that are left out lie within."""
    holes = np.flatnonzero(np.diff(np.asarray(index)[at] - at) > 0) + 1
    for start, stop in found:
        inside = holes[(holes > start) & (holes < stop)].tolist()
        yield from zip([start, *inside], [*inside, stop], strict=True)
