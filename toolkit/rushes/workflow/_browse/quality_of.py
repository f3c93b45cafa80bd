"""What the checks found, by check, and how the measures of the pictures are spread."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from rushes.browse.desk import CheckCount, Measure, Quality
from rushes.resources import load_yaml
from rushes.workflow.dataset import Dataset

BINS = 40
MEASURES = ("sharpness", "mean", "std", "dark_share", "bright_share", "entropy", "difference", "spread", "holes")
"""Measures of the pictures whose spread is shown, in this order, where any picture has them."""

LOGARITHMIC = frozenset({"sharpness", "difference"})
"""Measures over several powers of ten; their bins are equal in the logarithm."""

WORST_FIRST = ("error", "warning", "info")

_FINDINGS = """
SELECT f."check", severity, count(*), coalesce(sum(f."count") FILTER (f.index IS NOT NULL), 0),
  list(DISTINCT f.recording_id) FILTER (f.recording_id <> ''), min(message),
  bool_or(f.index IS NOT NULL AND s."table" = 'frames')
FROM findings f LEFT JOIN streams s ON s.recording_id = f.recording_id AND s.stream = f.stream
GROUP BY ALL
"""


def quality_of(dataset: Dataset) -> Quality:
    """Read findings and measures of all recordings."""
    findings = list(counted(dataset, _FINDINGS))
    checked = bool(findings) or bool(len(dataset.arrow("metrics", columns=["check"])))
    return Quality(findings=findings, measures=list(_measures(dataset)), checked=checked)


def counted(dataset: Dataset, query: str) -> Iterator[CheckCount]:
    """Give the findings by check and severity, the worst and most frequent first."""
    _, rows = dataset.store.rows(query)
    rows.sort(key=lambda row: (WORST_FIRST.index(row[1]), -row[2], row[0]))
    for check, severity, findings, samples, recordings, example, of_frames in rows:
        yield CheckCount(
            check=check,
            severity=severity,
            findings=findings,
            samples=samples,
            recordings=sorted(recordings or ()),
            example=example,
            of_frames=bool(of_frames),
        )


def _measures(dataset: Dataset) -> Iterator[Measure]:
    about = {column["name"]: column for column in load_yaml("tables/v1/pictures.yaml")["columns"]}
    pictures = dataset.arrow("pictures", columns=MEASURES)
    for name in MEASURES:
        column = pictures[name]
        values = np.asarray(column.drop_null().to_numpy(), np.float64)
        if len(values):
            yield _measure(name, about[name], values, absent=column.null_count)


def _measure(name: str, about: dict[str, Any], values: np.ndarray[Any, Any], *, absent: int) -> Measure:
    low, high = float(values.min()), float(values.max())
    logarithmic = name in LOGARITHMIC and high > 0
    if logarithmic:
        least = max(float(values[values > 0].min()), high * 1e-6)
        edges = np.geomspace(least, max(high, least * 1.001), BINS + 1)
    else:
        edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)  # nought stands in the lowest bin
    return Measure(
        name=name,
        unit=about.get("unit", ""),
        meaning=about["doc"],
        counts=counts,
        edges=np.asarray(edges, np.float64),
        logarithmic=logarithmic,
        absent=absent,
    )
