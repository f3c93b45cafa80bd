"""image.clipped: pictures of which a large part is burnt out."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageClipped:
    """The share of pixels at 252 of 255 or above."""

    name = "image.clipped"
    version = "1"
    reason = (
        "What is burnt out is lost, whatever is done to the picture afterwards. Sky, lamps and windows "
        "stay below a fifth of a picture that was exposed for what is in it."
    )
    known_limits = (
        "A white page or a cut-out before white reaches the limit without a fault of exposure. Black that "
        "is crushed is not judged: dark clothes and night give the same; dark_share is in the table "
        "pictures."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("bright_share", "std")
    defaults: Mapping[str, Option] = {
        "bright_share": Option(
            default=0.2, unit="", reason="a fifth of the picture burnt out; sky and lamps stay below"
        ),
        "bright_grey": Option(
            default=252, unit="grey", reason="fixed when the picture is measured; for reading only"
        ),
        "flat_std": Option(default=6, unit="grey", reason="flatter pictures are told by image.low_information"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour pictures."""
        return stream.table == "frames" and stream.modality == "color"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["bright_share"]))
        if len(at) == 0:
            return
        share, limit = view.pictures["bright_share"][at], options["bright_share"]
        faulty = (share >= limit) & (view.pictures["std"][at] >= options["flat_std"])
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity="warning",
            values=share,
            limit=limit,
            unit="1",
            say=lambda value: f"too bright, {value:.0%} of the pixels are burnt out (limit {limit:.0%})",
            worst=np.max,
        )


PLUGIN: StreamCheck = ImageClipped()
