"""Times that the names of image files hold: 1305031102.175304.png, CAM_FRONT__1532402927612460.jpg."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from rushes.model import Times
from rushes.readers._files.exact_time import DIGITS, Unit, exact_ns

_MAYBE = re.compile(r"\d\.\d{3}|\d{12}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FROM_NS, _TO_NS = 946_684_800_000_000_000, 4_102_444_800_000_000_000  # 2000 to 2100
_LONGEST_STEP_NS = 3_600_000_000_000  # numbers of pictures in the net have the size of dates too, but no order
_LEAST_DECIMALS = 3


def may_hold_times(files: Sequence[str]) -> bool:
    """Look at one name only, whether it is worth to look at all."""
    return len(files) > 1 and bool(_MAYBE.search(files[0]))


def times_of_names(files: Sequence[str]) -> tuple[Times, str] | None:
    """Read the times that the names of images are made of, to the nanosecond; None where they hold none.

    A number in the names is a time where every file has it, no two the same, and it is a date from 2000 to 2099
    in s with decimals, ms, us or ns, or else seconds with at least three decimals; half of the steps are
    shorter than an hour. Of several such numbers the last is meant.

    Args:
        files: Names of at least two images, in the order in which the times shall come.

    Returns:
        Shape (n,) nanoseconds, and in words what they were read from.
    """
    if not may_hold_times(files):
        return None
    rows = [_NUMBER.findall(PurePosixPath(file).stem) for file in files]
    for place in range(1, min(map(len, rows)) + 1):
        found = _read([row[-place].encode() for row in rows])
        if found is not None:
            return found
    return None


def _read(texts: list[bytes]) -> tuple[Times, str] | None:
    decimals = [len(text.partition(b".")[2]) for text in texts]
    if any(decimals):
        t_ns, readable = exact_ns(texts, "s")
        dated = bool(readable.all()) and _are_dates(t_ns)
        exact = min(decimals) >= _LEAST_DECIMALS
        return (t_ns, "times from the names of the files, in s") if (dated or exact) and _are_times(t_ns) else None
    units: tuple[Unit, ...] = ("ms", "us", "ns")
    lengths = {len(text) for text in texts}
    for unit in units:
        if not lengths <= {18 - DIGITS[unit], 19 - DIGITS[unit]}:
            continue
        t_ns, readable = exact_ns(texts, unit)
        if readable.all() and _are_dates(t_ns) and _are_times(t_ns):
            return t_ns, f"times from the names of the files, dates in {unit}"
    return None


def _are_dates(t_ns: Times) -> bool:
    return bool(((t_ns >= _FROM_NS) & (t_ns < _TO_NS)).all())


def _are_times(t_ns: Times) -> bool:
    ordered = np.sort(t_ns)
    steps = np.diff(ordered)
    return bool((steps > 0).all()) and float(np.median(steps)) <= _LONGEST_STEP_NS
