"""depth.stuck: depth that does not change, or has one value only."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class DepthStuck:
    """How many distances occur, and the share of pixels that are exactly those of the picture before."""

    name = "depth.stuck"
    version = "1"
    reason = (
        "A sensor that hangs goes on sending its last picture, or one value for all. Distances are noisy: "
        "in a live picture some change from each to the next even where nothing moves."
    )
    known_limits = (
        "A sensor that filters over time, as some do on request, keeps more pixels unchanged; raise "
        "unchanged_share for it. Every fourth pixel of every fourth row is looked at. Made scenes without "
        "noise are told."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("levels", "unchanged", "holes")
    defaults: Mapping[str, Option] = {
        "unchanged_share": Option(
            default=0.995, unit="", reason="a still scene changes a part of its pixels by noise"
        ),
        "least_levels": Option(default=3, unit="", reason="one or two values are no scene"),
        "least_filled": Option(default=0.05, unit="", reason="what is nearly empty is told by depth.holes"),
    }

    def applies(self, stream: Stream) -> bool:
        """Depth pictures."""
        return stream.table == "frames" and stream.modality == "depth"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["levels"]))
        if len(at) == 0:
            return
        filled = view.pictures["holes"][at] <= 1 - options["least_filled"]
        levels, fewest = view.pictures["levels"][at], options["least_levels"]
        unchanged, limit = np.nan_to_num(view.pictures["unchanged"][at]), options["unchanged_share"]
        one = filled & (levels < fewest)
        yield from span_findings(
            view,
            at,
            one,
            check=self.name,
            severity="error",
            values=levels,
            limit=fewest,
            unit="1",
            say=lambda value: f"only {value:.0f} different distances in it (limit {fewest:g})",
            worst=np.min,
        )
        faulty = filled & (unchanged >= limit) & ~one
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity="warning",
            values=unchanged,
            limit=limit,
            unit="1",
            say=lambda value: (
                f"{value:.1%} of its distances are those of the picture before (limit {limit:.1%}): stuck?"
            ),
            worst=np.max,
        )


PLUGIN: StreamCheck = DepthStuck()
