"""image.blur: pictures much softer than the others of their own stream."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageBlur:
    """Variance of the Laplacian against its rolling median, by itself and per contrast."""

    name = "image.blur"
    version = "2"
    reason = (
        "Absolute sharpness limits do not carry over: one set at 5 % false alarms on half of 67 photographs gave "
        "9 % on the other half. Against the pictures around, half of their sharpness tells nearly all blur "
        "and leaves the rest alone. A scene that only loses contrast is not blurred, so that sharpness per "
        "contrast must fall too."
    )
    known_limits = (
        "The first and last pictures of a short stream have few neighbours. A view that changes from rich "
        "to plain within a second may be told. Blur that lasts longer than half the window becomes the "
        "measure itself. In a film that is out of focus throughout, more blur does not stand out."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("sharpness", "std")
    defaults: Mapping[str, Option] = {
        "share_of_median": Option(
            default=0.45,
            unit="",
            reason="chosen on half of the films with planted blur; own pictures stay above 0.8",
        ),
        "contrast_share": Option(
            default=0.5,
            unit="",
            reason="a plain wall keeps its sharpness per contrast, a blurred picture does not",
        ),
        "window_frames": Option(
            default=61,
            unit="frames",
            reason="2 s at 30 Hz: a view stays comparable, a blur of a second stands out",
        ),
        "least_frames": Option(default=9, unit="frames", reason="a median of fewer moves with the fault itself"),
        "flat_std": Option(default=6, unit="grey", reason="what has no features is told by image.exposure"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour and infrared pictures that follow one another; images of a set are not each other's measure."""
        followed = stream.table == "frames" and stream.clock != "none"
        return followed and stream.modality in ("color", "infrared")

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run of blurred pictures."""
        if not set(self.pictures) <= set(view.pictures):
            return
        sharpness, std = view.pictures["sharpness"], view.pictures["std"]
        at = np.flatnonzero(~np.isnan(sharpness) & (std >= options["flat_std"]))
        if len(at) == 0:
            return
        sharpness, std = sharpness[at], std[at]
        yield Metric(metric="sharpness", value=float(np.median(sharpness)), unit="grey2", stream=view.stream.name)
        if len(at) < options["least_frames"]:
            return
        window = int(options["window_frames"])
        relative = sharpness / np.maximum(rolling_median(sharpness, window), 1e-9)
        per_contrast = sharpness / np.square(std)
        relative_contrast = per_contrast / np.maximum(rolling_median(per_contrast, window), 1e-9)
        limit = options["share_of_median"]
        yield from span_findings(
            view,
            at,
            (relative < limit) & (relative_contrast < options["contrast_share"]),
            check=self.name,
            severity="warning",
            values=relative,
            limit=limit,
            unit="1",
            say=lambda value: f"blurred, {value:.0%} of the sharpness of the pictures around (limit {limit:.0%})",
            worst=np.min,
        )


def rolling_median(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Give the median of ``window`` neighbours around each value; at the ends, of the first or last ``window``."""
    size = min(window, len(values))
    if size < 1:
        return values
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, size), axis=1)
    before = size // 2
    return np.asarray(np.pad(medians, (before, len(values) - len(medians) - before), mode="edge"))


PLUGIN: StreamCheck = ImageBlur()
