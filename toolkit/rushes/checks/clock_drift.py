"""clock.drift: clocks that run faster or slower than the recorder's by more than a crystal should."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.contracts import ClocksCheck, Option
from rushes.model import Finding, Metric, Severity
from rushes.quantities import say_drift
from rushes.views import ClocksView


class ClockDrift:
    """One stretch of one clock at a time; only what is surely beyond the limit counts."""

    name = "clock.drift"
    version = "1"
    reason = (
        "A crystal is good to 20 or 50 millionths: an hour is off by a tenth of a second, which sync takes out. "
        "Far more means stamps that no crystal made: counted frames, a wrong unit, a replay at another speed."
    )
    known_limits = "Needs evidence of two clocks; a recording without any is not judged."
    subject: Literal["clocks"] = "clocks"
    defaults: Mapping[str, Option] = {
        "info_ppm": Option(default=50.0, unit="ppm", reason="beyond what crystals promise"),
        "warning_ppm": Option(default=200.0, unit="ppm", reason="no crystal: a frame in three minutes at 30 Hz"),
        "error_ppm": Option(default=1000.0, unit="ppm", reason="a wrong rate, not a drift"),
    }

    def judge(self, view: ClocksView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Measure every stretch that there is evidence for, and judge its drift less its own uncertainty."""
        for stretch in view.stretches:
            if not stretch.estimated:
                continue
            yield Metric(metric="drift", value=stretch.drift_ppm, unit="ppm", stream=stretch.clock)
            known = abs(stretch.drift_ppm) - (stretch.drift_ci95_ppm or 0.0)
            severities: tuple[Severity, ...] = ("error", "warning", "info")
            severity = next((s for s in severities if known > options[f"{s}_ppm"]), None)
            if severity is None:
                continue
            limit = options[f"{severity}_ppm"]
            said = say_drift(abs(stretch.drift_ppm), stretch.drift_ci95_ppm).removeprefix("+")
            yield Finding(
                check=self.name,
                severity=severity,
                message=f"{stretch.clock}: its clock runs {said} ppm too "
                f"{'slow' if stretch.drift_ppm > 0 else 'fast'} (limit {limit:g} ppm)",
                value=stretch.drift_ppm,
                limit=limit,
                unit="ppm",
                stream=stretch.clock,
                start_ns=stretch.start_ns,
                end_ns=stretch.end_ns,
            )


PLUGIN: ClocksCheck = ClockDrift()
