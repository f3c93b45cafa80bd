"""A clock is estimated as well as it can be known, and certified only then."""

import numpy as np
import pytest

from rushes.timing.clockfit import estimate
from timing.clock_models import pairs, trial


@pytest.mark.parametrize(
    ("model", "limit_ns"),
    [("usb", 250_000), ("wifi", 200_000), ("wander", 500_000), ("glitches", 300_000)],
)
def test_the_largest_error_over_twenty_takes_stays_below_the_promise(model: str, limit_ns: int) -> None:
    worst = 0
    for seed in range(20):
        taken = trial(model, seed)
        found = estimate(taken.pairs)
        assert found.verdict == "estimated", found.reason
        worst = max(worst, int(np.abs(found.apply(taken.pairs.from_ns) - taken.truth_ns).max()))
    assert worst <= limit_ns


def test_one_pair_of_stamp_and_arrival_proves_nothing() -> None:
    found = estimate(pairs([5], [7]))
    assert (found.verdict, found.reason) == (
        "unproven",
        "1 pair: too few to tell latency from clock (at least 20)",
    )
