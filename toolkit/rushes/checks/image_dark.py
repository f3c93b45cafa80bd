"""image.dark: pictures too dark to see anything in."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Severity, Stream

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]


class ImageDark:
    """The grey value below which 99 % of the pixels lie."""

    name = "image.dark"
    version = "1"
    reason = (
        "What is not in the pixels cannot be labelled or learnt. Even a dark scene has some lamps or some "
        "skin in the light; where the brightest hundredth stays below two fifths of the scale, the "
        "exposure was wrong."
    )
    known_limits = (
        "A night scene without a lamp is told as well. Infrared light is dim by nature and is not judged. "
        "What is black without features is told by image.covered, what is flat by image.low_information."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("mean", "std", "p99")
    defaults: Mapping[str, Option] = {
        "dark_p99": Option(
            default=110,
            unit="grey",
            reason="finds 97 % of photographs that are 2.7 or 4.1 stops too dark, and no well exposed one",
        ),
        "very_dark_p99": Option(default=60, unit="grey", reason="a quarter of the scale: noise is what remains"),
        "flat_std": Option(default=6, unit="grey", reason="flatter pictures are told by other checks"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour pictures."""
        return stream.table == "frames" and stream.modality == "color"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["p99"]))
        if len(at) == 0:
            return
        std, p99 = view.pictures["std"][at], view.pictures["p99"][at]
        for name in ("mean", "p99"):
            middle = float(np.median(view.pictures[name][at]))
            yield Metric(metric=f"{name}_grey", value=middle, unit="grey", stream=view.stream.name)
        very_dark = (std >= options["flat_std"]) & (p99 < options["very_dark_p99"])
        dark = (std >= options["flat_std"]) & (p99 < options["dark_p99"]) & ~very_dark
        severe, mild = options["very_dark_p99"], options["dark_p99"]
        yield from self._runs(view, at, very_dark, "error", p99, severe)
        yield from self._runs(view, at, dark, "warning", p99, mild)

    def _runs(
        self, view: StreamView, at: Places, faulty: Mask, severity: Severity, p99: Values, limit: float
    ) -> Iterator[Finding]:
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity=severity,
            values=p99,
            limit=limit,
            unit="grey",
            say=lambda value: f"too dark, 99% of the pixels are at or below {value:.0f} of 255 (limit {limit:g})",
            worst=np.min,
        )


PLUGIN: StreamCheck = ImageDark()
