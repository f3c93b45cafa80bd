"""COCO's metrics of one source of labels against another: average precision and recall, as pycocotools has them.

The truth's labels with the attribute ``iscrowd`` are neither found nor missed, as are those outside the range of
areas asked for. Areas: small below 32² pixels, medium below 96², large above.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes import masks, shapes
from rushes.annotate.agreement.matching import DEFAULT_SIGMA
from rushes.labels import Box, Keypoints, Label, Mask, Polygon
from rushes.vocabulary import Ontology

Numbers: TypeAlias = npt.NDArray[np.float64]
Bits: TypeAlias = npt.NDArray[np.bool_]
What: TypeAlias = Literal["box", "mask", "keypoints"]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
RANGES: Mapping[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The figures of one class, or of all; NaN where there is nothing to find.

    Args:
        ap: Mean over overlaps of 0.50 to 0.95; ``ap50`` and ``ap75`` at one.
        ar: Mean recall over the same overlaps, of at most 100 predictions a picture (20 for keypoints).
        ap_small, ap_medium, ap_large: Of things of that size; keypoints have no small ones.
        precision, recall: At overlap 0.5, of all predictions of at least the score asked for.
        truths, predictions: How many there were, crowds left out.
    """

    class_name: str
    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar: float
    precision: float
    recall: float
    truths: int
    predictions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One picture with the labels of both sources."""

    truth: Sequence[Label]
    predicted: Sequence[Label]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """One picture, one class, one range of areas, by threshold (rows) and prediction (columns), surest first."""

    scores: Numbers
    matched: Bits
    ignored: Bits
    to_find: int


def evaluate(
    pictures: Sequence[Pair], what: What, ontology: Ontology, *, at_score: float = 0.0
) -> tuple[Metrics, list[Metrics]]:
    """Evaluate predictions.

    Args:
        pictures: Every picture that both sources have looked at.
        what: Boxes, masks (polygons are filled) or keypoints; other kinds are passed over.
        ontology: For the skeletons, and the order of the classes.
        at_score: Least score for ``precision`` and ``recall``.

    Returns:
        The means over classes that have something to find, and the figures of each class.
    """
    most = 20 if what == "keypoints" else 100
    grouped: dict[str, list[tuple[list[Label], list[Label]]]] = defaultdict(list)
    for picture in pictures:
        sides: dict[str, tuple[list[Label], list[Label]]] = defaultdict(lambda: ([], []))
        for side, labels in enumerate((picture.truth, picture.predicted)):
            for label in labels:
                if _fits(label, what):
                    sides[label.class_name or ""][side].append(label)
        for class_name, pair in sides.items():
            grouped[class_name].append(pair)
    known = {name: at for at, name in enumerate(ontology.class_names)}
    order = sorted(grouped, key=lambda name: (known.get(name, len(known)), name))
    each = [_class_metrics(name, grouped[name], what, ontology, most, at_score) for name in order]
    return _mean(each), each


def _class_metrics(
    name: str,
    pairs: Sequence[tuple[list[Label], list[Label]]],
    what: What,
    ontology: Ontology,
    most: int,
    at_score: float,
) -> Metrics:
    skeleton = ontology.skeleton_of(name)
    sigmas = skeleton.sigmas if skeleton else ()
    prepared = [_Prepared(truth, predicted, what, sigmas, most) for truth, predicted in pairs]
    precision: dict[str, Numbers] = {}
    recall: dict[str, Numbers] = {}
    for area, bounds in RANGES.items():
        precision[area], recall[area] = _accumulated([each.compared(bounds) for each in prepared])
    whole = [each.compared(RANGES["all"]) for each in prepared]
    sure = [(each, ~each.ignored[0] & (each.scores >= at_score)) for each in whole]
    found = sum(int((each.matched[0] & counts).sum()) for each, counts in sure)
    wrong = sum(int((~each.matched[0] & counts).sum()) for each, counts in sure)
    truths = sum(each.to_find for each in whole)
    return Metrics(
        class_name=name,
        ap=_known(precision["all"]),
        ap50=_known(precision["all"][0]),
        ap75=_known(precision["all"][5]),
        ap_small=_known(precision["small"]) if what != "keypoints" else float("nan"),
        ap_medium=_known(precision["medium"]),
        ap_large=_known(precision["large"]),
        ar=_known(recall["all"]),
        precision=found / (found + wrong) if found + wrong else float("nan"),
        recall=found / truths if truths else float("nan"),
        truths=truths,
        predictions=sum(len(each.scores) for each in whole),
    )


class _Prepared:
    """One picture and class: overlaps worked out once for all ranges of areas."""

    def __init__(
        self, truth: Sequence[Label], predicted: Sequence[Label], what: What, sigmas: Sequence[float], most: int
    ) -> None:
        scores = np.array([label.score if label.score is not None else 1.0 for label in predicted], np.float64)
        surest = np.argsort(-scores, kind="mergesort")[:most]
        chosen = [predicted[at] for at in surest]
        self.scores = scores[surest]
        self._crowd = np.array([bool(label.attributes.get("iscrowd")) for label in truth], np.bool_)
        self._areas = np.array([_area(label) for label in truth], np.float64)
        self._own_areas = np.array([_area(label) for label in chosen], np.float64)
        self._empty = np.array([what == "keypoints" and not _labelled(label) for label in truth], np.bool_)
        if what == "keypoints":
            self._overlaps = _similarities(chosen, truth, self._areas, sigmas)
        elif what == "box":
            self._overlaps = _box_overlaps(chosen, truth, self._crowd)
        else:
            self._overlaps = _mask_overlaps(chosen, truth, self._crowd)

    def compared(self, bounds: tuple[float, float]) -> _Compared:
        """Match predictions with truths, the surest first, each with the best that is left."""
        out = (self._areas < bounds[0]) | (self._areas > bounds[1])
        passed = self._crowd | self._empty | out
        order = np.argsort(passed, kind="mergesort")
        overlaps, passed, crowd = self._overlaps[:, order], passed[order], self._crowd[order]
        matched = np.zeros((len(THRESHOLDS), len(self.scores)), np.bool_)
        ignored = np.zeros_like(matched)
        for row, threshold in enumerate(THRESHOLDS):
            taken = np.zeros(len(order), np.bool_)
            for column in range(len(self.scores)):
                at = _best(overlaps[column], taken & ~crowd, passed, threshold)
                if at is not None:
                    taken[at] = matched[row, column] = True
                    ignored[row, column] = passed[at]
        strange = (self._own_areas < bounds[0]) | (self._own_areas > bounds[1])
        ignored |= ~matched & strange
        return _Compared(scores=self.scores, matched=matched, ignored=ignored, to_find=int((~passed).sum()))


def _best(overlaps: Numbers, taken: Bits, passed: Bits, threshold: float) -> int | None:
    """Find the free truth that overlaps most, of equals the last; one that counts wins over one passed over."""
    least = min(threshold, 1 - 1e-10)
    for group in (~passed, passed):
        candidates = np.flatnonzero(group & ~taken & (overlaps >= least))
        if len(candidates):
            highest = overlaps[candidates].max()
            return int(candidates[overlaps[candidates] == highest][-1])
    return None


def _accumulated(compared: Sequence[_Compared]) -> tuple[Numbers, Numbers]:
    """Give precision by threshold and step of recall, and the recall reached by threshold; -1: nothing to find."""
    to_find = sum(each.to_find for each in compared)
    if not to_find:
        return np.full((len(THRESHOLDS), len(RECALLS)), -1.0), np.full(len(THRESHOLDS), -1.0)
    scores = np.concatenate([each.scores for each in compared])
    order = np.argsort(-scores, kind="mergesort")
    matched = np.concatenate([each.matched for each in compared], axis=1)[:, order]
    counts = ~np.concatenate([each.ignored for each in compared], axis=1)[:, order]
    right = np.cumsum(matched & counts, axis=1).astype(np.float64)
    wrong = np.cumsum(~matched & counts, axis=1).astype(np.float64)
    precision = np.zeros((len(THRESHOLDS), len(RECALLS)))
    reached = np.zeros(len(THRESHOLDS))
    for row in range(len(THRESHOLDS)):
        if not right.shape[1]:
            continue
        recall = right[row] / to_find
        share = right[row] / (right[row] + wrong[row] + np.spacing(1))
        envelope = np.maximum.accumulate(share[::-1])[::-1]
        steps = np.searchsorted(recall, RECALLS, side="left")
        inside = steps < len(envelope)
        precision[row, inside] = envelope[steps[inside]]
        reached[row] = recall[-1]
    return precision, reached


def _mean(each: Sequence[Metrics]) -> Metrics:
    def mean(name: str) -> float:
        values = np.array([getattr(one, name) for one in each], np.float64)
        return _known(np.where(np.isnan(values), -1.0, values))

    names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar", "precision", "recall")
    return Metrics(
        class_name="",
        **{name: mean(name) for name in names},
        truths=sum(one.truths for one in each),
        predictions=sum(one.predictions for one in each),
    )


def _known(values: Numbers) -> float:
    known = values[values > -1]
    return float(known.mean()) if len(known) else float("nan")


def _fits(label: Label, what: What) -> bool:
    match what:
        case "box":
            return isinstance(label.geometry, Box)
        case "mask":
            return isinstance(label.geometry, Polygon | Mask)
        case "keypoints":
            return isinstance(label.geometry, Keypoints)


def _area(label: Label) -> float:
    """Give the area that sets a label's size; of keypoints the attribute ``area``, else of their box."""
    assert label.geometry is not None
    if isinstance(label.geometry, Keypoints):
        stated = label.attributes.get("area")
        box = shapes.bounds(label.geometry)
        return float(stated) if stated is not None else shapes.area_px(box) if box else 0.0
    if isinstance(label.geometry, Polygon):
        return float(masks.area_px(_mask_of(label)))
    return shapes.area_px(label.geometry)


def _labelled(label: Label) -> bool:
    assert isinstance(label.geometry, Keypoints)
    return any(v > 0 for v in label.geometry.triples[2::3])


def _mask_of(label: Label) -> Mask:
    if isinstance(label.geometry, Mask):
        return label.geometry
    assert isinstance(label.geometry, Polygon)
    width, height = label.image_width_px or 0, label.image_height_px or 0
    return masks.filled(label.geometry, width_px=width, height_px=height)


def _over(shared: Numbers, areas: tuple[Numbers, Numbers], crowd: Bits) -> Numbers:
    """Divide what is shared by the union; by the prediction's own area where the truth is a crowd."""
    mine, theirs = areas
    union = np.where(crowd[None, :], mine[:, None], mine[:, None] + theirs[None, :] - shared)
    share: Numbers = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return share


def _box_overlaps(predicted: Sequence[Label], truth: Sequence[Label], crowd: Bits) -> Numbers:
    mine, theirs = (
        shapes.boxes_of([label.geometry for label in side if isinstance(label.geometry, Box)])
        for side in (predicted, truth)
    )
    areas = (mine[:, 2] * mine[:, 3], theirs[:, 2] * theirs[:, 3])
    return _over(shapes.box_intersections(mine, theirs), areas, crowd)


def _mask_overlaps(predicted: Sequence[Label], truth: Sequence[Label], crowd: Bits) -> Numbers:
    mine, theirs = ([_mask_of(label) for label in side] for side in (predicted, truth))
    areas = (
        np.array([masks.area_px(mask) for mask in mine], np.float64),
        np.array([masks.area_px(mask) for mask in theirs], np.float64),
    )
    return _over(masks.intersections(mine, theirs), areas, crowd)


def _similarities(
    predicted: Sequence[Label], truth: Sequence[Label], areas: Numbers, sigmas: Sequence[float]
) -> Numbers:
    """Give COCO's object keypoint similarity; 0 for a truth without a labelled point, which is passed over."""
    found = np.zeros((len(predicted), len(truth)))
    for column, label in enumerate(truth):
        points = _array(label)
        spread = (2 * (np.asarray(sigmas) if len(sigmas) else np.full(len(points), DEFAULT_SIGMA))) ** 2
        seen = points[:, 2] > 0
        for row, other in enumerate(predicted):
            away = _array(other)
            if away.shape != points.shape or not seen.any():
                continue
            squared = ((away[:, :2] - points[:, :2]) ** 2).sum(axis=1)
            exponent = squared / spread / (areas[column] + np.spacing(1)) / 2
            found[row, column] = np.exp(-exponent[seen]).mean()
    return found


def _array(label: Label) -> Numbers:
    assert isinstance(label.geometry, Keypoints)
    return np.asarray(label.geometry.triples, np.float64).reshape(-1, 3)
