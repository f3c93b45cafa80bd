"""Camera calibrations → rows of ``calibrations``: one for each span in which they did not change."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rushes.model import Batch, Column
from rushes.readers._messages.tally import Tally

SAME = "same calibration as before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What one message states of a camera; the matrices are row-major."""

    frame: str | None
    model: str | None
    width: int
    height: int
    distortion: tuple[float, ...]
    intrinsics: tuple[float, ...]
    rectification: tuple[float, ...]
    projection: tuple[float, ...]


class Spans:
    """Folds equal calibrations that follow one another into one row."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._current: Calibration | None = None
        self._first = self._last = self._messages = 0

    def add(self, calibration: Calibration, t_ns: int) -> Iterator[Batch]:
        """Take the next message; gives the row of the span that it ends, if it ends one."""
        if self._current == calibration:
            self._tally.merge(SAME)
            self._last = t_ns
            self._messages += 1
            return
        yield from self.close()
        self._current, self._first, self._last, self._messages = calibration, t_ns, t_ns, 1

    def close(self) -> Iterator[Batch]:
        """Give the row of the last span."""
        if self._current is not None:
            yield self._tally.batch(1, self._columns(self._current))
        self._current = None

    def _columns(self, held: Calibration) -> dict[str, Column]:
        k = held.intrinsics if len(held.intrinsics) == 9 else (None,) * 9
        return {
            "valid_from_ns": np.array([self._first], np.int64),
            "valid_to_ns": np.array([self._last], np.int64),
            "messages": np.array([self._messages], np.int64),
            "frame_of_reference": held.frame,
            "model": held.model,
            "width": held.width,
            "height": held.height,
            "fx": k[0],
            "fy": k[4],
            "cx": k[2],
            "cy": k[5],
            "distortion": _row(held.distortion),
            "rectification": _row(held.rectification),
            "projection": _row(held.projection),
        }


def _row(values: tuple[float, ...]) -> Column:
    return np.array([values], np.float64) if values else None
