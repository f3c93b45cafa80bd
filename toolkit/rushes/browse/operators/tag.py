"""Operator: give the selected pictures a tag, or take one away; kept in the dataset at once."""

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from rushes.browse.acts import Acts, Told
from rushes.browse.items import Item
from rushes.browse.operators._operator import DeskOperator, frames_of


class TagOperator(DeskOperator):
    """Tag what is selected."""

    name_ = "tag"
    label = "tag the selected pictures"
    icon = "sell"

    def ask(self, ctx: Any, inputs: Any) -> None:  # noqa: ARG002 - as declared
        """Ask for the tag."""
        inputs.str("tag", label="Tag", required=True)
        inputs.bool("remove", label="Take it away instead", default=False, view=types.CheckboxView())

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:
        """Tag, or take the tag away."""
        return asked.tag(frames_of(chosen), ctx.params.get("tag") or "", given=not ctx.params.get("remove"))


OPERATOR = TagOperator
