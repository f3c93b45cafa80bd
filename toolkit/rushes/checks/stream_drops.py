"""stream.drops: which share of a stream's samples was lost, by sequence numbers, else by times."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.checks._streams import SENSORS, noun
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.intervals import find_gaps, is_regular, median_interval, missing_by_sequence
from rushes.model import Finding, Metric, Stream
from rushes.quantities import say_count


class StreamDrops:
    """The lost share. Sequence numbers are the better witness; times serve where they are absent."""

    name = "stream.drops"
    version = "1"
    reason = "A few lost samples are normal on a busy machine; more mean that the recorder could not keep up."
    known_limits = (
        "Counts by sequence number or by interval; a recorder that numbers after dropping hides its drops. "
        "In a short film with AAC sound the longer first block counts as a loss (see stream.gap)."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ("seq",)
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "warning_share": Option(
            default=0.01, unit="", reason="one frame in 3 s at 30 Hz; healthy rigs stay below"
        ),
        "error_share": Option(
            default=0.05, unit="", reason="a frame and a half each second: motion is no longer whole"
        ),
        "gap_limit": Option(default=1.5, unit="intervals", reason="as in stream.gap"),
        "least_samples": Option(default=10, unit="samples", reason="a share of fewer says nothing"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every sensor."""
        return stream.modality in SENSORS

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Count what is missing, by each witness that there is, and judge the worse."""
        name, count = view.stream.name, len(view.columns["t_ns"])
        witnesses = {}
        by_seq = missing_by_sequence(view.columns.get("seq"))
        if by_seq is not None:
            witnesses["sequence numbers"] = by_seq
            yield Metric(metric="missing_by_sequence", value=float(by_seq), unit="1", stream=name)
        times = view.spans
        interval_ns = median_interval(times)
        if view.stream.clock != "none" and interval_ns is not None and is_regular(times):
            witnesses["times"] = int(find_gaps(times, interval_ns, limit=options["gap_limit"]).missing.sum())
        if not witnesses:
            return
        witness = max(witnesses, key=witnesses.__getitem__)
        missing = witnesses[witness]
        share = missing / (missing + count)
        yield Metric(metric="drop_share", value=share, unit="1", stream=name)
        if count < options["least_samples"] or share <= options["warning_share"]:
            return
        severe = share > options["error_share"]
        limit = options["error_share"] if severe else options["warning_share"]
        yield Finding(
            check=self.name,
            severity="error" if severe else "warning",
            message=f"{name}: {say_count(missing, noun(view))} of {missing + count:,} lost by its {witness}: "
            f"{share:.1%} (limit {limit:.1%})",
            value=share,
            limit=limit,
            unit="1",
            stream=name,
            count=missing,
        )


PLUGIN: StreamCheck = StreamDrops()
