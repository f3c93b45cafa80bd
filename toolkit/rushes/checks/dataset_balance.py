"""dataset.balance: classes, attributes, people, places and sensors that a dataset has too little of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.contracts import DatasetCheck, Option
from rushes.model import Finding, Metric, Severity
from rushes.views import CountsView, DatasetView

Counts = npt.NDArray[np.int64]

FACTS = ("subject", "place", "session", "task")
NOUNS = {"subject": "subjects", "place": "places", "session": "sessions", "task": "tasks"}
MOST_RARE = 5
"""Rare values that are told one by one; more are told together."""
MOST_LISTED = 12


class DatasetBalance:
    """Counts over all recordings, and in how many recordings each value occurs at all."""

    name = "dataset.balance"
    version = "2"
    reason = (
        "A model learns what there is much of. A class with ten examples is not learnt, one that occurs in a "
        "single recording is learnt with its room and its person, and a set of one person says nothing of others."
    )
    known_limits = (
        "Labels are counted one by one: a thing in a thousand frames of one film counts a thousand times, which "
        "is why recordings are counted too. A world may be out of balance by nature; then state it, and weigh."
    )
    subject: Literal["dataset"] = "dataset"
    defaults: Mapping[str, Option] = {
        "least_count": Option(default=10, unit="labels", reason="fewer cannot be parted into train, val and test"),
        "ratio": Option(
            default=50, unit="times", reason="beyond, a constant answer scores well; Datumaro's limit too"
        ),
        "least_recordings": Option(
            default=3,
            unit="recordings",
            reason="one for each of train, val and test; a class in fewer leaks or lacks",
        ),
        "most_share": Option(
            default=0.5, unit="", reason="more than half from one person or place, and the mean is theirs"
        ),
    }

    def judge(self, view: DatasetView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge every vocabulary, then who and where."""
        for what, counts in view.counts.items():
            if what == "sensor":
                yield from self._sensors(view, counts)
            elif counts.counts.sum():
                yield from self._rare(view, what, counts, options)
                if what.startswith("attribute ") or what in ("class", "gesture"):
                    yield from self._uneven(what, counts, options["ratio"])
        samples = view.counts.get("sensor")
        weights = samples.counts.sum(axis=1) if samples else np.ones(len(view.recordings), np.int64)
        for fact in FACTS:
            yield from self._shares(view, fact, weights, options["most_share"])

    def _rare(
        self, view: DatasetView, what: str, counts: CountsView, options: Mapping[str, float]
    ) -> Iterator[Finding]:
        totals, spread = counts.counts.sum(axis=0), (counts.counts > 0).sum(axis=0)
        few_recordings = len(view.recordings) < options["least_recordings"]
        rare = np.flatnonzero((totals > 0) & (totals < options["least_count"])).tolist()
        if len(rare) > MOST_RARE:
            yield self._many_rare(what, counts, rare, options["least_count"])
        for at, value in enumerate(counts.values):
            total, places = int(totals[at]), int(spread[at])
            if total == 0 or (at in rare and len(rare) > MOST_RARE):
                continue
            if total < options["least_count"]:
                times = "once" if total == 1 else f"{total:,} times"
                words = f"{what} '{value}' occurs {times} (limit {options['least_count']:g})"
                yield _finding(self.name, "warning", words, total, options["least_count"], total)
            elif places < options["least_recordings"] and not few_recordings:
                words = (
                    f"{what} '{value}' occurs in {places} of {len(view.recordings)} recordings "
                    f"(limit {options['least_recordings']:g}): no split can give it to every part"
                )
                yield _finding(self.name, "warning", words, places, options["least_recordings"], total)
        unused = sorted(
            set(view.declared.get(what, ())) - {v for v, n in zip(counts.values, totals, strict=True) if n}
        )
        if unused and not few_recordings:
            listed = ", ".join(unused[:12]) + (f" and {len(unused) - 12} more" if len(unused) > 12 else "")
            yield _finding(
                self.name,
                "info",
                f"{what}: the ontology offers {listed}, and nobody used them",
                len(unused),
                0,
                len(unused),
            )

    def _many_rare(self, what: str, counts: CountsView, rare: Sequence[int], least: float) -> Finding:
        """Say once of many values that they are rare, the rarest first."""
        totals = counts.counts.sum(axis=0)
        order = sorted(rare, key=lambda at: (int(totals[at]), counts.values[at]))
        listed = ", ".join(f"'{counts.values[at]}' ({totals[at]:,})" for at in order[:MOST_LISTED])
        more = f" and {len(order) - MOST_LISTED} more" if len(order) > MOST_LISTED else ""
        used = int((totals > 0).sum())
        words = f"{what}: {len(rare)} of {used} values occur fewer than {least:g} times: {listed}{more}"
        return _finding(self.name, "warning", words, len(rare), 0, int(totals[rare].sum()))

    def _uneven(self, what: str, counts: CountsView, ratio: float) -> Iterator[Metric | Finding]:
        totals = counts.counts.sum(axis=0)
        used = np.flatnonzero(totals)
        if len(used) < 2:
            return
        most, least = used[np.argmax(totals[used])], used[np.argmin(totals[used])]
        found = float(totals[most] / totals[least])
        yield Metric(metric=f"imbalance_{what.replace(' ', '_')}", value=found, unit="1")
        if found > ratio:
            words = (
                f"{what} '{counts.values[most]}' ({totals[most]:,}) occurs {found:,.0f} times as often as "
                f"'{counts.values[least]}' ({totals[least]:,}) (limit {ratio:g})"
            )
            yield _finding(self.name, "warning", words, found, ratio, int(totals[used].sum()))

    def _sensors(self, view: DatasetView, counts: CountsView) -> Iterator[Finding]:
        has = counts.counts > 0
        for at, value in enumerate(counts.values):
            lacking = np.flatnonzero(~has[:, at])
            # What most recordings have, a few lack; sets of several rigs are no fault.
            if 0 < len(lacking) <= 0.2 * len(has):
                names = ", ".join(view.recordings[row] for row in lacking[:5].tolist())
                words = f"{value}: {len(lacking)} of {len(has)} recordings have none: {names}"
                yield _finding(self.name, "info", words, len(lacking), 0, len(lacking))

    def _shares(self, view: DatasetView, fact: str, weights: Counts, limit: float) -> Iterator[Metric | Finding]:
        values = view.facts.get(fact, ())
        known = [value for value in values if value is not None]
        if len(known) < 2:
            return
        sums: dict[str, int] = {}
        for value, weight in zip(values, weights.tolist(), strict=True):
            if value is not None:
                sums[value] = sums.get(value, 0) + weight
        most = max(sums, key=lambda value: (sums[value], value))
        share = sums[most] / max(sum(sums.values()), 1)
        yield Metric(metric=f"largest_share_{fact}", value=share, unit="1")
        if len(sums) == 1:
            words = (
                f"{fact}: all {len(known)} recordings are of '{most}'; nothing can be said of other {NOUNS[fact]}"
            )
            yield _finding(self.name, "info", words, share, limit, len(known))
        elif share > limit and len(sums) > 2:
            words = (
                f"{fact}: '{most}' gives {share:.0%} of the samples of {len(sums)} {NOUNS[fact]} "
                f"(limit {limit:.0%})"
            )
            yield _finding(self.name, "warning", words, share, limit, values.count(most))


def _finding(check: str, severity: Severity, words: str, value: float, limit: float, count: int) -> Finding:
    return Finding(
        check=check,
        severity=severity,
        message=words,
        value=float(value),
        limit=float(limit),
        unit="1",
        count=count,
    )


PLUGIN: DatasetCheck = DatasetBalance()
