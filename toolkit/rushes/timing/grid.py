"""Instants of a fixed rate over the time that all streams cover.

**Semantics of** :func:`grid`. Instant k lies at ``start + k / rate``, rounded to the nearest nanosecond, halves
up, worked out in whole numbers for each k by itself: 30000/1001 Hz does not drift, not in a year. The first
instant is the start of the overlap, and none lies after its end. Samples join by any strategy that takes
reference times.
"""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from rushes.errors import TimingError
from rushes.model import Times

SECOND_NS = 1_000_000_000
LARGEST = np.iinfo(np.int64).max

LONGEST = 100_000_000
"""Most instants of a grid; more come from times that are in other units than they say."""

Rate = Fraction | int | float | str


def exact_rate(rate_hz: Rate) -> Fraction:
    """Give a rate as a fraction: 30, 29.97 (which is 2997/100) or "30000/1001".

    Raises:
        TimingError: ``timing.rate`` if it is no number above zero and at most 1 GHz, or has too many digits.
    """
    try:
        rate = Fraction(str(rate_hz))
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= SECOND_NS or 3 * rate.numerator * rate.denominator * SECOND_NS > LARGEST:
        raise TimingError(
            f"the rate {rate_hz} Hz cannot set the moments",
            code="timing.rate",
            hint="give a rate above zero such as 30, 12.5 or 30000/1001",
            facts={"rate_hz": str(rate_hz)},
        )
    return rate


def grid(start: int, stop: int, *, rate_hz: Rate) -> Times:
    """Give the instants from ``start`` to ``stop``, both ends included, in nanoseconds.

    Raises:
        TimingError: ``timing.rate`` as :func:`exact_rate`, and where there were more than a hundred million.
    """
    rate = exact_rate(rate_hz)
    if stop < start:
        return np.zeros(0, np.int64)
    # Instant k is at most stop where k / rate, rounded, is at most stop - start.
    if (stop - start) * rate > LONGEST * SECOND_NS:
        raise TimingError(
            f"{float(rate):g} Hz over {(stop - start) / 1e9:.6g} s makes more than {LONGEST:,} moments",
            code="timing.rate",
            hint="give a lower rate; rushes check tells whether a stream's times are what they seem",
            facts={"rate_hz": str(rate), "start_ns": start, "stop_ns": stop},
        )
    most = (2 * (stop - start) + 1) * rate.numerator // (2 * rate.denominator * SECOND_NS) + 1
    # A whole number of seconds holds `numerator` times `denominator` of them: the rest stays small enough.
    rounds, rest = np.divmod(np.arange(most + 1), rate.numerator)
    within = (2 * rest * (rate.denominator * SECOND_NS) + rate.numerator) // (2 * rate.numerator)
    instants = start + rounds * (rate.denominator * SECOND_NS) + within
    kept: Times = instants[instants <= stop].astype(np.int64)
    return kept


def overlap_of(times: Mapping[str, Times]) -> tuple[int, int]:
    """Give the span that all streams with samples cover, both ends included.

    Args:
        times: Each stream's times, ascending; those without samples are passed over.

    Raises:
        TimingError: ``timing.no-overlap`` if there is no such span, with the two streams that are furthest apart.
    """
    filled = {name: column for name, column in times.items() if len(column)}
    if not filled:
        raise TimingError(
            f"none of {len(times)} streams has samples, so there is no time for a grid",
            code="timing.no-overlap",
            hint="rushes inspect lists the streams with their samples",
        )
    late = max(filled, key=lambda name: int(filled[name][0]))
    early = min(filled, key=lambda name: int(filled[name][-1]))
    start, stop = int(filled[late][0]), int(filled[early][-1])
    if stop < start:
        raise TimingError(
            f"{early} ends at {stop} ns, {(start - stop) / 1e9:.6g} s before {late} starts at {start} ns",
            code="timing.no-overlap",
            hint="leave one of them out, or align by another time",
            facts={"ends_first": early, "ends_ns": stop, "starts_last": late, "starts_ns": start},
        )
    return start, stop
