"""Annotation: how far it is, who made what, and how far people agree where several looked at the same."""

from datetime import UTC, datetime
from typing import Any

from rushes.browse.desk import Annotation, AuthorOf, Figure
from rushes.browse.panels import _parts
from rushes.browse.panels._panel import DeskPanel

CLASSES_SHOWN = 30
AUTHORS = {"author": "Who", "source": "Kind", "items": "Items", "labels": "Labels", "newest": "Newest"}
FIGURES = {"what": "Of", "between": "Between", "measure": "Measure", "value": "Value", "count": "Rests on"}


class AnnotationPanel(DeskPanel):
    """Progress and agreement of the whole dataset."""

    name_ = "annotation"
    label = "Annotation"
    icon = "draw"
    help_ = (
        "Labelled: somebody has looked, or an imported label stands. In review: several people's versions that "
        "nobody has settled, or an open conflict. Given out: planned for somebody. Predicted: a model alone "
        "has spoken."
    )

    def show(self, ctx: Any, asked: Any) -> None:
        """Ask for progress and agreement."""
        found: Annotation = asked.annotation()
        if not found.authors:
            words = "Nothing is labelled yet: `rushes annotate push` sends pictures to people, "
            self.say(ctx, f"{words}`rushes annotate import` takes labels over, `rushes predict` asks a model.")
            return
        classes = dict(list(found.classes.items())[:CLASSES_SHOWN])
        ctx.panel.set_state(
            {
                "title": title(found),
                "authors": [_author(each) for each in found.authors],
                "classes": len(classes),
                "figures": [_figure(each) for each in found.agreement],
                "reason": found.reason,
            }
        )
        ctx.panel.set_data({"states": states(found), "counts": [_counts(classes)]})

    def draw(self, ctx: Any, panel: Any) -> None:
        """Add one bar of states, the people, the classes and the figures."""
        state = ctx.panel.get_state
        panel.md(state("title", ""), name="title")
        layout: _parts.Layout = {
            "barmode": "stack",
            "xaxis": _parts.axis("pictures"),
            "yaxis": {"visible": False},
            "margin": {"t": 10, "r": 10, "b": 40, "l": 10},
        }
        _parts.plot(panel, "states", layout, height_px=130)
        _parts.table(panel, "authors", AUTHORS, title="Who made what")
        if state("classes"):
            height = _parts.LINE_PX * state("classes") + 80
            layout = {
                "showlegend": False,
                "xaxis": _parts.axis("labels that stand"),
                "yaxis": _parts.axis("", autorange="reversed", type="category"),
            }
            _parts.plot(panel, "counts", layout, height_px=height)
        if state("figures"):
            _parts.table(panel, "figures", FIGURES, title="How far people agree")
        elif state("reason"):
            panel.md(f"Agreement: {state('reason')}.", name="reason")


PANEL = AnnotationPanel


def title(found: Annotation) -> str:
    """Say how much is done."""
    total = sum(found.states.values())
    done = found.states.get("labelled", 0) + found.states.get("in review", 0)
    review = found.states.get("in review", 0)
    more = f", {review:,} of them in review" if review else ""
    return f"**{done:,} of {total:,} pictures labelled** ({done / total if total else 0:.1%}){more}."


def states(found: Annotation) -> list[dict[str, Any]]:
    """Give one bar, stacked by state."""
    return [
        {"type": "bar", "orientation": "h", "name": f"{state} {count:,}", "y": [""], "x": [count]}
        for state, count in found.states.items()
        if count
    ]


def _counts(classes: dict[str, int]) -> dict[str, Any]:
    return {"type": "bar", "orientation": "h", "name": "labels", "y": list(classes), "x": list(classes.values())}


def _author(each: AuthorOf) -> dict[str, str]:
    at = f"{datetime.fromtimestamp(each.newest_ns / 1e9, UTC):%Y-%m-%d %H:%M} UTC" if each.newest_ns else "–"
    return {
        "author": each.author,
        "source": each.source,
        "items": f"{each.items:,}",
        "labels": f"{each.labels:,}",
        "newest": at,
    }


def _figure(each: Figure) -> dict[str, str]:
    return {
        "what": each.what,
        "between": each.between,
        "measure": each.measure,
        "value": "–" if each.value is None else f"{each.value:.3f}",
        "count": f"{each.count:,}",
    }
