"""Operator: take back what was decided on the selected pictures, or on their recordings."""

from rushes.browse.operators._deciding import DecidingOperator


class UndecideOperator(DecidingOperator):
    """Decide: withdraw."""

    name_ = "undecide"
    label = "withdraw the decision on the selected pictures"
    icon = "undo"
    reloads = True
    use = "withdraw"


OPERATOR = UndecideOperator
