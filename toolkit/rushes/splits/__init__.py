"""Groups → parts, and the audit of leaks; one module a way to split."""

from rushes.splits._audit import audit
from rushes.splits._components import Component, components
from rushes.splits._cost import Cost, class_matrix, cost_of
from rushes.splits._evidence import Spread, judge, spreads
from rushes.splits._leaks import Leak, Pair, Samples, leaks, near_pairs
from rushes.splits._units import Units, demand_shares, take_units

__all__ = [
    "Component",
    "Cost",
    "Leak",
    "Pair",
    "Samples",
    "Spread",
    "Units",
    "audit",
    "class_matrix",
    "components",
    "cost_of",
    "demand_shares",
    "judge",
    "leaks",
    "near_pairs",
    "spreads",
    "take_units",
]
