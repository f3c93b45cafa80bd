"""Arrays → small drawings in SVG: lanes on one time axis, and histograms the size of a word.

A drawing stretches with the page; words and numbers stay HTML beside it, so that they keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.quantities import say_count
from rushes.report import amounts
from rushes.report.page import Html, Piece, element, together

WIDTH = 1000
HEIGHT = 24
TICKS_UP_TO = 150
BINS = 400
PER_BIN = 4
"""A bin holds at least so many samples on average, so that a missing few can be seen but jitter cannot."""

_NS = 10**9
_UNITS = (  # of an axis: its word, its size, and the smallest step that is told in it
    ("d", 86_400 * _NS, 86_400 * _NS),
    ("h", 3600 * _NS, 3600 * _NS),
    ("min", 60 * _NS, 60 * _NS),
    ("s", _NS, _NS // 10),
    ("ms", 10**6, 10**5),
    ("µs", 1000, 100),
    ("ns", 1, 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a lane that is marked, closed at the start and open at the end, in the lane's time."""

    start_ns: int
    end_ns: int
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One stream on a time axis.

    Args:
        times: Shape (n,) in any order; None for samples without a time, which are drawn in their order.
        count: How many samples; equals n where there are times.
        kind: A word that the stylesheet colours, such as a modality.
        marked: Gaps and the like.
    """

    label: str
    note: str
    kind: str
    count: int
    times: Times | None
    marked: tuple[Stretch, ...] = ()


def lanes(content: Sequence[Lane], *, start_ns: int, end_ns: int, label: str) -> Html:
    """Draw lanes over one time axis that counts from ``start_ns``; lanes without times have an order only."""
    rows = [
        _row(element("bdi", lane.label), _strip(lane, start_ns, max(end_ns, start_ns + 1)), lane.note)
        for lane in content
    ]
    if any(lane.times is not None and lane.count for lane in content):
        rows.append(_row(None, _axis(end_ns - start_ns), None))
    return element("div", *rows, class_="lanes", role="group", aria_label=label)


def _row(name: Piece, strip: Html, note: Piece) -> Html:
    return element(
        "div",
        element("div", name, class_="lane-name"),
        strip,
        element("div", note, class_="lane-note"),
        class_="lane",
    )


def histogram(values: npt.NDArray[np.int64] | npt.NDArray[np.float64], *, title: str, bins: int = 24) -> Html:
    """Draw how positive values spread, from 0 to twice their median or as far as 99 % of them go.

    Values that are all alike make one bar in the middle. Nothing is drawn of fewer than two.
    """
    if len(values) < 2:
        return Html("")
    median, most = np.percentile(values, [50, 99])
    heights, _ = np.histogram(values, bins=bins, range=(0.0, max(2.0 * float(median), 1.05 * float(most), 1e-9)))
    tall = heights / max(int(heights.max()), 1)
    step = 120 / bins
    shape = "".join(
        f"M{i * step:.1f} 20V{20 - max(19 * h, 0.8 if h else 0):.1f}h{step * 0.85:.1f}V20z"
        for i, h in enumerate(tall)
        if h
    )
    return _svg(element("path", d=shape), title=title, box="0 0 120 20", class_="spark")


def time_ticks(span_ns: int, *, most: int = 8) -> list[tuple[float, str]]:
    """Choose round times for an axis: where each stands, as a share of the span, and its words."""
    if span_ns <= 0:
        return [(0.0, "0 s")]
    wanted = span_ns / most
    steps = [m * 10**e for e in range(10) for m in (1, 2, 5)]
    steps += [
        s * 10**9 for s in (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400, 604_800, 31_557_600)
    ]
    step = next((s for s in steps if s >= wanted), int(wanted))
    return [(at / span_ns, _tick(at, step)) for at in range(0, span_ns + 1, step)]


def _tick(at: int, step: int) -> str:
    unit, size = next((unit, size) for unit, size, smallest in _UNITS if step >= smallest)
    return f"{at / size:g} {unit}" if at else "0"


def _axis(span_ns: int) -> Html:
    marks = [
        element("span", words, style=f"left:{100 * share:.2f}%", class_="last" if share > 0.95 else None)
        for share, words in time_ticks(span_ns)
    ]
    return element("div", *marks, class_="axis")


def _strip(lane: Lane, start_ns: int, end_ns: int) -> Html:
    span = end_ns - start_ns
    parts: list[Piece] = []
    if lane.times is None:
        places = np.arange(lane.count) / max(lane.count - 1, 1)
        how = "in recorded order, without times"
    else:
        places = (lane.times - start_ns) / span
        how = f"over {amounts.span(span)}"
    if lane.count > TICKS_UP_TO:
        parts.append(element("path", d=_density(places), class_="density"))
    elif lane.count:
        parts.append(element("path", d=_ticks(places), class_="ticks"))
    for stretch in lane.marked:
        left = WIDTH * (stretch.start_ns - start_ns) / span
        wide = max(WIDTH * (stretch.end_ns - stretch.start_ns) / span, 2.5)
        parts.append(
            element(
                "rect",
                element("title", stretch.title),
                x=round(left, 1),
                y=0,
                width=round(wide, 1),
                height=HEIGHT,
                class_="gap",
            )
        )
    title = f"{lane.label}: {say_count(lane.count, 'sample')} {how}"
    if lane.marked:
        title += f", {say_count(len(lane.marked), 'gap')} marked"
    kind = f"strip {lane.kind}{' order' if lane.times is None else ''}"
    return _svg(*parts, title=title, box=f"0 0 {WIDTH} {HEIGHT}", class_=kind)


def _ticks(places: npt.NDArray[np.float64]) -> str:
    # A pixel at each end is kept free, else the first and the last tick are cut in half.
    return "".join(f"M{x:.1f} 4V{HEIGHT - 4}" for x in np.clip(places, 0, 1) * (WIDTH - 2) + 1)


def _density(places: npt.NDArray[np.float64]) -> str:
    """Give the outline of how many samples lie where; the height of a bin is its count over the usual count."""
    bins = int(np.clip(len(places) // PER_BIN, 1, BINS))
    ordered = np.sort(np.clip(places, 0, 1))
    edges = np.linspace(0, 1, bins + 1)
    # Counts are taken from the rank between samples, else an even rate would beat against the bins.
    heights = np.diff(np.interp(edges, ordered, np.arange(len(ordered)), left=-0.5, right=len(ordered) - 0.5))
    heights[np.histogram(ordered, bins=edges)[0] == 0] = 0
    filled = heights[heights > 0]
    usual = float(np.percentile(filled, 90)) if len(filled) else 1.0
    tops = HEIGHT - np.round((HEIGHT - 6) * np.clip(heights / usual, 0, 1.2), 1)
    step = WIDTH / bins
    changes = np.flatnonzero(np.diff(tops, prepend=np.nan) != 0)
    shape = (f"H{at * step:.1f}V{tops[at]:g}" for at in changes)
    return "".join([f"M0 {HEIGHT}", *shape, f"H{WIDTH}V{HEIGHT}z"])


def _svg(*parts: Piece, title: str, box: str, class_: str) -> Html:
    return element(
        "svg",
        element("title", title),
        together(*parts),
        viewBox=box,
        preserveAspectRatio="none",
        role="img",
        class_=class_,
    )
