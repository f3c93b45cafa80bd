"""image.covered: the lens is covered: black and without features."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageCovered:
    """The mean grey value of pictures without contrast."""

    name = "image.covered"
    version = "1"
    reason = (
        "The cap is on, a hand is before the lens, or the sensor gives nothing. Hours of such pictures "
        "have been recorded before somebody looked."
    )
    known_limits = (
        "A dark room without any light looks the same. A cover that lets light through is told by "
        "image.low_information."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("mean", "std")
    defaults: Mapping[str, Option] = {
        "covered_mean": Option(
            default=16, unit="grey", reason="a sensor in the dark gives noise about 4; a dim room is above"
        ),
        "flat_std": Option(default=6, unit="grey", reason="noise alone spreads by less"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour and infrared pictures."""
        return stream.table == "frames" and stream.modality in ("color", "infrared")

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["mean"]))
        if len(at) == 0:
            return
        mean, limit = view.pictures["mean"][at], options["covered_mean"]
        faulty = (mean < limit) & (view.pictures["std"][at] < options["flat_std"])
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity="error",
            values=mean,
            limit=limit,
            unit="grey",
            say=lambda value: f"black and without features, mean {value:.0f} (limit {limit:g}): lens covered?",
            worst=np.min,
        )


PLUGIN: StreamCheck = ImageCovered()
