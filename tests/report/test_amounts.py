"""Amounts are read without counting zeros."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.report import amounts


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [
        (0, "0 s"),
        (31, "31 ns"),
        (1_500, "1.5 µs"),
        (33_400_000, "33.4 ms"),
        (21_700_086_257, "21.700 s"),
        (145_595_000_000, "2 min 25.6 s"),
        ((3 * 60 + 4) * 60 * 10**9, "3 h 04 min"),
        (-3_200_000, "−3.2 ms"),
        (1747930377103 * 10**6, "55.4 years"),
    ],
)
def test_spans(nanoseconds: int, words: str) -> None:
    assert amounts.span(nanoseconds) == words


def test_rates_keep_what_tells_30_from_29_97() -> None:
    assert amounts.rate(29.997) == "29.997 Hz"
    assert amounts.rate(99.06) == "99.06 Hz"
    assert amounts.rate(None) == "–"


def test_an_instant_is_a_date_only_where_it_can_be_one() -> None:
    assert amounts.instant(1_747_930_377_103_000_000) == "2025-05-22 16:12:57.103 UTC"
    assert amounts.instant(1_747_930_377_103) == "1,747.930 s"


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_any_time_can_be_told(nanoseconds: int) -> None:
    assert amounts.span(nanoseconds)
    assert amounts.instant(nanoseconds)
