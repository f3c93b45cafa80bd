"""A recording → its streams over time, with what was found marked where it is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rushes.errors import RushesError
from rushes.model import Finding, Times
from rushes.quantities import say_count
from rushes.report import amounts
from rushes.report.page import Html, element, figure
from rushes.report.plots import Lane, Stretch, lanes
from rushes.workflow.dataset import Dataset

MOST = 24
"""Streams that are drawn of one recording; those with findings and the most samples."""
APART = 3
"""Streams share an axis unless they lie apart by more than so many lengths of the longer one."""


def timelines(
    dataset: Dataset, recording_id: str, streams: Sequence[Mapping[str, Any]], found: Sequence[Finding]
) -> list[Html]:
    """Draw the streams of a recording, those whose clocks tell of the same time on one axis."""
    by_stream: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        if finding.stream is not None:
            by_stream[finding.stream].append(finding)
    chosen = sorted(streams, key=lambda row: (row["stream"] not in by_stream, -row["count"]))[:MOST]
    names = {row["stream"] for row in chosen if row["count"] > 1}
    drawn: list[tuple[Times, Lane]] = []
    for row in streams:
        if row["stream"] not in names:
            continue
        try:
            times = dataset.times(recording_id, row["stream"])
        except RushesError:  # it has no times
            continue
        if len(times):
            drawn.append((times, _lane(row, times, by_stream[row["stream"]])))
    return [_axis(group) for group in _together(drawn)]


def _lane(row: Mapping[str, Any], times: Times, found: Sequence[Finding]) -> Lane:
    marked = []
    for finding in found:
        if finding.index is None or not 0 <= finding.index < len(times):
            continue
        start = int(times[finding.index])
        if finding.check == "stream.gap" and finding.end_ns is not None and finding.start_ns is not None:
            start, end = (
                start - (finding.end_ns - finding.start_ns),
                start,
            )  # it ends with the sample that it names
        elif finding.end_ns is not None and finding.start_ns is not None:
            end = start + max(finding.end_ns - finding.start_ns, 0)
        else:
            end = int(times[min(finding.index + finding.count - 1, len(times) - 1)])
        marked.append(Stretch(start_ns=start, end_ns=max(end, start), title=finding.message))
    return Lane(
        label=row["stream"],
        note=say_count(row["count"], "sample"),
        kind=row["modality"],
        count=len(times),
        times=times,
        marked=tuple(marked),
    )


def _together(drawn: Sequence[tuple[Times, Lane]]) -> list[list[tuple[Times, Lane]]]:
    groups: list[tuple[int, int, list[tuple[Times, Lane]]]] = []
    for times, lane in sorted(drawn, key=lambda item: int(item[0].min())):
        first, last = int(times.min()), int(times.max())
        if groups and first - groups[-1][1] <= APART * max(groups[-1][1] - groups[-1][0], last - first, 10**9):
            start, end, members = groups[-1]
            groups[-1] = (start, max(end, last), [*members, (times, lane)])
        else:
            groups.append((first, last, [(times, lane)]))
    return [members for _, _, members in groups]


def _axis(group: Sequence[tuple[Times, Lane]]) -> Html:
    start = min(int(np.min(times)) for times, _ in group)
    end = max(int(np.max(times)) for times, _ in group)
    title = f"{amounts.span(end - start)} from {amounts.instant(start)}"
    drawing = lanes([lane for _, lane in group], start_ns=start, end_ns=end, label=f"Time line, {title}")
    return figure(drawing, element("span", title))
