"""Operator: make the selected pictures tasks of the Label Studio that runs; exactly those."""

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from rushes.browse.acts import TEMPLATES, Acts, Told
from rushes.browse.items import Item
from rushes.browse.operators._operator import DeskOperator, frames_of


class SendOperator(DeskOperator):
    """Send what is selected to be labelled."""

    name_ = "send_to_label_studio"
    label = "send the selected pictures to Label Studio"
    icon = "send"

    def ask(self, ctx: Any, inputs: Any) -> None:  # noqa: ARG002 - as declared
        """Ask for the template."""
        view = types.DropdownView()
        for name in TEMPLATES:
            view.add_choice(name, label=name)
        inputs.str("template", label="Template", default=TEMPLATES[0], required=True, view=view)

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:
        """Send them."""
        return asked.send_to_label_studio(frames_of(chosen), ctx.params.get("template") or TEMPLATES[0])


OPERATOR = SendOperator
