"""Points over time with a line and a band → a drawing: how readings scatter about what was estimated of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.quantities import say_ns
from rushes.report.page import Html, Piece, element, together
from rushes.report.plots import WIDTH, time_ticks

HEIGHT = 150
POINTS = 1200
"""Points that are drawn at most; of more, the extremes of every stretch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What is drawn.

    Args:
        times: Shape (n,), where the points stand on the axis, any order.
        values_ns: Shape (n,), how high they stand.
        band_ns: Half height of the band about zero; None for none.
        low_ns, high_ns: What the drawing spans; points beyond stand at its edge.
        start_ns, end_ns: Of the axis, which counts from the start.
        title: What it shows, for those who cannot see it.
    """

    times: Times
    values_ns: npt.NDArray[np.int64]
    band_ns: int | None
    low_ns: int
    high_ns: int
    start_ns: int
    end_ns: int
    title: str


def trace(content: Trace) -> Html:
    """Draw points, the zero line and the band, with words for both axes beside them."""
    span, tall = max(content.end_ns - content.start_ns, 1), max(content.high_ns - content.low_ns, 1)
    across = (content.times - content.start_ns) / span * WIDTH
    down = HEIGHT - (np.clip(content.values_ns, content.low_ns, content.high_ns) - content.low_ns) / tall * HEIGHT
    zero = HEIGHT + content.low_ns / tall * HEIGHT
    kept = _thinned(across, down)
    dots = "".join(f"M{x:.1f} {y:.1f}h.01" for x, y in zip(across[kept], down[kept], strict=True))
    parts: list[Piece] = [element("title", content.title)]
    if content.band_ns is not None:
        half = max(content.band_ns / tall * HEIGHT, 0.75)
        parts.append(
            element("rect", x=0, y=round(zero - half, 1), width=WIDTH, height=round(2 * half, 1), class_="band")
        )
    parts.append(element("path", d=f"M0 {zero:.1f}H{WIDTH}", class_="zero"))
    parts.append(element("path", d=dots, class_="dots"))
    drawing = element(
        "svg",
        together(*parts),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        class_="trace",
    )
    heights = [(content.high_ns, "top"), (0, "zero"), (content.low_ns, "bottom")]
    words = [
        element(
            "span", say_ns(value), style=f"top:{100 * (1 - (value - content.low_ns) / tall):.1f}%", class_=name
        )
        for value, name in heights
        if not (name == "bottom" and value > -0.12 * tall) and not (name == "bottom" and value == 0)
    ]
    marks = [
        element("span", text, style=f"left:{100 * share:.2f}%", class_="last" if share > 0.95 else None)
        for share, text in time_ticks(span)
    ]
    return element(
        "div",
        element("div", *words, class_="heights"),
        drawing,
        element("div"),
        element("div", *marks, class_="axis"),
        class_="traced",
    )


def _thinned(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Give the points to draw: all of a few; of many, the highest, the lowest and some of every stretch."""
    if len(across) <= POINTS:
        return np.arange(len(across))
    stretches = POINTS // 4
    order = np.argsort(across, kind="stable")
    edges = np.linspace(0, len(order), stretches + 1).astype(np.int64)
    kept = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        mine = order[first:last]
        if len(mine):
            kept += [mine[down[mine].argmin()], mine[down[mine].argmax()], mine[0], mine[len(mine) // 2]]
    return np.unique(np.array(kept, np.int64))
