"""Signals: what IMU, gaze, sound and poses say around the picture that is shown, on the corrected clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rushes.browse.desk import Around, Plot
from rushes.browse.panels import _parts
from rushes.browse.panels._panel import NOTE, DeskPanel, item_of
from rushes.quantities import say_count

SPAN_NS = 10_000_000_000
POINTS = 1_000
PLOT_PX, EDGE_PX = 150, 60

NO_PICTURE = "Open a picture, or tick one in the grid: its signals are drawn here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What one answer of the panel shows."""

    offered: Sequence[str]
    signal: str
    title: str
    found: Around


class SignalsPanel(DeskPanel):
    """Ten seconds of a stream around the picture; the line in the middle is the picture's time."""

    name_ = "signals"
    label = "Signals"
    icon = "show_chart"
    surfaces = "grid modal"
    help_ = (
        "Ten seconds of IMU, gaze, sound or pose around the picture. Zero is the time of the picture; every "
        "stream stands on the recorder's clock, through its clock map. Of many samples the extremes are drawn."
    )

    def on_change_current_sample(self, ctx: Any) -> None:
        """Follow the picture that is open."""
        self.refresh(ctx)

    def on_change_selected(self, ctx: Any) -> None:
        """Follow what is ticked, as long as no picture is open."""
        if not ctx.current_sample:
            self.refresh(ctx)

    def choose(self, ctx: Any) -> None:
        """Draw the stream that was chosen in the list."""
        ctx.panel.set_state("wanted", ctx.params.get("value"))
        self.refresh(ctx)

    def show(self, ctx: Any, asked: Any) -> None:
        """Ask for the stream around the picture.

        All of it goes into the schema that ``draw`` makes, in one piece: each change of state or data by itself
        would make the page lay out the plots once more.
        """
        item = item_of(ctx)
        if item is None:
            self.say(ctx, NO_PICTURE)
            return
        offered = [stream.stream for stream in asked.signals(item.recording_id)]
        if not offered:
            self.say(ctx, f"**{item.recording}** has no IMU, gaze, sound, pose or other signal to draw.")
            return
        wanted = ctx.panel.get_state("wanted")
        signal = wanted if wanted in offered else offered[0]
        found = asked.around(
            item.recording_id, (item.stream, item.index), signal=signal, span_ns=SPAN_NS, points=POINTS
        )
        ctx.drawn = Drawn(
            offered=offered,
            signal=signal,
            title=title(item.recording, item.stream, item.index, found),
            found=found,
        )

    def draw(self, ctx: Any, panel: Any) -> None:
        """Add the list of streams, one line of words and the plots."""
        if not hasattr(ctx, "drawn"):  # rendered without an event of ours before
            self.refresh(ctx)
        drawn: Drawn | None = getattr(ctx, "drawn", None)
        if drawn is None:
            panel.md(ctx.panel.get_state(NOTE), name="said")
            return
        _parts.choice(panel, "signal", drawn.offered, drawn.signal, label="Stream", on_change=self.choose)
        panel.md(drawn.title, name="title")
        plots = drawn.found.plots
        if plots:
            height = PLOT_PX * len(plots) + EDGE_PX
            _parts.plot(panel, "plot", layout(plots), height_px=height, traces=traces(drawn.found))


PANEL = SignalsPanel


def title(recording: str, stream: str, index: int, found: Around) -> str:
    """Say what is drawn, or why nothing is."""
    picture = f"Picture {index:,} of {stream}, **{recording}**"
    if not found.plots:
        return f"{picture}: nothing to draw. {found.reason}"
    seconds = (found.end_ns - found.start_ns) / 1e9
    return f"{picture}, at {found.since_start_s:.3f} s: {say_count(found.samples, 'sample')} in {seconds:g} s"


def traces(found: Around) -> list[dict[str, Any]]:
    """Give the lines as Plotly takes them: x in seconds from the picture, one y axis a plot."""
    return [
        _trace(found, plot, name, number=number, place=place)
        for number, plot in enumerate(found.plots)
        for place, name in enumerate(plot.lines)
    ]


def _trace(found: Around, plot: Plot, name: str, *, number: int, place: int) -> dict[str, Any]:
    times, values = plot.lines[name]
    x = np.round((times - found.at_ns) * 1e-9, 4).tolist()
    y = [None if value != value else float(f"{value:.5g}") for value in values.tolist()]  # NaN is no JSON
    return {
        "type": "scatter",
        "mode": "lines" if len(x) > 1 else "markers",
        "name": name,
        "x": x,
        "y": y,
        "yaxis": _axis("y", number),
        "line": {"width": 1.2, "color": _parts.COLORS[place % len(_parts.COLORS)]},
        "legendgroup": name,
        "showlegend": all(name not in before.lines for before in found.plots[:number]),
        "hovertemplate": "%{y:.5g}<extra>" + name + "</extra>",
    }


def layout(plots: Sequence[Plot]) -> dict[str, Any]:
    """Give the axes: plots above one another over the same seconds, and the line of the picture."""
    half = SPAN_NS / 2e9
    share, gap = 1 / len(plots), 0.06
    axes = {
        _axis("yaxis", number): {
            "title": {"text": f"{plot.title} [{plot.unit}]" if plot.unit else plot.title, "font": {"size": 11}},
            "domain": [1 - (number + 1) * share + (gap if number < len(plots) - 1 else 0), 1 - number * share],
            "automargin": True,
            "zeroline": False,
        }
        for number, plot in enumerate(plots)
    }
    return {
        **axes,
        "xaxis": {
            "title": {"text": "seconds from the picture"},
            "range": [-half, half],
            "anchor": _axis("y", len(plots) - 1),
            "zeroline": False,
        },
        "shapes": [
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": 0,
                "x1": 0,
                "y0": 0,
                "y1": 1,
                "line": {"color": "#ff6d04", "width": 2},
            }
        ],
        "hovermode": "x",
    }


def _axis(letter: str, number: int) -> str:
    return letter if number == 0 else f"{letter}{number + 1}"
