"""Operator: show what looks like the selected pictures, the likest first; nothing of the dataset changes."""

from typing import Any

import fiftyone as fo

from rushes.browse.operators._operator import DeskOperator
from rushes.quantities import say_count
from rushes.registry import late

MOST = 100
NO_POINTS = "Its pictures have no points yet: rushes embed DATASET gives them, and the App shows them when opened."
NOT_THESE = "None of the selected pictures has a point: rushes embed gives points to colour pictures."


class AlikeOperator(DeskOperator):
    """Sort by likeness."""

    name_ = "alike"
    label = "show what looks like the selected pictures"
    icon = "wallpaper"

    def ask(self, ctx: Any, inputs: Any) -> None:  # noqa: ARG002 - as declared
        """Ask how many."""
        inputs.int("count", label="How many, the likest first", default=MOST, min=1, max=10_000)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Show them in the grid; the bar above it takes the view away again."""
        similar = late("rushes.browse.similar")
        dataset = fo.load_dataset(ctx.dataset_name)
        if not ctx.selected:
            return self._refused(ctx, "Nothing is selected: tick pictures in the grid first.")
        if not dataset.has_brain_run(similar.INDEX):
            return self._refused(ctx, NO_POINTS)
        view = similar.alike(dataset, list(ctx.selected), count=int(ctx.params.get("count") or MOST))
        if view is None:
            return self._refused(ctx, NOT_THESE)
        said = f"{say_count(len(view), 'picture')}, the likest first"
        ctx.ops.set_view(view=view)
        ctx.ops.notify(said, variant="success")
        return {"said": said, "warnings": [], "address": "", "done": True}


OPERATOR = AlikeOperator
