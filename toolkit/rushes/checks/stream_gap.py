"""stream.gap: stretches without samples in a stream that should tick."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import MOST
from rushes.checks._streams import SENSORS, noun
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.intervals import find_gaps, is_regular, median_interval
from rushes.model import Finding, Metric, Severity, Stream
from rushes.quantities import say_count, say_ns


class StreamGap:
    """Every interval longer than the limit is one finding, with how many samples would have fitted."""

    name = "stream.gap"
    version = "1"
    reason = (
        "Lost samples leave gaps. A model that sees 30 Hz learns wrong motion across them, and pairing breaks."
    )
    known_limits = (
        "A stream that pauses on purpose has gaps as well. The first block of AAC sound in MP4 may be longer than "
        "the others by the encoder's lead-in, which looks like a block that is missing before the second. Where a "
        "clock was set back far, nothing is said of the time between."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "limit": Option(
            default=1.5,
            unit="intervals",
            reason="half-way between no frame lost and one; jitter of healthy sensors stays below",
        ),
        "error_s": Option(default=0.5, unit="s", reason="people move a hand through the picture in that time"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every sensor that has times."""
        return stream.modality in SENSORS and stream.clock != "none"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Measure the gaps; a stream that does not tick is only measured."""
        times = view.spans
        interval_ns = median_interval(times)
        if interval_ns is None:
            return
        gaps = find_gaps(times, interval_ns, limit=options["limit"])
        # Where times were put right to measure by, they name no instant.
        starts_ns = np.asarray(view.columns["t_ns"])[gaps.before] - gaps.length_ns
        longest = float(gaps.length_ns.max()) if len(gaps.before) else 0.0
        if not is_regular(times):
            return
        yield Metric(metric="gaps", value=float(len(gaps.before)), unit="1", stream=view.stream.name)
        yield Metric(metric="longest_gap", value=longest, unit="ns", stream=view.stream.name)
        # The longest are told one by one, in time order; the rest in one finding.
        rank = np.argsort(-gaps.length_ns, kind="stable")
        limit = f"limit {options['limit']:g} intervals = {say_ns(options['limit'] * interval_ns)}"
        for at in np.sort(rank[:MOST]).tolist():
            length, missing, before = (int(column[at]) for column in (gaps.length_ns, gaps.missing, gaps.before))
            severity: Severity = "error" if length > options["error_s"] * 1e9 else "info"
            index = int(view.columns["index"][before])
            yield Finding(
                check=self.name,
                severity=severity,
                message=f"{view.stream.name}: {say_count(missing, noun(view))} missing over {say_ns(length)} "
                f"before {noun(view)} {index} ({limit})",
                value=float(length),
                limit=options["limit"] * interval_ns,
                unit="ns",
                stream=view.stream.name,
                index=index,
                start_ns=int(starts_ns[at]),
                end_ns=int(starts_ns[at]) + length,
                count=missing,
            )
        rest = rank[MOST:]
        if len(rest):
            worst = int(gaps.length_ns[rest].max())
            missing = int(gaps.missing[rest].sum())
            yield Finding(
                check=self.name,
                severity="error" if worst > options["error_s"] * 1e9 else "info",
                message=f"{view.stream.name}: {say_count(missing, noun(view))} missing in {len(rest)} more gaps "
                f"of up to {say_ns(worst)} ({limit})",
                value=float(worst),
                limit=options["limit"] * interval_ns,
                unit="ns",
                stream=view.stream.name,
                start_ns=int(starts_ns[rest].min()),
                end_ns=int((starts_ns + gaps.length_ns)[rest].max()),
                count=missing,
            )


PLUGIN: StreamCheck = StreamGap()
