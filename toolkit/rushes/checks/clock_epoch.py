"""clock.epoch: streams of one recording of which some count from 1970 and others from zero."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

from rushes.contracts import ClocksCheck, Option
from rushes.model import Finding, Metric
from rushes.quantities import say_count
from rushes.views import ClocksView

YEAR_2000_NS = 946_684_800_000_000_000


class ClockEpoch:
    """All streams of a recording at once, those of one kind of time against each other."""

    name = "clock.epoch"
    version = "1"
    reason = (
        "Simulators and devices count from zero, computers from 1970. Both in one recording, or in one stream, "
        "means that a node was started without use_sim_time, or a device clock was never set."
    )
    known_limits = "A device that was set to a plausible but wrong date is not told."
    subject: Literal["clocks"] = "clocks"
    defaults: Mapping[str, Option] = {}

    def judge(self, view: ClocksView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002
        """Tell streams apart by their first and last raw time."""
        stamped = [s.name for s in view.streams if s.clock == "header" and s.name in view.spans]
        wall = [name for name in stamped if view.spans[name][0] >= YEAR_2000_NS]
        counted = [name for name in stamped if view.spans[name][1] < YEAR_2000_NS]
        for name in stamped:
            first, last = view.spans[name]
            if first < YEAR_2000_NS <= last:
                yield Finding(
                    check=self.name,
                    severity="error",
                    message=f"{name}: its stamps run from {first / 1e9:.6g} s to {_date(last)}: wall time and "
                    "time counted from zero in one stream",
                    stream=name,
                    start_ns=first,
                    end_ns=last,
                )
        if wall and counted:
            earliest = view.spans[counted[0]][0] / 1e9
            yield Finding(
                check=self.name,
                severity="warning",
                message=f"the stamps of {_some(counted)} count from zero (first {earliest:.6g} s), those of "
                f"{_some(wall)} are wall time ({_date(view.spans[wall[0]][0])}): simulated time or a "
                "clock that was never set beside wall time",
                value=float(len(counted)),
                limit=0.0,
                unit="streams",
                stream=counted[0],
                count=len(counted),
            )


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {say_count(len(names) - 1, 'more stream')}"


def _date(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


PLUGIN: ClocksCheck = ClockEpoch()
