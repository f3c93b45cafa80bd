"""Counts what a format could not carry, by reason."""

from collections import Counter
from typing import Literal

from rushes.contracts import LeftOut

Effect = Literal["lost", "changed", "noted"]


class Tally:
    """Collects :class:`LeftOut` entries; equal ones are counted together, in the order in which they were met."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Effect, str, str]] = Counter()

    def lost(self, what: str, reason: str, count: int = 1) -> None:
        """Count labels that are not there."""
        self._counts["lost", what, reason] += count

    def changed(self, what: str, reason: str, count: int = 1) -> None:
        """Count labels that are there, but not as they were."""
        self._counts["changed", what, reason] += count

    def noted(self, what: str, reason: str, count: int = 1) -> None:
        """Count labels that there is something to know of."""
        self._counts["noted", what, reason] += count

    @property
    def lost_so_far(self) -> int:
        """How many labels were counted as lost."""
        return sum(count for (effect, _, _), count in self._counts.items() if effect == "lost")

    def entries(self) -> tuple[LeftOut, ...]:
        """Give all that was counted."""
        return tuple(
            LeftOut(effect=effect, what=what, count=count, reason=reason)
            for (effect, what, reason), count in self._counts.items()
            if count
        )
