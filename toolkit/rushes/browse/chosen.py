"""Pictures that were asked for, as a condition of MongoDB: whole recordings, and runs of streams."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.browse.view import BrowseView

Condition = Mapping[str, Any]


def condition(view: BrowseView, rows: npt.NDArray[np.int64]) -> Condition:
    """Say which samples are meant, in as few words as they allow; the App repeats them with every request.

    Args:
        view: What is shown.
        rows: Positions in ``view.samples``.
    """
    meant = np.zeros(len(view.samples), np.bool_)
    meant[rows] = True
    whole: list[str] = []
    parts: list[Condition] = []
    for recording, mine in zip(view.recordings, view.rows_of(), strict=True):
        if not meant[mine].any():
            continue
        if meant[mine].all():
            whole.append(recording.recording_id)
            continue
        for at, stream in enumerate(view.streams):
            of_stream = mine[view.samples.stream[mine] == at]
            runs = [{"index": run} for run in _runs(view.samples.index[of_stream], meant[of_stream])]
            if runs:
                parts.append({"recording_id": recording.recording_id, "stream": stream.name, "$or": runs})
    return {"$or": [{"recording_id": {"$in": whole}}, *parts]}


def _runs(index: npt.NDArray[np.int64], meant: npt.NDArray[np.bool_]) -> list[Mapping[str, int]]:
    """Give spans of indices that hold all that are meant and no other; both ends are included."""
    order = np.argsort(index, kind="stable")
    index, meant = index[order], meant[order]
    edges = np.diff(np.concatenate([[0], meant.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return [{"$gte": int(index[a]), "$lte": int(index[b])} for a, b in zip(first, last, strict=True)]
