"""Clocks: how each clock of the recording stands to the recorder's, and how far samples lie from their moments."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushes.browse.desk import ClockOf, Clocks, ContentCheck, SkewOf
from rushes.browse.panels import _parts
from rushes.browse.panels._panel import DeskPanel, item_of
from rushes.quantities import say_count, say_drift, say_ns

NO_PICTURE = "Open a picture, or tick one in the grid: the clocks of its recording stand here."
BINS = 60

CLOCKS = {
    "stream": "Stream",
    "verdict": "Verdict",
    "offset": "Offset to the recorder",
    "drift": "Drift, ppm",
    "residual": "Residual p95",
    "interval": "95 % interval",
    "reason": "Why",
}
CHECKS = {"kind": "Content check", "streams": "Streams", "verdict": "Verdict", "offset": "Offset", "reason": "Why"}


class ClocksPanel(DeskPanel):
    """The clocks of the recording of the picture."""

    name_ = "clocks"
    label = "Clocks"
    icon = "schedule"
    surfaces = "grid modal"
    help_ = (
        "Each stream's clock against the recorder's, as the newest estimate has it. Declared: the recording "
        "states that its streams share one clock. Estimated: many readings of both clocks give offset and drift. "
        "Unproven: there is no evidence; stamps are taken as they are. Skew is the time of a sample less that of "
        "its moment."
    )

    def on_change_current_sample(self, ctx: Any) -> None:
        """Follow the picture that is open, where it is of another recording."""
        item = item_of(ctx)
        if item is None or item.recording_id != ctx.panel.get_state("recording_id"):
            self.refresh(ctx)

    def on_change_selected(self, ctx: Any) -> None:
        """Follow what is ticked, as long as no picture is open."""
        if not ctx.current_sample:
            self.on_change_current_sample(ctx)

    def show(self, ctx: Any, asked: Any) -> None:
        """Ask for the clocks of the picture's recording."""
        item = item_of(ctx)
        if item is None:
            ctx.panel.set_state("recording_id", None)
            self.say(ctx, NO_PICTURE)
            return
        found: Clocks = asked.clocks(item.recording_id)
        ctx.panel.set_state(
            {
                "recording_id": item.recording_id,
                "title": title(found),
                "clocks": [_clock(each) for each in found.clocks],
                "checks": [_check(each) for each in found.checks],
                "skewed": bool(found.skews),
            }
        )
        ctx.panel.set_data("skew", traces(found.skews))

    def draw(self, ctx: Any, panel: Any) -> None:
        """Add the sentence, the clocks, the skews and what the content says."""
        state = ctx.panel.get_state
        panel.md(state("title", ""), name="title")
        if state("clocks"):
            _parts.table(panel, "clocks", CLOCKS, title="Clocks")
        if state("skewed"):
            layout = {"xaxis": _parts.axis("skew, ms"), "yaxis": _parts.axis("moments")}
            _parts.plot(panel, "skew", layout)
        if state("checks"):
            _parts.table(panel, "checks", CHECKS, title="What the content says")


PANEL = ClocksPanel


def title(found: Clocks) -> str:
    """Say what is known in a sentence or two."""
    words = f"**{found.recording}.** "
    if not found.clocks:
        return f"{words}It has no stream with times, so there is no clock to speak of."
    if not found.moments:
        return f"{words}There are no moments: `rushes sync` has not aligned its streams, or could not."
    by = f"set by {found.reference}" if found.reference else "on a grid of fixed rate"
    repeated = [each for each in found.skews if len(each.skew_ns) < each.moments]
    missing = ", ".join(f"{each.stream} in {len(each.skew_ns):,}" for each in repeated)
    more = f"; not in all of them: {missing}" if missing else ""
    return f"{words}{say_count(found.moments, 'moment')} {by}, by {_TIMES.get(found.time, found.time)}{more}."


_TIMES = {
    "header": "the stamps of the devices",
    "log": "times of arrival",
    "pts": "container times",
    "mapped": "stamps through clock maps",
}


def traces(skews: Sequence[SkewOf]) -> list[dict[str, Any]]:
    """Give a histogram of the skew of each stream, over bins that all share; the ends gather what lies beyond."""
    filled = [each for each in skews if len(each.skew_ns)]
    if not filled:
        return []
    ms = [np.asarray(each.skew_ns, np.float64) * 1e-6 for each in filled]
    low = min(float(np.percentile(each, 0.5)) for each in ms)
    high = max(float(np.percentile(each, 99.5)) for each in ms)
    room = max((high - low) * 0.05, 1e-3)
    edges = np.linspace(low - room, high + room, BINS + 1)
    middles = np.round((edges[:-1] + edges[1:]) / 2, 4).tolist()
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "line": {"shape": "hvh", "width": 1.5},
            "fill": "tozeroy",
            "name": each.stream,
            "x": middles,
            "y": np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].tolist(),
        }
        for each, values in zip(filled, ms, strict=True)
    ]


def _clock(each: ClockOf) -> dict[str, str]:
    resets = f" ({say_count(each.segments - 1, 'reset')})" if each.segments > 1 else ""
    return {
        "stream": each.stream,
        "verdict": f"{each.verdict}{resets}",
        "offset": say_ns(each.offset_ns) or "–",
        "drift": say_drift(each.drift_ppm, each.drift_ci95_ppm) if each.drift_ppm is not None else "–",
        "residual": say_ns(each.residual_p95_ns) or "–",
        "interval": f"± {say_ns(each.ci95_ns)}" if each.ci95_ns is not None else "–",
        "reason": each.reason,
    }


def _check(each: ContentCheck) -> dict[str, str]:
    wide = f" ± {say_ns(each.ci95_ns)}" if each.ci95_ns is not None else ""
    return {
        "kind": each.kind,
        "streams": f"{each.second} against {each.first}",
        "verdict": each.verdict,
        "offset": f"{say_ns(each.offset_ns)}{wide}" if each.offset_ns is not None else "–",
        "reason": each.reason,
    }
