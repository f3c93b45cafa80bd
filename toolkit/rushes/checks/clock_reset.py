"""clock.reset: clocks that started again, or were set, while the recording ran."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.contracts import ClocksCheck, Option
from rushes.model import Finding, Metric
from rushes.quantities import say_count
from rushes.views import ClockStretch, ClocksView


class ClockReset:
    """One clock at a time."""

    name = "clock.reset"
    version = "1"
    reason = (
        "After a reset the same stamp means another instant. Sync maps each stretch by itself, which holds "
        "as long as each has evidence enough; anything else that compares stamps across a reset is wrong."
    )
    known_limits = "A reset within one interval between two samples cannot be told from a gap."
    subject: Literal["clocks"] = "clocks"
    defaults: Mapping[str, Option] = {
        "resets": Option(default=0, unit="resets", reason="a clock that is set while it is read has no one map"),
    }

    def judge(self, view: ClocksView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Count the stretches of every clock."""
        clocks: defaultdict[str, list[ClockStretch]] = defaultdict(list)
        for stretch in view.stretches:
            clocks[stretch.clock].append(stretch)
        for clock, stretches in clocks.items():
            resets = len(stretches) - 1
            yield Metric(metric="resets", value=float(resets), unit="1", stream=clock)
            if resets <= options["resets"]:
                continue
            blind = [s.segment for s in stretches if not s.estimated]
            but = f"; no evidence in {say_count(len(blind), 'stretch')}" if blind else ""
            yield Finding(
                check=self.name,
                severity="warning",
                message=f"{clock}: its clock was set anew {say_count(resets, 'time')} while recording{but}",
                value=float(resets),
                limit=options["resets"],
                unit="1",
                stream=clock,
                start_ns=stretches[1].start_ns,
                count=resets,
            )


PLUGIN: ClocksCheck = ClockReset()
