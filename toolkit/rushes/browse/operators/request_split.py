"""Operator: ask for a part of the split for the recordings of the selected pictures; rushes split honours it."""

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from rushes.browse.acts import Acts, Told
from rushes.browse.items import Item
from rushes.browse.operators._operator import DeskOperator, recordings_of


class RequestSplitOperator(DeskOperator):
    """Ask for a part."""

    name_ = "request_split"
    label = "ask for a part of the split"
    icon = "call_split"
    reloads = True

    def ask(self, ctx: Any, inputs: Any) -> None:
        """Ask for the part."""
        view = types.AutocompleteView(allow_user_input=True)
        for part in self._desk(ctx).parts():
            view.add_choice(part, label=part)
        words = "A split keeps recordings whole; an empty part takes the request back."
        inputs.str("part", label="Part for their whole recordings", description=words, view=view)

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:
        """Ask."""
        return asked.ask_for_part(recordings_of(chosen), ctx.params.get("part") or "")


OPERATOR = RequestSplitOperator
