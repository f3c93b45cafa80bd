"""Measures of streams' times for the tables: rate, jitter, gaps, order, and how far streams overlap."""

from collections.abc import Iterator, Mapping

from rushes.intervals import describe
from rushes.model import Metric, Times
from rushes.timing.pairing import Pairing


def stream_metrics(stream: str, times: Times) -> Iterator[Metric]:
    """Measure one stream's times, in recorded order; what cannot be measured is left out."""
    timeline = describe(times)
    values: list[tuple[str, float | None, str]] = [
        ("rate", timeline.rate_hz, "Hz"),
        ("interval", timeline.interval_ns, "ns"),
        ("jitter_p50", timeline.jitter_p50, "interval"),
        ("jitter_p95", timeline.jitter_p95, "interval"),
        ("jitter_p99", timeline.jitter_p99, "interval"),
        ("longest_gap", timeline.longest_gap_ns, "ns"),
        ("gaps", timeline.gaps, "1"),
        ("missing", timeline.missing, "1"),
        ("backward", timeline.backward, "1"),
        ("repeated_times", timeline.repeated, "1"),
    ]
    for metric, value, unit in values:
        if value is not None and timeline.interval_ns is not None:
            yield Metric(metric=metric, value=float(value), unit=unit, stream=stream)


def pairing_metrics(pairing: Pairing) -> Iterator[Metric]:
    """Put one stream's fit to the reference into measures; what is not known is left out."""
    moments = pairing.matched + pairing.unmatched_moments
    values: list[tuple[str, float | None, str]] = [
        ("moment_coverage", pairing.matched / moments if moments else None, "1"),
        ("samples_in_moments", pairing.matched / pairing.samples if pairing.samples else None, "1"),
        ("skew_p50", pairing.skew_p50_ns, "ns"),
        ("skew_p95", pairing.skew_p95_ns, "ns"),
        ("skew_max", pairing.skew_max_ns, "ns"),
        ("skew_median_signed", pairing.skew_median_ns, "ns"),
        ("phase_margin", pairing.phase_margin, "1"),
    ]
    for metric, value, unit in values:
        if value is not None:
            yield Metric(metric=metric, value=float(value), unit=unit, stream=pairing.stream)


def overlap(times: Mapping[str, Times]) -> tuple[int, int] | None:
    """Give the span that every stream covers, both ends included; None where there is no such span."""
    if not times or any(len(column) == 0 for column in times.values()):
        return None
    start = max(int(column.min()) for column in times.values())
    end = min(int(column.max()) for column in times.values())
    return (start, end) if start <= end else None
