"""Lines of text that a device sends → columns of numbers, exact times and texts.

A line is one sample, in JSON or CSV. What its fields are is said by :class:`LineForm`, and a line that is not so
has a fault. Times are read exactly: they never pass through a float.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

LONGEST_BYTES = 65_536
"""A line that is longer is garbage: a device that sends something else has no line ends."""
CLOCK_UNITS_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_SHOWN = 60
_INT64 = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class LineForm:
    """What the lines of a device are.

    Args:
        columns: Names of the fields: of CSV in their order, of JSON its keys.
        numbers: Those of them that are numbers and go on, in this order.
        clock, clock_unit_ns: Field that is the device's time, and its unit.
        seq: Field that is the device's own count.
        text: Field that is a text; a line in which it is empty has none.
    """

    kind: Literal["json", "csv"]
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    clock: str | None = None
    clock_unit_ns: int = 1
    seq: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line says; ``numbers`` in the order of the form, NaN where nothing was measured."""

    numbers: tuple[float, ...]
    device_ns: int | None = None
    seq: int | None = None
    text: str = ""
    more: tuple[str, ...] = field(default=())
    """Names of fields that the form does not know; JSON alone can have them."""


class NoLineError(ValueError):
    """A line is not of the form; the reason is its message."""


Value: TypeAlias = str | int | float | Decimal | None


class LineCutter:
    """Cuts what arrives into lines; the last piece is kept until its end comes."""

    def __init__(self) -> None:
        self._held = b""
        self._begun = False
        self._flooded = False

    def feed(self, data: bytes) -> tuple[list[bytes], int]:
        """Give whole lines without their ends, and how many were too long.

        The first piece is left out: it may be the rest of a line that began before the recording.
        """
        *lines, held = (self._held + data).split(b"\n")
        overlong = 0
        if lines and not self._begun:
            self._begun = True
            del lines[0]
            self._flooded = False
        elif lines and self._flooded:
            self._flooded = False
            del lines[0]
        if len(held) > LONGEST_BYTES:
            overlong = 1 if self._begun and not self._flooded else 0
            self._flooded, held = True, b""
        self._held = held
        return [line.strip() for line in lines if line.strip()], overlong


def read_line(line: bytes, form: LineForm) -> Line:
    """Read one line.

    Raises:
        NoLineError: If it is not of the form, with the reason and the line.
    """
    try:
        given, more = _json(line, form) if form.kind == "json" else (_csv(line, form), ())
        return Line(
            numbers=tuple(_number(given[name], name) for name in form.numbers),
            device_ns=None if form.clock is None else _whole(given[form.clock], form.clock_unit_ns),
            seq=None if form.seq is None else _whole(given[form.seq], 1),
            text="" if form.text is None or given[form.text] is None else str(given[form.text]),
            more=more,
        )
    except (ValueError, InvalidOperation, OverflowError, RecursionError) as error:
        raise NoLineError(f"{shown(line)} ({error})") from error


def shown(line: bytes) -> str:
    """Quote a line for a message: its beginning, with what cannot be printed as escapes."""
    text = line[:_SHOWN].decode("utf-8", "backslashreplace")
    return repr(text) + (" …" if len(line) > _SHOWN else "")


def _csv(line: bytes, form: LineForm) -> Mapping[str, Value]:
    """Split at commas; the text may hold some, if it is the last field."""
    most = len(form.columns) - 1 if form.columns and form.text == form.columns[-1] else -1
    fields = line.decode("utf-8").split(",", most)
    if len(fields) != len(form.columns):
        raise ValueError(f"{len(fields)} fields, not {len(form.columns)}")
    return dict(zip(form.columns, map(str.strip, fields), strict=True))


def _json(line: bytes, form: LineForm) -> tuple[Mapping[str, Value], tuple[str, ...]]:
    said: Any = json.loads(line, parse_float=Decimal)
    if isinstance(said, list):
        if len(said) != len(form.columns):
            raise ValueError(f"{len(said)} values, not {len(form.columns)}")
        said = dict(zip(form.columns, said, strict=True))
    if not isinstance(said, dict):
        raise ValueError("neither an object nor a list")
    lacking = [name for name in form.columns if name not in said]
    if lacking:
        raise ValueError(f"no {lacking[0]}")
    return said, tuple(name for name in said if name not in form.columns)


def _number(value: Value, name: str) -> float:
    if value is None or value == "":
        return math.nan
    if isinstance(value, str | int | float | Decimal):
        return float(value)
    raise ValueError(f"{name} is no number")


def _whole(value: Value, unit: int) -> int:
    """Give a count in whole units of one, exactly; fractions of the smallest are rounded towards zero."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        whole = int(value) * unit  # as most devices write it, and ten times faster than the general way
    elif isinstance(value, int) and not isinstance(value, bool):
        whole = value * unit
    elif isinstance(value, str | Decimal):
        exact = Decimal(value)
        if not exact.is_finite() or exact.adjusted() > 20:
            raise ValueError(f"{value} is no time or count")
        whole = int(exact * unit)
    else:
        raise ValueError(f"{value!r} is no time or count")
    if abs(whole) >= _INT64:
        raise ValueError(f"{value} does not fit 64 bits")
    return whole


def names_of(columns: str | Sequence[str]) -> tuple[str, ...]:
    """Give the names in ``"t, ax, ay"``."""
    parts = columns.split(",") if isinstance(columns, str) else columns
    return tuple(part.strip() for part in parts)
