"""The time of damaged bytes: whatever lay in them happened within it, and it is no wider than it must be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rushes.model import Loss
from rushes.readers._lost_time import Landmarks


@given(
    gaps=st.lists(st.integers(1, 50), min_size=3, max_size=80),
    group=st.integers(1, 6),
    hole=st.tuples(st.integers(0, 100), st.integers(1, 20)),
)
def test_what_was_lost_lies_within_the_span_however_it_was_stored(gaps, group, hole):
    times = np.cumsum(gaps)
    stored = np.concatenate([times[at : at + group][::-1] for at in range(0, len(times), group)])
    first = hole[0] % (len(stored) - 1)
    last = min(first + hole[1], len(stored))
    place = np.arange(len(stored)) * 10
    marks = Landmarks(start_ns=int(times[0]), end_ns=int(times[-1]))
    kept = np.delete(np.arange(len(stored)), np.s_[first:last])
    # Enough must be left on either side for the way of storing to show.
    if first < 2 * group or len(stored) - last < 2 * group:
        return
    marks.note(place[kept], place[kept] + 10, stored[kept])

    start, end = marks.span_of(first * 10, last * 10)

    assert start is not None
    assert end is not None
    assert (start <= stored[first:last]).all()
    assert (stored[first:last] <= end).all()


@given(times=st.lists(st.integers(0, 10**18), min_size=3, max_size=40, unique=True), place=st.integers(0, 1000))
def test_in_a_file_in_order_the_span_is_that_of_the_neighbours(times, place):
    times = sorted(times)
    lost = 1 + place % (len(times) - 2)
    marks = Landmarks()
    for i, t_ns in enumerate(times):
        if i != lost:
            marks.note(i * 10, i * 10 + 10, t_ns)

    (dated,) = marks.dated([Loss(code="read.damaged", message="", byte_from=lost * 10, byte_to=lost * 10 + 10)])

    assert (dated.start_ns, dated.end_ns) == (times[lost - 1], times[lost + 1])


def test_damage_at_an_end_reaches_to_what_the_file_says_of_it():
    marks = Landmarks(start_ns=0, end_ns=100)
    marks.note(10, 20, 40, 60)

    assert marks.span_of(0, 10) == (0, 40)
    assert marks.span_of(20, None) == (60, 100)
    assert Landmarks().span_of(0, 10) == (None, None)
    assert marks.whole_ns == (40, 60)


def test_a_time_that_is_known_already_is_kept():
    marks = Landmarks()
    marks.note(0, 10, 1)
    marks.note(20, 30, 9)
    known = Loss(code="read.damaged", message="", byte_from=10, byte_to=20, start_ns=3, end_ns=4)

    assert marks.dated([known]) == [known]
