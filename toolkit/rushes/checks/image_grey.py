"""image.grey: grey pictures where colour is declared."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageGrey:
    """The largest less the smallest channel, mean over the pixels; 0 for one channel."""

    name = "image.grey"
    version = "2"
    reason = (
        "A colour stream that turns grey has lost its chroma: the wrong mode, the wrong decoder, or a "
        "night camera. A network trained on colour then sees something else."
    )
    known_limits = (
        "A stream of which every file has one channel is a grey camera and not told. A grey scene, such as "
        "fog or a printed page, comes near the limit; a picture tinted as a whole does not. Flat pictures "
        "are left out."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("spread", "channels", "std", "mean")
    defaults: Mapping[str, Option] = {
        "spread": Option(
            default=2,
            unit="grey",
            reason="noise and JPEG leave about 1 in a grey picture; the greyest real scenes leave more",
        ),
        "share": Option(
            default=0.2, unit="", reason="of the brightness; a few colours in a black picture differ by more"
        ),
        "flat_std": Option(default=6, unit="grey", reason="flatter pictures are told by other checks"),
    }

    def applies(self, stream: Stream) -> bool:
        """Colour pictures."""
        return stream.table == "frames" and stream.modality == "color"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        channels, limit = view.pictures["channels"], options["spread"]
        at = np.flatnonzero(~np.isnan(channels) & (view.pictures["std"] >= options["flat_std"]))
        if len(at) == 0:
            return
        if np.all(channels[at] == 1):
            return  # a grey camera: nothing in its pictures declares colour
        spread = np.where(channels[at] == 1, 0.0, np.nan_to_num(view.pictures["spread"][at]))
        yield from span_findings(
            view,
            at,
            (spread < limit) & (spread <= options["share"] * view.pictures["mean"][at]),
            check=self.name,
            severity="warning",
            values=spread,
            limit=limit,
            unit="grey",
            say=lambda value: (
                f"grey, though the stream is declared as colour: channels differ by {value:.1f} (limit {limit:g})"
            ),
            worst=np.min,
        )


PLUGIN: StreamCheck = ImageGrey()
