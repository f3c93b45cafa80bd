"""image.bright: pictures so bright that most of them is near white."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageBright:
    """The grey value above which half of the pixels lie."""

    name = "image.bright"
    version = "1"
    reason = (
        "An open aperture or a lamp into the lens lifts everything. Where half of the picture is in the "
        "last eighth of the scale, little is left to see in it."
    )
    known_limits = (
        "Paper, snow and white walls that fill the picture are as bright. Burnt out parts of a picture "
        "are told by image.clipped; a picture can be told by both."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("p50", "std", "bright_share")
    defaults: Mapping[str, Option] = {
        "bright_p50": Option(
            default=224, unit="grey", reason="half of the pixels in the last eighth of the scale"
        ),
        "clipped_share": Option(default=0.2, unit="", reason="what is burnt out is told by image.clipped"),
        "flat_std": Option(default=6, unit="grey", reason="flatter pictures are told by image.low_information"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour pictures."""
        return stream.table == "frames" and stream.modality == "color"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["p50"]))
        if len(at) == 0:
            return
        p50, limit = view.pictures["p50"][at], options["bright_p50"]
        faulty = (p50 > limit) & (view.pictures["bright_share"][at] < options["clipped_share"])
        faulty &= view.pictures["std"][at] >= options["flat_std"]
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity="warning",
            values=p50,
            limit=limit,
            unit="grey",
            say=lambda value: f"too bright, half of the pixels are above {value:.0f} of 255 (limit {limit:g})",
            worst=np.max,
        )


PLUGIN: StreamCheck = ImageBright()
