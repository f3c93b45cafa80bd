"""Rows chosen by value, with Arrow's compute functions.

Imported late: ``pyarrow.compute`` costs 70 ms, and most reads need it for nothing, since the rows of a recording
lie in row groups of their own.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow.compute as pc


def chosen(rows: Any, values: Mapping[str, Any]) -> Any:
    """Give the rows in which every column has one of its values.

    Args:
        rows: A pyarrow table.
        values: An Arrow array of values for each column; a null among them asks for null. At least one column.
    """
    return rows.filter(_mask(rows, values))


def others(rows: Any, several: Sequence[Mapping[str, Any]]) -> Any:
    """Give the rows that none of ``several`` would choose."""
    return rows.filter(pc.invert(reduce(pc.or_, [_mask(rows, values) for values in several])))


def _mask(rows: Any, values: Mapping[str, Any]) -> Any:
    return reduce(pc.and_, [pc.is_in(rows[name], value_set=wanted) for name, wanted in values.items()])
