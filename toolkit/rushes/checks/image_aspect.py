"""image.aspect: pictures of an odd shape."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageAspect:
    """The shorter side against the longer."""

    name = "image.aspect"
    version = "1"
    reason = (
        "A strip is what is left when a crop went wrong, or rows were lost. In a stream, a picture of "
        "another shape than the rest is a fault of the recorder."
    )
    known_limits = (
        "Line cameras and panoramas are strips by nature. Pictures of a set may differ in shape; only in "
        "a stream with times is that a fault."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("width", "height")
    defaults: Mapping[str, Option] = {
        "strip": Option(default=0.35, unit="", reason="narrower than any usual format; 21:9 is 0.43"),
        "unlike": Option(default=0.02, unit="", reason="relative; rounding to whole pixels stays below"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every picture stream."""
        return stream.table == "frames"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Strips, then pictures unlike the rest of their stream."""
        if not set(self.pictures) <= set(view.pictures):
            return
        width, height = view.pictures["width"], view.pictures["height"]
        at = np.flatnonzero((width > 0) & (height > 0))
        if len(at) == 0:
            return
        ratio = width[at] / height[at]
        narrow, limit = np.minimum(ratio, 1 / ratio), options["strip"]
        yield from span_findings(
            view,
            at,
            narrow < limit,
            check=self.name,
            severity="warning",
            values=narrow,
            limit=limit,
            unit="1",
            say=lambda value: f"a strip, the shorter side is {value:.2f} of the longer (limit {limit:g})",
            worst=np.min,
        )
        if view.stream.clock == "none":
            return
        usual = float(np.median(ratio))
        unlike = np.abs(ratio / usual - 1)
        yield from span_findings(
            view,
            at,
            unlike > options["unlike"],
            check=self.name,
            severity="error",
            values=unlike,
            limit=options["unlike"],
            unit="1",
            say=lambda value: f"its shape differs by {value:.0%} from that of the rest, {usual:.2f} wide to high",
            worst=np.max,
        )


PLUGIN: StreamCheck = ImageAspect()
