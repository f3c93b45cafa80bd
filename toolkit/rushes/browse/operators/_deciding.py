"""What the operators that decide on the use of pictures share."""

from collections.abc import Sequence
from typing import Any, ClassVar

from fiftyone.operators import types

from rushes.browse.acts import Acts, Told, Use
from rushes.browse.items import Item
from rushes.browse.operators._operator import DeskOperator, frames_of


class DecidingOperator(DeskOperator):
    """Decide on what is selected."""

    use: ClassVar[Use]

    def ask(self, ctx: Any, inputs: Any) -> None:  # noqa: ARG002 - as declared
        """Ask how much is meant, and why."""
        inputs.bool(
            "whole",
            label="Their whole recordings, not only these pictures",
            default=False,
            view=types.CheckboxView(),
        )
        inputs.str("why", label="Why")

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:
        """Decide."""
        whole, why = bool(ctx.params.get("whole")), ctx.params.get("why") or ""
        return asked.decide(frames_of(chosen), self.use, whole=whole, why=why)
