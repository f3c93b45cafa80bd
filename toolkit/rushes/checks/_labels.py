"""What the checks of labels share: who made a label, which belong together, and how a finding names one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import MOST
from rushes.model import Finding, Severity
from rushes.views import ABSENT_NS, LabelsView

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MAKER = ("source", "tool", "author")
"""Columns that tell one maker of labels from another; several may label the same frames."""


def groups(view: LabelsView, *names: str) -> Places:
    """Number the labels so that those equal in all the named columns, and no others, have one number."""
    number = np.zeros(len(view), np.int64)
    for name in names:
        column = view.columns[name]
        codes = coded(column) if column.dtype == object else np.unique(column, return_inverse=True)[1]
        number = np.unique(number * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1]
    return number


def coded(texts: npt.NDArray[Any]) -> Places:
    """Number texts in the order of their first appearance; None is one of them."""
    seen: dict[Any, int] = {}
    return np.fromiter((seen.setdefault(text, len(seen)) for text in texts), np.int64, len(texts))


def given(column: npt.NDArray[Any]) -> Flags:
    """Tell which texts are there; shape (n,)."""
    return np.fromiter((text is not None for text in column), np.bool_, len(column))


def people(view: LabelsView) -> Flags:
    """Tell which labels a model did not make by itself; shape (n,)."""
    return np.asarray(view.columns["source"] != "model", np.bool_)


def sides(view: LabelsView) -> tuple[Values, Values]:
    """Give width and height of every label; NaN where it has no place in a picture."""
    left, top, right, bottom = view.bounds.T
    return right - left, bottom - top


def name_of(view: LabelsView, at: int) -> str:
    """Name a label as a person would look for it: its class or kind, and its id."""
    what = view.columns["class_name"][at] or view.columns["kind"][at]
    return f"{what} {view.columns['label_id'][at]}"


def where(view: LabelsView, at: int) -> str:
    """Say where a label is: its stream and frame, before what is said of it."""
    stream, index = view.columns["stream"][at], int(view.columns["index"][at])
    place = f"{stream}: " if stream is not None else ""
    return place + (f"frame {index}: " if index >= 0 else "")


def told(
    view: LabelsView,
    at: Sequence[int] | Places,
    *,
    check: str,
    severity: Severity,
    say: Callable[[int], str],
    values: Values | None = None,
    limit: float | None = None,
    unit: str | None = None,
    rank: Values | None = None,
) -> Iterator[Finding]:
    """Give a finding for each of the worst labels, and one more that sums up the rest.

    Args:
        view: The labels.
        at: Rows of the labels that are faulty.
        check: Id of the check.
        severity: Of each finding.
        say: Completes "cam0: frame 3: hand 5e…: …" for the label in a row.
        values: What was measured, one for each of ``at``.
        limit: What it was held against.
        unit: Of values and limit.
        rank: How bad each is, the worst largest; the order of ``at`` where absent.
    """
    rows = np.asarray(at, np.int64)
    order = np.arange(len(rows)) if rank is None else np.argsort(-rank, kind="stable")
    for place in np.sort(order[:MOST]).tolist():
        row = int(rows[place])
        yield _finding(
            view, row, check, severity, f"{where(view, row)}{name_of(view, row)}: {say(row)}", 1,
            values, place, limit, unit,
        )  # fmt: skip
    rest = order[MOST:]
    if len(rest):
        place = int(rest[0])
        row = int(rows[place])
        stream = view.columns["stream"][row]
        one = "label" if len(rest) == 1 else "labels"
        words = f"{len(rest):,} more {one}, such as {name_of(view, row)}: {say(row)}"
        start = f"{stream}: " if stream is not None else ""
        yield _finding(view, row, check, severity, start + words, len(rest), values, place, limit, unit)


def _finding(
    view: LabelsView,
    row: int,
    check: str,
    severity: Severity,
    message: str,
    count: int,
    values: Values | None,
    place: int,
    limit: float | None,
    unit: str | None,
) -> Finding:
    columns = view.columns
    index, start, end = (int(columns[name][row]) for name in ("index", "t_start_ns", "t_end_ns"))
    return Finding(
        check=check,
        severity=severity,
        message=message,
        value=None if values is None else float(values[place]),
        limit=limit,
        unit=unit if values is not None else None,
        stream=columns["stream"][row],
        index=index if index >= 0 else None,
        start_ns=start if start != ABSENT_NS else None,
        end_ns=end if end != ABSENT_NS else start if start != ABSENT_NS else None,
        count=count,
        label_id=columns["label_id"][row],
    )
