"""image.exposure: pictures too dark, too bright, or with nothing to see."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Severity, Stream

Values = npt.NDArray[np.float64]


class ImageExposure:
    """Each picture falls into one kind at most, the gravest: covered, featureless, dark or bright."""

    name = "image.exposure"
    version = "1"
    reason = (
        "What is not in the pixels cannot be labelled or learnt. The limits were picked on 1,663 images with "
        "planted faults: recall 0.82 for pictures 2.7 to 4.1 stops too dark at no false alarm, 0.72 for 2.6 to 4 "
        "stops too bright at 0.4 % false alarms, 1.0 for 3 % contrast and covered lenses at none. A pixel counts "
        "as burnt out from 252 of 255 on."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("mean", "std", "p99", "bright_share")
    defaults: Mapping[str, Option] = {
        "dark_p99": Option(
            default=100, unit="grey", reason="99% of the pixels below 100 of 255 leaves less than half the scale"
        ),
        "very_dark_p99": Option(default=60, unit="grey", reason="a quarter of the scale: noise is what remains"),
        "bright_share": Option(
            default=0.2, unit="", reason="a fifth of the picture burnt out; sky and lamps stay below"
        ),
        "bright_grey": Option(
            default=252, unit="grey", reason="fixed when the picture is measured; for reading only"
        ),
        "flat_std": Option(default=6, unit="grey", reason="a wall fills the picture, or the contrast is lost"),
        "covered_mean": Option(
            default=16, unit="grey", reason="flat and black: the cap is on, or a hand is before it"
        ),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour and infrared pictures; brightness is judged for colour only, infrared light is dim by nature."""
        return stream.table == "frames" and stream.modality in ("color", "infrared")

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run of pictures of one kind."""
        if not set(self.pictures) <= set(view.pictures):
            return
        at = np.flatnonzero(~np.isnan(view.pictures["mean"]))
        if len(at) == 0:
            return
        measured = {name: view.pictures[name][at] for name in self.pictures}
        for name, metric in (("mean", "mean_grey"), ("p99", "p99_grey")):
            middle = float(np.median(measured[name]))
            yield Metric(metric=metric, value=middle, unit="grey", stream=view.stream.name)
        for kind in self._kinds(measured, options, colour=view.stream.modality == "color"):
            yield from span_findings(
                view,
                at,
                kind.faulty,
                check=self.name,
                severity=kind.severity,
                values=kind.values,
                limit=kind.limit,
                unit=kind.unit,
                say=partial(kind.words.format, limit=kind.limit),
                worst=kind.worst,
            )

    def _kinds(
        self, measured: Mapping[str, Values], options: Mapping[str, float], *, colour: bool
    ) -> Iterator["_Kind"]:
        mean, std, p99, bright = (measured[name] for name in self.pictures)
        flat = std < options["flat_std"]
        covered = flat & (mean < options["covered_mean"])
        yield _Kind(
            "error", covered, mean, options["covered_mean"], "grey", np.min,
            "black and without features, mean {:.0f} (limit {limit:g}): lens covered?",
        )  # fmt: skip
        yield _Kind(
            "warning", flat & ~covered, std, options["flat_std"], "grey", np.min,
            "nothing to see, grey values spread by {:.1f} only (limit {limit:g})",
        )  # fmt: skip
        visible = ~flat & colour
        very_dark = visible & (p99 < options["very_dark_p99"])
        dark = visible & (p99 < options["dark_p99"]) & ~very_dark
        words = "too dark, 99% of the pixels are at or below {:.0f} of 255 (limit {limit:g})"
        yield _Kind("error", very_dark, p99, options["very_dark_p99"], "grey", np.min, words)
        yield _Kind("warning", dark, p99, options["dark_p99"], "grey", np.min, words)
        yield _Kind(
            "warning", visible & (bright >= options["bright_share"]), bright, options["bright_share"], "1", np.max,
            "too bright, {:.0%} of the pixels are burnt out (limit {limit:.0%})",
        )  # fmt: skip


class _Kind(NamedTuple):
    """One kind of exposure fault: which pictures have it, and how to say so."""

    severity: Severity
    faulty: npt.NDArray[np.bool_]
    values: Values
    limit: float
    unit: str
    worst: Callable[[Values], float]
    words: str


PLUGIN: StreamCheck = ImageExposure()
