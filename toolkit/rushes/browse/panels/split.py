"""Split: what is in each part, how the classes are spread over the parts, and what leaks between them."""

from collections.abc import Sequence
from typing import Any

from rushes.browse.desk import Leak, Split
from rushes.browse.panels import _parts
from rushes.browse.panels._panel import DeskPanel

CLASSES_SHOWN = 30
PARTS = {"part": "Part", "units": "Recordings or blocks", "frames": "Frames", "share": "Share"}
LEAKS = {"severity": "Severity", "check": "Check", "count": "Pictures", "message": "What"}


class SplitPanel(DeskPanel):
    """A named split of the dataset."""

    name_ = "split"
    label = "Split"
    icon = "call_split"
    help_ = "Parts of a split, and how each class is spread over them. The search for leaks looks at the pictures."

    def show(self, ctx: Any, asked: Any) -> None:
        """Ask for the split that was chosen, or the newest."""
        found: Split | None = asked.split(ctx.panel.get_state("wanted"))
        if found is None:
            self.say(ctx, f"There is no split yet: `rushes split {ctx.dataset_name}` makes one.")
            return
        shown = list(found.classes)[:CLASSES_SHOWN]
        ctx.panel.set_state(
            {
                "names": list(found.names),
                "name": found.name,
                "title": title(found),
                "parts": parts(found),
                "classes": len(shown),
                "leaks": [],
                "searched": "",
            }
        )
        ctx.panel.set_data("balance", traces(found, shown))

    def draw(self, ctx: Any, panel: Any) -> None:
        """Add the parts, the classes and the leaks."""
        state = ctx.panel.get_state
        _parts.choice(panel, "name", state("names", []), state("name"), label="Split", on_change=self.choose)
        panel.md(state("title", ""), name="title")
        _parts.table(panel, "parts", PARTS, title="Parts")
        if state("classes"):
            height = _parts.LINE_PX * state("classes") + 80
            layout = {
                "barmode": "stack",
                "xaxis": _parts.axis("share of the labels of a class, %", range=[0, 100]),
                "yaxis": _parts.axis("", autorange="reversed", type="category"),
            }
            _parts.plot(panel, "balance", layout, height_px=height)
        panel.btn("search", label="Look for leaks", on_click=self.search, icon="search", variant="outlined")
        if state("searched"):
            panel.md(state("searched"), name="outcome")
        if state("leaks"):
            _parts.table(panel, "leaks", LEAKS, title="Leaks")

    def choose(self, ctx: Any) -> None:
        """Show the split that was chosen in the list."""
        ctx.panel.set_state("wanted", ctx.params.get("value"))
        self.refresh(ctx)

    def search(self, ctx: Any) -> None:
        """Look for leaks, as ``rushes split verify`` does."""
        self.attempt(ctx, self._search)

    def _search(self, ctx: Any) -> None:
        found = self.desk(ctx).leaks(ctx.panel.get_state("name"))
        ctx.panel.set_state({"searched": outcome(found), "leaks": [_leak(each) for each in found]})


PANEL = SplitPanel


def title(found: Split) -> str:
    """Say how it was made, and what its classes are counted from."""
    words = f"Kept together: {found.group_by}."
    if not found.classes:
        return f"{words} No label of a class stands, so there is no balance to show."
    more = len(found.classes) - CLASSES_SHOWN
    of = "predicted labels, as no others stand" if found.of_models else "labels that stand"
    return f"{words} Classes are counted in {of}{f'; {more:,} rarer classes are not drawn' if more > 0 else ''}."


def parts(found: Split) -> list[dict[str, str]]:
    """Give a row a part, and one for what is in none."""
    total = sum(found.frames.values())
    return [
        {
            "part": part,
            "units": f"{found.units[part]:,}" if part in found.units else "–",
            "frames": f"{frames:,}",
            "share": f"{frames / total:.1%}" if total else "–",
        }
        for part, frames in found.frames.items()
    ]


def traces(found: Split, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Give a bar a class, stacked by part, in per cent of the class."""
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": part,
            "y": list(classes),
            "x": [round(100 * _share(found, name, part), 2) for name in classes],
            "text": [f"{found.classes[name].get(part, 0):,}" for name in classes],
            "textangle": 0,
            "hovertemplate": "%{y}: %{text} labels, %{x:.1f} %<extra>" + part + "</extra>",
        }
        for part in found.frames
    ]


def outcome(leaks: Sequence[Leak]) -> str:
    """Say what the search came to."""
    errors = sum(each.severity == "error" for each in leaks)
    if errors:
        return f"**It leaks**: {errors} of the searches found the same thing in two parts."
    return "Nothing leaks, but see what is said below." if leaks else "Nothing leaks."


def _share(found: Split, name: str, part: str) -> float:
    return found.classes[name].get(part, 0) / sum(found.classes[name].values())


def _leak(each: Leak) -> dict[str, str]:
    return {"severity": each.severity, "check": each.check, "count": f"{each.count:,}", "message": each.message}
