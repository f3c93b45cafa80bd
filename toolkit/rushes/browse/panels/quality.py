"""Quality: what the checks found in the dataset, worst first, and how the measures of its pictures are spread."""

from itertools import pairwise
from typing import Any

from fiftyone import ViewField

from rushes.browse.desk import CheckCount, Measure, Quality
from rushes.browse.panels import _parts
from rushes.browse.panels._panel import DeskPanel
from rushes.quantities import say_count

FINDINGS = {
    "severity": "Severity",
    "check": "Check",
    "findings": "Findings",
    "samples": "Samples",
    "recordings": "Recordings",
    "example": "For example",
}


class QualityPanel(DeskPanel):
    """Findings by check; a click shows the pictures that one is about."""

    name_ = "quality"
    label = "Quality"
    icon = "verified"
    help_ = (
        "What `rushes check` found. Click on a row to see its pictures in the grid, or the recordings where a "
        "finding is about no single picture."
    )

    def show(self, ctx: Any, asked: Any) -> None:
        """Ask for findings and measures."""
        found: Quality = asked.quality()
        if not found.checked:
            self.say(ctx, f"Nothing was checked yet: `rushes check {ctx.dataset_name}` looks for what is wrong.")
            return
        names = [each.name for each in found.measures]
        wanted = ctx.panel.get_state("wanted")
        chosen = wanted if wanted in names else next(iter(names), None)
        ctx.panel.set_state(
            {
                "title": title(found),
                "findings": [_finding(each) for each in found.findings],
                "measures": names,
                "measure": chosen,
            }
        )
        measure = next((each for each in found.measures if each.name == chosen), None)
        if measure is not None:
            ctx.panel.set_state({"about": about(measure), "scale": "log" if measure.logarithmic else "linear"})
            ctx.panel.set_data("spread", [outline(measure)])

    def draw(self, ctx: Any, panel: Any) -> None:
        """Add the table of findings and one histogram."""
        state = ctx.panel.get_state
        panel.md(state("title", ""), name="title")
        if state("findings"):
            panel.btn("everything", label="Show everything", on_click=self.show_everything, icon="clear_all")
            _parts.table(panel, "findings", FINDINGS, title="Findings", on_click_row=self.filter_grid)
        if state("measure"):
            names = state("measures", [])
            _parts.choice(
                panel, "measure", names, state("measure"), label="Measure of the pictures", on_change=self.choose
            )
            panel.md(state("about", ""), name="about")
            layout = {
                "xaxis": _parts.axis(state("measure"), type=state("scale")),
                "yaxis": _parts.axis("pictures"),
                "showlegend": False,
            }
            _parts.plot(panel, "spread", layout)

    def choose(self, ctx: Any) -> None:
        """Draw the measure that was chosen in the list."""
        ctx.panel.set_state("wanted", ctx.params.get("value"))
        self.refresh(ctx)

    def filter_grid(self, ctx: Any) -> None:
        """Show the pictures of the row that was clicked, or else its recordings."""
        rows, row = ctx.panel.get_state("findings", []), ctx.params.get("row", -1)
        if not 0 <= row < len(rows):
            return
        check, severity = rows[row]["check"], rows[row]["severity"]
        found: Quality = self.desk(ctx).quality()
        this = next(f for f in found.findings if (f.check, f.severity) == (check, severity))
        dataset = ctx.dataset
        every = (
            dataset.select_group_slices(media_type="image") if dataset.media_type == "group" else dataset.view()
        )
        pictures = every.match(ViewField("findings").contains(check)) if this.of_frames else None
        if pictures is not None and this.recordings:
            pictures = pictures.match(ViewField("recording_id").is_in(list(this.recordings)))
        if pictures is not None and len(pictures):
            ctx.ops.set_view(view=pictures)
            ctx.ops.notify(f"{check}: {say_count(len(pictures), 'picture')}")
        elif this.recordings:
            ctx.ops.set_view(view=dataset.match(ViewField("recording_id").is_in(list(this.recordings))))
            ctx.ops.notify(f"{check} is about no picture that is here: its recordings are shown")
        else:
            ctx.ops.notify(f"{check} is about the dataset as a whole", variant="warning")

    def show_everything(self, ctx: Any) -> None:
        """Take the filter away."""
        ctx.ops.clear_view()


PANEL = QualityPanel


def title(found: Quality) -> str:
    """Count the findings by severity."""
    if not found.findings:
        return "The checks found nothing wrong."
    counts = {"error": 0, "warning": 0, "info": 0}
    for each in found.findings:
        counts[each.severity] += each.findings
    nouns = {"error": "error", "warning": "warning", "info": "remark"}
    said = [say_count(count, nouns[name]) for name, count in counts.items() if count]
    return f"{' · '.join(said)}. Click on a row to see its pictures in the grid."


def about(measure: Measure) -> str:
    """Say what a measure is, and how many pictures have none."""
    absent = f" {say_count(measure.absent, 'picture')} without a value." if measure.absent else ""
    return f"{measure.meaning}{f' In {measure.unit}.' if measure.unit else ''}{absent}"


def outline(measure: Measure) -> dict[str, Any]:
    """Give the outline of a histogram as Plotly takes it; the hover says where a bin begins and ends."""
    edges = measure.edges
    middle = (edges[:-1] * edges[1:]) ** 0.5 if measure.logarithmic else (edges[:-1] + edges[1:]) / 2
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "hvh", "width": 1.5},
        "fill": "tozeroy",
        "name": measure.name,
        "x": [float(f"{x:.5g}") for x in middle],
        "y": measure.counts.tolist(),
        "text": [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)],
        "hovertemplate": "%{text}: %{y:,}<extra></extra>",
    }


def _finding(each: CheckCount) -> dict[str, Any]:
    return {
        "severity": each.severity,
        "check": each.check,
        "findings": f"{each.findings:,}",
        "samples": f"{each.samples:,}" if each.samples else "–",
        "recordings": f"{len(each.recordings):,}" if each.recordings else "dataset",
        "example": each.example,
    }
