"""Operator: accept the selected pictures, or their recordings; kept in the dataset at once."""

from rushes.browse.operators._deciding import DecidingOperator


class AcceptOperator(DecidingOperator):
    """Decide: accept."""

    name_ = "accept"
    label = "accept the selected pictures"
    icon = "check_circle"
    reloads = True
    use = "accept"


OPERATOR = AcceptOperator
