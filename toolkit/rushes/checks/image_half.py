"""image.half: pictures of which a part was never filled."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageHalf:
    """How much of the height, from the top or the bottom, is one grey value and nothing else."""

    name = "image.half"
    version = "1"
    reason = (
        "A transfer that broke off leaves the rest of a picture grey, green or black, and most decoders "
        "say nothing of it. A sensor gives no two equal rows: there is noise."
    )
    known_limits = (
        "Black bars of a film lie at both sides and are left out; bars at one side only are told. Rows "
        "that are white or black to the last pixel may be sky or night, and count only where a half or "
        "more is so."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("flat_top", "flat_bottom", "flat_grey", "std")
    defaults: Mapping[str, Option] = {
        "share": Option(
            default=0.2,
            unit="",
            reason="a fifth of the height of one value; noise breaks such rows in any picture of a sensor",
        ),
        "clipped_share": Option(default=0.5, unit="", reason="white and black rows occur in nature"),
        "clipped_grey": Option(default=4, unit="grey", reason="so near to 0 or 255 is white or black"),
        "flat_std": Option(
            default=6, unit="grey", reason="flatter pictures are told by image.low_information and image.covered"
        ),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour and infrared pictures."""
        return stream.table == "frames" and stream.modality in ("color", "infrared")

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["flat_top"]))
        if len(at) == 0:
            return
        top, bottom, grey = (view.pictures[name][at] for name in ("flat_top", "flat_bottom", "flat_grey"))
        share, limit = np.abs(top - bottom), options["share"]
        clipped = (grey < options["clipped_grey"]) | (grey > 255 - options["clipped_grey"])
        faulty = (share >= np.where(clipped, options["clipped_share"], limit)) & (share < 1)
        faulty &= view.pictures["std"][at] >= options["flat_std"]
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity="error",
            values=share,
            limit=limit,
            unit="1",
            say=lambda value: (
                f"{value:.0%} of its height is one grey value (limit {limit:.0%}): the rest never came?"
            ),
            worst=np.max,
        )


PLUGIN: StreamCheck = ImageHalf()
