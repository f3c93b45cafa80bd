"""dataset.drift: what differs between the parts of a split, or between two revisions, beyond chance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.contracts import DatasetCheck, Option
from rushes.model import Finding, Metric, Severity
from rushes.views import CountsView, DatasetView

Counts = npt.NDArray[np.int64]

DRAWS = 400
SEED = 7
HALF = 0.5
"""Added to each count, so that a value that one side lacks gives a large number and not an infinite one."""


class DatasetDrift:
    """The population stability index (PSI) of every property, with the interval of drawing recordings again."""

    name = "dataset.drift"
    version = "1"
    reason = (
        "A test set with other classes, people's habits or sensors than the training set measures something else, "
        "and a dataset that drifts from one revision to the next makes its figures incomparable."
    )
    known_limits = (
        "Recordings are what is drawn again, since frames of one film are no independent witnesses. What "
        "shuffling the recordings between the two sides gives one time in twenty is no finding: with few "
        "recordings that is a lot, and little is found. Many properties are compared, so that one in twenty may "
        "be chance. Two revisions are compared as they are."
    )
    subject: Literal["dataset"] = "dataset"
    defaults: Mapping[str, Option] = {
        "psi_warning": Option(
            default=0.25, unit="", reason="by custom: below 0.1 stable, above 0.25 another population"
        ),
        "psi_info": Option(default=0.1, unit="", reason="by custom: worth a look"),
        "least_recordings": Option(
            default=3, unit="recordings", reason="of each side; fewer cannot be drawn again"
        ),
    }

    def judge(self, view: DatasetView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Compare each part of each split with the rest, and the dataset with what it was."""
        for split, parts in view.parts.items():
            for part in sorted({name for name in parts if name is not None}):
                inside = np.array([name == part for name in parts], np.bool_)
                outside = np.array([name is not None and name != part for name in parts], np.bool_)
                for what, held in view.counts.items():
                    # Of sensors, whether a recording has one: how many samples that gives is a matter of its rate.
                    had = np.minimum(held.counts, 1) if what == "sensor" else held.counts
                    counts = CountsView(values=held.values, counts=had)
                    words = f"split {split}: {what} in '{part}' against the rest"
                    yield from self._compare(words, f"{split}_{part}_{what}", counts, inside, outside, options)
        if view.before is not None:
            yield from self._since(view, view.before)

    def _compare(
        self,
        words: str,
        metric: str,
        counts: CountsView,
        inside: npt.NDArray[np.bool_],
        outside: npt.NDArray[np.bool_],
        options: Mapping[str, float],
    ) -> Iterator[Metric | Finding]:
        one, two = counts.counts[inside], counts.counts[outside]
        if not one.sum() or not two.sum():
            return
        found = psi(one.sum(axis=0), two.sum(axis=0))
        yield Metric(metric=f"psi_{metric.replace(' ', '_')}", value=found, unit="1")
        if min(len(one), len(two)) < options["least_recordings"] or found <= options["psi_info"]:
            return
        low, high = interval(one, two)
        if found <= by_chance(one, two):
            return  # shuffled recordings differ as much
        severity: Severity = "warning" if found > options["psi_warning"] else "info"
        limit = options["psi_warning" if severity == "warning" else "psi_info"]
        worst = ", ".join(_most_different(counts.values, one.sum(axis=0), two.sum(axis=0)))
        yield Finding(
            check=self.name,
            severity=severity,
            message=f"{words}: PSI {found:.2f}, 95 % interval {low:.2f} to {high:.2f} (limit {limit:g}); "
            f"most: {worst}",
            value=found,
            limit=limit,
            unit="1",
            count=len(one),
        )

    def _since(self, view: DatasetView, before: DatasetView) -> Iterator[Metric | Finding]:
        """Say what changed; two revisions of one dataset are no samples of anything, so there is no interval."""
        for what, counts in view.counts.items():
            old = before.counts.get(what)
            if old is None or not old.counts.sum() or not counts.counts.sum():
                continue
            names = tuple(dict.fromkeys((*old.values, *counts.values)))
            one, two = _laid(counts, names), _laid(old, names)
            found = psi(one, two)
            yield Metric(metric=f"psi_since_{what.replace(' ', '_')}", value=found, unit="1")
            if found <= self.defaults["psi_info"].default:
                continue
            worst = ", ".join(_most_different(names, one, two))
            yield Finding(
                check=self.name,
                severity="info",
                message=f"{what}: PSI {found:.2f} against the earlier revision "
                f"({two.sum():,} then, {one.sum():,} now); most: {worst}",
                value=found,
                limit=self.defaults["psi_info"].default,
                unit="1",
            )


def psi(one: Counts, two: Counts) -> float:
    """Give the population stability index of two rows of counts; 0 where their shares are alike."""
    first, second = (side + HALF for side in (one, two))
    p, q = first / first.sum(), second / second.sum()
    return float(((p - q) * np.log(p / q)).sum())


def interval(one: Counts, two: Counts) -> tuple[float, float]:
    """Give the 95 % interval of the PSI when recordings, the rows of both sides, are drawn again."""
    rng = np.random.default_rng(SEED)
    drawn = [
        psi(
            one[rng.integers(0, len(one), len(one))].sum(axis=0),
            two[rng.integers(0, len(two), len(two))].sum(axis=0),
        )
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def by_chance(one: Counts, two: Counts) -> float:
    """Give the PSI that one in twenty shuffles of the recordings between the two sides exceeds."""
    rng = np.random.default_rng(SEED)
    both = np.concatenate((one, two))
    found = []
    for _ in range(DRAWS):
        order = rng.permutation(len(both))
        found.append(psi(both[order[: len(one)]].sum(axis=0), both[order[len(one) :]].sum(axis=0)))
    return float(np.percentile(found, 95))


def _most_different(values: Sequence[str], one: Counts, two: Counts, most: int = 3) -> list[str]:
    p, q = one / max(one.sum(), 1), two / max(two.sum(), 1)
    order = np.argsort(-np.abs(p - q), kind="stable")[:most]
    return [f"{values[at]} {p[at]:.0%} against {q[at]:.0%}" for at in order.tolist() if p[at] != q[at]]


def _laid(counts: CountsView, names: Sequence[str]) -> Counts:
    total = dict(zip(counts.values, counts.counts.sum(axis=0).tolist(), strict=True))
    return np.array([total.get(name, 0) for name in names], np.int64)


PLUGIN: DatasetCheck = DatasetDrift()
