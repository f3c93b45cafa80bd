"""image.size: pictures of another size than declared."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream

Values = npt.NDArray[np.float64]


class ImageSize:
    """Width and height that the bytes state against those that the recording states."""

    name = "image.size"
    version = "1"
    reason = (
        "Labels are in pixels: where the bytes are of another size than the recording says, every box is "
        "off, and a batch does not stack."
    )
    known_limits = (
        "Where the recording states no size, pictures are held against the most frequent size of their "
        "stream. The pictures of a set without times may be of any size."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ("width", "height")
    pictures: tuple[str, ...] = ("width", "height")
    defaults: Mapping[str, Option] = {}

    def applies(self, stream: Stream) -> bool:
        """Pictures that follow one another."""
        return stream.table == "frames" and stream.clock != "none"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002 - no options
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        width, height = view.pictures["width"], view.pictures["height"]
        at = np.flatnonzero((width > 0) & (height > 0))
        if len(at) == 0:
            return
        wide, high = _declared(view, "width", width)[at], _declared(view, "height", height)[at]
        off = np.abs(width[at] - wide) + np.abs(height[at] - high)
        yield from span_findings(
            view,
            at,
            off > 0,
            check=self.name,
            severity="error",
            values=off,
            limit=0.0,
            unit="px",
            say=lambda value: _said(value, np.column_stack([width[at], height[at], wide, high]), off),
            worst=np.max,
        )


def _declared(view: StreamView, name: str, measured: Values) -> Values:
    """Give what the row of each picture declares, else the stream, else the most frequent measured."""
    rows = view.columns.get(name)
    of_stream = getattr(view.stream, name)
    known = measured[measured > 0]
    sizes, counts = np.unique(known, return_counts=True)
    usual = float(of_stream or sizes[int(np.argmax(counts))])
    if rows is None:
        return np.full(len(measured), usual)
    filled: Values = np.ma.filled(np.ma.asarray(rows).astype(np.float64), usual)
    return np.where(filled > 0, filled, usual)


def _said(value: float, sizes: npt.NDArray[np.float64], off: Values) -> str:
    width, height, wide, high = sizes[int(np.flatnonzero(off == value)[0])].astype(int)
    return f"{width} x {height} px by its bytes, where {wide} x {high} is declared"


PLUGIN: StreamCheck = ImageSize()
