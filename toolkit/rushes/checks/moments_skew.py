"""moments.skew: how far apart in time the members of a moment are, and how many moments are whole."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.contracts import MomentsCheck, MomentsView, Option, PairView
from rushes.model import Finding, Metric
from rushes.quantities import say_ns


class MomentsSkew:
    """One stream against the reference at a time."""

    name = "moments.skew"
    version = "1"
    reason = (
        "A hand moves 3 cm in 33 ms: what a label ties together must have happened together. The skew that is "
        "seen is a lower bound; clocks that were never compared can hide more."
    )
    known_limits = (
        "Judges the moments that sync made; a constant offset that no clock shows is a matter of clock.content."
    )
    subject: Literal["moments"] = "moments"
    defaults: Mapping[str, Option] = {
        "warning_intervals": Option(
            default=0.5, unit="slower intervals", reason="beyond half an interval another sample would fit better"
        ),
        "error_intervals": Option(
            default=1.0, unit="slower intervals", reason="a whole frame off is another instant"
        ),
        "coverage_share": Option(
            default=0.95,
            unit="",
            reason="drops of 5 % are an error, and so are moments that lack a stream as often",
        ),
        "phase_margin": Option(
            default=0.1, unit="", reason="below it jitter alone decides which of two samples is the nearer"
        ),
    }

    def judge(self, view: MomentsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge skew, coverage and how clear the pairing is."""
        for pair in view.pairs:
            if pair.moments == 0:
                continue
            coverage = len(pair.skew_ns) / pair.moments
            yield Metric(metric="moment_coverage", value=coverage, unit="1", stream=pair.stream)
            if len(pair.skew_ns):
                yield from self._skew(view, pair, options)
            yield from self._coverage(view, pair, coverage, options["coverage_share"])
            if pair.phase_margin is not None and pair.phase_margin < options["phase_margin"]:
                yield Finding(
                    check=self.name,
                    severity="warning",
                    message=f"{pair.stream}: lies half-way between the samples of {view.reference}; which one is "
                    f"nearer is left to jitter (phase margin {pair.phase_margin:.2f}, limit "
                    f"{options['phase_margin']:g})",
                    value=pair.phase_margin,
                    limit=options["phase_margin"],
                    unit="1",
                    stream=pair.stream,
                )

    def _skew(self, view: MomentsView, pair: PairView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        p95 = float(np.percentile(np.abs(pair.skew_ns), 95))
        yield Metric(metric="skew_p95", value=p95, unit="ns", stream=pair.stream)
        slower = max(pair.interval_ns or 0, pair.reference_interval_ns or 0)
        if not slower or p95 <= options["warning_intervals"] * slower:
            return
        severe = p95 > options["error_intervals"] * slower
        limit = options["error_intervals" if severe else "warning_intervals"]
        yield Finding(
            check=self.name,
            severity="error" if severe else "warning",
            message=f"{pair.stream}: 1 in 20 samples is {say_ns(p95)} or more away from its moment on "
            f"{view.reference} (limit {limit:g} of the slower interval = {say_ns(limit * slower)})",
            value=p95,
            limit=limit * slower,
            unit="ns",
            stream=pair.stream,
            count=int((np.abs(pair.skew_ns) > limit * slower).sum()),
        )

    def _coverage(self, view: MomentsView, pair: PairView, coverage: float, limit: float) -> Iterator[Finding]:
        # A stream slower than the reference cannot take part in every moment.
        slower = (pair.interval_ns or 0) / (pair.reference_interval_ns or 1) if pair.reference_interval_ns else 1.0
        expected = min(1.0, 1.0 / max(slower, 1.0))
        if coverage >= limit * expected:
            return
        lacking = pair.moments - len(pair.skew_ns)
        why = f": {pair.reason}" if pair.reason else ""
        yield Finding(
            check=self.name,
            severity="warning",
            message=f"{pair.stream}: takes part in {len(pair.skew_ns):,} of {pair.moments:,} moments of "
            f"{view.reference}, {coverage:.1%} (limit {limit * expected:.1%}){why}",
            value=coverage,
            limit=limit * expected,
            unit="1",
            stream=pair.stream,
            count=lacking,
        )


PLUGIN: MomentsCheck = MomentsSkew()
