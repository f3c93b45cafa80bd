"""Written times become exact nanoseconds."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.readers._files.exact_time import (
    DIGITS,
    exact_ns,
    pts_ns,
    unit_of_name,
    unit_of_values,
    wall_ns,
)

WRITTEN = st.decimals(-9_000_000_000, 9_000_000_000, places=11, allow_nan=False) | st.decimals(
    0, 2_000_000_000, places=6, allow_nan=False
)


@given(numbers=st.lists(WRITTEN, min_size=1, max_size=20), unit=st.sampled_from(list(DIGITS)))
def test_every_number_is_the_one_that_decimal_arithmetic_gives(numbers: list[Decimal], unit: str) -> None:
    values, readable = exact_ns([f"{number:f}".encode() for number in numbers], unit)
    expected = [
        int((number * 10 ** DIGITS[unit]).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)) for number in numbers
    ]
    assert values.tolist() == expected
    assert readable.all()


def test_the_seconds_of_a_real_list_keep_every_digit() -> None:
    values, _ = exact_ns([b"1305031225.727159", b"1305031225.9334"])
    assert values.tolist() == [1305031225727159000, 1305031225933400000]
    assert round(1305031225.727159 * 1e9) != 1305031225727159000  # what a float makes of it


@pytest.mark.parametrize(
    "text", [b"", b"x", b"nan", b"inf", b"1.2.3", b"--1", b"9223372036.854775808", b"1e300", b"."]
)
def test_what_is_no_time_is_told_apart_and_costs_no_other(text: bytes) -> None:
    values, readable = exact_ns([b"1.5", text, b"2.5"])
    assert readable.tolist() == [True, False, True]
    assert values.tolist() == [1_500_000_000, 0, 2_500_000_000]


def test_exponents_signs_and_bare_points_are_understood() -> None:
    values, readable = exact_ns([b"1.305031e9", b"-2.5", b"+1", b".5", b"1."])
    assert values.tolist() == [
        1_305_031_000_000_000_000,
        -2_500_000_000,
        1_000_000_000,
        500_000_000,
        1_000_000_000,
    ]
    assert readable.all()


def test_the_largest_time_fits_and_the_next_does_not() -> None:
    values, readable = exact_ns([b"9223372036854775807", b"9223372036854775808", b"00009223372036854775807"], "ns")
    assert readable.tolist() == [True, False, True]
    assert values[0] == values[2] == np.iinfo(np.int64).max


@given(
    pts=st.lists(st.integers(-(2**33), 2**33), min_size=1, max_size=20),
    base=st.sampled_from(
        [(1, 90_000), (1, 1000), (1001, 30_000), (1, 44_100), (1, 1_000_000), (1, 1), (1, 11_456)]
    ),
)
def test_container_times_are_rounded_half_to_even_from_exact_fractions(
    pts: list[int], base: tuple[int, int]
) -> None:
    found = pts_ns(np.array(pts, np.int64), Fraction(*base))
    assert found.tolist() == [round(Fraction(p) * Fraction(*base) * 10**9) for p in pts]


def test_dates_keep_their_nanoseconds() -> None:
    values, readable = wall_ns([b"2011-09-26 13:02:25.964389445", b"1970-01-01 00:00:01", b"yesterday", b""])
    assert values.tolist() == [1317042145964389445, 1_000_000_000, 0, 0]
    assert readable.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("#timestamp [ns]", "ns"),
        ("t_us", "us"),
        ("time (s)", "s"),
        ("time [ms]", "ms"),
        ("timestamp", None),
        ("frames", None),
        ("status", None),
        ("t_ns", "ns"),
        ("sec", "s"),
    ],
)
def test_a_column_tells_its_unit_by_its_name_or_not_at_all(name: str, unit: str | None) -> None:
    assert unit_of_name(name) == unit


@pytest.mark.parametrize(
    ("texts", "unit"),
    [
        ([b"0.000000", b"0.103"], "s"),
        ([b"1403715273262142976", b"1403715273312143104"], "ns"),
        ([b"1403715273262142", b"1403715273312143"], "us"),
        ([b"1403715273262", b"1403715273312"], "ms"),
        ([b"1403715273", b"1403715274"], "s"),
        ([b"0", b"33", b"67", b"100"], "ms"),
        ([b"0", b"33333", b"66667"], "us"),
        ([b"0", b"33333333", b"66666667"], "ns"),
        ([b"0", b"1", b"2"], "s"),
    ],
)
def test_times_that_do_not_say_their_unit_are_judged_by_size_then_by_step(texts: list[bytes], unit: str) -> None:
    assert unit_of_values(texts)[0] == unit
