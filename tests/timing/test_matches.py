"""Strategies walk in blocks that leave no seam, and find times that go back wherever they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.errors import TimingError
from rushes.timing import matches
from rushes.timing.associate import closest, nearest
from rushes.timing.interpolate import interpolate
from rushes.timing.latest import latest
from rushes.timing.matches import in_order

ANY = hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(-100, 100))
NEARLY = st.tuples(ANY.map(np.sort), st.integers(0, 39), st.integers(-20, 20)).map(
    lambda made: np.where(np.arange(len(made[0])) == made[1], made[0] + made[2], made[0])
)
STRATEGIES = {
    "closest": closest,
    "nearest": lambda times, reference: nearest(times, reference, within=9),
    "latest": latest,
    "interpolate": lambda times, reference: interpolate(times, reference, gap_ns=15),
}


@pytest.fixture
def blocks(monkeypatch):
    return lambda size: monkeypatch.setattr(matches, "BLOCK", size)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_blocks_leave_no_seam(name, size, blocks):
    @given(ANY.map(np.sort), ANY.map(np.sort))
    def check(times, reference):
        blocks(8192)
        whole = STRATEGIES[name](times, reference)
        blocks(size)
        pieces = STRATEGIES[name](times, reference)
        for column in ("index", "skew_ns", "index_after", "weight_after"):
            assert np.array_equal(getattr(whole, column), getattr(pieces, column))

    check()


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("size", [1, 3, 8192])
def test_times_that_go_back_are_found_wherever_they_are(name, size, blocks):
    @given(st.one_of(ANY, NEARLY), ANY.map(np.sort))
    def check(times, reference):
        blocks(size)
        back = np.flatnonzero(np.diff(times) < 0) + 1
        if len(back) == 0:
            STRATEGIES[name](times, reference)
            return
        with pytest.raises(TimingError) as caught:
            STRATEGIES[name](times, reference)
        assert caught.value.code == "timing.not-ascending"
        assert caught.value.facts["sample"] in back

    check()


@pytest.mark.parametrize("at", range(1, 30))
def test_a_single_step_back_between_blocks_is_found(at, blocks):
    blocks(1)
    times = np.arange(30) * 10
    times[at:] -= 11  # the one step back
    for moment in range(-20, 320, 7):
        with pytest.raises(TimingError):
            closest(times, np.array([0, moment]) if moment > 0 else np.array([moment, 0]))


@given(ANY)
def test_in_order_gives_what_was_recorded_back(times):
    ordered, place = in_order(times)
    assert (np.diff(ordered) >= 0).all()
    assert (place is None) == bool((np.diff(times) >= 0).all())
    assert (times if place is None else times[place]).tolist() == ordered.tolist()
