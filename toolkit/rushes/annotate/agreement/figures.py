"""Figures of agreement out of counts by recording, each with its interval."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rushes.annotate.agreement import reliability
from rushes.annotate.agreement.interval import interval, interval_of_ratio
from rushes.annotate.agreement.pairs import ALL, Numbers, Shared, Tally

Measure = Literal["f1", "iou", "oks", "boundary_s", "alpha", "kappa", "fleiss"]
Scope = Literal["all", "author", "pair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One figure.

    Args:
        measure: ``f1`` of matched labels; ``iou`` or ``oks``, the mean of the matched; ``boundary_s``, the mean
            distance of their ends in seconds; beyond chance, nominal: ``alpha`` (Krippendorff) and ``fleiss`` over
            all authors, ``kappa`` (Cohen) of two.
        kind: Of the labels; box stands for both kinds of box, outline for polygons and masks. Of the figures
            beyond chance: ``class``, what was said of whole pictures; ``box class`` and its like, of matched
            things whatever their class; else the name of an attribute of matched things.
        class_name: "" for all classes.
        scope: Of all pairs of authors together; of one author with each of the others; of one pair.
        authors: All, the one, or the two.
        value: NaN where it cannot be told.
        count: Labels that it rests on; of the figures beyond chance, units or matched things.
        recordings: That it rests on.
        low, high: 95 % interval by drawing recordings; NaN where there are fewer than two.
    """

    measure: Measure
    kind: str
    class_name: str
    scope: Scope
    authors: tuple[str, ...]
    value: float
    count: int
    recordings: int
    low: float
    high: float


def of_matches(tallies: Sequence[Tally], scope: Scope, authors: tuple[str, ...]) -> Iterator[Agreement]:
    """Give the figures of what was matched, of several pairs of authors together."""
    sums: dict[tuple[Shared, str, str], dict[str, Numbers]] = defaultdict(lambda: defaultdict(lambda: np.zeros(3)))
    for tally in tallies:
        for name, by_recording in tally.sums.items():
            for recording, numbers in by_recording.items():
                sums[name][recording] = sums[name][recording] + numbers
    for (measure, kind, class_name), by_recording in sorted(sums.items()):
        counts = [by_recording[name] for name in sorted(by_recording)]
        low, high = interval_of_ratio(counts)
        total = np.sum(counts, axis=0)
        yield Agreement(
            measure=measure,
            kind=kind,
            class_name=class_name,
            scope=scope,
            authors=authors,
            value=float(total[0] / total[1]) if total[1] else float("nan"),
            count=int(total[2]),
            recordings=len(counts),
            low=low,
            high=high,
        )


def beyond_chance(
    measure: Literal["alpha", "kappa", "fleiss"],
    kind: str,
    authors: tuple[str, ...],
    by_recording: Mapping[str, Numbers],
    count: int,
) -> Agreement:
    """Give one coefficient of counts by recording; such counts add up."""

    def figure(counts: Numbers) -> float:
        if measure == "alpha":
            return reliability.alpha(counts, np.arange(len(counts), dtype=np.float64))
        return reliability.cohen(counts) if measure == "kappa" else reliability.fleiss_of(counts)

    counts = [by_recording[name] for name in sorted(by_recording) if by_recording[name].any()]
    low, high = interval(counts, figure)
    return Agreement(
        measure=measure,
        kind=kind,
        class_name=ALL,
        scope="pair" if measure == "kappa" else "all",
        authors=authors,
        value=figure(np.sum(counts, axis=0)) if counts else float("nan"),
        count=count,
        recordings=len(counts),
        low=low,
        high=high,
    )
