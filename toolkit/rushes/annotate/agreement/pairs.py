"""The labels of two authors held against each other, item by item: what matches, how well, and what is said of it.

Everything is counted by recording, so that figures of several pairs, and of recordings drawn at random, are sums.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes import shapes
from rushes.annotate.agreement.matching import best_pairs, oks, overlaps, span_overlap, track_overlap
from rushes.labels import Keypoints, Label, Relation
from rushes.vocabulary import Ontology

Numbers: TypeAlias = npt.NDArray[np.float64]
Unit: TypeAlias = tuple[str, str | None, int | None]
"""What is looked at in one go: recording, stream, index; of a span, recording and stream alone."""
Shared = Literal["f1", "iou", "oks", "boundary_s"]
"""What is a sum over a sum: matched labels, and the means over those that match."""

ALL = ""
"""In the place of a class: all of them together."""
_SORTS: Mapping[str, str] = {"rotated_box": "box", "polygon": "outline", "mask": "outline"}
_DRAWN = ("box", "outline", "keypoints", "segment", "track")


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted.

    Args:
        sums: By measure, kind and class, and in each by recording: numerator, denominator, labels.
        values: By what is said of a matched thing (``box class``, ``side``), and in each by recording: how often
            the one said this and the other that.
    """

    sums: dict[tuple[Shared, str, str], dict[str, Numbers]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: np.zeros(3)))
    )
    values: dict[str, dict[str, Counter[tuple[str, str]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )


def unit_of(label: Label) -> Unit:
    """Say what was looked at when a label was given."""
    index = None if label.kind in ("segment", "track") else label.index
    return label.recording_id, label.stream, index


def sort_of(label: Label) -> str:
    """Give the kind under which a label is compared: both kinds of box are one, as are polygons and masks."""
    return _SORTS.get(label.kind, label.kind)


def compare(
    first: Sequence[Label],
    second: Sequence[Label],
    both: Collection[Unit],
    ontology: Ontology,
    *,
    iou: float = 0.5,
) -> Tally:
    """Hold the labels of two authors against each other, where both have looked.

    Labels of one class are matched one to one so that their likeness sums to the most. What is said of a thing
    (its class, its attributes) is compared on pairs that match whatever their class.

    Args:
        first, second: Of one author each.
        both: What both have looked at.
        ontology: For skeletons, and for relations that go both ways.
        iou: Least likeness of a pair: intersection over union, of spans in time, of tracks over their samples,
            of keypoints OKS.
    """
    return _Comparison(first, second, both, ontology, iou).tally()


def likeness(kind: str, ours: Sequence[Label], theirs: Sequence[Label], ontology: Ontology) -> Numbers:
    """Say how alike each of ours is to each of theirs, 0 to 1; of one kind (:func:`sort_of`) and one item."""
    if not ours or not theirs:
        return np.zeros((len(ours), len(theirs)))
    if kind == "segment":
        return np.array([[span_overlap(span_of(a), span_of(b)) for b in theirs] for a in ours])
    if kind == "track":
        return np.array([[track_overlap(a, b) for b in theirs] for a in ours])
    if kind == "keypoints":
        return np.array([[_alike(a, b, ontology) for b in theirs] for a in ours])
    return overlaps(ours, theirs)


def span_of(label: Label) -> tuple[int, int]:
    """Give the span of a segment: its times, else its samples; the end is not included."""
    if label.t_start_ns is not None and label.t_end_ns is not None:
        return label.t_start_ns, label.t_end_ns
    return label.index or 0, label.index_end or label.index or 0


class _Comparison:
    def __init__(
        self,
        first: Sequence[Label],
        second: Sequence[Label],
        both: Collection[Unit],
        ontology: Ontology,
        iou: float,
    ) -> None:
        self._sides = [_by_unit(first, both), _by_unit(second, both)]
        self._units = sorted(both, key=str)
        self._ontology = ontology
        self._iou = iou
        self._same: dict[str, str] = {}  # labels of the second author by those of the first that they match
        self._tally = Tally()

    def tally(self) -> Tally:
        for unit in self._units:
            for kind in _DRAWN:
                ours, theirs = (
                    [label for label in side.get(unit, ()) if sort_of(label) == kind] for side in self._sides
                )
                if ours or theirs:
                    self._shapes(unit, kind, ours, theirs)
        for unit in self._units:
            self._relations(unit)
        return self._tally

    def _add(self, measure: Shared, kind: str, class_name: str, unit: Unit, *numbers: float) -> None:
        for name in (class_name, ALL):
            self._tally.sums[measure, kind, name][unit[0]] += numbers

    def _shapes(self, unit: Unit, kind: str, ours: Sequence[Label], theirs: Sequence[Label]) -> None:
        scores = likeness(kind, ours, theirs, self._ontology)
        for class_name in sorted({label.class_name or "" for label in (*ours, *theirs)}):
            mine, others = (
                [at for at, label in enumerate(side) if (label.class_name or "") == class_name]
                for side in (ours, theirs)
            )
            pairs = best_pairs(scores[np.ix_(mine, others)], self._iou)
            count = len(mine) + len(others)
            self._add("f1", kind, class_name, unit, 2 * len(pairs), count, count)
            for row, column in pairs:
                a, b = ours[mine[row]], theirs[others[column]]
                self._same[a.label_id] = b.label_id
                measure: Shared = "oks" if kind == "keypoints" else "iou"
                self._add(measure, kind, class_name, unit, scores[mine[row], others[column]], 1, 2)
                if kind == "segment":
                    ends = [abs(x - y) / 1e9 for x, y in zip(span_of(a), span_of(b), strict=True)]
                    self._add("boundary_s", kind, class_name, unit, sum(ends) / 2, 1, 2)
        for row, column in best_pairs(scores, self._iou):
            self._said(unit, kind, ours[row], theirs[column])

    def _said(self, unit: Unit, kind: str, one: Label, other: Label) -> None:
        self._tally.values[f"{kind} class"][unit[0]][one.class_name or "", other.class_name or ""] += 1
        if one.class_name != other.class_name:
            return
        for name in sorted({*one.attributes, *other.attributes}):
            pair = (_plain(one.attributes.get(name)), _plain(other.attributes.get(name)))
            self._tally.values[name][unit[0]][pair] += 1

    def _relations(self, unit: Unit) -> None:
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
            self._add("f1", "relation", class_name, unit, 2 * matched, count, count)


def _alike(first: Label, second: Label, ontology: Ontology) -> float:
    """Give the mean of the two similarities, each with the one's points and scale as the truth."""
    a, b = first.geometry, second.geometry
    assert isinstance(a, Keypoints)
    assert isinstance(b, Keypoints)
    skeleton = ontology.skeleton_of(first.class_name)
    sigmas = skeleton.sigmas if skeleton else ()
    if len(a.triples) != len(b.triples) or (sigmas and len(sigmas) * 3 != len(a.triples)):
        return 0.0
    areas = [shapes.area_px(box) if (box := shapes.bounds(points)) else 0.0 for points in (a, b)]
    both = [oks(a, b, area_px=areas[0], sigmas=sigmas), oks(b, a, area_px=areas[1], sigmas=sigmas)]
    return 0.0 if np.isnan(both).any() else sum(both) / 2


def _by_unit(labels: Sequence[Label], both: Collection[Unit]) -> dict[Unit, list[Label]]:
    found: dict[Unit, list[Label]] = defaultdict(list)
    for label in labels:
        if unit_of(label) in both:
            found[unit_of(label)].append(label)
    return found


def _plain(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
