"""image.cast: pictures of one colour all over."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageCast:
    """How far the means of red and blue are from that of green, against the brightness."""

    name = "image.cast"
    version = "1"
    reason = (
        "A channel that is lost, exchanged or multiplied wrongly tints everything. White balance that "
        "failed does the same in a lesser way."
    )
    known_limits = (
        "Red and blue that are exchanged are no cast; a sunset, a meadow or a stage under coloured light "
        "is one. In a stream with times a picture is also held against the median of its stream, so that "
        "a cast that comes is told and a place that is coloured is not; where a film is cut to another place, "
        "that is told too: an edited film is not a recording, and this check may be left out for it. "
        "Masks drawn in colours and diagrams among photographs are told."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("mean", "red_shift", "blue_shift", "std", "bright_share")
    defaults: Mapping[str, Option] = {
        "share": Option(
            default=0.85, unit="", reason="of the brightness; the strongest colours of real scenes reach 0.77"
        ),
        "unlike_share": Option(
            default=0.25, unit="", reason="of the brightness, against the stream: white balance moves less"
        ),
        "least_frames": Option(default=9, unit="frames", reason="a median of fewer moves with the fault itself"),
        "clipped_share": Option(default=0.2, unit="", reason="what is burnt out has lost its colour with it"),
        "flat_std": Option(default=6, unit="grey", reason="flatter pictures are told by other checks"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour pictures."""
        return stream.table == "frames" and stream.modality == "color"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        std, red, blue = (view.pictures[name] for name in ("std", "red_shift", "blue_shift"))
        bright = view.pictures["bright_share"]
        at = np.flatnonzero(~np.isnan(red) & (std >= options["flat_std"]) & (bright < options["clipped_share"]))
        if len(at) == 0:
            return
        mean = np.maximum(view.pictures["mean"][at], 16.0)  # in the dark a shift of little is no colour
        shifts = np.column_stack([red[at], blue[at]]) / mean[:, None]
        cast, limit = _strength(shifts), options["share"]
        faulty = cast >= limit
        yield from span_findings(
            view,
            at,
            faulty,
            check=self.name,
            severity="warning",
            values=cast,
            limit=limit,
            unit="1",
            say=lambda value: (
                f"one colour all over, channels apart by {value:.0%} of the brightness (limit {limit:.0%})"
            ),
            worst=np.max,
        )
        if view.stream.clock == "none" or len(at) < options["least_frames"]:
            return
        unlike = _strength(shifts - np.median(shifts, axis=0))
        least = options["unlike_share"]
        yield from span_findings(
            view,
            at,
            (unlike >= least) & ~faulty,
            check=self.name,
            severity="warning",
            values=unlike,
            limit=least,
            unit="1",
            say=lambda value: f"coloured unlike the stream, by {value:.0%} of the brightness (limit {least:.0%})",
            worst=np.max,
        )


def _strength(shifts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give how far the channels lie apart: the largest of red, green (0) and blue less the smallest."""
    levels = np.column_stack([shifts, np.zeros(len(shifts))])
    return np.asarray(np.ptp(levels, axis=1))


PLUGIN: StreamCheck = ImageCast()
