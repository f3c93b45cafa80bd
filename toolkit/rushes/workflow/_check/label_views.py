"""What a check of labels is shown: rows of ``labels`` laid out as columns."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.checks import label_bounds
from rushes.model import Stream
from rushes.views import ABSENT_NS, LabelsView
from rushes.vocabulary import Ontology
from rushes.workflow._labels.choosing import frame_of
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import NOTHING_EXCLUDED, Excluded
from rushes.workflow.takes import DISCARD

TEXTS = (
    "label_id", "stream", "kind", "class_name", "instance", "parent_id", "mask", "subject_id", "object_id",
    "attributes", "text", "source", "tool", "author", "model", "origin",
)  # fmt: skip
PLACES = {
    "index": -1, "index_end": -1, "moment": -1, "image_width_px": 0, "image_height_px": 0,
    "t_start_ns": ABSENT_NS, "t_end_ns": ABSENT_NS, "created_ns": ABSENT_NS, "updated_ns": ABSENT_NS,
}  # fmt: skip
AMOUNTS = ("x_px", "y_px", "width_px", "height_px", "rotation_deg", "score")
LABEL_COLUMNS = (*TEXTS, *PLACES, *AMOUNTS, "points")
MADE = ("created", "updated")


def labels_view(
    dataset: Dataset,
    recording: Mapping[str, Any],
    streams: Mapping[str, Stream],
    ontology: Ontology | None,
    out: Excluded = NOTHING_EXCLUDED,
) -> LabelsView:
    """Lay out the current labels of a recording, and which frames were looked at; none of discarded takes."""
    where = {"recording_id": recording["recording_id"]}
    names = ["recording_id", *LABEL_COLUMNS]
    table = out.without_discarded(dataset.arrow("labels", columns=names, where=where).sort_by("label_id"))
    columns, points, starts = laid_out(table)
    return LabelsView(
        recording=recording["name"],
        columns=columns,
        bounds=label_bounds(columns, points, starts),
        points=points,
        starts=starts,
        ontology=ontology,
        streams=streams,
        seen=_looks(dataset, where, out),
    )


def laid_out(
    table: pa.Table,
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Give columns, points and starts of rows of ``labels``, as :class:`rushes.views.LabelsView` has them."""
    columns: dict[str, npt.NDArray[Any]] = {name: _texts(table[name]) for name in TEXTS}
    columns |= {name: _filled(table[name], absent, np.int64) for name, absent in PLACES.items()}
    columns |= {name: _filled(table[name], float("nan"), np.float64) for name in AMOUNTS}
    points, starts = _ragged(table["points"])
    return columns, points, starts


def _looks(
    dataset: Dataset, where: Mapping[str, Any], out: Excluded
) -> dict[tuple[str | None, str | None], frozenset[tuple[str, int]]]:
    """Give the frames that people looked at, by tool and author."""
    names = ["tool", "author", "task_key", "action", "cancelled"]
    rows = dataset.arrow("label_events", columns=names, where=where).to_pylist()
    seen: dict[tuple[str | None, str | None], set[tuple[str, int]]] = defaultdict(set)
    for row in rows:
        frame = frame_of(row["task_key"])
        looked = row["action"] in (*MADE, "imported") and not row["cancelled"]
        if frame and looked and out.takes(*frame) != DISCARD:
            seen[row["tool"], row["author"]].add(frame[1:])
    return {maker: frozenset(frames) for maker, frames in seen.items()}


def _texts(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    texts = np.empty(len(column), object)
    texts[:] = column.to_pylist()
    return texts


def _filled(column: pa.ChunkedArray, absent: float, kind: type) -> npt.NDArray[Any]:
    return column.fill_null(absent).to_numpy().astype(kind)  # type: ignore[no-any-return]


def _ragged(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Give what lists hold end to end, and where each begins; an absent list is empty."""
    whole = column.combine_chunks()
    lengths = whole.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(lengths)))
    return whole.flatten().to_numpy(zero_copy_only=False).astype(np.float64), starts
