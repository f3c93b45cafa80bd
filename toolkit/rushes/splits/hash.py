"""Hash: each group's part follows from its name and the seed alone, whatever else is in the dataset.

Nothing ever moves, even without a memory of former splits; in exchange sizes are left to chance, and a part may
stay empty when there are few groups.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rushes.contracts import Splitter
from rushes.errors import UsageError
from rushes.model import Assignment, Column
from rushes.splits._units import demand_shares, spread, take_units


class Hash:
    """Parts by a hash of the group's name."""

    name = "hash"

    def assign(
        self,
        units: Mapping[str, Column],
        parts: Mapping[str, float],
        *,
        seed: int,
        pinned: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> Sequence[Assignment]:
        """Assign every unit, in alphabetical order; the order in which the parts are named counts.

        Raises:
            UsageError: ``split.shares``, ``split.units``, ``split.unknown-part`` or ``split.option``.
        """
        if options:
            raise UsageError(
                f"hash: there is no option '{next(iter(options))}'", code="split.option", hint="it has none"
            )
        demand_shares(parts)
        taken = take_units(units, parts, pinned)
        names = list(parts)
        borders = np.cumsum(list(parts.values()))[:-1]
        chance = np.array([spread(seed, group) for group in taken.groups])
        by_hash = np.searchsorted(borders, chance, side="right")
        assignments = []
        for at, unit in enumerate(taken.units):
            group, held = int(taken.group_of[at]), int(taken.pinned[at])
            fixed = int(taken.fixed[group])
            reason = "by the hash of its group"
            if held >= 0:
                reason = "it was assigned before"
            elif fixed >= 0:
                reason = "its group was assigned before"
            part = held if held >= 0 else fixed if fixed >= 0 else int(by_hash[group])
            assignments.append(
                Assignment(unit=unit, part=names[part], group=taken.groups[group], reason=reason, pinned=held >= 0)
            )
        return assignments


PLUGIN: Splitter = Hash()
