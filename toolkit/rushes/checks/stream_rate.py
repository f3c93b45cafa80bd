"""stream.rate: the rate a stream really ran at, against the one declared, and how steady it was."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.checks._streams import keeps_a_rate
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.intervals import describe
from rushes.model import Finding, Metric, Stream
from rushes.quantities import say_ns


class StreamRate:
    """Rate and jitter between gaps; lost samples are judged by stream.gap and stream.drops."""

    name = "stream.rate"
    version = "1"
    reason = (
        "A wrong rate makes everything counted in frames wrong in seconds; jitter limits how well streams pair."
    )
    known_limits = "Needs a declared rate; a wrong declaration cannot be told from a wrong rate."
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "off_share": Option(
            default=0.02,
            unit="",
            reason="quartz is off by 0.0001 at most, so that 0.02 is another setting or load",
        ),
        "jitter_intervals": Option(
            default=0.5, unit="intervals", reason="beyond half an interval neighbours can no longer be told apart"
        ),
        "least_samples": Option(default=20, unit="samples", reason="fewer say nothing about the 99th percentile"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every sensor that has times; of signals those that declare a rate."""
        return keeps_a_rate(stream) and stream.clock != "none"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Measure rate and jitter; judge where there are samples enough and the stream ticks."""
        name = view.stream.name
        timeline = describe(view.spans)
        if timeline.rate_hz is None or timeline.interval_ns is None:
            return
        yield Metric(metric="rate", value=timeline.rate_hz, unit="Hz", stream=name)
        for metric, value in (
            ("jitter_p50", timeline.jitter_p50),
            ("jitter_p95", timeline.jitter_p95),
            ("jitter_p99", timeline.jitter_p99),
        ):
            yield Metric(metric=metric, value=value, unit="interval", stream=name)
        if timeline.count < options["least_samples"]:
            return
        nominal = view.stream.nominal_rate_hz
        if nominal and timeline.regular:
            off = abs(timeline.rate_hz - nominal) / nominal
            if off > options["off_share"]:
                yield Finding(
                    check=self.name,
                    severity="warning",
                    message=f"{name}: runs at {timeline.rate_hz:.4g} Hz, declared are {nominal:.4g} Hz: "
                    f"{off:.1%} off (limit {options['off_share']:.1%})",
                    value=off,
                    limit=options["off_share"],
                    unit="1",
                    stream=name,
                )
        if timeline.jitter_p99 > options["jitter_intervals"]:
            yield Finding(
                check=self.name,
                severity="warning",
                message=f"{name}: 1 in 100 intervals is {say_ns(timeline.jitter_p99 * timeline.interval_ns)} "
                f"or more off the usual {say_ns(timeline.interval_ns)} "
                f"(limit {options['jitter_intervals']:g} intervals)",
                value=timeline.jitter_p99,
                limit=options["jitter_intervals"],
                unit="interval",
                stream=name,
            )


PLUGIN: StreamCheck = StreamRate()
