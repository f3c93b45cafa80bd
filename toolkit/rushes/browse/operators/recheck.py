"""Operator: check the recordings of the selected pictures anew."""

from collections.abc import Sequence
from typing import Any

from rushes.browse.acts import Acts, Told
from rushes.browse.items import Item
from rushes.browse.operators._operator import DeskOperator, recordings_of


class RecheckOperator(DeskOperator):
    """Check again."""

    name_ = "recheck"
    label = "check the recordings of the selected pictures"
    icon = "fact_check"
    reloads = True

    def ask(self, ctx: Any, inputs: Any) -> None:  # noqa: ARG002 - as declared
        """Ask which checks."""
        words = "Such as image, or stream.gap; all that look at one recording, where nothing is written."
        inputs.str("family", label="Check or family of checks", description=words)

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:
        """Check."""
        return asked.check(recordings_of(chosen), (ctx.params.get("family") or "").strip())


OPERATOR = RecheckOperator
