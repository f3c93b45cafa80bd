"""Groups → parts, and the audit of leaks; one module a way to split."""

from rushes.splits._audit import audit
from rushes.splits._components import Component, components
from rushes.splits._evidence import Spread, judge, spreads
from rushes.splits._units import Units, demand_shares, take_units

__all__ = [
    "Component",
    "Spread",
    "Units",
    "audit",
    "components",
    "demand_shares",
    "judge",
    "spreads",
    "take_units",
]
