"""Agreement on values beyond chance: Krippendorff's alpha, Cohen's kappa, Fleiss' kappa.

Each is worked out from counts that add up over units, so that a bootstrap over recordings sums counts and never
looks at the values again.
"""

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Level: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]
Numbers: TypeAlias = npt.NDArray[np.float64]


def coincidences(ratings: Numbers, values: Numbers) -> Numbers:
    """Count pairs of values within units, as Krippendorff does.

    Args:
        ratings: Shape (raters, units); NaN where a rater gave none.
        values: The values there are, ascending, shape (v,).

    Returns:
        Shape (v, v), symmetric. A unit of m ratings adds m in all; one of fewer than two adds nothing.
    """
    counts = (ratings[:, :, None] == values).sum(axis=0).astype(np.float64)  # units × values
    rated = counts.sum(axis=1)
    counts, rated = counts[rated >= 2], rated[rated >= 2]
    weighted = counts / (rated - 1)[:, None]
    return np.asarray(weighted.T @ counts - np.diag(weighted.sum(axis=0)), np.float64)


def alpha(pairs: Numbers, values: Numbers, level: Level = "nominal") -> float:
    """Give Krippendorff's alpha of a table of coincidences; NaN where only one value, or none, was given.

    Args:
        pairs: As :func:`coincidences` gives them; such tables may be added.
        values: As there.
        level: How values differ: ``nominal`` at all, ``ordinal`` by rank, ``interval`` by their difference,
            ``ratio`` by their difference over their sum.
    """
    marginals = pairs.sum(axis=1)
    total = marginals.sum()
    distance = _distances(values, marginals, level)
    expected = (np.outer(marginals, marginals) * distance).sum()
    if total < 2 or expected == 0:
        return float("nan")
    return float(1 - (total - 1) * (pairs * distance).sum() / expected)


def krippendorff(ratings: Numbers, level: Level = "nominal") -> float:
    """Give Krippendorff's alpha of ratings of shape (raters, units), NaN where there is none."""
    values = np.unique(ratings[~np.isnan(ratings)])
    return alpha(coincidences(ratings, values), values, level)


def cohen(table: Numbers) -> float:
    """Give Cohen's kappa of two raters; NaN where chance alone would make them agree.

    Args:
        table: Shape (v, v): how often the first gave the row's value and the second the column's.
    """
    total = table.sum()
    if not total:
        return float("nan")
    observed = np.trace(table) / total
    expected = float(table.sum(axis=1) @ table.sum(axis=0)) / total**2
    return float("nan") if expected == 1 else float((observed - expected) / (1 - expected))


def fleiss(counts: Numbers) -> float:
    """Give Fleiss' kappa; NaN where chance alone would make all agree.

    Args:
        counts: Shape (units, values): how many raters gave each value; every unit by the same number, at least 2.

    Raises:
        ValueError: If units were rated by different numbers of raters.
    """
    return fleiss_of(fleiss_tally(counts))


def fleiss_tally(counts: Numbers) -> Numbers:
    """Sum units up for :func:`fleiss_of`; such sums may be added.

    Args:
        counts: As for :func:`fleiss`.

    Returns:
        The sum of the units' agreements, the number of units, and how often each value was given.

    Raises:
        ValueError: If units were rated by different numbers of raters.
    """
    raters = counts.sum(axis=1)
    if len(counts) and ((raters != raters[0]).any() or raters[0] < 2):
        raise ValueError("Fleiss' kappa wants every unit rated by the same number of raters, two or more")
    agreed = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    return np.concatenate([[agreed.sum(), len(counts)], counts.sum(axis=0)])


def fleiss_of(tally: Numbers) -> float:
    """Give Fleiss' kappa of what :func:`fleiss_tally` summed up; NaN where chance alone would make all agree."""
    agreed, units, *given = (float(x) for x in tally)
    total = sum(given)
    if not units or not total:
        return float("nan")
    expected = sum((count / total) ** 2 for count in given)
    return float("nan") if expected == 1 else (agreed / units - expected) / (1 - expected)


def _distances(values: Numbers, marginals: Numbers, level: Level) -> Numbers:
    a, b = values[:, None], values[None, :]
    match level:
        case "nominal":
            return np.asarray(a != b, np.float64)
        case "interval":
            return np.asarray((a - b) ** 2, np.float64)
        case "ratio":
            total = a + b
            return np.divide(a - b, total, out=np.zeros_like(total), where=total != 0) ** 2
        case "ordinal":
            below = np.cumsum(marginals) - marginals / 2  # the middle of each value's stretch of ranks
            return np.asarray((below[:, None] - below[None, :]) ** 2, np.float64)
