"""Counts by name → horizontal bars, one part beside the other; words and numbers stay text."""

from collections.abc import Sequence
from dataclasses import dataclass

from rushes.report.page import Html, Piece, element

TONES = 6
"""Colours of parts that the stylesheet has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One name and how much of it each part has, in the order of the parts."""

    name: str
    amounts: tuple[float, ...]
    note: str = ""


def bars(content: Sequence[Bar], *, parts: Sequence[str] = (), label: str) -> Html:
    """Draw bars on one scale, the longest as wide as there is room.

    Args:
        content: In the order in which they are drawn.
        parts: Names of the parts, shown as a legend; empty where there is one only.
        label: What is counted, for those who cannot see it.
    """
    longest = max((sum(bar.amounts) for bar in content), default=0) or 1
    return element(
        "div",
        _legend(parts),
        *(_bar(bar, longest, parts) for bar in content),
        class_="bars",
        aria_label=label,
        role="group",
    )


def shares(content: Sequence[Bar], *, parts: Sequence[str], label: str) -> Html:
    """Draw what share each part has of every name; all bars are as wide as there is room."""
    made = [_bar(bar, sum(bar.amounts) or 1, parts) for bar in content]
    return element("div", _legend(parts), *made, class_="bars", aria_label=label, role="group")


def _legend(parts: Sequence[str]) -> Html | None:
    if len(parts) < 2:
        return None
    marks = [element("span", part, class_=f"key tone{at % TONES}") for at, part in enumerate(parts)]
    return element("div", *marks, class_="legend")


def _bar(bar: Bar, longest: float, parts: Sequence[str]) -> Html:
    pieces: list[Piece] = []
    for at, amount in enumerate(bar.amounts):
        if amount > 0:
            said = f"{parts[at]}: {amount:,.0f}" if at < len(parts) else f"{amount:,.0f}"
            width = f"width:{100 * amount / longest:.2f}%"
            pieces.append(element("span", class_=f"tone{at % TONES}", style=width, title=said))
    return element(
        "div",
        element("span", bar.name, class_="bar-name"),
        element("span", *pieces, class_="bar"),
        element("span", bar.note or f"{sum(bar.amounts):,.0f}", class_="bar-note"),
        class_="bar-row",
    )
