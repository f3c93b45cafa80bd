"""How far authors agree: by pair of authors, kind and class, with an interval over recordings.

Only what both authors have looked at counts: a picture that one of them never saw is no disagreement.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes import shapes
from rushes.annotate.agreement import reliability
from rushes.annotate.agreement.interval import interval
from rushes.annotate.agreement.matching import best_pairs, oks, overlaps, span_overlap
from rushes.labels import Keypoints, Label, Relation
from rushes.vocabulary import Ontology

Numbers: TypeAlias = npt.NDArray[np.float64]
Unit: TypeAlias = tuple[str, str | None, int | None]
"""What is looked at in one go: recording, stream, index; of a span, recording and stream alone."""

Measure = Literal["f1", "iou", "oks", "boundary_s", "alpha", "kappa"]
_SORTS: Mapping[str, str] = {"rotated_box": "box", "polygon": "outline", "mask": "outline"}
ALL = ""
"""In the place of a class: all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One figure.

    Args:
        measure: ``f1`` of matched labels; ``iou`` or ``oks``, the mean of the matched; ``boundary_s``, the mean
            distance of their ends in seconds; ``alpha`` (Krippendorff, nominal) over all authors; ``kappa``
            (Cohen) of two.
        kind: Of the labels; box stands for both kinds of box.
        class_name: "" for all classes.
        authors: The two, or all of them for alpha.
        value: NaN where it cannot be told.
        count: Labels that it rests on; for alpha and kappa, units.
        low, high: 95 % interval by drawing recordings; NaN where there are fewer than two.
    """

    measure: Measure
    kind: str
    class_name: str
    authors: tuple[str, ...]
    value: float
    count: int
    low: float
    high: float


def agree(
    labels: Iterable[Label],
    ontology: Ontology,
    *,
    seen: Mapping[str, frozenset[Unit]] | None = None,
    iou: float = 0.5,
) -> list[Agreement]:
    """Compare every two authors.

    Args:
        labels: Of all authors; those without an author are left out.
        ontology: For the skeletons.
        seen: What each author has looked at, whether something was labelled there or not; what the author
            labelled, when None.
        iou: Least overlap of a pair; of spans too.
    """
    by_author: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        if label.author is not None:
            by_author[label.author].append(label)
    looked = {
        author: (seen or {}).get(author, frozenset()) | {unit_of(label) for label in mine}
        for author, mine in by_author.items()
    }
    found: list[Agreement] = []
    for first, second in combinations(sorted(by_author), 2):
        both = looked[first] & looked[second]
        pair = _Pair(by_author[first], by_author[second], both, ontology, iou)
        found += _figures(pair.tallies(), (first, second))
    return found + list(_values(by_author, looked))


def unit_of(label: Label) -> Unit:
    """Say what was looked at when a label was given."""
    index = None if label.kind in ("segment", "track") else label.index
    return label.recording_id, label.stream, index


class _Pair:
    """The labels of two authors, compared unit by unit."""

    def __init__(
        self,
        first: Sequence[Label],
        second: Sequence[Label],
        both: set[Unit] | frozenset[Unit],
        ontology: Ontology,
        iou: float,
    ) -> None:
        self._sides = [_by_unit(first, both), _by_unit(second, both)]
        self._units = sorted(both, key=str)
        self._ontology = ontology
        self._iou = iou
        self._same: dict[str, str] = {}  # labels of the second author by those of the first that they match

    def tallies(self) -> dict[tuple[Measure, str, str], dict[str, Numbers]]:
        """Count by measure, kind and class, and in each by recording: (numerator, denominator, labels)."""
        sums: dict[tuple[Measure, str, str], dict[str, Numbers]] = defaultdict(
            lambda: defaultdict(lambda: np.zeros(3))
        )

        def add(measure: Measure, kind: str, class_name: str, unit: Unit, *numbers: float) -> None:
            for name in (class_name, ALL):
                sums[measure, kind, name][unit[0]] += numbers

        for unit in self._units:
            for kind, class_name, ours, theirs in self._groups(unit):
                scores = self._scores(kind, ours, theirs)
                pairs = best_pairs(scores, self._iou)
                count = len(ours) + len(theirs)
                add("f1", kind, class_name, unit, 2 * len(pairs), count, count)
                for a, b in pairs:
                    self._same[ours[a].label_id] = theirs[b].label_id
                    measure: Measure = "oks" if kind == "keypoints" else "iou"
                    add(measure, kind, class_name, unit, scores[a, b], 1, 2)
                    if kind == "segment":
                        ends = [abs(x - y) / 1e9 for x, y in zip(_span(ours[a]), _span(theirs[b]), strict=True)]
                        add("boundary_s", kind, class_name, unit, sum(ends) / 2, 1, 2)
        for unit in self._units:
            self._relations(unit, add)
        return sums

    def _groups(self, unit: Unit) -> Iterator[tuple[str, str, list[Label], list[Label]]]:
        grouped: dict[tuple[str, str], tuple[list[Label], list[Label]]] = defaultdict(lambda: ([], []))
        for side in (0, 1):
            for label in self._sides[side].get(unit, ()):
                kind = _SORTS.get(label.kind, label.kind)
                if kind in ("box", "outline", "keypoints", "segment"):
                    grouped[kind, label.class_name or ""][side].append(label)
        for (kind, class_name), (ours, theirs) in sorted(grouped.items()):
            yield kind, class_name, ours, theirs

    def _scores(self, kind: str, ours: Sequence[Label], theirs: Sequence[Label]) -> Numbers:
        if not ours or not theirs:
            return np.zeros((len(ours), len(theirs)))
        if kind == "segment":
            return np.array([[span_overlap(_span(a), _span(b)) for b in theirs] for a in ours])
        if kind != "keypoints":
            return overlaps(ours, theirs)
        return np.array([[self._likeness(a, b) for b in theirs] for a in ours])

    def _likeness(self, first: Label, second: Label) -> float:
        """Give the mean of the two similarities, each with the one's points and scale as the truth."""
        a, b = first.geometry, second.geometry
        assert isinstance(a, Keypoints)
        assert isinstance(b, Keypoints)
        skeleton = self._ontology.skeleton_of(first.class_name)
        sigmas = skeleton.sigmas if skeleton else ()
        if len(a.triples) != len(b.triples) or (sigmas and len(sigmas) * 3 != len(a.triples)):
            return 0.0
        areas = [shapes.area_px(box) if (box := shapes.bounds(points)) else 0.0 for points in (a, b)]
        both = [oks(a, b, area_px=areas[0], sigmas=sigmas), oks(b, a, area_px=areas[1], sigmas=sigmas)]
        return 0.0 if np.isnan(both).any() else sum(both) / 2

    def _relations(self, unit: Unit, add: Callable[..., None]) -> None:
        named = [
            [
                (label.class_name or "", label.geometry)
                for label in side.get(unit, ())
                if isinstance(label.geometry, Relation)
            ]
            for side in self._sides
        ]
        for class_name in sorted({name for side in named for name, _ in side}):
            ours = [
                (self._same.get(r.subject_id), self._same.get(r.object_id))
                for name, r in named[0]
                if name == class_name
            ]
            theirs = [(r.subject_id, r.object_id) for name, r in named[1] if name == class_name]
            spec = self._ontology.relation_of(class_name)
            if spec and spec.kind == "same":
                theirs += [(b, a) for a, b in theirs]
            matched = sum(pair in theirs for pair in ours)
            count = sum(name == class_name for side in named for name, _ in side)
            add("f1", "relation", class_name, unit, 2 * matched, count, count)


def _figures(
    tallies: Mapping[tuple[Measure, str, str], Mapping[str, Numbers]], authors: tuple[str, str]
) -> Iterator[Agreement]:
    for (measure, kind, class_name), by_recording in sorted(tallies.items()):
        counts = list(by_recording.values())
        low, high = interval(counts, _ratio)
        total = np.sum(counts, axis=0)
        yield Agreement(
            measure=measure,
            kind=kind,
            class_name=class_name,
            authors=authors,
            value=_ratio(total),
            count=int(total[2]),
            low=low,
            high=high,
        )


def _ratio(total: Numbers) -> float:
    return float(total[0] / total[1]) if total[1] else float("nan")


def _values(
    by_author: Mapping[str, Sequence[Label]], looked: Mapping[str, set[Unit] | frozenset[Unit]]
) -> Iterator[Agreement]:
    """Compare the classes that were given to whole pictures; nothing given is a value too."""
    authors = sorted(by_author)
    given = {
        author: {unit_of(label): label.class_name or "" for label in mine if label.kind == "class"}
        for author, mine in by_author.items()
    }
    classes = sorted({name for mine in given.values() for name in mine.values()} | {""})
    units = sorted({unit for mine in given.values() for unit in mine}, key=str)
    if len(authors) < 2 or not units:
        return
    ratings = np.full((len(authors), len(units)), np.nan)
    for row, author in enumerate(authors):
        for column, unit in enumerate(units):
            if unit in looked[author]:
                ratings[row, column] = classes.index(given[author].get(unit, ""))
    values = np.arange(len(classes), dtype=np.float64)
    recordings = np.array([unit[0] for unit in units])
    yield _value("alpha", tuple(authors), ratings, recordings, values)
    for a, b in combinations(range(len(authors)), 2):
        yield _value("kappa", (authors[a], authors[b]), ratings[[a, b]], recordings, values)


def _value(
    measure: Literal["alpha", "kappa"],
    authors: tuple[str, ...],
    ratings: Numbers,
    recordings: npt.NDArray[np.str_],
    values: Numbers,
) -> Agreement:
    def figure(counts: Numbers) -> float:
        return reliability.alpha(counts, values) if measure == "alpha" else reliability.cohen(counts)

    count = reliability.coincidences if measure == "alpha" else _confusion
    tallies = [count(ratings[:, recordings == one], values) for one in np.unique(recordings)]
    low, high = interval(tallies, figure)
    return Agreement(
        measure=measure,
        kind="class",
        class_name=ALL,
        authors=authors,
        value=figure(np.sum(tallies, axis=0)),
        count=int(((~np.isnan(ratings)).sum(axis=0) >= 2).sum()),
        low=low,
        high=high,
    )


def _confusion(ratings: Numbers, values: Numbers) -> Numbers:
    table = np.zeros((len(values), len(values)))
    both = ~np.isnan(ratings).any(axis=0)
    np.add.at(table, tuple(np.searchsorted(values, side[both]) for side in ratings), 1.0)
    return table


def _by_unit(labels: Sequence[Label], both: set[Unit] | frozenset[Unit]) -> dict[Unit, list[Label]]:
    found: dict[Unit, list[Label]] = defaultdict(list)
    for label in labels:
        if unit_of(label) in both:
            found[unit_of(label)].append(label)
    return found


def _span(label: Label) -> tuple[int, int]:
    if label.t_start_ns is not None and label.t_end_ns is not None:
        return label.t_start_ns, label.t_end_ns
    return label.index or 0, label.index_end or label.index or 0
