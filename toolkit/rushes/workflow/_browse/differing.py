"""Which shown pictures people disagree on, and where a model says other than what stands."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes import masks
from rushes.annotate.agreement.item import least_agreement
from rushes.annotate.rows import events_of, labels_of
from rushes.browse.labelled import SCHEMA, BrowseLabels, BrowseWords
from rushes.labels import Mask
from rushes.vocabulary import Ontology
from rushes.workflow._browse.places import Ints, Places, as_arrow
from rushes.workflow._labels.versions import items_of
from rushes.workflow.dataset import Dataset

BELOW = 0.7
"""Agreement, 0 to 1, below which people or a model differ; what ``annotate adjudicate`` takes too."""
IOU = 0.5
SCORE = 0.5
"""What a model is less sure of is no statement to differ from."""
_OUTLINED = ("box", "rotated_box", "track", "polygon", "mask")
Found: TypeAlias = tuple[str, tuple[float, float, float, float]]


def differing(dataset: Dataset, places: Places, labels: BrowseLabels, ontology: Ontology | None) -> BrowseWords:
    """Give ``people`` to pictures whose versions differ unsettled, ``model`` to those that one sees otherwise."""
    people, model = _people(dataset, places, ontology), _model(labels)
    return BrowseWords(row=np.concatenate([people, model]), word=["people"] * len(people) + ["model"] * len(model))


def _people(dataset: Dataset, places: Places, ontology: Ontology | None) -> Ints:
    nothing: Ints = np.zeros(0, np.int64)
    human = dataset.arrow("labels", where={"source": "human"})
    if ontology is None or not human.num_rows:
        return nothing
    events = events_of(
        dataset.arrow("label_events", where={"tool": ["label-studio", "consensus", "rushes"]}).to_pylist()
    )
    rows = [nothing]
    for item in items_of(events, labels_of(human.to_pylist())):
        if item.settled or len(item.versions) < 2:
            continue
        if least_agreement([v.labels for v in item.versions], item.units, ontology, iou=IOU) < BELOW:
            rows += [
                places.frames_between(recording_id, stream, index, index + 1)
                for recording_id, stream, index in item.units
                if stream is not None and index is not None
            ]
    return np.unique(np.concatenate(rows))


def _model(labels: BrowseLabels) -> Ints:
    """Compare the boxes around what is outlined, on pictures that hold both; only classes that both know."""
    table = labels.table
    predicted = table["predicted"].to_numpy()
    if not predicted.any() or predicted.all():
        return np.zeros(0, np.int64)
    both = np.intersect1d(labels.row[predicted], labels.row[~predicted])
    where = {name: at for at, name in enumerate(SCHEMA.names)}
    stands: defaultdict[int, list[Found]] = defaultdict(list)
    proposed: defaultdict[int, list[Found]] = defaultdict(list)
    mine = np.flatnonzero(np.isin(labels.row, both))
    few = BrowseLabels(row=labels.row[mine], table=table.take(as_arrow(mine)))
    for row, label in zip(few.row.tolist(), few.between(0, len(few)), strict=True):
        around = _around(label, where)
        score = label[where["score"]]
        if around is None or (label[where["predicted"]] and score is not None and score < SCORE):
            continue
        side = proposed if label[where["predicted"]] else stands
        side[row].append((label[where["class_name"]] or "", around))
    known = {name for found in stands.values() for name, _ in found} & {
        name for found in proposed.values() for name, _ in found
    }
    return np.array(
        [row for row in both.tolist() if _alike(_of(known, stands[row]), _of(known, proposed[row])) < BELOW],
        np.int64,
    )


def _of(known: set[str], found: Sequence[Found]) -> list[Found]:
    return [one for one in found if one[0] in known]


def _around(label: tuple[Any, ...], where: dict[str, int]) -> tuple[float, float, float, float] | None:
    """Give left, top, right and bottom of what a label outlines; None where it outlines nothing."""
    kind = label[where["kind"]]
    if kind == "polygon":
        xs, ys = label[where["points"]][::2], label[where["points"]][1::2]
        return min(xs), min(ys), max(xs), max(ys)
    if kind == "mask":
        width, height, counts = (label[where[name]] for name in ("image_width_px", "image_height_px", "mask"))
        return masks.bounds(Mask(width_px=width, height_px=height, counts=counts))
    if kind in _OUTLINED:
        x, y, w, h = (label[where[name]] for name in ("x_px", "y_px", "width_px", "height_px"))
        return x, y, x + w, y + h
    return None


def _alike(one: Sequence[Found], other: Sequence[Found]) -> float:
    """Give twice the matched over all, 0 to 1: of one class, the best pairs first; 1 where both are empty."""
    if not one or not other:
        return 1.0 if not one and not other else 0.0
    overlaps = _overlaps(np.array([box for _, box in one]), np.array([box for _, box in other]))
    same = np.array([name for name, _ in one])[:, None] == np.array([name for name, _ in other])[None]
    overlaps = np.where(same, overlaps, 0.0)
    matched = 0
    while overlaps.size and overlaps.max() >= IOU:
        at, to = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        overlaps[at, :] = overlaps[:, to] = 0.0
        matched += 1
    return 2 * matched / (len(one) + len(other))


def _overlaps(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = np.maximum(one[:, None, :2], other[None, :, :2]), np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (one, other)]
    whole = areas[0][:, None] + areas[1][None] - shared
    ratio: npt.NDArray[np.float64] = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return ratio
