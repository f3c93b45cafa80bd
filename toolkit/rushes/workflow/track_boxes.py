"""Tracks as a table of boxes, one a sample: what a training loop takes them for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from rushes.annotate.tracks import Course, course_of
from rushes.labels import Label, Track
from rushes.model import Times
from rushes.store.columns import to_arrow

_NUMBERS = ("x_px", "y_px", "width_px", "height_px", "rotation_deg")


def table_of(labels: Sequence[Label], t_ns: Times) -> pa.Table:
    """Give the boxes of the tracks among labels of one stream, in the order of sample and label.

    Args:
        labels: Others than tracks are passed over.
        t_ns: Of all samples of the stream.

    Returns:
        Columns ``index``, ``t_ns``, ``label_id``, ``class_name``, ``instance``, ``x_px``, ``y_px``, ``width_px``,
        ``height_px``, ``rotation_deg`` and ``drawn``: whether somebody drew the box there, or it lies on the
        straight line between two that were drawn. With a turn the corner is that of a rotated box.
    """
    tracks = [
        (label, course_of(label.geometry, end=label.index_end))
        for label in labels
        if isinstance(label.geometry, Track)
    ]
    courses = [course for _, course in tracks]
    index = _joined(courses, "index", np.int64)
    whose = np.repeat(np.arange(len(tracks)), [len(course.index) for course in courses])
    order = np.lexsort((whose, index))
    index, whose = index[order], whose[order]
    columns: dict[str, Any] = {
        "index": to_arrow(index, len(index), "int64", label="index"),
        "t_ns": to_arrow(t_ns[index], len(index), "int64", label="t_ns"),
    }
    for name in ("label_id", "class_name", "instance"):
        values = [getattr(label, name) for label, _ in tracks]
        columns[name] = to_arrow([values[at] for at in whose.tolist()], len(index), "string", label=name)
    for name in _NUMBERS:
        numbers = _joined(courses, name, np.float64)[order]
        columns[name] = to_arrow(numbers, len(index), "float64", label=name)
    columns["drawn"] = to_arrow(_joined(courses, "drawn", np.bool_)[order], len(index), "bool", label="drawn")
    return pa.table(columns)


def _joined(courses: Sequence[Course], name: str, kind: Any) -> Any:
    return np.concatenate([np.zeros(0, kind), *(getattr(course, name) for course in courses)])
