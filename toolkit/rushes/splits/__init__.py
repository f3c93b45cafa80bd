"""Groups → parts, and the audit of leaks; one module a way to split."""

from rushes.splits._audit import audit
from rushes.splits._units import Units, demand_shares, take_units

__all__ = ["Units", "audit", "demand_shares", "take_units"]
