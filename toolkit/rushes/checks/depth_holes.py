"""depth.holes: depth pictures with few values."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Severity, Stream


class DepthHoles:
    """The share of pixels that hold no distance."""

    name = "depth.holes"
    version = "1"
    reason = (
        "Depth sensors see nothing on glass, black cloth, in sunlight and out of range. Where most is "
        "missing, the sensor was covered, too near, or its projector was off."
    )
    known_limits = (
        "A room larger than the range has holes by nature; a fifth to a third is usual indoors. Distances "
        "that are wrong but there are not told."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("holes",)
    defaults: Mapping[str, Option] = {
        "warn_share": Option(
            default=0.5,
            unit="",
            reason="half of the picture is not seen; a room indoors leaves a fifth to a third",
        ),
        "error_share": Option(default=0.9, unit="", reason="next to nothing is seen"),
    }

    def applies(self, stream: Stream) -> bool:
        """Depth pictures."""
        return stream.table == "frames" and stream.modality == "depth"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["holes"]))
        if len(at) == 0:
            return
        holes = view.pictures["holes"][at]
        yield Metric(metric="holes", value=float(np.median(holes)), unit="1", stream=view.stream.name)
        empty = holes >= options["error_share"]
        judged: tuple[tuple[npt.NDArray[np.bool_], Severity, float], ...] = (
            (empty, "error", options["error_share"]),
            ((holes >= options["warn_share"]) & ~empty, "warning", options["warn_share"]),
        )
        for faulty, severity, limit in judged:
            yield from span_findings(
                view,
                at,
                faulty,
                check=self.name,
                severity=severity,
                values=holes,
                limit=limit,
                unit="1",
                say=lambda value: f"{value:.0%} of its pixels hold no distance",
                worst=np.max,
            )


PLUGIN: StreamCheck = DepthHoles()
