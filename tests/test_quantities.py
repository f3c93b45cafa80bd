"""Numbers with units are read exactly and said shortly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.quantities import duration_ns, say_bytes, say_count, say_drift, say_ns


@given(st.integers(0, 10**12), st.sampled_from([("ns", 1), ("us", 10**3), ("ms", 10**6)]))
def test_whole_durations_are_exact(number: int, unit: tuple[str, int]) -> None:
    if number * unit[1] < 2**53:
        assert duration_ns(f"{number}{unit[0]}") == number * unit[1]


@pytest.mark.parametrize("text", ["10", "ms", "ten ms", "-1ms", "1e3ms", ""])
def test_a_duration_without_number_or_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        duration_ns(text)


def test_lengths_of_time_are_said_with_a_fitting_unit() -> None:
    assert [say_ns(n) for n in (None, 5, 16_700_000, 2_000_000_000)] == ["", "5 ns", "16.7 ms", "2 s"]


def test_sizes_are_said_in_powers_of_a_thousand() -> None:
    assert [say_bytes(n) for n in (12, 1_400_000_000, 999_999)] == ["12 B", "1.4 GB", "1 MB"]


def test_counts_know_one_from_many() -> None:
    assert (say_count(1, "frame"), say_count(1351, "frame")) == ("1 frame", "1,351 frames")


@pytest.mark.parametrize(
    ("ppm", "wide", "said"),
    [
        (-12.284, 2.71, "-12.3 ± 2.7"),
        (-77.8, 222.4, "-78 ± 222"),
        (40.0, 0.0213, "+40.000 ± 0.021"),
        (1.5, None, "+1.50"),
    ],
)
def test_a_drift_is_said_as_far_as_it_is_known(ppm, wide, said):
    assert say_drift(ppm, wide) == said
