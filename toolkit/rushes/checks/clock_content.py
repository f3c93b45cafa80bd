"""clock.content: streams whose content says that they happened at another time than their clocks say."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.contracts import ClocksCheck, Option
from rushes.model import Finding, Metric
from rushes.quantities import say_ns
from rushes.views import ClocksView


class ClockContent:
    """One cross-check at a time."""

    name = "clock.content"
    version = "1"
    reason = (
        "Stamps can agree with each other and be wrong together. What a camera saw and what a gyroscope felt is "
        "an independent witness; where it contradicts the clocks, one of the two is wrong, and a person must look."
    )
    known_limits = "Says nothing where the content holds no movement or sound that two streams share."
    subject: Literal["clocks"] = "clocks"
    defaults: Mapping[str, Option] = {
        "error_ms": Option(default=50.0, unit="ms", reason="more than a frame at any usual rate"),
    }

    def judge(self, view: ClocksView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Pass on what sync found, with a severity."""
        for found in view.content:
            if found.offset_ns is not None:
                metric = f"content_offset_{found.kind}"
                yield Metric(metric=metric, value=found.offset_ns, unit="ns", stream=found.second)
            if found.verdict != "differs" or found.applied:
                continue
            if found.offset_ns is None:  # it jumps: there is no one offset
                yield Finding(
                    check=self.name,
                    severity="error",
                    message=f"{found.second}: by {found.kind} against {found.first}: {found.reason}",
                    stream=found.second,
                )
                continue
            # Cameras that look from elsewhere see other movements: theirs is a hint, not a proof.
            severe = abs(found.offset_ns) > options["error_ms"] * 1e6 and found.kind != "motion-energy"
            wide = f" ± {say_ns(found.ci95_ns)}" if found.ci95_ns is not None else ""
            yield Finding(
                check=self.name,
                severity="error" if severe else "warning",
                message=f"{found.second}: by {found.kind} its times are {say_ns(-found.offset_ns)}{wide} off "
                f"those of {found.first}: {found.reason}",
                value=float(found.offset_ns),
                limit=float(found.ci95_ns) if found.ci95_ns is not None else None,
                unit="ns",
                stream=found.second,
            )


PLUGIN: ClocksCheck = ClockContent()
