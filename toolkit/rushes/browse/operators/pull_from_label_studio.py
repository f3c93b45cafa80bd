"""Operator: bring back what people drew in Label Studio; it is about the whole dataset."""

from collections.abc import Sequence
from typing import Any

from rushes.browse.acts import Acts, Told
from rushes.browse.items import Item
from rushes.browse.operators._operator import DeskOperator


class PullOperator(DeskOperator):
    """Pull."""

    name_ = "pull_from_label_studio"
    label = "pull from Label Studio"
    icon = "cloud_download"
    selects = False
    reloads = True

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:  # noqa: ARG002 - as declared
        """Bring it back."""
        return asked.pull_from_label_studio()


OPERATOR = PullOperator
