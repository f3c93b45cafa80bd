"""Operator: write into the dataset what was changed by the App's own means, all of it."""

from collections.abc import Sequence
from typing import Any

from rushes.browse.acts import Acts, Told
from rushes.browse.items import Item
from rushes.browse.operators._operator import DeskOperator


class WriteBackOperator(DeskOperator):
    """Write back."""

    name_ = "write_back"
    label = "write changes back into the dataset"
    icon = "save"
    selects = False
    reloads = True

    def act(self, ctx: Any, asked: Acts, chosen: Sequence[Item]) -> Told:  # noqa: ARG002 - as declared
        """Write."""
        return asked.write_back()


OPERATOR = WriteBackOperator
