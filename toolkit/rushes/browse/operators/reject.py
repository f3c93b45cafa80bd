"""Operator: reject the selected pictures, or their recordings: exports, splits and checks leave them out."""

from rushes.browse.operators._deciding import DecidingOperator


class RejectOperator(DecidingOperator):
    """Decide: reject."""

    name_ = "reject"
    label = "reject the selected pictures"
    icon = "block"
    reloads = True
    use = "reject"


OPERATOR = RejectOperator
