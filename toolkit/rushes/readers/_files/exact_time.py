"""Exact nanoseconds from written times; no number passes through a float.

A double holds 1305031225.727159 s only to 240 ns, so decimal digits are moved as integers. Digits beyond the
nanosecond are rounded half to even.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.model import Times

Unit: TypeAlias = Literal["s", "ms", "us", "ns"]
DIGITS: dict[Unit, int] = {"s": 9, "ms": 6, "us": 3, "ns": 0}
"""Decimal places from a unit to the nanosecond."""

_INT64_MAX = np.iinfo(np.int64).max
_NAMED_UNIT = re.compile(
    r"(?:[\[(_ ]|^)(ns|nsec|nanoseconds?|us|usec|µs|ms|msec|s|sec|seconds?)[\])]?$", re.IGNORECASE
)
_UNIT_NAMES: dict[str, Unit] = {"n": "ns", "u": "us", "µ": "us", "m": "ms", "s": "s"}


def exact_ns(texts: Sequence[bytes], unit: Unit = "s") -> tuple[Times, npt.NDArray[np.bool_]]:
    """Turn written numbers into int64 nanoseconds.

    Args:
        texts: n numbers as written, such as ``b"1305031225.727159"``; exponents and signs are understood.
        unit: What the numbers count.

    Returns:
        Shape (n,) nanoseconds, and shape (n,) whether each could be read; where not, its value is 0.
    """
    if not len(texts):
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    written = np.asarray(texts, dtype=np.bytes_)
    if written.dtype.itemsize == 0:
        return np.zeros(len(written), np.int64), np.zeros(len(written), np.bool_)
    values, readable = _plain_decimals(written, DIGITS[unit])
    for place in np.flatnonzero(~readable):
        value = _any_decimal(bytes(written[place]), DIGITS[unit])
        if value is not None:
            values[place], readable[place] = value, True
    return values, readable


def wall_ns(texts: Sequence[bytes]) -> tuple[Times, npt.NDArray[np.bool_]]:
    """Turn written dates, ``2011-09-26 13:02:25.964389445``, into nanoseconds since 1970; as :func:`exact_ns`.

    No time zone is applied.
    """
    values, readable = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    for place, text in enumerate(texts):
        try:
            moment = np.datetime64(text.decode("ascii").strip(), "ns")
        except ValueError:
            continue
        if not np.isnat(moment):
            values[place], readable[place] = moment.astype(np.int64), True
    return values, readable


def pts_ns(pts: Times, time_base: Fraction) -> Times:
    """Turn time stamps of a container into nanoseconds: pts × time base, rounded half to even.

    Raises:
        OverflowError: If a time does not fit 64 bits (292 years).
    """
    numerator, denominator = time_base.numerator * 1_000_000_000, time_base.denominator
    divisor = int(np.gcd(numerator, denominator)) if numerator < _INT64_MAX else 1
    numerator, denominator = numerator // divisor, denominator // divisor
    if denominator == 1 and len(pts) and int(np.abs(pts).max()) * numerator <= _INT64_MAX:
        return pts * np.int64(numerator)
    exact = (round(Fraction(value * numerator, denominator)) for value in pts.tolist())
    return np.fromiter(exact, np.int64, len(pts))


def largest_pts(time_base: Fraction) -> int:
    """Give the largest time stamp whose nanoseconds fit 64 bits."""
    return _INT64_MAX * time_base.denominator // (time_base.numerator * 1_000_000_000)


def unit_of_name(column: str) -> Unit | None:
    """Read the unit out of a column's name: ``timestamp [ns]``, ``t_us``, ``time (s)``; None if it says none."""
    found = _NAMED_UNIT.search(column.strip())
    return _UNIT_NAMES[found[1][0].lower()] if found else None


def unit_of_values(texts: Sequence[bytes]) -> tuple[Unit, str]:
    """Guess the unit of times that do not say theirs, and tell why.

    In this order: a decimal point means seconds; a number of the size of today's date since 1970 is that date
    in s, ms, us or ns; else the first of s, ms, us, ns in which the median step lies between 1 ms and 10 s;
    else seconds.
    """
    if any(b"." in text for text in texts[:100]):
        return "s", "the times have a decimal point: seconds"
    values, readable = exact_ns(texts, "ns")
    values = values[readable]
    if not len(values):
        return "s", "no time can be read"
    middle = float(np.median(np.abs(values)))
    sizes: tuple[tuple[Unit, float], ...] = (("ns", 1e17), ("us", 1e14), ("ms", 1e11), ("s", 5e8))
    for unit, least in sizes:
        if middle >= least:
            return unit, f"the times have the size of a date in {unit}"
    step = float(np.median(np.abs(np.diff(values)))) if len(values) > 1 else 0.0
    units: tuple[Unit, ...] = ("s", "ms", "us", "ns")
    for unit in units:
        if 1e6 <= step * 10 ** DIGITS[unit] <= 1e10:
            return unit, f"the median step of {step:g} is a likely interval in {unit}"
    return "s", "nothing tells the unit: seconds assumed"


def _plain_decimals(written: npt.NDArray[np.bytes_], digits: int) -> tuple[Times, npt.NDArray[np.bool_]]:
    """Move digits column by column for all rows at once; rows that need more thought are left unreadable."""
    count, width = len(written), written.dtype.itemsize
    characters = np.ascontiguousarray(written).view(np.uint8).reshape(count, width)
    value: npt.NDArray[np.uint64] = np.zeros(count, np.uint64)
    places = np.full(count, digits, np.int64)  # that still follow, once the point is seen
    taken = np.zeros(count, np.int64)
    fraction = np.zeros(count, np.bool_)
    readable = np.ones(count, np.bool_)
    for column in range(width):
        character = characters[:, column]
        digit = (character >= 48) & (character <= 57)
        point = character == 46
        take = digit & (~fraction | (places > 0)) & (taken < 19)
        readable &= take | (point & ~fraction) | (character == 0) | (digit & fraction & (character == 48))
        value = np.where(take, value * np.uint64(10) + (character - np.uint8(48)), value)
        taken += take & ((value > 0) | fraction)
        places -= take & fraction
        fraction |= point
    readable &= (taken + places <= 19) & (characters[:, 0] != 0) & (characters[:, 0] != 46)
    value *= np.power(np.uint64(10), np.clip(places, 0, 19).astype(np.uint64))
    readable &= value <= np.uint64(_INT64_MAX)
    return np.where(readable, value, 0).astype(np.int64), readable


def _any_decimal(text: bytes, digits: int) -> int | None:
    try:
        scaled = Decimal(text.decode("ascii").strip()).scaleb(digits)
        if abs(scaled) > _INT64_MAX:  # also True for an infinity; a NaN raises
            return None
        return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    except (InvalidOperation, UnicodeDecodeError):
        return None
