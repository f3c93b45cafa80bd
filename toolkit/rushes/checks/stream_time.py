"""stream.time: times that cannot be right: going back, standing still, in a wrong unit, clocks that disagree."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import runs
from rushes.checks._streams import SENSORS, noun
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.intervals import DAY_NS, UNITS, YEAR_2100_NS, suspected_unit
from rushes.model import Finding, Metric, Severity, Stream, absent
from rushes.quantities import say_count, say_ns

KINDS = {"t_ns": "time", "t_log_ns": "log time", "t_header_ns": "header stamp"}


class StreamTime:
    """Order, equal stamps, units, constant stamps, and log against header."""

    name = "stream.time"
    version = "3"
    reason = (
        "Every later step trusts the times. Milliseconds in a nanosecond field, stamps that stand still or go "
        "back, and clocks that were never set are seen here before anything is aligned by them. Messages that "
        "are no sensor's may share a time, and come from several senders in any order: only that is told."
    )
    known_limits = "A stream whose times are plausible but constant offset is not told."
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ("t_log_ns", "t_header_ns")
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "clocks_apart_s": Option(
            default=1.0, unit="s", reason="no latency within one machine is longer; beyond it the clocks differ"
        ),
        "least_samples": Option(default=3, unit="samples", reason="two stamps say little"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every stream that has times, but those that state things once or merged."""
        return stream.clock != "none" and stream.modality not in ("calibration", "transform")

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge the raw time's order, then each kind of time by itself, then one against the other."""
        kinds = {
            kind: np.asarray(values)[~absent(values)]
            for kind in KINDS
            if (values := view.columns.get(kind)) is not None and not absent(values).all()
        }
        if "t_ns" not in kinds:
            return
        yield from self._order(view)
        found = False
        for kind in ("t_log_ns", "t_header_ns", "t_ns"):
            if kind in kinds and not (kind == "t_ns" and found):  # t_ns is a copy of one of the others
                for finding in self._alone(view, kind, kinds, options):
                    found = True
                    yield finding
        if not found and {"t_log_ns", "t_header_ns"} <= set(kinds):
            yield from self._apart(view, options)

    def _order(self, view: StreamView) -> Iterator[Metric | Finding]:
        times, index = view.columns["t_ns"], view.columns["index"]
        steps = np.diff(times)
        whose = view.stream.name
        yield Metric(metric="backward", value=float((steps < 0).sum()), unit="1", stream=whose)
        yield Metric(metric="repeated_times", value=float((steps == 0).sum()), unit="1", stream=whose)
        ticks = view.stream.modality in SENSORS
        back: Severity = "error" if ticks else "info"
        kinds: list[tuple[Severity, npt.NDArray[np.bool_], str]] = [(back, steps < 0, "the time goes back")]
        if ticks and steps.any():  # constant: told elsewhere
            kinds.append(("warning", steps == 0, "the time is that of the one before"))
        for severity, faulty, say in kinds:
            found = runs(faulty)
            if not found:
                continue
            first = found[0][0] + 1
            worst = float(-steps[faulty].min())
            times_said = f", {say_count(int(faulty.sum()), 'time')} in all" if faulty.sum() > 1 else ""
            by = f" by up to {say_ns(worst)}" if worst else ""
            yield _finding(
                view,
                severity=severity,
                message=f"{say}{by} at {noun(view)} {int(index[first])}{times_said}",
                value=worst,
                limit=0.0,
                unit="ns",
                index=int(index[first]),
                start_ns=int(times[first - 1]),
                end_ns=int(times[found[-1][1]]),
                count=int(faulty.sum()),
            )

    def _alone(
        self, view: StreamView, kind: str, kinds: Mapping[str, npt.NDArray[Any]], options: Mapping[str, float]
    ) -> Iterator[Finding]:
        values = kinds[kind]
        ticks = view.stream.modality in SENSORS
        if ticks and len(values) >= options["least_samples"] and (values == values[0]).all():
            yield _finding(
                view,
                severity="error" if kind == "t_ns" else "warning",
                message=f"all {len(values)} {KINDS[kind]}s are the same, {_date(int(values[0]))}; "
                "they say nothing about when a sample was taken",
                value=float(values[0]),
                unit="ns",
                count=len(values),
            )
        unit = suspected_unit(values, *(times for other, times in kinds.items() if other != kind))
        if unit is not None:
            first = int(values.min())
            yield _finding(
                view,
                severity="error",
                message=f"{KINDS[kind]}s such as {first} read as {_date(first)}; taken as {unit} they mean "
                f"{_date(first * UNITS[unit])}: {unit} in a nanosecond field",
                value=float(first),
                unit="ns",
                count=len(values),
            )

    def _apart(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        log, header = view.columns["t_log_ns"], view.columns["t_header_ns"]
        both = ~absent(log) & ~absent(header)
        # How far two clocks are apart one sample tells; of a stream that states things once it says nothing.
        if both.sum() < (1 if view.stream.modality in SENSORS else options["least_samples"]):
            return
        apart = np.asarray(header)[both] - np.asarray(log)[both]
        middle = int(np.median(apart))
        yield Metric(metric="header_minus_log", value=float(middle), unit="ns", stream=view.stream.name)
        if abs(middle) > options["clocks_apart_s"] * 1e9:
            first = int(np.flatnonzero(both)[0])
            yield _finding(
                view,
                severity="info",
                message=f"header stamps ({_date(int(header[first]))}) and log times ({_date(int(log[first]))}) "
                f"are {_span(abs(middle))} apart: two clocks, or a recording that was played again "
                f"(limit {options['clocks_apart_s']:g} s)",
                value=float(middle),
                limit=options["clocks_apart_s"] * 1e9,
                unit="ns",
                count=int(both.sum()),
            )


def _finding(
    view: StreamView, *, severity: Severity, message: str, limit: float | None = None, **where: Any
) -> Finding:
    name = view.stream.name
    return Finding(
        check="stream.time", severity=severity, message=f"{name}: {message}", limit=limit, stream=name, **where
    )


def _date(time_ns: int) -> str:
    """Say a time as a date where it can be one, else as a length."""
    if not -DAY_NS < time_ns < YEAR_2100_NS:
        return f"{time_ns} ns"
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _span(length_ns: int) -> str:
    return f"{length_ns / DAY_NS:,.1f} days" if length_ns > 2 * DAY_NS else say_ns(length_ns)


PLUGIN: StreamCheck = StreamTime()
