"""Pieces that panels are made of: tables, lists to choose from, bars; in the look that all of ours share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fiftyone.operators import types

BAR_PX, LINE_PX = 220, 26
COLORS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#bab0ac")
CONFIG = {"displaylogo": False, "responsive": True}

Layout = dict[str, Any]
Traces = list[dict[str, Any]]


def table(
    panel: Any,
    name: str,
    columns: Mapping[str, str],
    *,
    title: str,
    on_click_row: Callable[[Any], None] | None = None,
) -> None:
    """Add a table of the rows that stand under ``name`` in the panel's state or data.

    Args:
        panel: To add to.
        name: Of the rows, a list of dicts.
        columns: Key of the rows → heading.
        title: Said above it.
        on_click_row: Method of the panel that is called with ``row``, its number from 0; -1 for the heading.
    """
    more = {"on_click_row": on_click_row} if on_click_row else {}
    view = types.TableView(componentsProps=_TABLE, **more)
    for key, label in columns.items():
        view.add_column(key, label=label)
    panel.list(name, types.Object(), view=view, label=title)


def choice(
    panel: Any, name: str, offered: Sequence[str], chosen: str, *, label: str, on_change: Callable[[Any], None]
) -> None:
    """Add a list to choose one of; ``on_change`` is called with ``value``."""
    view = types.DropdownView()
    for each in offered:
        view.add_choice(each, label=each)
    panel.str(name, label=label, view=view, default=chosen, on_change=on_change)


def plot(panel: Any, name: str, layout: Layout, *, height_px: int = BAR_PX, traces: Traces | None = None) -> None:
    """Add a plot; its traces are those given, or else stand under ``name`` in the panel's data.

    The App gives its box the height of the whole panel: what is added after it is out of sight at first.
    """
    panel.plot(name, data=traces, layout={**_PLAIN, **layout}, config=CONFIG, height=height_px)


def axis(title: str, **more: Any) -> Layout:
    """Give an axis with its words."""
    return {"title": {"text": title, "font": {"size": 11}}, "automargin": True, **more}


_TABLE: Layout = {
    "tableContainer": {"sx": {"maxHeight": 380, "overflow": "auto"}},
    "table": {"sx": {"minWidth": 0}},  # it would be wider than a panel beside the grid
    "tableHeadCell": {"sx": {"fontSize": "0.8rem", "padding": "6px 8px"}},
    "tableBodyCell": {
        "sx": {
            "fontSize": "0.85rem",
            "padding": "6px 8px",
            "verticalAlign": "top",
            # Words stay whole but in the last column, which holds sentences and file names.
            "&:last-of-type": {"overflowWrap": "anywhere", "minWidth": 150},
        }
    },
}
_PLAIN: Layout = {
    "margin": {"t": 10, "r": 10, "b": 40, "l": 50},
    "legend": {"orientation": "h", "x": 0, "y": 1.15, "font": {"size": 11}},  # the buttons are on the right
    "showlegend": True,
    "colorway": list(COLORS),
    "bargap": 0.15,
}
