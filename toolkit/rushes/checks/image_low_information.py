"""image.low_information: pictures with nothing to see in them."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageLowInformation:
    """The standard deviation of the grey values."""

    name = "image.low_information"
    version = "1"
    reason = (
        "A wall that fills the picture, fog on the lens, or a camera that has lost its contrast: there is "
        "nothing to label, and its perceptual hash means nothing."
    )
    known_limits = (
        "A plain surface held to the camera on purpose is told as well. Black ones are told by "
        "image.covered instead."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("mean", "std")
    defaults: Mapping[str, Option] = {
        "flat_std": Option(default=6, unit="grey", reason="3 % contrast is below, every picture of a scene above"),
        "covered_mean": Option(default=16, unit="grey", reason="flat and black is told by image.covered"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour and infrared pictures."""
        return stream.table == "frames" and stream.modality in ("color", "infrared")

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["std"]))
        if len(at) == 0:
            return
        std, limit = view.pictures["std"][at], options["flat_std"]
        faulty = (std < limit) & (view.pictures["mean"][at] >= options["covered_mean"])
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity="warning",
            values=std,
            limit=limit,
            unit="grey",
            say=lambda value: f"nothing to see, grey values spread by {value:.1f} only (limit {limit:g})",
            worst=np.min,
        )


PLUGIN: StreamCheck = ImageLowInformation()
