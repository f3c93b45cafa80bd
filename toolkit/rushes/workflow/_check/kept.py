"""What is left of a stream without its discarded takes, as checks are shown it: no gap where one is left out."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.contracts import StreamView

_AGAINST_THE_ONE_BEFORE = ("difference", "unchanged")
"""Picture measures that say nothing where the picture before is left out."""


def without(view: StreamView, left: npt.NDArray[np.bool_]) -> StreamView:
    """Leave samples out.

    Where some were, times to measure by and sequence numbers go on as if the next sample had followed after one
    interval, so that what is left out is no gap and no loss; ``t_ns`` and ``index`` stay as they are.

    Args:
        view: Of all samples.
        left: Shape (n,), which of them stay.
    """
    if left.all():
        return view
    kept = np.flatnonzero(left)
    holes = np.flatnonzero(np.diff(kept) > 1) + 1
    columns = {name: values[kept] for name, values in view.columns.items()}
    pictures = {name: values[kept] for name, values in view.pictures.items()}
    for name in _AGAINST_THE_ONE_BEFORE:
        if name in pictures:
            pictures[name][holes] = np.nan
            pictures[name][: int(len(kept) > 0 and kept[0] > 0)] = np.nan
    if "seq" in columns and not np.ma.is_masked(columns["seq"]):
        columns["seq"] = _closed(np.asarray(columns["seq"]), holes)
    return replace(view, columns=columns, pictures=pictures, steady_ns=_closed(view.spans[kept], holes))


def _closed(values: npt.NDArray[Any], holes: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Let values go on after each hole as they usually do.

    Args:
        values: Shape (n,), whole numbers.
        holes: Positions of the first samples after the holes, above 0.
    """
    if not len(holes):
        return values
    steps = np.diff(values)
    usual = np.delete(steps, holes - 1)
    steps[holes - 1] = round(float(np.median(usual))) if len(usual) else 1
    return np.concatenate([values[:1], values[0] + np.cumsum(steps)])
